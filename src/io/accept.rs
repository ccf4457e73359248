//! `accept` for coroutines.

use core::ffi::c_int;
use core::mem;
use std::io;

use super::ending::Ending;
use super::{Direction, error, persist};
use crate::reactor::accept::would_wait;
use crate::reactor::registry;
use crate::scheduler::Scheduler;

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
        let mut forks = registry::forks();
        let mut looked = false;
        let mut ending = Ending::new(fd, || Err(error(libc::EINVAL)));
        persist(scheduler, fd, Direction::Connection, || {
            forks = registry::forks();
            ending.attempt(|| {
                // Behind a wait, the event tells.
                if !mem::replace(&mut looked, true) && would_wait(fd, flags) {
                    return Err(error(libc::EAGAIN));
                }
                Scheduler::accept_now(scheduler, fd, address, length, flags)
            })
        })
        .inspect(|&made| Scheduler::accepted(scheduler, made, fd, flags, forks))
    }
}
