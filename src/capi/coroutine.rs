use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::ptr;

use super::{answer, pfn_co_routine_t, set_errno, stCoRoutine_t, stCoRoutineAttr_t, stShareStack_t};
use crate::context::Context;
use crate::coroutine::Coroutine;
use crate::scheduler::{Scheduler, prepare_resume, prepare_yield};
use crate::stack::{DEFAULT_SIZE, SharedStacks, rounded};
use crate::threads::storage;
use crate::{alone, heap, signal, tls};

/// Makes a coroutine of the calling thread. It runs when it is first resumed, in that thread only.
///
/// co: where to store it; set to NULL on failure. attr: its stack, or NULL for 128 KiB of its own.
/// routine, arg: its body and the body's argument.
///
/// Returns 0, or -1 with errno ENOMEM (no memory for the stack), EINVAL (co or routine is NULL, or the
/// shared stacks serve another thread's coroutines).
///
/// The coroutine starts with hooks off (co_enable_hook_sys), errno 0 and the floating point control words
/// of the caller. It must be released with co_release, also after its body has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_create(
    co: *mut *mut stCoRoutine_t, attr: *const stCoRoutineAttr_t, routine: pfn_co_routine_t, arg: *mut c_void,
) -> c_int {
    if co.is_null() {
        set_errno(libc::EINVAL);
        return -1;
    }
    if routine.is_none() {
        set_errno(libc::EINVAL);
        // SAFETY: `co` is not null.
        unsafe { co.write(ptr::null_mut()) };
        return -1;
    }
    let created = tls::unhooked(|| {
        signal::wrap_handlers();
        alone::expect_coroutines();
        // SAFETY: `attr` is null or the program's; the scheduler is this thread's.
        unsafe {
            let (size, shared) = match attr.as_ref() {
                Some(attr) => (rounded(attr.stack_size), attr.share_stack),
                None => (DEFAULT_SIZE, ptr::null_mut()),
            };
            Scheduler::create(Scheduler::get_or_new(), routine, arg, size, shared.cast())
        }
    });
    // SAFETY: `co` is not null.
    unsafe { co.write(created.as_ref().map_or(ptr::null_mut(), |&made| made.cast())) };
    answer(created.map(|_| 0usize)) as c_int
}

/// A function that leaves the running coroutine: what decides whether a switch is all it takes, the switch, and what
/// does the rest if not.
macro_rules! switching {
    ($first:literal, $prepare:path, $compares:literal, $($other:literal,)? $($name:ident = const $value:path),*) => {
        naked_asm!(
            ".cfi_startproc",
            ".cfi_remember_state",
            include_str!(concat!("../../asm/x86_64/", $first)),
            include_str!("../../asm/x86_64/leave.S"),
            include_str!("../../asm/x86_64/switch.S"),
            ".cfi_restore_state",
            $(".cfi_remember_state", include_str!(concat!("../../asm/x86_64/", $other)), ".cfi_restore_state",)?
            include_str!("../../asm/x86_64/prepare.S"),
            ".cfi_endproc",
            // At the end, for the section begins as this asks: where the function lies is not left to chance.
            ".p2align 6",
            $($name = const $value,)*
            prepare = sym $prepare,
            gate = const tls::GATE,
            resumer = const Coroutine::RESUMER,
            errno = const Coroutine::ERRNO,
            current = const Scheduler::CURRENT,
            errno_place = const Scheduler::ERRNO,
            context = const Coroutine::CONTEXT,
            sp = const Context::SP,
            word = const Context::WORD,
            compares = const $compares,
            hooks = const 2,
            returns = const 0,
            options(att_syntax),
        )
    };
}

/// The body of a function of the interface that is one of two, whichever suits the processor. Nothing in the library calls
/// such a function: what asks for the processor is paid for at the start of those programs that name it, and no others.
#[macro_export]
macro_rules! choosing {
    ($name:ident, $loading:path, $comparing:path) => {
        core::arch::naked_asm!(
            include_str!("../../asm/x86_64/choose.S"),
            name = sym $name,
            loading = sym $loading,
            comparing = sym $comparing,
            options(att_syntax),
        )
    };
}

/// Runs a coroutine until it yields, waits or ends; then returns.
///
/// Of a coroutine that waits: a wait in co_poll, poll, ppoll or co_cond_timedwait ends as a time-out does;
/// any other blocking call looks again and goes back to waiting, which returns control here.
///
/// Does nothing to a coroutine whose body has returned. One that is running or has resumed the caller, that
/// belongs to another thread, or NULL, is reported to the log and not resumed. Calls may nest to any depth.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_resume(co: *mut stCoRoutine_t) {
    choosing!(co_resume, resume_loading, resume_comparing)
}

