//! Mutexes, and what follows the release of any lock.

use core::ffi::c_int;

use colib_core::scheduler::Scheduler;
use colib_core::sync::{Limit, barrier, lot, mutex};
use colib_core::tls;
use libc::{clockid_t, pthread_mutex_t, timespec};

use crate::call::apart;
use crate::real::{self, Row};

// SAFETY: as in `input`. While coroutines wait for locks or own some, threads come here too; the hook word tells.

/// libc's own functions for mutexes.
pub const CALLS: mutex::Calls =
    mutex::Calls { try_lock: real::pthread_mutex_trylock, unlock: real::pthread_mutex_unlock };

/// Whether the call is a coroutine's with hooks on.
#[inline(always)]
pub fn in_coroutine() -> bool {
    tls::hook_word() != 0
}

/// What the functions of C11 give for an error of pthread's.
pub fn thrd(error: c_int) -> c_int {
    match error {
        0 => 0,
        libc::EBUSY => 1,
        libc::ENOMEM => 3,
        libc::ETIMEDOUT => 4,
        _ => 2,
    }
}

/// Locks in a coroutine.
fn lock_until(mutex: *mut pthread_mutex_t, limit: impl FnOnce() -> Result<Limit, c_int>) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { mutex::lock(scheduler, mutex, &CALLS, limit) })
}

/// Locks for a thread: libc's own function, unless the mutex bears the mark of the coroutine that runs, with hooks
/// off now.
unsafe fn lock_on_thread(
    mutex: *mut pthread_mutex_t, otherwise: c_int, real: impl FnOnce() -> c_int,
) -> c_int {
    // SAFETY: see above.
    unsafe { if mutex::is_own(mutex, &CALLS) { mutex::lock_again(mutex, &CALLS, otherwise) } else { real() } }
}

pub unsafe extern "C" fn lock(mutex: *mut pthread_mutex_t) -> c_int {
    if in_coroutine() {
        return lock_until(mutex, || Ok(Limit::NEVER));
    }
    // SAFETY: see above.
    unsafe { lock_on_thread(mutex, libc::EDEADLK, || real::pthread_mutex_lock(mutex)) }
}

pub unsafe extern "C" fn try_lock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return apart(|scheduler| {
                Scheduler::passes(scheduler);
                mutex::try_lock(mutex, &CALLS)
            });
        }
        lock_on_thread(mutex, libc::EBUSY, || real::pthread_mutex_trylock(mutex))
    }
}

pub unsafe extern "C" fn timed_lock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return lock_until(mutex, || Limit::new(libc::CLOCK_REALTIME, time));
        }
        lock_on_thread(mutex, libc::EDEADLK, || real::pthread_mutex_timedlock(mutex, time))
    }
}

pub unsafe extern "C" fn clock_lock(
    mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() && Limit::knows(clock) {
            return lock_until(mutex, || Limit::new(clock, time));
        }
        lock_on_thread(mutex, libc::EDEADLK, || real::pthread_mutex_clocklock(mutex, clock, time))
    }
}

pub unsafe extern "C" fn unlock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: see above.
    apart(|_| unsafe { mutex::unlock(mutex, &CALLS) })
}

pub unsafe extern "C" fn mtx_lock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: see above; an `mtx_t` is a mutex.
    thrd(unsafe { lock(mutex) })
}

pub unsafe extern "C" fn mtx_trylock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: see above.
    thrd(unsafe { try_lock(mutex) })
}

pub unsafe extern "C" fn mtx_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int {
    // SAFETY: see above.
    thrd(unsafe { timed_lock(mutex, time) })
}

pub unsafe extern "C" fn mtx_unlock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: see above.
    thrd(unsafe { unlock(mutex) })
}

/// A trampoline has made the real call of a row, and somebody waits in the lot: perhaps for this.
pub extern "C" fn released(address: usize, result: c_int, row: usize) -> c_int {
    const SIGNALS: [usize; 2] = [Row::pthread_cond_signal as usize, Row::cnd_signal as usize];
    const BROADCASTS: [usize; 2] = [Row::pthread_cond_broadcast as usize, Row::cnd_broadcast as usize];
    const BARRIER: usize = Row::pthread_barrier_wait as usize;
    apart(|_| {
        if SIGNALS.contains(&row) {
            lot::call(address);
        } else if BROADCASTS.contains(&row) {
            lot::call_all(address);
        } else if row == BARRIER {
            // SAFETY: it was a barrier for the call.
            unsafe { barrier::passed(core::ptr::with_exposed_provenance_mut(address)) };
        } else {
            lot::poke(address);
        }
    });
    result
}
