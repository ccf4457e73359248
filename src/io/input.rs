//! Calls that take data in: read, readv, recv, recvfrom, recvmsg.

use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;

use super::file::{Manner, knows_no_nowait, manner, when_ready};
use super::vector::Vector;
use super::{Direction, Patience, persist, would_block};
use crate::scheduler::Scheduler;
use crate::sys;

/// The kernel never waits when one of these is asked for, on a blocking socket either.
const NEVER_WAITS: c_int = libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE | libc::MSG_OOB;

/// Whether the program ever asked for a low-water mark (`SO_RCVLOWAT`). An attempt takes what is there,
/// however little, so a mark has to be asked for and waited for; almost no program sets one.
static LOW_WATER_MARKS: AtomicBool = AtomicBool::new(false);

/// The program sets low-water marks: from now on they are asked for.
pub fn expect_low_water_marks() {
    LOW_WATER_MARKS.store(true, Ordering::Relaxed);
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
                    when_ready(fd, Direction::In, || sys::read(fd, buffer, count))
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
                if knows_no_nowait(&result) { when_ready(fd, Direction::In, plain) } else { result }
            }),
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
        let now = flags | libc::MSG_DONTWAIT;
        if flags & NEVER_WAITS != 0 {
            return sys::recvfrom(fd, buffer, count, flags, address, length);
        }
        let attempt = || sys::recvfrom(fd, buffer, count, now, address, length);
        let first = persist(scheduler, fd, Direction::In, attempt)?;
        let target = if first < count { target(fd, flags, count) } else { 0 };
        if first == 0 || first >= target {
            return Ok(first);
        }
        if flags & libc::MSG_PEEK != 0 {
            return peek_all(scheduler, fd, target, first, attempt);
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
        receive_all(scheduler, fd, target, first, more)
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
        if flags & NEVER_WAITS != 0 {
            return sys::recvmsg(fd, message, flags);
        }
        let first = persist(scheduler, fd, Direction::In, || sys::recvmsg(fd, message, now))?;
        let vector = Vector::new((*message).msg_iov, (*message).msg_iovlen);
        let count = vector.length();
        let target = if first < count { target(fd, flags, count) } else { 0 };
        if first == 0 || first >= target {
            return Ok(first);
        }
        if flags & libc::MSG_PEEK != 0 {
            return peek_all(scheduler, fd, target, first, || sys::recvmsg(fd, message, now));
        }
        let rest = vector.copy(scheduler)?;
        receive_all(scheduler, fd, target, first, |done| {
            let mut part = rest.message(done);
            sys::recvmsg(fd, &mut part, now)
        })
    }
}

/// How many bytes a receive that may take `count` waits for. Only on a blocking stream is it more than some.
fn target(fd: c_int, flags: c_int, count: usize) -> usize {
    let all = flags & libc::MSG_WAITALL != 0;
    if !all && !LOW_WATER_MARKS.load(Ordering::Relaxed) {
        return 0;
    }
    let option = |name| sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, name).unwrap_or(0);
    let waits = option(libc::SO_TYPE) == libc::SOCK_STREAM && super::is_nonblocking(fd).is_ok_and(|n| !n);
    match waits {
        true if all => count,
        true => (option(libc::SO_RCVLOWAT) as usize).min(count),
        false => 0,
    }
}

/// Goes on receiving until `target` bytes are there, the input ends, or the time is up. What has arrived is
/// never lost to an error: that one stays for the next call, as the kernel keeps it.
unsafe fn receive_all(
    scheduler: *mut Scheduler, fd: c_int, target: usize, mut done: usize,
    mut more: impl FnMut(usize) -> io::Result<usize>,
) -> io::Result<usize> {
    let Ok(patience) = Patience::new(fd, Direction::In) else { return Ok(done) };
    while done < target {
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

/// Looks again until `target` bytes can be seen, the input ends, or the time is up.
unsafe fn peek_all(
    scheduler: *mut Scheduler, fd: c_int, target: usize, mut seen: usize,
    mut attempt: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    let Ok(patience) = Patience::new(fd, Direction::In) else { return Ok(seen) };
    while seen < target && sys::readiness(fd, libc::POLLRDHUP) == 0 {
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
