//! Semaphores, barriers, what is to happen once, and the ends of threads.

use core::arch::naked_asm;
use core::cell::Cell;
use core::ffi::{c_int, c_long, c_void};
use core::ptr;
use core::sync::atomic::{AtomicI32, Ordering};

use colib_core::capi::set_errno;
use colib_core::scheduler::Scheduler;
use colib_core::sync::lot::{self, Manner};
use colib_core::sync::{Limit, barrier, once};
use colib_core::threads;
use libc::{clockid_t, pthread_barrier_t, pthread_t, sem_t, timespec};

use crate::call::{apart, cancellable};
use crate::lock::{in_coroutine, thrd};
use crate::real;
use crate::types::Routine;

// SAFETY: as in `lock`.

fn errno() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

// ---- semaphores -------------------------------------------------------------------------------------

/// Whether other processes may have it: libc's third word on 64-bit machines, the same since 2.21.
unsafe fn is_shared(sem: *const sem_t) -> bool {
    // SAFETY: it is a semaphore.
    unsafe { sem.cast::<c_int>().add(2).read() != 0 }
}

fn sem_until(sem: *mut sem_t, limit: Result<Limit, c_int>) -> c_int {
    let attempt = || {
        let before = errno();
        // SAFETY: see above.
        if unsafe { real::sem_trywait(sem) } == 0 {
            return 0;
        }
        let error = errno();
        set_errno(before);
        if error == libc::EAGAIN { libc::EBUSY } else { error }
    };
    let wait = |limit| {
        // SAFETY: see above.
        cancellable(|| {
            // SAFETY: see above.
            apart(|scheduler| unsafe {
                let manner = Manner::COUNTED.between_processes(is_shared(sem));
                lot::persist(scheduler, sem.addr(), manner, || Ok(limit), attempt)
            })
        })
    };
    match limit.map_or_else(|error| error, wait) {
        0 => 0,
        error => {
            set_errno(error);
            -1
        }
    }
}

pub unsafe extern "C" fn sem_wait(sem: *mut sem_t) -> c_int {
    sem_until(sem, Ok(Limit::NEVER))
}

pub unsafe extern "C" fn sem_timedwait(sem: *mut sem_t, time: *const timespec) -> c_int {
    // SAFETY: see above.
    sem_until(sem, unsafe { Limit::new(libc::CLOCK_REALTIME, time) })
}

pub unsafe extern "C" fn sem_clockwait(sem: *mut sem_t, clock: clockid_t, time: *const timespec) -> c_int {
    // SAFETY: see above.
    sem_until(sem, unsafe { Limit::new(clock, time) })
}

pub unsafe extern "C" fn sem_trywait(sem: *mut sem_t) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        Scheduler::passes(scheduler);
        real::sem_trywait(sem)
    })
}

pub unsafe extern "C" fn sem_post(sem: *mut sem_t) -> c_int {
    // SAFETY: see above.
    let result = unsafe { real::sem_post(sem) };
    if result == 0 {
        apart(|_| lot::poke(sem.addr()));
    }
    result
}

// ---- barriers ---------------------------------------------------------------------------------------

pub unsafe extern "C" fn barrier(barrier: *mut pthread_barrier_t) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return apart(|scheduler| barrier::wait(scheduler, barrier));
        }
        let result = real::pthread_barrier_wait(barrier);
        apart(|_| barrier::passed(barrier));
        result
    }
}

// ---- once -------------------------------------------------------------------------------------------

thread_local! {
    /// What a `pthread_once` of our own looks like while libc runs its routine.
    static PROBE: (Cell<*const AtomicI32>, Cell<c_int>) = const { (Cell::new(ptr::null()), Cell::new(0)) };
}

extern "C" fn look_at_probe() {
    // SAFETY: `begun` has set it, and waits for us.
    PROBE.with(|(word, seen)| seen.set(unsafe { (*word.get()).load(Ordering::Relaxed) }));
}

/// What libc writes into the word of a `pthread_once` in this process, while somebody is at it.
fn begun() -> c_int {
    let word = AtomicI32::new(0);
    PROBE.with(|(place, seen)| {
        place.set(&word);
        // SAFETY: the word is a new one.
        unsafe { real::pthread_once(word.as_ptr(), look_at_probe) };
        seen.get()
    })
}

#[unsafe(naked)]
unsafe extern "C" fn run_routine(control: *mut c_int, run: Routine) {
    naked_asm!(include_str!("../../asm/x86_64/once.S"), personality = sym personality, options(att_syntax))
}

unsafe extern "C" {
    fn _Unwind_GetGR(context: *mut c_void, register: c_int) -> usize;
}

/// Called by the unwinder when an exception, or the end of the thread, passes by the routine.
unsafe extern "C" fn personality(
    _version: c_int, actions: c_int, _class: u64, _exception: *mut c_void, context: *mut c_void,
) -> c_int {
    const CLEANUP_PHASE: c_int = 2;
    const CONTINUE_UNWIND: c_int = 8;
    const RBX: c_int = 3;
    if actions & CLEANUP_PHASE != 0 {
        // SAFETY: the unwinder's context is that of `run_routine`, which has the word's address there.
        unsafe {
            let control = ptr::with_exposed_provenance_mut::<c_int>(_Unwind_GetGR(context, RBX));
            apart(|_| once::end(AtomicI32::from_ptr(control), false));
        }
    }
    CONTINUE_UNWIND
}

