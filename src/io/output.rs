//! Calls that send data out: write, writev, send, sendto, sendmsg, and the messages of `sendmmsg`.
//!
//! A blocking write of a stream returns when all is written, so a partial one goes on. What was written is
//! never lost to a later error: that one stays for the next call, as the kernel keeps it.

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ptr;
use std::io;

use super::connect::decide;
use super::file::{Manner, beyond_memory, manner, write_careful};
use super::vector::{LONGEST, Vector};
use super::{
    Direction, First, Patience, attempt_first, is_nonblocking, persist, persist_further, persist_on,
    would_block,
};
use crate::scheduler::{Scheduler, Since};
use crate::sys;

/// `write`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `buffer` is the program's, as for the call itself.
/// The same holds for every function of this file.
#[inline(always)]
pub unsafe fn write(
    scheduler: *mut Scheduler, fd: c_int, buffer: *const c_void, count: usize,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        if beyond_memory(buffer, count) {
            return sys::write_from(fd, buffer, count);
        }
        let count = count.min(LONGEST);
        let attempt = || sys::sendto(fd, buffer, count, libc::MSG_DONTWAIT, ptr::null(), 0);
        match at_once(scheduler, fd, count, 0, attempt) {
            Ok(written) => Ok(written),
            Err(first) => write_further(scheduler, fd, buffer, count, first),
        }
    }
}

/// [`write()`] behind an attempt that took it for one to a socket.
#[inline(never)]
unsafe fn write_further(
    scheduler: *mut Scheduler, fd: c_int, buffer: *const c_void, count: usize, first: First<usize>,
) -> io::Result<usize> {
    // SAFETY: by contract of `write`.
    unsafe {
        match sys::failed_with(&first.result, libc::ENOTSOCK) {
            true => write_file(scheduler, fd, buffer, count),
            false => send_further(scheduler, fd, buffer, count, 0, ptr::null(), 0, first),
        }
    }
}

/// `write` to what is no socket.
#[inline(never)]
unsafe fn write_file(
    scheduler: *mut Scheduler, fd: c_int, buffer: *const c_void, count: usize,
) -> io::Result<usize> {
    // SAFETY: by contract of `write`.
    unsafe {
        if count == 0 || manner(fd)? != Manner::Careful {
            return sys::write_from(fd, buffer, count);
        }
        let is_all = Cell::new(false);
        let part = |done: usize| {
            let rest =
                libc::iovec { iov_base: buffer.cast_mut().wrapping_byte_add(done), iov_len: count - done };
            write_careful(scheduler, fd, &rest, 1, &is_all)
        };
        let mut since = Scheduler::moment(scheduler);
        let first = persist(scheduler, fd, Direction::Out, || {
            since = Scheduler::moment(scheduler);
            part(0)
        })?;
        if is_all.get() { Ok(first) } else { go_on(scheduler, since, fd, count, first, part) }
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
        if manner(fd)? != Manner::Careful {
            return sys::writev(fd, vector, count, 0);
        }
        let (mut since, is_all) = (Scheduler::moment(scheduler), Cell::new(false));
        let attempt = |_| write_careful(scheduler, fd, vector, count, &is_all);
        let first = begin(scheduler, &mut since, fd, 0, attempt)?;
        let whole = Vector::new(vector.cast_mut(), count as usize);
        let length = whole.length();
        if first >= length || first == 0 || is_all.get() {
            return Ok(first);
        }
        let rest = whole.copy(scheduler)?;
        go_on(scheduler, since, fd, length, first, |done| {
            let message = rest.message(done);
            let result = sys::sendmsg(fd, &message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
            if !sys::failed_with(&result, libc::ENOTSOCK) {
                return result;
            }
            write_careful(scheduler, fd, message.msg_iov, message.msg_iovlen as c_int, &is_all)
        })
    }
}

/// `sendto`, and `send` with a null address.
///
/// # Safety
/// As for [`write()`]; `address` is the program's.
#[inline(always)]
pub unsafe fn sendto(
    scheduler: *mut Scheduler, fd: c_int, buffer: *const c_void, count: usize, flags: c_int,
    address: *const libc::sockaddr, length: libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        if flags & libc::MSG_DONTWAIT != 0 {
            Scheduler::passes(scheduler);
            return sys::sendto(fd, buffer, count, flags, address, length);
        }
        let attempt = || sys::sendto(fd, buffer, count, flags | libc::MSG_DONTWAIT, address, length);
        match at_once(scheduler, fd, count, flags, attempt) {
            Ok(sent) => Ok(sent),
            Err(first) => send_further(scheduler, fd, buffer, count, flags, address, length, first),
        }
    }
}

