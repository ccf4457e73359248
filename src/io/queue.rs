//! POSIX message queues: their descriptors have readiness, on Linux. An attempt with a time-out that has passed
//! does not wait, whatever the flags.

use core::ffi::{c_int, c_uint};
use core::time::Duration;
use std::io;

use super::{Direction, begin, error};
use crate::clock::{self, NEVER, Nanos};
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::{Interrupt, Wake};

/// A time that has passed on every clock.
const PAST: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 0 };
/// The clock of the time-outs can be set: it is asked again after this long.
const RELOOK: Duration = Duration::from_millis(500);

/// `mq_timedreceive`, and with a null time-out `mq_receive`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; the pointers are the program's.
pub unsafe fn mq_receive(
    scheduler: *mut Scheduler, queue: c_int, message: *mut u8, size: usize, priority: *mut c_uint,
    until: *const libc::timespec,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let until = until_when(until)?;
        persist(scheduler, queue, Direction::In, until, || {
            sys::mq_receive(queue, message, size, priority, &PAST)
        })
    }
}

/// `mq_timedsend`, and with a null time-out `mq_send`.
///
/// # Safety
/// As for [`mq_receive`].
pub unsafe fn mq_send(
    scheduler: *mut Scheduler, queue: c_int, message: *const u8, size: usize, priority: c_uint,
    until: *const libc::timespec,
) -> io::Result<()> {
    // SAFETY: by contract.
    unsafe {
        let until = until_when(until)?;
        persist(scheduler, queue, Direction::Out, until, || {
            sys::mq_send(queue, message, size, priority, &PAST)
        })
    }
}

/// The program's time-out: EFAULT and EINVAL as the kernel gives them, before it looks at anything else.
unsafe fn until_when(until: *const libc::timespec) -> io::Result<Option<libc::timespec>> {
    if until.is_null() {
        return Ok(None);
    }
    // SAFETY: by contract of the callers; any bytes are a time.
    let time = unsafe { sys::read_in(until) }?;
    if clock::duration(time).is_some() { Ok(Some(time)) } else { Err(error(libc::EINVAL)) }
}

/// When to look again at the latest; `None` when the time is up.
fn next_look(until: Option<libc::timespec>) -> Option<Nanos> {
    let Some(until) = until else { return Some(NEVER) };
    let nanos = |t: libc::timespec| i128::from(t.tv_sec) * 1_000_000_000 + i128::from(t.tv_nsec);
    let left = nanos(until) - nanos(clock::read(libc::CLOCK_REALTIME));
    // Any time that is further off than the next look is as far.
    let left = left.min(RELOOK.as_nanos() as i128);
    (left > 0).then(|| clock::after(Duration::from_nanos(left as u64)))
}

unsafe fn persist<T>(
    scheduler: *mut Scheduler, queue: c_int, direction: Direction, until: Option<libc::timespec>,
    attempt: impl Fn() -> io::Result<T>,
) -> io::Result<T> {
    // SAFETY: by contract of the callers.
    let since = unsafe {
        begin(scheduler, queue, direction);
        Scheduler::moment(scheduler)
    };
    let mut interrupted = false;
    loop {
        let result = attempt();
        if !sys::failed_with(&result, libc::ETIMEDOUT) {
            return result;
        }
        if interrupted {
            return Err(error(libc::EINTR));
        }
        let Some(deadline) = next_look(until) else { return result };
        // SAFETY: by contract of the callers.
        let wake = unsafe {
            Scheduler::interruptible(scheduler, Interrupt::Unrestarted, since);
            Scheduler::wait_for(scheduler, (queue, direction.epoll_events()), deadline)
        };
        if wake == Wake::Closed {
            return Err(error(libc::EBADF));
        }
        interrupted = wake == Wake::Interrupted;
    }
}
