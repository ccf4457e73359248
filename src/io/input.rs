//! Calls that take data in: read, readv, recv, recvfrom, recvmsg.

use core::ffi::{c_int, c_void};
use core::mem::zeroed;
use core::ptr;
use std::io;

use super::ending::Ending;
use super::file::{Manner, beyond_memory, manner, read_waiting};
use super::gather::{self, may_gather};
use super::vector::{LONGEST, Vector};
use super::{Direction, Patience, address, disk, is_nonblocking, persist, persist_on, would_block};
use crate::reactor::terms::{Drained, Terms};
use crate::scheduler::{Scheduler, Since};
use crate::sys;

/// The kernel never waits when one of these is asked for, on a blocking socket either.
pub(super) const NEVER_WAITS: c_int = libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE | libc::MSG_OOB;

/// Stands for the end of an input that a blocking call would have been told, though no call was made that was.
pub(super) const ENDED: usize = usize::MAX;

/// A flag of the kernel's own (`MSG_CMSG_COMPAT`): messages with it are refused, plain receives ignore it.
const CMSG_COMPAT: c_int = 1 << 31;

/// `read`, where it does not begin with the wait ([`drained`]).
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
        if count == 0 || beyond_memory(buffer, count) {
            return sys::read(fd, buffer, count);
        }
        let result = recvfrom(scheduler, fd, buffer, count, 0, ptr::null_mut(), ptr::null_mut());
        if !sys::failed_with(&result, libc::ENOTSOCK) {
            return result;
        }
        read_file(scheduler, fd, buffer, count)
    }
}

/// `read` of what is no socket.
#[inline(never)]
unsafe fn read_file(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize,
) -> io::Result<usize> {
    let vector = libc::iovec { iov_base: buffer, iov_len: count };
    // SAFETY: by contract of `read`.
    unsafe {
        match manner(fd)? {
            Manner::Plain => sys::read(fd, buffer, count),
            Manner::Disk => {
                disk::await_own(scheduler, fd, count.min(LONGEST))?;
                sys::read(fd, buffer, count)
            }
            Manner::Careful => readv_careful(scheduler, fd, &vector, 1),
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
        match manner(fd)? {
            Manner::Plain => sys::readv(fd, vector, count, 0),
            Manner::Disk => {
                // Nobody has accepted the vector yet: how long it is, is for the call to see.
                disk::await_own(scheduler, fd, 1)?;
                sys::readv(fd, vector, count, 0)
            }
            Manner::Careful => readv_careful(scheduler, fd, vector, count),
        }
    }
}

/// `readv` of what may have to wait.
unsafe fn readv_careful(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract of `readv`.
    unsafe {
        let (mut ending, mut again) = (Ending::new(fd, || Ok(0)), false);
        persist(scheduler, fd, Direction::In, || {
            ending.attempt(|| {
                let result = sys::readv(fd, vector, count, libc::RWF_NOWAIT);
                if !sys::knows_no_nowait(&result) {
                    return result;
                }
                match Vector::refused(&result, vector, count) {
                    Some(pieces) => {
                        read_waiting(scheduler, fd, &pieces, core::mem::replace(&mut again, true))
                    }
                    None => sys::readv(fd, vector, count, 0),
                }
            })
        })
    }
}

/// Whether a read, or a receive without an address and flags, begins with the wait ([`receive_drained`]).
///
/// # Safety
/// As for [`read`].
#[inline(always)]
pub unsafe fn drained(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize,
) -> Option<Drained> {
    // SAFETY: by contract.
    let drained = unsafe { Scheduler::reactor(scheduler).drained(fd) };
    drained.filter(|_| count > 0 && !beyond_memory(buffer, count))
}

/// A receive from a stream that was read empty: it begins with the wait, and needs little of a stack.
///
/// # Safety
/// As for [`read`]; [`drained`] has just said so.
#[inline(always)]
pub unsafe fn receive_drained(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize, drained: Drained,
) -> io::Result<usize> {
    // SAFETY: by contract of `recvfrom`.
    unsafe {
        let terms = Terms { timeout: drained.timeout, unix: false };
        let stamp = Some(drained.stamp);
        let patience = Patience::on(Scheduler::moment(scheduler), fd, Direction::In, terms, stamp);
        let received = persist_on(scheduler, patience, || {
            sys::recvfrom(fd, buffer, count, libc::MSG_DONTWAIT, ptr::null_mut(), ptr::null_mut())
        });
        note_short(scheduler, fd, count, &received);
        received
    }
}

/// Takes note of a receive without flags that came short.
#[inline(always)]
unsafe fn note_short(scheduler: *mut Scheduler, fd: c_int, count: usize, received: &io::Result<usize>) {
    if received.as_ref().is_ok_and(|&got| got > 0 && got < count) {
        // SAFETY: by contract of `read`.
        unsafe { Scheduler::reactor(scheduler).came_short(fd) };
    }
}

/// `recvfrom`, and `recv` with a null address, where it does not begin with the wait ([`drained`]).
///
/// # Safety
/// As for [`read`]; `address` and `length` are the program's.
pub unsafe fn recvfrom(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize, flags: c_int,
    address: *mut libc::sockaddr, length: *mut libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let received = receive_now(scheduler, fd, buffer, count, flags, address, length);
        if flags == 0 {
            note_short(scheduler, fd, count, &received);
        }
        received
    }
}

