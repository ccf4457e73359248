//! Receives that wait for more than the first piece: `MSG_WAITALL`, and low-water marks (`SO_RCVLOWAT`).
//!
//! Both mean something on a stream only. As the kernel does, a receive stops short of its target at the end of
//! input, at urgent data, behind a piece that brought descriptors, at an error, and when the time is up. What
//! has arrived is never lost to an error: that one stays for the next call.

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;

use super::vector::Vector;
use super::{Direction, Patience, is_nonblocking, would_block};
use crate::clock;
use crate::scheduler::{Scheduler, Since};
use crate::sys;

/// Whether the program ever asked for a low-water mark. An attempt takes what is there, however little, so a
/// mark has to be asked for and waited for; almost no program sets one.
static LOW_WATER_MARKS: AtomicBool = AtomicBool::new(false);

/// The program sets low-water marks: from now on they are asked for.
pub fn expect_low_water_marks() {
    LOW_WATER_MARKS.store(true, Ordering::Relaxed);
}

/// Whether a receive with these flags could have to wait for more than it finds.
pub(super) fn may_gather(flags: c_int) -> bool {
    flags & libc::MSG_WAITALL != 0 || LOW_WATER_MARKS.load(Ordering::Relaxed)
}

fn option(fd: c_int, name: c_int) -> c_int {
    sys::getsockopt(fd, libc::SOL_SOCKET, name).unwrap_or(0)
}

/// How many bytes a receive that may take `count` waits for.
pub(super) fn target(fd: c_int, flags: c_int, count: usize) -> usize {
    if option(fd, libc::SO_TYPE) != libc::SOCK_STREAM || is_nonblocking(fd).unwrap_or(true) {
        0
    } else if flags & libc::MSG_WAITALL != 0 {
        count
    } else {
        (option(fd, libc::SO_RCVLOWAT) as usize).min(count)
    }
}

/// Whether a piece came with descriptors, whether or not there was room for them.
fn brought_descriptors(message: &libc::msghdr) -> bool {
    message.msg_controllen > 0 || message.msg_flags & libc::MSG_CTRUNC != 0
}

/// Goes on with a receive that has got, by an attempt that began at `since`, `first` bytes into `message`, whose
/// control room was `room`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `message` is the program's, and the kernel has
/// filled it just now.
pub(super) unsafe fn go_on(
    scheduler: *mut Scheduler, since: Since, fd: c_int, message: *mut libc::msghdr, flags: c_int,
    room: usize, first: usize,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let vector = Vector::new((*message).msg_iov, (*message).msg_iovlen);
        let count = vector.length();
        if first == 0 || first >= count {
            return Ok(first);
        }
        let (target, unix) = (target(fd, flags, count), option(fd, libc::SO_DOMAIN) == libc::AF_UNIX);
        if first >= target || (unix && brought_descriptors(&*message)) {
            return Ok(first);
        }
        if flags & libc::MSG_PEEK != 0 {
            // The kernel does not wait for more to look at on a unix socket.
            let look = || sys::recvmsg(fd, message, flags | libc::MSG_DONTWAIT);
            return if unix { Ok(first) } else { peek(scheduler, since, fd, target, first, look) };
        }
        let Ok(mut patience) = Patience::behind_a_part(scheduler, since, fd, Direction::In) else {
            return Ok(first);
        };
        let rest = vector.copy(scheduler)?;
        let mut done = first;
        while done < target && !sys::at_urgent_mark(fd) {
            if sys::readiness(fd, libc::POLLIN) & libc::POLLERR != 0 && sys::unread(fd) == 0 {
                break;
            }
            let mut part = rest.message(done);
            if unix {
                (part.msg_control, part.msg_controllen) = ((*message).msg_control, room);
            }
            let result = sys::recvmsg(fd, &mut part, flags | libc::MSG_DONTWAIT);
            match result {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(_) if would_block(&result) && patience.wait(scheduler).is_ok() => continue,
                Err(_) => break,
            }
            if unix && brought_descriptors(&part) {
                (*message).msg_controllen = part.msg_controllen;
                (*message).msg_flags |= part.msg_flags;
                break;
            }
        }
        Ok(done)
    }
}

/// Looks again until `target` bytes can be seen, the input ends, or the time is up.
unsafe fn peek(
    scheduler: *mut Scheduler, since: Since, fd: c_int, target: usize, mut seen: usize,
    mut look: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    // SAFETY: by contract of `go_on`.
    let Ok(mut patience) = (unsafe { Patience::behind_a_part(scheduler, since, fd, Direction::In) }) else {
        return Ok(seen);
    };
    while seen < target && sys::readiness(fd, libc::POLLRDHUP) == 0 {
        // SAFETY: by contract of `go_on`.
        if unsafe { patience.wait(scheduler) }.is_err() {
            break;
        }
        match look() {
            Ok(n) if n > seen || clock::now() < patience.deadline => seen = n,
            _ => break,
        }
    }
    Ok(seen)
}
