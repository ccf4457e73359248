//! Sleeping, by any clock.

use core::ffi::c_int;
use std::io;

use super::{error, owned};
use crate::clock::{self, NEVER, Nanos};
use crate::scheduler::{Scheduler, Since};
use crate::sys;
use crate::waiter::{Interrupt, Wake};

/// Sleeps until a point on the monotonic clock. Somebody's `co_resume` does not shorten it; a signal handler
/// does, with EINTR.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub unsafe fn sleep_until(scheduler: *mut Scheduler, deadline: Nanos) -> io::Result<()> {
    // SAFETY: by contract.
    let since = unsafe { Scheduler::moment(scheduler) };
    loop {
        // SAFETY: by contract.
        let wake = unsafe {
            Scheduler::interruptible(scheduler, Interrupt::Any, since);
            Scheduler::sleep(scheduler, deadline)
        };
        match wake {
            Wake::TimedOut => return Ok(()),
            Wake::Interrupted => return Err(error(libc::EINTR)),
            _ => {}
        }
    }
}

/// Sleeps until `at` on the clock `by`, even when that clock is set meanwhile. EINVAL for a time or a clock that
/// the kernel refuses; EINTR when a signal handler ends the sleep.
///
/// # Safety
/// As for [`sleep_until`].
pub unsafe fn sleep_until_clock(
    scheduler: *mut Scheduler, by: libc::clockid_t, at: libc::timespec,
) -> io::Result<()> {
    if at.tv_sec == 0 && at.tv_nsec == 0 {
        // The time {0, 0} is long past on every clock, but would disarm a timer descriptor.
        return Ok(());
    }
    let open = || match by {
        // Timer descriptors do not know this one; it runs beside the real time, whole seconds ahead.
        libc::CLOCK_TAI => {
            let ahead = clock::read(libc::CLOCK_TAI).tv_sec - clock::read(libc::CLOCK_REALTIME).tv_sec;
            let tv_sec = (at.tv_sec - ahead).max(0);
            sys::timerfd_at(libc::CLOCK_REALTIME, libc::timespec { tv_sec, tv_nsec: at.tv_nsec.max(1) })
        }
        _ => sys::timerfd_at(by, at),
    };
    // SAFETY: by contract.
    let since = unsafe { Scheduler::moment(scheduler) };
    loop {
        let fresh = open()?;
        // SAFETY: by contract.
        let waited =
            unsafe { owned::while_parked(scheduler, fresh, |timer| await_timer(scheduler, timer, since))? };
        // Whoever closed it: begin again with the same time.
        if !sys::failed_with(&waited, libc::EBADF) {
            return waited;
        }
    }
}

/// Parks until a timer descriptor's time has come. EBADF when it was closed, EINTR when a signal handler ends the call.
unsafe fn await_timer(scheduler: *mut Scheduler, timer: c_int, since: Since) -> io::Result<()> {
    while sys::readiness(timer, libc::POLLIN) == 0 {
        // SAFETY: by contract of `sleep_until_clock`.
        let wake = unsafe {
            Scheduler::interruptible(scheduler, Interrupt::Any, since);
            Scheduler::wait_for(scheduler, (timer, libc::EPOLLIN as u32), NEVER)
        };
        match wake {
            Wake::Closed => return Err(error(libc::EBADF)),
            Wake::Interrupted => return Err(error(libc::EINTR)),
            Wake::Ready | Wake::TimedOut | Wake::Resumed => {}
        }
    }
    Ok(())
}
