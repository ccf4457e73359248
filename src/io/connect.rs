//! `connect` for coroutines.

use core::ffi::c_int;
use std::io;

use super::{Direction, Patience, is_nonblocking};
use crate::clock;
use crate::scheduler::{NAP, Scheduler};
use crate::sys;

/// `connect`.
///
/// The kernel connects without waiting only on a non-blocking description, so a blocking one is made
/// non-blocking around the one call that begins the connection. Whoever shares the description could see that
/// for about a microsecond. The outcome is asked for with a second connect, once it is decided: it gives what
/// a blocking one would have given and leaves the socket in the same state.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `address` is the program's.
pub unsafe fn connect(
    scheduler: *mut Scheduler, fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t,
) -> io::Result<()> {
    if is_nonblocking(fd)? {
        return sys::connect(fd, address, length);
    }
    let mut result = begin(fd, address, length);
    let mut patience: Option<Patience> = None;
    loop {
        let in_progress = sys::failed_with(&result, libc::EINPROGRESS);
        // A full backlog of a unix socket: nothing tells when there is room.
        let no_room = sys::failed_with(&result, libc::EAGAIN);
        if !in_progress && !no_room {
            return result;
        }
        let patience = match &patience {
            Some(patience) => patience,
            None => patience.insert(Patience::new(fd, Direction::Out)?),
        };
        if clock::now() >= patience.deadline {
            return result;
        }
        // SAFETY: by contract.
        unsafe {
            if no_room {
                Scheduler::sleep(scheduler, patience.deadline.min(clock::after(NAP)));
                result = begin(fd, address, length);
            } else {
                while sys::readiness(fd, libc::POLLOUT) == 0 {
                    match patience.wait(scheduler) {
                        Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => return result,
                        other => other?,
                    }
                }
                // Decided: this does not wait.
                return sys::connect(fd, address, length);
            }
        }
    }
}

fn begin(fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
    let flags = sys::fcntl(fd, libc::F_GETFL, 0)?;
    sys::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK)?;
    let result = sys::connect(fd, address, length);
    sys::fcntl(fd, libc::F_SETFL, flags)?;
    result
}
