//! `epoll_wait` for coroutines, on the program's own instance.
//!
//! An instance is a descriptor that becomes readable, so it is waited for like any other; its events are taken by
//! the kernel's own call, with a zero time-out, in the coroutine that asked. What is triggered by an edge or once
//! is therefore taken by nobody else.

use core::ffi::c_int;
use core::ptr;
use std::io;

use super::error;
use super::signal::{Admitted, Masked};
use crate::clock::{self, Nanos};
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::Wake;

/// `epoll_wait`, and `epoll_pwait` with a signal mask. Gives the number of events, zero at `deadline`; EBADF when
/// the instance is closed meanwhile, EINTR when a signal handler ends the call.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `events` and `mask` are the program's, as for the call
/// itself.
pub unsafe fn epoll_wait(
    scheduler: *mut Scheduler, epoll: c_int, events: *mut libc::epoll_event, count: c_int, deadline: Nanos,
    mask: *const libc::sigset_t,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        Scheduler::begin_wait(scheduler, deadline);
        // The kernel reads the mask before anything else.
        let mut masked = Masked::new(scheduler, Admitted::by(mask)?);
        let mut found = sys::epoll_now(epoll, events, count)?;
        while found == 0 && clock::is_ahead(deadline) {
            if !mask.is_null() {
                // Whoever has events is not interrupted, and whoever does not wait does not look for signals.
                sys::poll_now(ptr::null_mut(), 0, mask)?;
            }
            let mut closed = false;
            let wake = masked.park(scheduler, deadline, |signals, until| {
                let wants = [epoll, signals.unwrap_or(-1)].map(|fd| (fd, libc::EPOLLIN as u32));
                let wants = wants[..1 + usize::from(signals.is_some())].iter().copied();
                Scheduler::wait(scheduler, wants, until, |_| closed = true)
            });
            if closed {
                return Err(error(libc::EBADF));
            }
            found = sys::epoll_now(epoll, events, count)?;
            if found == 0 && masked.ends(wake) {
                return Err(error(libc::EINTR));
            }
            if wake == Wake::TimedOut {
                break;
            }
        }
        Ok(found)
    }
}
