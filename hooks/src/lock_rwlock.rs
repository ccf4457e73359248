//! Read-write locks.

use core::ffi::c_int;

use colib_core::scheduler::Scheduler;
use colib_core::sync::{Limit, mutex, rwlock};
use libc::{clockid_t, pthread_rwlock_t, timespec};

use crate::call::apart;
use crate::lock::{CALLS, in_coroutine};
use crate::real;

// SAFETY: as in `lock`.

fn read_until(lock: *mut pthread_rwlock_t, limit: Result<Limit, c_int>) -> c_int {
    match limit {
        // SAFETY: see above.
        Ok(limit) => apart(|scheduler| unsafe {
            rwlock::read(scheduler, lock, |lock| real::pthread_rwlock_tryrdlock(lock), limit)
        }),
        Err(error) => error,
    }
}

fn write_until(lock: *mut pthread_rwlock_t, limit: Result<Limit, c_int>) -> c_int {
    match limit {
        // SAFETY: see above.
        Ok(limit) => apart(|scheduler| unsafe {
            rwlock::write(scheduler, lock, real::pthread_rwlock_trywrlock, limit)
        }),
        Err(error) => error,
    }
}

/// Locks as a thread. To libc the writer that bears the mark of the coroutine that runs, with hooks off now, is
/// another.
unsafe fn lock_on_thread(lock: *mut pthread_rwlock_t, real: impl FnOnce() -> c_int) -> c_int {
    // SAFETY: see above.
    if unsafe { rwlock::is_own(lock) } { libc::EDEADLK } else { real() }
}

pub unsafe extern "C" fn read(lock: *mut pthread_rwlock_t) -> c_int {
    if in_coroutine() {
        return read_until(lock, Ok(Limit::NEVER));
    }
    // SAFETY: see above.
    unsafe { lock_on_thread(lock, || real::pthread_rwlock_rdlock(lock)) }
}

pub unsafe extern "C" fn write(lock: *mut pthread_rwlock_t) -> c_int {
    if in_coroutine() {
        return write_until(lock, Ok(Limit::NEVER));
    }
    // SAFETY: see above.
    unsafe { lock_on_thread(lock, || real::pthread_rwlock_wrlock(lock)) }
}

pub unsafe extern "C" fn timed_read(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return read_until(lock, Limit::new(libc::CLOCK_REALTIME, time));
        }
        lock_on_thread(lock, || real::pthread_rwlock_timedrdlock(lock, time))
    }
}

pub unsafe extern "C" fn timed_write(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return write_until(lock, Limit::new(libc::CLOCK_REALTIME, time));
        }
        lock_on_thread(lock, || real::pthread_rwlock_timedwrlock(lock, time))
    }
}

pub unsafe extern "C" fn clock_read(
    lock: *mut pthread_rwlock_t, clock: clockid_t, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return read_until(lock, Limit::new(clock, time));
        }
        lock_on_thread(lock, || real::pthread_rwlock_clockrdlock(lock, clock, time))
    }
}

pub unsafe extern "C" fn clock_write(
    lock: *mut pthread_rwlock_t, clock: clockid_t, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return write_until(lock, Limit::new(clock, time));
        }
        lock_on_thread(lock, || real::pthread_rwlock_clockwrlock(lock, clock, time))
    }
}

pub unsafe extern "C" fn try_write(lock: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        Scheduler::passes(scheduler);
        rwlock::try_write(lock, real::pthread_rwlock_trywrlock)
    })
}

pub unsafe extern "C" fn try_read(lock: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        Scheduler::passes(scheduler);
        rwlock::try_read(lock, real::pthread_rwlock_tryrdlock)
    })
}

pub unsafe extern "C" fn unlock(lock: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: see above.
    apart(|_| unsafe { rwlock::unlock(lock, real::pthread_rwlock_unlock, || mutex::thread_number(&CALLS)) })
}
