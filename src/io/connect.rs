//! `connect` for coroutines.

use core::ffi::c_int;
use std::io;

use super::{Direction, Patience, error, would_block};
use crate::clock;
use crate::scheduler::{Scheduler, Since};
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
    let flags = sys::fcntl(fd, libc::F_GETFL, 0)?;
    if flags & libc::O_NONBLOCK != 0 {
        return sys::connect(fd, address, length);
    }
    // SAFETY: by contract.
    let since = unsafe { Scheduler::moment(scheduler) };
    let mut result = begin(fd, flags, address, length);
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
        if in_progress && patience.is_none() {
            // On the same host it is often decided by now, and how long it may take need not be asked.
            let ready = sys::readiness(fd, libc::POLLOUT);
            if ready != 0 {
                return outcome(fd, ready, address, length);
            }
        }
        let patience = match &mut patience {
            Some(patience) => patience,
            // SAFETY: by contract.
            None => patience.insert(unsafe { Patience::new(scheduler, since, fd, Direction::Out)? }),
        };
        if clock::now() >= patience.deadline {
            return result;
        }
        // SAFETY: by contract.
        unsafe {
            if no_room {
                patience.nap(scheduler)?;
                result = begin(fd, sys::fcntl(fd, libc::F_GETFL, 0)?, address, length);
            } else {
                let decided = decision(scheduler, fd, patience);
                if would_block(&decided) {
                    return result;
                }
                return outcome(fd, decided?, address, length);
            }
        }
    }
}

/// Waits for the outcome of a connection that a send has begun, at `since`; EINPROGRESS when the time is up.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub(super) unsafe fn decide(scheduler: *mut Scheduler, since: Since, fd: c_int) -> io::Result<()> {
    // SAFETY: by contract.
    let mut patience = unsafe { Patience::new(scheduler, since, fd, Direction::Out)? };
    // SAFETY: by contract.
    let decided = unsafe { decision(scheduler, fd, &mut patience) };
    if would_block(&decided) {
        return Err(error(libc::EINPROGRESS));
    }
    let ready = decided?;
    // Of the address of a connection that has begun only the family counts.
    // SAFETY: an address of all zeroes is valid.
    let mut address: libc::sockaddr_in6 = unsafe { core::mem::zeroed() };
    address.sin6_family =
        sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_DOMAIN)? as libc::sa_family_t;
    let length = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    let result = outcome(fd, ready, (&raw const address).cast(), length);
    if sys::failed_with(&result, libc::EISCONN) { Ok(()) } else { result }
}

/// Parks until a connection is decided, and gives what poll says of it then; EAGAIN when the time is up.
unsafe fn decision(scheduler: *mut Scheduler, fd: c_int, patience: &mut Patience) -> io::Result<i16> {
    loop {
        let ready = sys::readiness(fd, libc::POLLOUT);
        if ready != 0 {
            return Ok(ready);
        }
        // SAFETY: by contract of the callers.
        unsafe { patience.wait(scheduler)? };
    }
}

/// The outcome of a connection that is decided, of which poll says `ready`.
fn outcome(fd: c_int, ready: i16, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
    let failed = ready & (libc::POLLERR | libc::POLLHUP) != 0;
    let of_internet = || {
        let domain = sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_DOMAIN);
        domain.map(|domain| matches!(domain, libc::AF_INET | libc::AF_INET6))
    };
    if !failed || !of_internet()? {
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
    Err(error(errno))
}

/// Begins a connection on a description that blocks; `flags` are its.
fn begin(fd: c_int, flags: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
    sys::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK)?;
    let result = sys::connect(fd, address, length);
    sys::fcntl(fd, libc::F_SETFL, flags)?;
    result
}