/// Sends all of `count` in one attempt, in most cases. It is done on the caller's frame: behind a system call processors
/// predict neither returns nor branches.
#[inline(always)]
unsafe fn at_once(
    scheduler: *mut Scheduler, fd: c_int, count: usize, flags: c_int,
    attempt: impl FnOnce() -> io::Result<usize>,
) -> Result<usize, First<usize>> {
    // SAFETY: by contract of the callers.
    let first = unsafe { attempt_first(scheduler, fd, Direction::Out, attempt) };
    match first.result {
        Ok(sent) if sent == count && flags & libc::MSG_FASTOPEN == 0 => Ok(sent),
        _ => Err(first),
    }
}

/// [`sendto`] behind the first attempt.
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "those of the call, and how far it is")]
unsafe fn send_further(
    scheduler: *mut Scheduler, fd: c_int, buffer: *const c_void, count: usize, flags: c_int,
    address: *const libc::sockaddr, length: libc::socklen_t, first: First<usize>,
) -> io::Result<usize> {
    // SAFETY: by contract of `sendto`.
    unsafe {
        let mut since = first.since;
        let attempt = |flags| sys::sendto(fd, buffer, count, flags, address, length);
        let first = begin_with(scheduler, first, &mut since, fd, flags, attempt)?;
        let now = flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        go_on(scheduler, since, fd, count.min(LONGEST), first, |done| {
            sys::sendto(fd, buffer.wrapping_byte_add(done), count - done, now, ptr::null(), 0)
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
    // SAFETY: by contract.
    unsafe {
        if flags & libc::MSG_DONTWAIT != 0 {
            Scheduler::passes(scheduler);
            return sys::sendmsg(fd, message, flags);
        }
        let mut since = Scheduler::moment(scheduler);
        send_first(scheduler, &mut since, fd, message, flags)
    }
}

/// The first message of a call that may wait. `since` becomes the moment in which the attempt began that sent it, or a
/// part of it.
///
/// # Safety
/// As for [`sendmsg`].
pub(super) unsafe fn send_first(
    scheduler: *mut Scheduler, since: &mut Since, fd: c_int, message: *const libc::msghdr, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let first = begin(scheduler, since, fd, flags, |flags| sys::sendmsg(fd, message, flags))?;
        send_rest(scheduler, *since, fd, message, flags, first)
    }
}

/// A message behind others, which the same call has sent from `since` on.
///
/// # Safety
/// As for [`sendmsg`].
pub(super) unsafe fn send_behind(
    scheduler: *mut Scheduler, since: Since, fd: c_int, message: *const libc::msghdr, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let attempt = || sys::sendmsg(fd, message, flags | libc::MSG_DONTWAIT);
        let mut first = attempt();
        if would_block(&first) {
            let patience = Patience::behind_a_part(scheduler, since, fd, Direction::Out)?;
            first = persist_on(scheduler, patience, attempt);
        }
        send_rest(scheduler, since, fd, message, flags, first?)
    }
}

/// Goes on with a message of which `first` bytes are sent, by an attempt that began at `since` or later.
unsafe fn send_rest(
    scheduler: *mut Scheduler, since: Since, fd: c_int, message: *const libc::msghdr, flags: c_int,
    first: usize,
) -> io::Result<usize> {
    // SAFETY: by contract of the callers. The kernel has checked the header once it has sent something.
    unsafe {
        let whole = Vector::new((*message).msg_iov, (*message).msg_iovlen);
        let length = whole.length();
        if first >= length || first == 0 {
            return Ok(first);
        }
        // What goes with the first byte, descriptors say, has gone with it.
        let (rest, now) = (whole.copy(scheduler)?, flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
        go_on(scheduler, since, fd, length, first, |done| sys::sendmsg(fd, &rest.message(done), now))
    }
}

/// The first part of what is sent, and before it the connection, where sending begins one: with `MSG_FASTOPEN`,
/// and on a socket that `TCP_FASTOPEN_CONNECT` let connect late. `since` becomes the moment in which the last
/// attempt began.
#[inline(always)]
unsafe fn begin(
    scheduler: *mut Scheduler, since: &mut Since, fd: c_int, flags: c_int,
    mut attempt: impl FnMut(c_int) -> io::Result<usize>,
) -> io::Result<usize> {
    // SAFETY: by contract of the callers.
    unsafe {
        let first = attempt_first(scheduler, fd, Direction::Out, || attempt(flags | libc::MSG_DONTWAIT));
        *since = first.since;
        begin_with(scheduler, first, since, fd, flags, attempt)
    }
}

/// [`begin`] behind the first attempt.
#[inline(always)]
unsafe fn begin_with(
    scheduler: *mut Scheduler, first: First<usize>, since: &mut Since, fd: c_int, flags: c_int,
    mut attempt: impl FnMut(c_int) -> io::Result<usize>,
) -> io::Result<usize> {
    let now = flags | libc::MSG_DONTWAIT;
    let (began, mut first) = (first.began, first.result);
    // SAFETY: by contract of the callers.
    unsafe {
        if would_block(&first) {
            first = persist_further(scheduler, began, fd, Direction::Out, || {
                *since = Scheduler::moment(scheduler);
                attempt(now)
            });
        }
        let connects = match &first {
            Ok(_) => flags & libc::MSG_FASTOPEN != 0,
            Err(e) => e.raw_os_error() == Some(libc::EINPROGRESS),
        };
        if connects { begin_connected(scheduler, *since, fd, now, first, attempt) } else { first }
    }
}

/// [`begin`] where the first attempt, at `since`, has begun a connection.
#[cold]
unsafe fn begin_connected(
    scheduler: *mut Scheduler, since: Since, fd: c_int, now: c_int, first: io::Result<usize>,
    mut attempt: impl FnMut(c_int) -> io::Result<usize>,
) -> io::Result<usize> {
    // SAFETY: by contract of the callers.
    unsafe {
        if is_nonblocking(fd)?
            || sys::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PROTOCOL).unwrap_or(0) != libc::IPPROTO_TCP
        {
            return first;
        }
        decide(scheduler, since, fd)?;
        if first.is_ok() {
            return first;
        }
        // Nothing went along with the request for the connection.
        persist(scheduler, fd, Direction::Out, || attempt(now & !libc::MSG_FASTOPEN))
    }
}

/// Goes on behind a partial write that began at `since`, until all of `count` is written, an error comes, a signal
/// handler has run, or the time is up.
#[inline(always)]
unsafe fn go_on(
    scheduler: *mut Scheduler, since: Since, fd: c_int, count: usize, done: usize,
    part: impl FnMut(usize) -> io::Result<usize>,
) -> io::Result<usize> {
    if done >= count || done == 0 {
        return Ok(done);
    }
    // SAFETY: by contract of the callers.
    unsafe { go_on_from(scheduler, since, fd, count, done, part) }
}

#[inline(never)]
unsafe fn go_on_from(
    scheduler: *mut Scheduler, since: Since, fd: c_int, count: usize, mut done: usize,
    mut part: impl FnMut(usize) -> io::Result<usize>,
) -> io::Result<usize> {
    // SAFETY: by contract of the callers.
    let Ok(mut patience) = (unsafe { Patience::behind_a_part(scheduler, since, fd, Direction::Out) }) else {
        return Ok(done);
    };
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
