//! Calls that take data in: read, readv, recv, recvfrom, recvmsg.

use core::ffi::{c_int, c_void};
use core::ptr;
use std::io;

use super::{Direction, Patience, persist, would_block};
use crate::scheduler::Scheduler;
use crate::sys;

/// How a file that is no socket can be read or written without blocking the thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It never waits for anybody: the plain call.
    Plain,
    /// It may: attempt with `RWF_NOWAIT`, or look before the call.
    Careful,
}

/// What kind of file `fd` is; EBADF for none.
pub(super) fn manner(fd: c_int) -> io::Result<Manner> {
    Ok(match sys::file_type(fd)? {
        libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK | libc::S_IFLNK => Manner::Plain,
        _ => Manner::Careful,
    })
}

/// Whether the kernel or the file does not know `RWF_NOWAIT`.
pub(super) fn knows_no_nowait<T>(result: &io::Result<T>) -> bool {
    sys::failed_with(result, libc::EOPNOTSUPP) || sys::failed_with(result, libc::ENOSYS)
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
            let none = ptr::null_mut();
            let attempt = || sys::recvfrom(fd, buffer, count, libc::MSG_DONTWAIT, none, ptr::null_mut());
            let result = persist(scheduler, fd, Direction::In, attempt);
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
                    when_ready(fd, || sys::read(fd, buffer, count))
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
            Manner::Careful => persist(scheduler, fd, Direction::In, || {
                let result = sys::readv(fd, vector, count, libc::RWF_NOWAIT);
                if knows_no_nowait(&result) { when_ready(fd, plain) } else { result }
            }),
        }
    }
}

/// Makes a call that could block only once the descriptor is ready for it.
fn when_ready(fd: c_int, call: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    if sys::readiness(fd, libc::POLLIN) == 0 { Err(super::error(libc::EAGAIN)) } else { call() }
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
        let now = flags | libc::MSG_DONTWAIT;
        let attempt = || sys::recvfrom(fd, buffer, count, now, address, length);
        if now == flags {
            return attempt();
        }
        let first = persist(scheduler, fd, Direction::In, attempt)?;
        if flags & libc::MSG_WAITALL == 0 || first == 0 || first >= count || !waits_for_all(fd) {
            return Ok(first);
        }
        if flags & libc::MSG_PEEK != 0 {
            return peek_all(scheduler, fd, count, first, attempt);
        }
        let more = |done: usize| {
            sys::recvfrom(
                fd,
                buffer.wrapping_byte_add(done),
                count - done,
                now,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        receive_all(scheduler, fd, count, first, more)
    }
}

/// `recvmsg`.
///
/// # Safety
/// As for [`read`], for all that `message` points at.
pub unsafe fn recvmsg(
    scheduler: *mut Scheduler, fd: c_int, message: *mut libc::msghdr, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract. The kernel has checked the header once it has received something.
    unsafe {
        let now = flags | libc::MSG_DONTWAIT;
        if now == flags {
            return sys::recvmsg(fd, message, flags);
        }
        let first = persist(scheduler, fd, Direction::In, || sys::recvmsg(fd, message, now))?;
        if flags & libc::MSG_WAITALL == 0 || first == 0 || !waits_for_all(fd) {
            return Ok(first);
        }
        let vector = super::output::Vector::new((*message).msg_iov, (*message).msg_iovlen);
        let count = vector.length();
        if first >= count {
            return Ok(first);
        }
        if flags & libc::MSG_PEEK != 0 {
            return peek_all(scheduler, fd, count, first, || sys::recvmsg(fd, message, now));
        }
        let rest = vector.copy(scheduler)?;
        receive_all(scheduler, fd, count, first, |done| {
            let mut part = rest.message(done);
            sys::recvmsg(fd, &mut part, now)
        })
    }
}

/// Whether `MSG_WAITALL` means anything: on a stream.
fn waits_for_all(fd: c_int) -> bool {
    sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_TYPE).is_ok_and(|t| t == libc::SOCK_STREAM)
        && super::is_nonblocking(fd).is_ok_and(|nonblocking| !nonblocking)
}

/// Goes on receiving until `count` bytes are there, the input ends, or the time is up. What has arrived is
/// never lost to an error: that one stays for the next call, as the kernel keeps it.
unsafe fn receive_all(
    scheduler: *mut Scheduler, fd: c_int, count: usize, mut done: usize,
    mut more: impl FnMut(usize) -> io::Result<usize>,
) -> io::Result<usize> {
    let Ok(patience) = Patience::new(fd, Direction::In) else { return Ok(done) };
    while done < count {
        if sys::readiness(fd, libc::POLLIN) & libc::POLLERR != 0 && sys::unread(fd) == 0 {
            break;
        }
        let result = more(done);
        match result {
            Ok(0) => break,
            Ok(n) => done += n,
            // SAFETY: by contract of the callers.
            Err(_) if would_block(&result) && unsafe { patience.wait(scheduler) }.is_ok() => {}
            Err(_) => break,
        }
    }
    Ok(done)
}

/// Looks again until `count` bytes can be seen, the input ends, or the time is up.
unsafe fn peek_all(
    scheduler: *mut Scheduler, fd: c_int, count: usize, mut seen: usize,
    mut attempt: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    let Ok(patience) = Patience::new(fd, Direction::In) else { return Ok(seen) };
    while seen < count && sys::readiness(fd, libc::POLLRDHUP) == 0 {
        // SAFETY: by contract of the callers.
        if unsafe { patience.wait(scheduler) }.is_err() {
            break;
        }
        match attempt() {
            Ok(n) if n > seen || crate::clock::now() < patience.deadline => seen = n,
            _ => break,
        }
    }
    Ok(seen)
}