pub unsafe extern "C" fn once(control: *mut c_int, run: Routine) -> c_int {
    // SAFETY: see above. Nothing on this frame needs dropping: the routine may be left by an exception.
    unsafe {
        if !in_coroutine() {
            let result = real::pthread_once(control, run);
            apart(|_| lot::poke(control.addr()));
            return result;
        }
        let word = AtomicI32::from_ptr(control);
        if !once::is_done(word) && apart(|scheduler| once::begin(scheduler, word, begun())) {
            control.expose_provenance();
            // The routine is the program's, and may park.
            run_routine(control, run);
            apart(|_| once::end(word, true));
        }
        0
    }
}

pub unsafe extern "C" fn call_once(control: *mut c_int, run: Routine) {
    // SAFETY: see above; a `once_flag` is the word of a `pthread_once`.
    unsafe { once(control, run) };
}

// ---- the ends of threads ----------------------------------------------------------------------------

/// No event tells of the end of a thread: it is looked for, ever less often.
unsafe fn join_until(
    scheduler: *mut Scheduler, thread: pthread_t, result: *mut *mut c_void, limit: Limit,
) -> c_int {
    let address = thread as usize;
    if lot::is_awaited(address) {
        // Only one may wait for a thread.
        return libc::EINVAL;
    }
    // libc checks everything, and does not wait until a time before all times.
    let past = timespec { tv_sec: -1, tv_nsec: 0 };
    let attempt = || {
        // SAFETY: see above.
        match unsafe { real::pthread_timedjoin_np(thread, result, &past) } {
            libc::ETIMEDOUT => libc::EBUSY,
            done => done,
        }
    };
    // SAFETY: see above.
    unsafe { lot::persist(scheduler, address, Manner::EVENT, || Ok(limit), attempt) }
}

/// A real thread joins one that is a coroutine; `None` when that is real too.
unsafe fn join_from_outside(thread: pthread_t, result: *mut *mut c_void, limit: &Limit) -> Option<c_int> {
    /// How often it looks; the first times sooner.
    const LONGEST: c_long = 5_000_000;
    let on = threads::on()?;
    let mut pause = timespec { tv_sec: 0, tv_nsec: 50_000 };
    loop {
        // SAFETY: see above. The pause is a cancellation point, as the call is, and nothing here needs dropping.
        unsafe {
            match on.try_join_from_outside(thread, result)? {
                libc::EBUSY if limit.is_over() => return Some(libc::ETIMEDOUT),
                libc::EBUSY => real::nanosleep(&pause, ptr::null_mut()),
                error => return Some(error),
            };
        }
        pause.tv_nsec = (pause.tv_nsec * 2).min(LONGEST);
    }
}

/// Waits for the end of a thread that is a coroutine, or of a real one.
unsafe fn join_either(
    thread: pthread_t, result: *mut *mut c_void, limit: impl Fn() -> Result<Limit, c_int>,
) -> c_int {
    // SAFETY: see above.
    cancellable(|| {
        // SAFETY: see above.
        apart(|scheduler| unsafe {
            let ours = threads::on().and_then(|on| on.join_if_ours(scheduler, thread, result, &limit));
            match (ours, limit()) {
                (Some(result), _) => result,
                (None, Ok(limit)) => join_until(scheduler, thread, result, limit),
                (None, Err(error)) => error,
            }
        })
    })
}

pub unsafe extern "C" fn join(thread: pthread_t, result: *mut *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe {
        if !in_coroutine() {
            let ours = join_from_outside(thread, result, &Limit::NEVER);
            return ours.unwrap_or_else(|| real::pthread_join(thread, result));
        }
        join_either(thread, result, || Ok(Limit::NEVER))
    }
}

pub unsafe extern "C" fn timed_join(
    thread: pthread_t, result: *mut *mut c_void, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    unsafe { clock_join(thread, result, libc::CLOCK_REALTIME, time) }
}

pub unsafe extern "C" fn clock_join(
    thread: pthread_t, result: *mut *mut c_void, clock: clockid_t, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return join_either(thread, result, || Limit::new(clock, time));
        }
        let ours = Limit::new(clock, time).ok().and_then(|limit| join_from_outside(thread, result, &limit));
        ours.unwrap_or_else(|| real::pthread_clockjoin_np(thread, result, clock, time))
    }
}

pub unsafe extern "C" fn thrd_join(thread: pthread_t, result: *mut c_int) -> c_int {
    let mut value = ptr::null_mut();
    // SAFETY: see above.
    unsafe {
        let error = join(thread, &mut value);
        if error == 0 && !result.is_null() {
            *result = value.addr() as c_int;
        }
        thrd(error)
    }
}
