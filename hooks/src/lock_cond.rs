//! Conditions.

use core::ffi::c_int;

use colib_core::sync::{Limit, cond, lot, mutex};
use colib_core::threads::{self, Threads};
use libc::{clockid_t, pthread_cond_t, pthread_mutex_t, timespec};

use crate::call::{apart, cancellable, cancellation_point};
use crate::lock::{CALLS, in_coroutine, thrd};
use crate::real;

// SAFETY: as in `lock`.

/// Waits in a coroutine.
fn wait_until(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, limit: Result<Limit, c_int>) -> c_int {
    match limit {
        Ok(limit) => {
            let error = cancellable(|| {
                // SAFETY: see above.
                apart(|scheduler| unsafe { cond::wait(scheduler, cond, mutex, &CALLS, limit) })
            });
            if threads::on().is_some_and(Threads::is_cancelled) {
                // The signal that woke it, if one did, is not for one who is cancelled.
                // SAFETY: see above.
                unsafe { signal(cond) };
                cancellation_point();
            }
            error
        }
        Err(error) => error,
    }
}

/// Waits as a thread. A mutex that bears the mark of the coroutine that runs, with hooks off now, becomes the
/// thread's: libc is about to unlock it.
unsafe fn wait_on_thread(mutex: *mut pthread_mutex_t, real: impl FnOnce() -> c_int) -> c_int {
    // SAFETY: see above. Nothing on this frame needs dropping: the real call is a cancellation point.
    unsafe {
        if mutex::is_own(mutex, &CALLS) {
            mutex::give_to_thread(mutex, &CALLS);
        }
    }
    real()
}

pub unsafe extern "C" fn wait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int {
    if in_coroutine() {
        return wait_until(cond, mutex, Ok(Limit::NEVER));
    }
    // SAFETY: see above.
    unsafe { wait_on_thread(mutex, || real::pthread_cond_wait(cond, mutex)) }
}

pub unsafe extern "C" fn timed_wait(
    cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return wait_until(cond, mutex, Limit::new(cond::clock_of(cond), time));
        }
        wait_on_thread(mutex, || real::pthread_cond_timedwait(cond, mutex, time))
    }
}

pub unsafe extern "C" fn clock_wait(
    cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return wait_until(cond, mutex, Limit::new(clock, time));
        }
        wait_on_thread(mutex, || real::pthread_cond_clockwait(cond, mutex, clock, time))
    }
}

pub unsafe extern "C" fn cnd_wait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: see above; a `cnd_t` is a condition.
    thrd(unsafe { wait(cond, mutex) })
}

pub unsafe extern "C" fn cnd_timedwait(
    cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    thrd(unsafe { timed_wait(cond, mutex, time) })
}

/// Threads that wait are in libc's words, coroutines in the lot. Both get the signal: whether libc's one waits still,
/// or has had its signal before, nobody can tell.
pub unsafe extern "C" fn signal(cond: *mut pthread_cond_t) -> c_int {
    apart(|_| {
        // SAFETY: see above.
        let result = unsafe { real::pthread_cond_signal(cond) };
        lot::call(cond.addr());
        result
    })
}

pub unsafe extern "C" fn broadcast(cond: *mut pthread_cond_t) -> c_int {
    apart(|_| {
        // SAFETY: see above.
        let result = unsafe { real::pthread_cond_broadcast(cond) };
        lot::call_all(cond.addr());
        result
    })
}
