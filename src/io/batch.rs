//! Several messages in one call: `recvmmsg` and `sendmmsg`.
//!
//! What can be done at once is done by one call of the kernel's. Where it would wait for the next message, that
//! one comes as a call of its own, which parks, and the kernel's call goes on behind it. Whatever signal handler runs
//! once the first message is done ends the call when it would wait: the kernel tells how many are done.

use core::ffi::c_int;
use core::ptr;
use std::io;

use super::ending::Ending;
use super::gather::{may_gather, target};
use super::input::{ENDED, NEVER_WAITS, receive};
use super::output::{send_behind, send_first};
use super::vector::Vector;
use super::{Direction, Patience, begin, persist, would_block};
use crate::clock::{self, NEVER, Nanos};
use crate::scheduler::{Scheduler, Since};
use crate::sys;

/// Messages that one `sendmmsg` takes at most.
const MOST: u32 = libc::UIO_MAXIOV as u32;

/// `recvmmsg`. As the kernel does it: `timeout` is looked at behind each message and not while waiting for one;
/// whatever ends the call behind the first message, the messages are not lost. What the kernel keeps of such an end
/// is kept too where it is the socket's own, or, but for streams, that of a message that came in the kernel's call
/// with others. The rest is not: an error can be left with a socket only by a call that has received something before
/// it, and what a stream was waited for comes in calls of its own.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `vector`, all that it points at, and `timeout` are
/// the program's, as for the call itself.
pub unsafe fn recvmmsg(
    scheduler: *mut Scheduler, fd: c_int, vector: *mut libc::mmsghdr, count: u32, flags: c_int,
    timeout: *mut libc::timespec,
) -> io::Result<usize> {
    // SAFETY: by contract. The kernel refuses what cannot be read or written.
    unsafe {
        if flags & NEVER_WAITS != 0 || count == 0 {
            return sys::recvmmsg(fd, vector, count, flags, timeout);
        }
        let end = end_of(timeout);
        // The kernel goes through all it has to check before it looks for the first message.
        let at_once = if may_gather(flags) && target(fd, flags, 2) > 1 { 0 } else { count };
        begin(scheduler, fd, Direction::In);
        let mut since = Scheduler::moment(scheduler);
        let first = sys::recvmmsg(fd, vector, at_once, flags | libc::MSG_DONTWAIT, timeout);
        let mut done = match first {
            Err(_) if would_block(&first) => 0,
            result => result? as u32,
        };
        let before = done;
        if done == 0 && at_once > 0 && !is_stream(fd) {
            // Those behind it come in the same call: an error of theirs the kernel keeps for the next one.
            let (now, mut ending) = (flags | libc::MSG_DONTWAIT, Ending::new(fd, || Ok(ENDED)));
            let received = persist(scheduler, fd, Direction::In, || {
                let mut time = clock::timespec(clock::left(end));
                let time = if end == NEVER { ptr::null_mut() } else { &raw mut time };
                since = Scheduler::moment(scheduler);
                ending.attempt(|| sys::recvmmsg(fd, vector, count, now, time))
            })?;
            // What an ended input gives is told below.
            done = if received == ENDED { 0 } else { received as u32 };
        }
        let mut left = clock::left(end);
        while done < count
            && (done == 0 || goes_on(scheduler, since, fd, vector.add(done as usize - 1), flags, end))
        {
            let next = vector.add(done as usize);
            let (message, mut began) = (&raw mut (*next).msg_hdr, since);
            let received = receive(scheduler, &mut began, fd, message, flags & !libc::MSG_WAITFORONE);
            if done == 0 {
                since = began;
            }
            match received.and_then(|length| put_length(next, length)) {
                Ok(()) => done += 1,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            left = clock::left(end);
            // More may be there already.
            if done < count && at_once > 0 && may_go_on(fd, next, flags, end) {
                let mut time = clock::timespec(left);
                let time = if end == NEVER { ptr::null_mut() } else { &raw mut time };
                let more = sys::recvmmsg(fd, next.add(1), count - done, flags | libc::MSG_DONTWAIT, time);
                done += more.unwrap_or(0) as u32;
                left = clock::left(end);
            }
        }
        if done > before && end != NEVER {
            let left = clock::timespec(left);
            sys::copy_out((&raw const left).cast(), timeout.cast(), size_of::<libc::timespec>())?;
        }
        Ok(done as usize)
    }
}

/// Whether messages run into each other.
fn is_stream(fd: c_int) -> bool {
    sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_TYPE).is_ok_and(|kind| kind == libc::SOCK_STREAM)
}

