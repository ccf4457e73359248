//! Calls that send data out: write, writev, send, sendto, sendmsg.
//!
//! A blocking write of a stream returns when all is written, so a partial one goes on. What was written is
//! never lost to a later error: that one stays for the next call, as the kernel keeps it.

use core::ffi::{c_int, c_void};
use core::ptr;
use std::io;

use super::file::{Manner, beyond_memory, knows_no_nowait, manner, write_piece};
use super::vector::Vector;
use super::{Direction, Patience, persist, would_block};
use crate::scheduler::Scheduler;
use crate::sys;

/// `write`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `buffer` is the program's, as for the call itself.
/// The same holds for every function of this file.
pub unsafe fn write(
    scheduler: *mut Scheduler, fd: c_int, buffer: *const c_void, count: usize,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        if beyond_memory(buffer, count) {
            return sys::write_from(fd, buffer, count);
        }
        let result = sendto(scheduler, fd, buffer, count, 0, ptr::null(), 0);
        if !sys::failed_with(&result, libc::ENOTSOCK) {
            return result;
        }
        if count == 0 || manner(fd)? == Manner::Plain {
            return sys::write_from(fd, buffer, count);
        }
        let part = |done: usize| {
            let rest =
                libc::iovec { iov_base: buffer.cast_mut().wrapping_byte_add(done), iov_len: count - done };
            let result = sys::writev(fd, &rest, 1, libc::RWF_NOWAIT);
            if !knows_no_nowait(&result) {
                return result;
            }
            write_piece(scheduler, fd, rest)
        };
        let first = persist(scheduler, fd, Direction::Out, || part(0))?;
        go_on(scheduler, fd, count, first, part)
    }
}

/// `writev`.
///
/// # Safety
/// As for [`write()`].
pub unsafe fn writev(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract. The kernel has checked the vector once it has written something.
    unsafe {
        if manner(fd)? == Manner::Plain {
            return sys::writev(fd, vector, count, 0);
        }
        let first = persist(scheduler, fd, Direction::Out, || {
            let result = sys::writev(fd, vector, count, libc::RWF_NOWAIT);
            if knows_no_nowait(&result) { first_piece(scheduler, fd, vector, count) } else { result }
        })?;
        let whole = Vector::new(vector.cast_mut(), count as usize);
        let length = whole.length();
        if first >= length || first == 0 {
            return Ok(first);
        }
        let rest = whole.copy(scheduler)?;
        go_on(scheduler, fd, length, first, |done| {
            let message = rest.message(done);
            let result = sys::sendmsg(fd, &message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
            if !sys::failed_with(&result, libc::ENOTSOCK) {
                return result;
            }
            let (vector, count) = (message.msg_iov, message.msg_iovlen as c_int);
            let result = sys::writev(fd, vector, count, libc::RWF_NOWAIT);
            if knows_no_nowait(&result) { first_piece(scheduler, fd, vector, count) } else { result }
        })
    }
}

/// Writes the first piece of a vector that has something in it.
unsafe fn first_piece(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int,
) -> io::Result<usize> {
    // SAFETY: the kernel has accepted the vector before it refused the flag. By contract for the rest.
    unsafe {
        let pieces = core::slice::from_raw_parts(vector, count.max(0) as usize);
        match pieces.iter().find(|piece| piece.iov_len > 0) {
            Some(&piece) => write_piece(scheduler, fd, piece),
            None => sys::writev(fd, vector, count, 0),
        }
    }
}

/// `sendto`, and `send` with a null address.
///
/// # Safety
/// As for [`write()`]; `address` is the program's.
pub unsafe fn sendto(
    scheduler: *mut Scheduler, fd: c_int, buffer: *const c_void, count: usize, flags: c_int,
    address: *const libc::sockaddr, length: libc::socklen_t,
) -> io::Result<usize> {
    let now = flags | libc::MSG_DONTWAIT;
    let attempt = || sys::sendto(fd, buffer, count, now, address, length);
    if now == flags {
        return attempt();
    }
    // SAFETY: by contract.
    unsafe {
        let first = persist(scheduler, fd, Direction::Out, attempt)?;
        go_on(scheduler, fd, count, first, |done| {
            let rest = buffer.wrapping_byte_add(done);
            sys::sendto(fd, rest, count - done, now | libc::MSG_NOSIGNAL, ptr::null(), 0)
        })
    }
}

/// `sendmsg`.
///
/// # Safety
/// As for [`write()`], for all that `message` points at.
pub unsafe fn sendmsg(
    scheduler: *mut Scheduler, fd: c_int, message: *const libc::msghdr, flags: c_int,
) -> io::Result<usize> {
    let now = flags | libc::MSG_DONTWAIT;
    if now == flags {
        return sys::sendmsg(fd, message, flags);
    }
    // SAFETY: by contract. The kernel has checked the header once it has sent something.
    unsafe {
        let first = persist(scheduler, fd, Direction::Out, || sys::sendmsg(fd, message, now))?;
        let whole = Vector::new((*message).msg_iov, (*message).msg_iovlen);
        let length = whole.length();
        if first >= length || first == 0 {
            return Ok(first);
        }
        // What goes with the first byte, descriptors say, has gone with it.
        let rest = whole.copy(scheduler)?;
        go_on(scheduler, fd, length, first, |done| {
            sys::sendmsg(fd, &rest.message(done), now | libc::MSG_NOSIGNAL)
        })
    }
}

/// Goes on with a partial write until all of `count` is written, an error comes, or the time is up.
unsafe fn go_on(
    scheduler: *mut Scheduler, fd: c_int, count: usize, mut done: usize,
    mut part: impl FnMut(usize) -> io::Result<usize>,
) -> io::Result<usize> {
    if done >= count || done == 0 {
        return Ok(done);
    }
    let Ok(patience) = Patience::new(fd, Direction::Out) else { return Ok(done) };
    // A socket's error stays pending; a pipe's has nothing to keep, and raises SIGPIPE beside the part.
    let keeps_errors = sys::file_type(fd).is_ok_and(|kind| kind == libc::S_IFSOCK);
    while done < count {
        if keeps_errors && sys::readiness(fd, libc::POLLOUT) & libc::POLLERR != 0 {
            break;
        }
        let result = part(done);
        match result {
            Ok(n) => done += n,
            // SAFETY: by contract of the callers.
            Err(_) if would_block(&result) && unsafe { patience.wait(scheduler) }.is_ok() => {}
            Err(_) => break,
        }
    }
    Ok(done)
}
