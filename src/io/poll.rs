//! `poll` for coroutines: the kernel answers, exactly; we only wait until asking again makes sense.

use std::io;

use super::error;
use super::signal::{Admitted, Masked};
use crate::clock::{self, Nanos};
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::Wake;

/// `poll`, and `ppoll` with a signal mask. Gives the number of descriptors with something to tell; zero at
/// `deadline`, and when somebody resumes the coroutine. EINTR when a signal handler ends the call.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `fds` is the program's, as for the call itself.
pub unsafe fn poll(
    scheduler: *mut Scheduler, fds: *mut libc::pollfd, count: libc::nfds_t, deadline: Nanos,
    mask: *const libc::sigset_t,
) -> io::Result<usize> {
    // As the kernel takes it.
    let count = libc::nfds_t::from(count as u32);
    // Who only waits for time has nothing to ask the kernel, which looks at any address even so.
    let asks = count > 0 || !fds.is_null() || !mask.is_null();
    // SAFETY: by contract.
    let look = || if asks { unsafe { sys::poll_now(fds, count, mask) } } else { Ok(0) };
    // SAFETY: by contract.
    unsafe { Scheduler::begin_wait(scheduler, deadline) };
    // SAFETY: by contract.
    let empty = count == 1 && mask.is_null() && unsafe { is_empty(scheduler, fds) };
    let mut found = if empty && clock::is_ahead(deadline) { 0 } else { look()? };
    // SAFETY: by contract.
    let mut masked = unsafe { Masked::new(scheduler, Admitted::by(mask)?) };
    while found == 0 && clock::is_ahead(deadline) {
        let mut closed = Vec::new();
        // SAFETY: by contract. The kernel has just read and written these elements.
        let wake = unsafe {
            masked.park(scheduler, deadline, |signals, until| {
                let own = |fd| (fd, libc::EPOLLIN as u32);
                let wants = (0..count as usize + usize::from(signals.is_some()))
                    .map(|i| signals.filter(|_| i == count as usize).map_or_else(|| want(&*fds.add(i)), own));
                Scheduler::wait(scheduler, wants, until, |place| closed.push(place))
            })
        };
        // SAFETY: as above; `empty` says that the element is there.
        if empty && closed.is_empty() && unsafe { tell(scheduler, fds) } {
            return Ok(1);
        }
        found = look()?;
        if !closed.is_empty() {
            // SAFETY: as above; places are those of the wants.
            return Ok(unsafe {
                report_closed(core::slice::from_raw_parts_mut(fds, count as usize), &closed)
            });
        }
        if found == 0 && masked.ends(wake) {
            return Err(error(libc::EINTR));
        }
        if matches!(wake, Wake::Resumed | Wake::TimedOut) {
            break;
        }
    }
    Ok(found)
}

/// Whether one element asks for the input of a stream that was read empty: then the kernel need not be asked.
unsafe fn is_empty(scheduler: *mut Scheduler, element: *const libc::pollfd) -> bool {
    const OUTPUT: i16 = libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND;
    // SAFETY: a coroutine runs, and its own stack is there. Anything else is the kernel's to refuse.
    unsafe {
        (*Scheduler::current(scheduler)).has_on_stack(element.cast(), size_of::<libc::pollfd>())
            && (*element).events & OUTPUT == 0
            && Scheduler::reactor(scheduler).begins_empty((*element).fd)
    }
}

/// Answers with what an event said that came during the wait; `false` when it said nothing of interest.
unsafe fn tell(scheduler: *mut Scheduler, element: *mut libc::pollfd) -> bool {
    // SAFETY: as for `is_empty`, which was true.
    unsafe {
        let told = Scheduler::reactor(scheduler).told((*element).fd) as i16;
        let answer = told & ((*element).events | libc::POLLERR | libc::POLLHUP);
        if answer != 0 {
            (*element).revents = answer;
        }
        answer != 0
    }
}

/// What one element waits for; a negative descriptor waits for nothing. Poll's bits are epoll's on Linux.
fn want(element: &libc::pollfd) -> (i32, u32) {
    const KNOWN: i16 = libc::POLLIN
        | libc::POLLPRI
        | libc::POLLOUT
        | libc::POLLRDHUP
        | libc::POLLRDNORM
        | libc::POLLRDBAND
        | libc::POLLWRNORM
        | libc::POLLWRBAND;
    (element.fd, u32::from((element.events & KNOWN) as u16))
}

/// Descriptors that were closed while they were polled are invalid, whatever their numbers mean by now.
fn report_closed(fds: &mut [libc::pollfd], closed: &[usize]) -> usize {
    for &place in closed {
        fds[place].revents = libc::POLLNVAL;
    }
    fds.iter().filter(|element| element.revents != 0).count()
}