/// [`co_yield_ct`]; the argument is ignored. The header declares it by hand: C++20 has a keyword of that name.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_yield(co: *mut stCoRoutine_t) {
    choosing!(co_yield, yield_loading, yield_comparing)
}

/// Gives control back to whoever resumed the running coroutine, until somebody resumes it again. Nothing
/// happens outside any coroutine.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_yield_ct() {
    choosing!(co_yield_ct, yield_loading, yield_comparing)
}

/// The two of each.
macro_rules! switches {
    ($($resume:ident, $yield:ident = $compares:literal;)*) => {$(
        /// One of the two that [`co_resume`] is.
        #[unsafe(naked)]
        #[unsafe(link_section = "colib_switches")]
        pub unsafe extern "C" fn $resume(co: *mut stCoRoutine_t) {
            switching!("resume.S", prepare_resume, $compares, "hint.S", near_gate = const tls::NEAR_GATE,
                       hint = const Coroutine::HINT, recent = const Scheduler::RECENT,
                       lessons = const Scheduler::LESSONS)
        }

        /// One of the two that [`co_yield_ct`] is.
        #[unsafe(naked)]
        #[unsafe(link_section = "colib_switches")]
        pub unsafe extern "C" fn $yield() {
            switching!("yield.S", prepare_yield, $compares, marks = const Coroutine::MARKS)
        }
    )*};
}

switches! {
    resume_loading, yield_loading = 0;
    resume_comparing, yield_comparing = 1;
}

/// Frees a coroutine in any state. What it waits for forgets it; destructors of its values run
/// (co_setspecific); C++ objects on its stack are not destroyed.
///
/// A running coroutine is freed when it next yields, waits or ends; another thread's in that thread's next
/// turn of the loop. NULL is ignored. A coroutine must not be used after.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_release(co: *mut stCoRoutine_t) {
    if co.is_null() {
        return;
    }
    // SAFETY: the program says it is a coroutine that was not released.
    tls::unhooked(|| unsafe { Scheduler::release(Scheduler::get(), co.cast()) });
}

/// Lets a coroutine begin its body anew at the next resume, whether it has ended or not. What it waits for
/// forgets it. Values whose keys have destructors are destroyed; other values, and its environment variables,
/// stay until it is released, as in libco. One that is running, another thread's, or NULL, is left as it is
/// and reported to the log.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_reset(co: *mut stCoRoutine_t) {
    if co.is_null() {
        complain!("co_reset: no coroutine");
        return;
    }
    // SAFETY: as for `co_release`.
    tls::unhooked(|| unsafe { Scheduler::reset(Scheduler::get(), co.cast()) });
}

/// Gives a coroutine that has not begun thread-local storage of its own: the variables that C declares _Thread_local and
/// C++ thread_local, the values of pthread_setspecific, and what libc keeps for each thread. They begin as in a new thread,
/// and pthread_self differs. For code that leaves there what belongs to one call and waits in the middle of it, as
/// gRPC, Abseil's locks, TBB and GIO do: without, the next coroutine of the thread finds it.
///
/// When the body has returned, destructors of the variables and values run in the coroutine; otherwise co_release
/// or co_reset runs them, with hooks off, and they must not resume or yield. co_reset takes the storage away.
///
/// It takes some KiB, as the program's and its libraries' variables need, and a resume and a yield of such a coroutine
/// some 20 ns more.
///
/// The kernel's thread stays the one on which the coroutine runs: gettid, signals and their masks, CPU affinity.
/// pthread_exit ends that thread, pthread_cancel cancels it. A mutex with priority inheritance must not be locked in
/// such a coroutine: the kernel does not know its owner.
///
/// Returns 0, also when it has it already, or -1 with errno EBUSY (it has begun), EINVAL (NULL, another thread's,
/// or the one that stands for the thread), ENOMEM, or ENOTSUP: where threads could not be coroutines (README: a known glibc
/// on a CPU and kernel with FSGSBASE, no memory checker) or are, in static programs, and in a child of fork that a thread
/// other than the process's first made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_own_thread_locals(co: *mut stCoRoutine_t) -> c_int {
    if co.is_null() {
        set_errno(libc::EINVAL);
        return -1;
    }
    // SAFETY: the program says it is a coroutine that was not released.
    let given = tls::unhooked(|| unsafe { storage::give(co.cast()) });
    answer(given.map(|()| 0usize).map_err(std::io::Error::from_raw_os_error)) as c_int
}

