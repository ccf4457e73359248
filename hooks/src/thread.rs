//! Threads, where they are coroutines (`colib_core::threads`). Everywhere else these calls are libc's own.

use core::ffi::{c_int, c_void};
use core::ptr;

use colib_core::scheduler::Scheduler;
use colib_core::threads::{self, real as kept};
use libc::{pthread_attr_t, pthread_spinlock_t, pthread_t};

use crate::call::{apart, cancellation_point};
use crate::lock::thrd;
use crate::real;
use crate::types::ThreadRoutine;

// SAFETY: as in `input`. A coroutine comes here that is a thread, when they are coroutines, and else one of the
// interface's.

pub unsafe extern "C" fn create(
    thread: *mut pthread_t, attributes: *const pthread_attr_t, routine: ThreadRoutine, argument: *mut c_void,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        match threads::on() {
            Some(on) => apart(|_| {
                if !kept::is_kept(routine, argument) {
                    return on.create(thread, attributes, routine, argument);
                }
                on.create_real(routine, argument, |routine, argument| {
                    real::pthread_create(thread, attributes, routine, argument)
                })
            }),
            None => real::pthread_create(thread, attributes, routine, argument),
        }
    }
}

/// The routine gives an `int`, of whose register `thrd_join` looks at no more.
pub unsafe extern "C" fn thrd_create(
    thread: *mut pthread_t, routine: ThreadRoutine, argument: *mut c_void,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        match threads::on() {
            Some(_) => thrd(create(thread, ptr::null(), routine, argument)),
            None => real::thrd_create(thread, routine, argument),
        }
    }
}

/// The thread's frames, this one included, are unwound from inside libc: nothing here needs dropping.
pub unsafe extern "C" fn exit(result: *mut c_void) {
    // SAFETY: see above.
    unsafe {
        if let Some(on) = threads::on() {
            apart(|_| on.exits());
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
        let real = || real::pthread_cancel(thread);
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

pub unsafe extern "C" fn give_way() -> c_int {
    // SAFETY: see above.
    unsafe {
        let Some(on) = threads::on() else { return real::sched_yield() };
        apart(|scheduler| Scheduler::give_way(scheduler, true));
        if on.is_cancelled_at_once() {
            cancellation_point();
        }
    }
    0
}

pub unsafe extern "C" fn thrd_yield() {
    // SAFETY: see above.
    unsafe { give_way() };
}

/// Whoever has the lock runs only if we do not.
pub unsafe extern "C" fn spin(lock: *mut pthread_spinlock_t) -> c_int {
    // SAFETY: see above.
    unsafe {
        if threads::on().is_none() {
            return real::pthread_spin_lock(lock);
        }
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
