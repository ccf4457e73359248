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
/// for about a microsecond. Once it is decided, the outcome is asked for such that the socket's state is what a
/// blocking connect leaves.
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
        // EALREADY: an earlier connect has not been decided yet, and this one waits for it.
        let in_progress =
            sys::failed_with(&result, libc::EINPROGRESS) || sys::failed_with(&result, libc::EALREADY);
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
                return outcome(fd, address, length);
            }
        }
    }
}

/// The outcome of a connection that is decided.
fn outcome(fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
    let domain = sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_DOMAIN)?;
    let failed = sys::readiness(fd, libc::POLLOUT) & (libc::POLLERR | libc::POLLHUP) != 0;
    if !failed || !matches!(domain, libc::AF_INET | libc::AF_INET6) {
        return sys::connect(fd, address, length);
    }
    // Another connect could begin anew when somebody shut the socket down meanwhile. So take the error, and
    // bring the socket back to where a failed connect leaves it: unconnected.
    let errno = match sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
        0 => libc::ECONNABORTED,
        errno => errno,
    };
    // SAFETY: an address of all zeroes is one of the family AF_UNSPEC.
    let nowhere: libc::sockaddr = unsafe { core::mem::zeroed() };
    let _ = sys::connect(fd, &nowhere, size_of::<libc::sockaddr>() as libc::socklen_t);
    Err(super::error(errno))
}

fn begin(fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
    let flags = sys::fcntl(fd, libc::F_GETFL, 0)?;
    sys::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK)?;
    let result = sys::connect(fd, address, length);
    sys::fcntl(fd, libc::F_SETFL, flags)?;
    result
}
