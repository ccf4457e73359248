//! Threads, where they are coroutines (`colib_core::threads`): everywhere else these calls are libc's own, but for those
//! that let others run.

use core::ffi::{c_int, c_void};
use core::ptr;

use colib_core::alone;
use colib_core::scheduler::Scheduler;
use colib_core::threads::{self, real as kept, storage};
use libc::{pthread_attr_t, pthread_spinlock_t, pthread_t};

use crate::call::{apart, cancellation_point};
use crate::lock::{in_coroutine, thrd};
use crate::types::ThreadRoutine;
use crate::{real, symbols};

// SAFETY: as in `input`. A coroutine comes here that is a thread, when they are coroutines, and else one of the
// interface's; and everybody who makes a thread.

/// Finds out whether programs come here to make threads: not where the library was loaded late.
pub fn begin() {
    // Both are the program's where it has the function's address in its own code, whose calls come here all the same.
    // SAFETY: a valid name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"pthread_create".as_ptr()) };
    if found.addr() == symbols::pthread_create as *const () as usize {
        alone::sees_threads();
    }
}

pub unsafe extern "C" fn create(
    thread: *mut pthread_t, attributes: *const pthread_attr_t, routine: ThreadRoutine, argument: *mut c_void,
) -> c_int {
    alone::expect_threads();
    // SAFETY: see above.
    unsafe {
        match threads::on().filter(|_| in_coroutine()) {
            Some(on) => apart(|_| {
                if !kept::is_kept(routine, argument) {
                    return on.create(thread, attributes, routine, argument);
                }
                on.create_real(routine, argument, |routine, argument| {
                    real::pthread_create(thread, attributes, routine, argument)
                })
            }),
            None => {
                alone::expect_company();
                real::pthread_create(thread, attributes, routine, argument)
            }
        }
    }
}

/// The routine gives an `int`, of whose register `thrd_join` looks at no more.
pub unsafe extern "C" fn thrd_create(
    thread: *mut pthread_t, routine: ThreadRoutine, argument: *mut c_void,
) -> c_int {
    alone::expect_threads();
    // SAFETY: see above.
    unsafe {
        match threads::on().filter(|_| in_coroutine()) {
            Some(_) => thrd(create(thread, ptr::null(), routine, argument)),
            None => {
                alone::expect_company();
                real::thrd_create(thread, routine, argument)
            }
        }
    }
}

/// The thread's frames, this one included, are unwound from inside libc: nothing here needs dropping.
pub unsafe extern "C" fn exit(result: *mut c_void) {
    // SAFETY: see above.
    unsafe {
        match threads::on() {
            Some(on) => apart(|_| on.exits()),
            None => storage::exits(),
        }
        real::pthread_exit(result);
    }
}

pub unsafe extern "C" fn thrd_exit(result: c_int) {
    // SAFETY: see above.
    unsafe { exit(ptr::without_provenance_mut(result as usize)) };
}

/// libc may cancel the caller itself at once, and unwind this frame: nothing here needs dropping.
pub unsafe extern "C" fn cancel(thread: pthread_t) -> c_int {
    // SAFETY: see above.
    unsafe {
        let real = || real::pthread_cancel(storage::kernel_thread(thread));
        let other = threads::on().and_then(|on| apart(|_| on.cancel(thread, real)));
        other.unwrap_or_else(real)
    }
}

pub unsafe extern "C" fn detach(thread: pthread_t) -> c_int {
    // SAFETY: see above.
    unsafe {
        let ours = threads::on().and_then(|on| apart(|_| on.detach_if_ours(thread)));
        ours.unwrap_or_else(|| real::pthread_detach(thread))
    }
}

pub unsafe extern "C" fn thrd_detach(thread: pthread_t) -> c_int {
    // SAFETY: see above.
    thrd(unsafe { detach(thread) })
}

/// Lets the coroutines run that are ready, and other threads of the kernel when there are none.
pub unsafe extern "C" fn give_way() -> c_int {
    // SAFETY: see above.
    unsafe {
        let alone = apart(|scheduler| {
            let alone = !Scheduler::has_ready(scheduler);
            Scheduler::give_way(scheduler);
            alone
        });
        if threads::on().is_some_and(|on| on.is_cancelled_at_once()) {
            cancellation_point();
        }
        if alone { real::sched_yield() } else { 0 }
    }
}

pub unsafe extern "C" fn thrd_yield() {
    // SAFETY: see above.
    unsafe { give_way() };
}

/// Whoever has the lock runs only if we do not.
pub unsafe extern "C" fn spin(lock: *mut pthread_spinlock_t) -> c_int {
    // SAFETY: see above.
    unsafe {
        while real::pthread_spin_trylock(lock) != 0 {
            give_way();
        }
    }
    0
}

pub unsafe extern "C" fn try_spin(lock: *mut pthread_spinlock_t) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        Scheduler::passes(scheduler);
        real::pthread_spin_trylock(lock)
    })
}
