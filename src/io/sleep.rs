//! Sleeping, by any clock.

use core::ffi::c_int;
use std::io;

use super::error;
use super::owned::move_high;
use crate::clock::{self, Nanos};
use crate::scheduler::Scheduler;
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
    let open = || -> io::Result<c_int> {
        let fd = match by {
            // Timer descriptors do not know this one; it runs beside the real time, whole seconds ahead.
            libc::CLOCK_TAI => {
                let ahead = clock::read(libc::CLOCK_TAI).tv_sec - clock::read(libc::CLOCK_REALTIME).tv_sec;
                let tv_sec = (at.tv_sec - ahead).max(0);
                sys::timerfd_at(libc::CLOCK_REALTIME, libc::timespec { tv_sec, tv_nsec: at.tv_nsec.max(1) })?
            }
            _ => sys::timerfd_at(by, at)?,
        };
        move_high(fd)
    };
    let mut fd = open()?;
    // SAFETY: by contract.
    let since = unsafe { Scheduler::moment(scheduler) };
    let mut result = Ok(());
    // A closed descriptor was the program's doing (a close loop): begin again with the same time.
    while sys::readiness(fd, libc::POLLIN) == 0 {
        // SAFETY: by contract.
        let wake = unsafe {
            Scheduler::interruptible(scheduler, Interrupt::Any, since);
            Scheduler::wait_for(scheduler, (fd, libc::EPOLLIN as u32), Nanos::MAX)
        };
        match wake {
            Wake::Closed => fd = open()?,
            Wake::Interrupted => {
                result = Err(error(libc::EINTR));
                break;
            }
            _ => {}
        }
    }
    crate::scheduler::closing(fd);
    sys::close(fd);
    result
}