/// A receive that begins with an attempt.
#[inline(always)]
unsafe fn receive_now(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize, flags: c_int,
    address: *mut libc::sockaddr, length: *mut libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: by contract of `recvfrom`.
    unsafe {
        if flags & NEVER_WAITS != 0 {
            Scheduler::passes(scheduler);
            return sys::recvfrom(fd, buffer, count, flags, address, length);
        }
        if may_gather(flags) {
            return gather_from(scheduler, fd, buffer, count, flags, address, length);
        }
        let (now, mut ending) = (flags | libc::MSG_DONTWAIT, Ending::new(fd, || Ok(ENDED)));
        let received = persist(scheduler, fd, Direction::In, move || {
            ending.attempt(|| sys::recvfrom(fd, buffer, count, now, address, length))
        });
        match received {
            Ok(got) if got != ENDED => Ok(got),
            _ => ended(fd, count, received, address, length),
        }
    }
}

/// What a receive gives that has received nothing.
#[cold]
unsafe fn ended(
    fd: c_int, count: usize, received: io::Result<usize>, address: *mut libc::sockaddr,
    length: *mut libc::socklen_t,
) -> io::Result<usize> {
    if received.is_err() && !(would_block(&received) && count == 0 && waits_once(fd)) {
        return received;
    }
    if !address.is_null() {
        // SAFETY: by contract of `recvfrom`; no address is all zeroes.
        unsafe { address::hand_out(&zeroed(), 0, address, length)? };
    }
    Ok(0)
}

/// [`recvfrom`] as a `recvmsg`, which tells more of each piece.
#[inline(never)]
unsafe fn gather_from(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize, flags: c_int,
    address: *mut libc::sockaddr, length: *mut libc::socklen_t,
) -> io::Result<usize> {
    // A single buffer is cut down, where a vector of that length would be refused.
    let count = count.min(LONGEST);
    // SAFETY: by contract of `recvfrom`; an empty header, and no address, are all zeroes.
    unsafe {
        if beyond_memory(buffer, count) {
            return sys::recvfrom(fd, buffer, count, flags, address, length);
        }
        let mut vector = libc::iovec { iov_base: buffer, iov_len: count };
        let mut from: libc::sockaddr_storage = zeroed();
        let mut message: libc::msghdr = zeroed();
        (message.msg_iov, message.msg_iovlen) = (&raw mut vector, 1);
        message.msg_name = (&raw mut from).cast();
        message.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        let received = recvmsg(scheduler, fd, &mut message, flags & !CMSG_COMPAT)?;
        if !address.is_null() {
            address::hand_out(&from, message.msg_namelen, address, length)?;
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
    // SAFETY: by contract.
    unsafe {
        if flags & NEVER_WAITS != 0 {
            Scheduler::passes(scheduler);
            return sys::recvmsg(fd, message, flags);
        }
        let mut since = Scheduler::moment(scheduler);
        receive(scheduler, &mut since, fd, message, flags)
    }
}

/// A message of a call that may wait. `since` becomes the moment in which the attempt began that received it, or a part
/// of it.
///
/// # Safety
/// As for [`recvmsg`].
pub(super) unsafe fn receive(
    scheduler: *mut Scheduler, since: &mut Since, fd: c_int, message: *mut libc::msghdr, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract. A header that cannot be read is the kernel's to refuse.
    unsafe {
        let mut header: libc::msghdr = zeroed();
        let gathers = may_gather(flags)
            && sys::copy_in(message.cast(), (&raw mut header).cast(), size_of::<libc::msghdr>()).is_ok();
        let (now, mut ending) = (flags | libc::MSG_DONTWAIT, Ending::new(fd, || Ok(ENDED)));
        let first = persist(scheduler, fd, Direction::In, || {
            *since = Scheduler::moment(scheduler);
            ending.attempt(|| sys::recvmsg(fd, message, now))
        });
        if matches!(first, Ok(ENDED)) {
            return tell_of_nothing(message, flags);
        }
        if would_block(&first) {
            // The kernel has accepted the vector before it looked for data.
            let nothing = Vector::new((*message).msg_iov, (*message).msg_iovlen).length() == 0;
            return if nothing && waits_once(fd) { tell_of_nothing(message, flags) } else { first };
        }
        let first = first?;
        if !gathers {
            return Ok(first);
        }
        gather::go_on(scheduler, *since, fd, message, flags, header.msg_controllen, first)
    }
}

/// What the kernel tells with a message that has nothing, not even a sender.
unsafe fn tell_of_nothing(message: *mut libc::msghdr, flags: c_int) -> io::Result<usize> {
    let (none, kept) = (0usize, flags & libc::MSG_CMSG_CLOEXEC);
    // SAFETY: the header is the program's; nothing is read or written but through checked copies.
    unsafe {
        let header = sys::read_in(message)?;
        if !header.msg_name.is_null() {
            let length = &raw mut (*message).msg_namelen;
            sys::copy_out((&raw const none).cast(), length.cast(), size_of_val(&header.msg_namelen))?;
        }
        sys::copy_out((&raw const kept).cast(), (&raw mut (*message).msg_flags).cast(), size_of_val(&kept))?;
        let room = &raw mut (*message).msg_controllen;
        sys::copy_out((&raw const none).cast(), room.cast(), size_of_val(&none))?;
    }
    Ok(0)
}

/// Whether a receive of no bytes, whose time is up, has received them: TCP waits for data once, and does not ask
/// why the wait ended.
fn waits_once(fd: c_int) -> bool {
    let protocol = sys::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PROTOCOL);
    protocol.is_ok_and(|protocol: c_int| protocol == libc::IPPROTO_TCP) && !is_nonblocking(fd).unwrap_or(true)
}
