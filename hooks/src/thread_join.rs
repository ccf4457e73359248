//! Joining threads: real ones from coroutines, and where threads are coroutines, these from anywhere.

use core::ffi::{c_int, c_long, c_void};
use core::ptr;

use colib_core::scheduler::Scheduler;
use colib_core::sync::Limit;
use colib_core::sync::lot::{self, Manner};
use colib_core::threads;
use libc::{clockid_t, pthread_t, timespec};

use crate::call::{apart, cancellable};
use crate::lock::{in_coroutine, thrd};
use crate::real;

// SAFETY: as in `lock`.

/// No event tells of the end of a thread: it is looked for, ever less often.
unsafe fn join_until(
    scheduler: *mut Scheduler, thread: pthread_t, result: *mut *mut c_void, limit: Limit,
) -> c_int {
    let address = thread as usize;
    if lot::is_still_awaited(address) {
        // Only one may wait for a thread. Who has just joined one may still stand where the next thread is now.
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

pub unsafe extern "C" fn try_join(thread: pthread_t, result: *mut *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe {
        let ours = threads::on().and_then(|on| {
            if in_coroutine() {
                apart(|scheduler| {
                    Scheduler::passes(scheduler);
                    on.try_join_if_ours(thread, result)
                })
            } else {
                on.try_join_from_outside(thread, result)
            }
        });
        ours.unwrap_or_else(|| real::pthread_tryjoin_np(thread, result))
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
