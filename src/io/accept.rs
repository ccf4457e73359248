//! `accept` for coroutines.

use core::ffi::c_int;
use core::mem::{self, size_of};
use std::io;

use super::ending::Ending;
use super::fresh::Fresh;
use super::offload::{self, Kind};
use super::{Direction, address, error, may_wait, persist};
use crate::clock::NEVER;
use crate::reactor::registry;
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::Interrupt;

/// `accept4`, and `accept` with no flags. No flag of the listener is touched, even for a moment.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `address` and `length` are the program's.
pub unsafe fn accept(
    scheduler: *mut Scheduler, fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t,
    flags: c_int,
) -> io::Result<c_int> {
    // SAFETY: by contract.
    unsafe {
        // A thread too: whoever accepts without end makes others who are to run, and nobody spins for it.
        if Scheduler::is_due_to_give_way(scheduler) && may_wait(fd) {
            Scheduler::give_way(scheduler);
        }
        let mut forks = registry::forks();
        let mut told = false;
        let mut ending = Ending::new(fd, || Err(error(libc::EINVAL)));
        persist(scheduler, fd, Direction::Connection, || {
            forks = registry::forks();
            // From the second on, after a wait.
            let told = mem::replace(&mut told, true);
            ending.attempt(|| match Scheduler::accept_now(scheduler, fd, address, length, flags, told)? {
                Some(made) => Ok(made),
                None => accept_elsewhere(scheduler, fd, address, length, flags),
            })
        })
        .inspect(|&made| Scheduler::accepted(scheduler, made, fd, flags, forks))
    }
}

/// Has a helper make the call, which waits for the next connection if somebody else takes the one that is there.
#[inline(never)]
unsafe fn accept_elsewhere(
    scheduler: *mut Scheduler, fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t,
    flags: c_int,
) -> io::Result<c_int> {
    // SAFETY: by contract of `accept`; an empty address is all zeroes.
    unsafe {
        let Some((terms, _)) = Scheduler::reactor(scheduler).terms(fd, libc::SO_RCVTIMEO)? else {
            return sys::accept4(fd, address, length, flags);
        };
        let interrupt = if terms.timeout == NEVER { Interrupt::Unrestarted } else { Interrupt::Any };
        let accepted = offload::run_patiently(scheduler, Kind::WAIT.ended_by(interrupt), move || {
            let mut peer: libc::sockaddr_storage = mem::zeroed();
            let mut known = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            let made = sys::accept4(fd, (&raw mut peer).cast(), &mut known, flags)?;
            Ok((Fresh(made), peer, known))
        });
        let (made, peer, known) = accepted?;
        if !address.is_null() {
            address::hand_out(&peer, known, address, length)?;
        }
        Ok(made.take())
    }
}
