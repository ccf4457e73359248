//! Calls that take data in: read, readv, recv, recvfrom, recvmsg.

use core::ffi::{c_int, c_void};
use core::mem::zeroed;
use core::ptr;
use std::io;

use super::file::{Manner, knows_no_nowait, manner, when_readable};
use super::gather::{self, may_gather};
use super::{Direction, persist, would_block};
use crate::scheduler::Scheduler;
use crate::sys;

/// The kernel never waits when one of these is asked for, on a blocking socket either.
const NEVER_WAITS: c_int = libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE | libc::MSG_OOB;

/// An attempt that would block is one on an input that has ended, when its receiving side was shut down: a
/// datagram socket then tells a blocking call so, and a non-blocking one nothing. Asked only after a wait.
struct Ending {
    fd: c_int,
    waited: bool,
}

impl Ending {
    fn attempt(&mut self, mut receive: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        let result = receive();
        if !would_block(&result) || !core::mem::replace(&mut self.waited, true) {
            return result;
        }
        if sys::readiness(self.fd, libc::POLLRDHUP) & libc::POLLRDHUP == 0 {
            return result;
        }
        // Nothing can arrive any more; what came before the end comes first.
        let last = receive();
        if would_block(&last) { Ok(0) } else { last }
    }
}

/// `read`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `buffer` is the program's, as for the call itself.
/// The same holds for every function of this file.
pub unsafe fn read(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        // A read of nothing is no receive of nothing: the one leaves a datagram alone.
        if count > 0 {
            let result = recvfrom(scheduler, fd, buffer, count, 0, ptr::null_mut(), ptr::null_mut());
            if !sys::failed_with(&result, libc::ENOTSOCK) {
                return result;
            }
        }
        let vector = libc::iovec { iov_base: buffer, iov_len: count };
        match manner(fd)? {
            Manner::Plain => sys::read(fd, buffer, count),
            Manner::Careful => persist(scheduler, fd, Direction::In, || {
                let result = sys::readv(fd, &vector, 1, libc::RWF_NOWAIT);
                if knows_no_nowait(&result) {
                    when_readable(fd, || sys::read(fd, buffer, count))
                } else {
                    result
                }
            }),
        }
    }
}

/// `readv`.
///
/// # Safety
/// As for [`read`].
pub unsafe fn readv(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let plain = || sys::readv(fd, vector, count, 0);
        match manner(fd)? {
            Manner::Plain => plain(),
            Manner::Careful => {
                let mut ending = Ending { fd, waited: false };
                persist(scheduler, fd, Direction::In, || {
                    let result = ending.attempt(|| sys::readv(fd, vector, count, libc::RWF_NOWAIT));
                    if knows_no_nowait(&result) { when_readable(fd, plain) } else { result }
                })
            }
        }
    }
}

/// `recvfrom`, and `recv` with a null address.
///
/// # Safety
/// As for [`read`]; `address` and `length` are the program's.
pub unsafe fn recvfrom(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize, flags: c_int,
    address: *mut libc::sockaddr, length: *mut libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        if flags & NEVER_WAITS != 0 {
            return sys::recvfrom(fd, buffer, count, flags, address, length);
        }
        if may_gather(flags) {
            return gather_from(scheduler, fd, buffer, count, flags, address, length);
        }
        let (now, mut ending) = (flags | libc::MSG_DONTWAIT, Ending { fd, waited: false });
        persist(scheduler, fd, Direction::In, || {
            ending.attempt(|| sys::recvfrom(fd, buffer, count, now, address, length))
        })
    }
}

/// [`recvfrom`] as a `recvmsg`, which tells more of each piece.
unsafe fn gather_from(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize, flags: c_int,
    address: *mut libc::sockaddr, length: *mut libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: by contract of `recvfrom`; an empty header is all zeroes.
    unsafe {
        let mut vector = libc::iovec { iov_base: buffer, iov_len: count };
        let mut message: libc::msghdr = zeroed();
        (message.msg_iov, message.msg_iovlen) = (&raw mut vector, 1);
        if !address.is_null() {
            message.msg_name = address.cast();
            sys::copy_in(length.cast(), (&raw mut message.msg_namelen).cast(), size_of::<libc::socklen_t>())?;
        }
        let received = recvmsg(scheduler, fd, &mut message, flags)?;
        if !address.is_null() {
            *length = message.msg_namelen;
        }
        Ok(received)
    }
}

/// `recvmsg`.
///
/// # Safety
/// As for [`read`], for all that `message` points at.
pub unsafe fn recvmsg(
    scheduler: *mut Scheduler, fd: c_int, message: *mut libc::msghdr, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract. A header that cannot be read is the kernel's to refuse.
    unsafe {
        if flags & NEVER_WAITS != 0 {
            return sys::recvmsg(fd, message, flags);
        }
        let mut header: libc::msghdr = zeroed();
        let gathers = may_gather(flags)
            && sys::copy_in(message.cast(), (&raw mut header).cast(), size_of::<libc::msghdr>()).is_ok();
        let (now, mut ending) = (flags | libc::MSG_DONTWAIT, Ending { fd, waited: false });
        let first =
            persist(scheduler, fd, Direction::In, || ending.attempt(|| sys::recvmsg(fd, message, now)))?;
        if !gathers {
            return Ok(first);
        }
        gather::go_on(scheduler, fd, message, flags, header.msg_controllen, first)
    }
}