/// The running coroutine. Outside any: the one that stands for the thread, or NULL when the thread has made
/// no coroutine yet.
#[unsafe(no_mangle)]
pub extern "C" fn co_self() -> *mut stCoRoutine_t {
    let this = Scheduler::get();
    if this.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the calling thread's scheduler is valid.
    unsafe { Scheduler::current(this).cast() }
}

/// Makes count stacks of stack_size bytes (rounded up to whole pages, at most 8 MiB; 128 KiB when not
/// positive) for any number of coroutines of one thread. Coroutines are dealt to the stacks in turn. While
/// another coroutine of the same stack runs, the live bytes of a waiting one are kept aside; so nothing but
/// the coroutine itself may use addresses of its stack while it waits. The hooks never do.
///
/// Returns NULL with errno ENOMEM, or EINVAL when count is not positive.
#[unsafe(no_mangle)]
pub extern "C" fn co_alloc_sharestack(count: c_int, stack_size: c_int) -> *mut stShareStack_t {
    let made = match usize::try_from(count) {
        Ok(count @ 1..) => SharedStacks::new(count, rounded(stack_size)),
        _ => Err(std::io::Error::from_raw_os_error(libc::EINVAL)),
    };
    let made = made.and_then(|stacks| heap::boxed(stacks).ok_or(std::io::ErrorKind::OutOfMemory.into()));
    match made {
        Ok(stacks) => Box::into_raw(stacks).cast(),
        Err(error) => {
            answer::<usize>(Err(error));
            ptr::null_mut()
        }
    }
}

/// Frees shared stacks.
///
/// Returns 0, or -1 with errno EBUSY when a coroutine that uses them was not released yet. NULL is ignored. Call
/// it on the thread whose coroutines use them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_free_sharestack(stacks: *mut stShareStack_t) -> c_int {
    let stacks = stacks.cast::<SharedStacks>();
    // SAFETY: null, or from `co_alloc_sharestack` and not freed before.
    unsafe {
        if stacks.is_null() {
            return 0;
        }
        // A coroutine that released itself and has left since is gone as far as the program can tell.
        Scheduler::reap_own();
        if (*stacks).in_use() {
            set_errno(libc::EBUSY);
            return -1;
        }
        drop(Box::from_raw(stacks));
    }
    0
}

// co_routine_inner.h shows these members.
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Coroutine, started) == 0 && offset_of!(Coroutine, ended) == 1);
    assert!(offset_of!(Coroutine, is_main) == 2 && offset_of!(Coroutine, hooked) == 3);
    assert!(offset_of!(Coroutine, shares_stack) == 4);
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::tests::{mxcsr, set_mxcsr};

    struct Way {
        yields: unsafe extern "C" fn(),
        own: u32,
        seen: [u32; 4],
    }

    unsafe extern "C" fn keeps_own(way: *mut c_void) -> *mut c_void {
        let way = way.cast::<Way>();
        // SAFETY: the test's, which outlives the coroutine.
        unsafe {
            // One without reserved bits, that unmasks nothing.
            set_mxcsr((*way).own);
            for i in 0..4 {
                ((*way).yields)();
                (*way).seen[i] = mxcsr();
            }
        }
        ptr::null_mut()
    }

    #[test]
    fn mxcsr_stays_with_its_coroutine_on_every_processor() {
        let before = mxcsr();
        let ways: [(unsafe extern "C" fn(*mut stCoRoutine_t), unsafe extern "C" fn()); 3] =
            [(resume_loading, yield_loading), (resume_comparing, yield_comparing), (co_resume, co_yield_ct)];
        // The same as the thread's, other flags, another direction to round to, both.
        let words = [before, before ^ 0x20, before ^ 0x2000, before ^ 0x2020];
        for ((resume, yields), own) in ways.into_iter().flat_map(|way| words.map(|own| (way, own))) {
            let (mut way, mut co) = (Way { yields, own, seen: [!0; 4] }, ptr::null_mut());
            // SAFETY: `way` outlives the coroutine, which is released here.
            unsafe {
                assert_eq!(co_create(&mut co, ptr::null(), Some(keeps_own), (&raw mut way).cast()), 0);
                for _ in 0..5 {
                    resume(co);
                    assert_eq!(mxcsr(), before);
                }
                co_release(co);
            }
            assert_eq!(way.seen, [own; 4]);
        }
    }
}
