//! Sleeping, by any clock.

use core::ffi::c_int;
use std::io;

use crate::clock::Nanos;
use crate::reactor::duplicate_high;
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::Wake;

/// Sleeps until a point on the monotonic clock. Somebody's `co_resume` does not shorten it.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub unsafe fn sleep_until(scheduler: *mut Scheduler, deadline: Nanos) {
    // SAFETY: by contract.
    while unsafe { Scheduler::sleep(scheduler, deadline) } != Wake::TimedOut {}
}

/// Sleeps until `at` on `clock`, even when that clock is set meanwhile. EINVAL for a time or a clock that
/// the kernel refuses.
///
/// # Safety
/// As for [`sleep_until`].
pub unsafe fn sleep_until_clock(
    scheduler: *mut Scheduler, clock: libc::clockid_t, at: libc::timespec,
) -> io::Result<()> {
    if at.tv_sec == 0 && at.tv_nsec == 0 {
        // The time {0, 0} is long past on every clock, but would disarm a timer descriptor.
        return Ok(());
    }
    let open = || -> io::Result<c_int> {
        let fd = sys::timerfd_at(clock, at)?;
        let high = duplicate_high(fd);
        sys::close(fd);
        high
    };
    let mut fd = open()?;
    // A closed descriptor was the program's doing (a close loop): begin again with the same time.
    while sys::readiness(fd, libc::POLLIN) == 0 {
        // SAFETY: by contract.
        let wake = unsafe { Scheduler::wait_for(scheduler, (fd, libc::EPOLLIN as u32), Nanos::MAX) };
        if wake == Wake::Closed {
            fd = open()?;
        }
    }
    crate::scheduler::closing(fd);
    sys::close(fd);
    Ok(())
}