/// When the time of a call is up. A time-out that the kernel refuses does not come so far.
unsafe fn end_of(timeout: *const libc::timespec) -> Nanos {
    if timeout.is_null() {
        return NEVER;
    }
    // SAFETY: by contract of `recvmmsg`; any bytes are a time.
    let time = unsafe { sys::read_in(timeout) };
    time.ok().and_then(clock::duration).map_or(NEVER, clock::after)
}

/// Whether a call looks for another message behind this one. Errors are left to the next call.
unsafe fn may_go_on(fd: c_int, last: *const libc::mmsghdr, flags: c_int, end: Nanos) -> bool {
    // SAFETY: the kernel has just written this header.
    let urgent = unsafe { (*last).msg_hdr.msg_flags } & libc::MSG_OOB != 0;
    let waits = flags & libc::MSG_WAITFORONE == 0 && !urgent && clock::now() < end;
    waits && sys::readiness(fd, libc::POLLIN) & libc::POLLERR == 0
}

/// Parks until there is another message behind this one, or the end of all. `false` when the call, which has received
/// messages from `since` on, ends before.
unsafe fn goes_on(
    scheduler: *mut Scheduler, since: Since, fd: c_int, last: *const libc::mmsghdr, flags: c_int, end: Nanos,
) -> bool {
    // SAFETY: by contract of `recvmmsg`.
    unsafe {
        if !may_go_on(fd, last, flags, end) {
            return false;
        }
        let state = || sys::readiness(fd, libc::POLLIN | libc::POLLRDHUP);
        let mut now = state();
        if now == 0 {
            let Ok(mut patience) = Patience::behind_a_part(scheduler, since, fd, Direction::In) else {
                return false;
            };
            while now == 0 {
                if patience.wait(scheduler).is_err() {
                    return false;
                }
                now = state();
            }
        }
        now & libc::POLLERR == 0
    }
}

/// Tells how long a message is.
unsafe fn put_length(of: *mut libc::mmsghdr, length: usize) -> io::Result<()> {
    let length = length as u32;
    // SAFETY: by contract of the callers.
    unsafe {
        sys::copy_out((&raw const length).cast(), (&raw mut (*of).msg_len).cast(), size_of_val(&length))
    }
}

/// `sendmmsg`. An error behind the first message is not told, as with the kernel.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `vector` and all that it points at are the program's,
/// as for the call itself.
pub unsafe fn sendmmsg(
    scheduler: *mut Scheduler, fd: c_int, vector: *mut libc::mmsghdr, count: u32, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract. The kernel refuses what cannot be read or written.
    unsafe {
        let kind: io::Result<c_int> = sys::getsockopt(fd, libc::SOL_SOCKET, libc::SO_TYPE);
        if flags & libc::MSG_DONTWAIT != 0 || count == 0 || kind.is_err() {
            return sys::sendmmsg(fd, vector, count, flags);
        }
        let (count, mut done) = (count.min(MOST), 0);
        // A part of a message may go out on a stream, and the kernel would not tell whether it was all.
        let whole = kind.is_ok_and(|kind| kind != libc::SOCK_STREAM);
        begin(scheduler, fd, Direction::Out);
        let mut since = Scheduler::moment(scheduler);
        while done < count {
            let next = vector.add(done as usize);
            if whole {
                let sent = sys::sendmmsg(fd, next, count - done, flags | libc::MSG_DONTWAIT);
                match sent {
                    Ok(n) => {
                        done += n as u32;
                        continue;
                    }
                    Err(_) if would_block(&sent) => {}
                    Err(error) if done == 0 => return Err(error),
                    Err(_) => break,
                }
            }
            let message = &raw const (*next).msg_hdr;
            let sent = match done {
                0 => send_first(scheduler, &mut since, fd, message, flags),
                _ => send_behind(scheduler, since, fd, message, flags),
            };
            match sent.and_then(|length| put_length(next, length).map(|()| length)) {
                Ok(length) => {
                    done += 1;
                    if length < Vector::new((*message).msg_iov, (*message).msg_iovlen).length() {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done as usize)
    }
}
