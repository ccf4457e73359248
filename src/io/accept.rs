//! `accept` for coroutines.

use core::ffi::c_int;
use core::mem;
use std::io;

use super::ending::Ending;
use super::{Direction, error, persist};
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
        let mut told = false;
        let mut ending = Ending::new(fd, || Err(error(libc::EINVAL)));
        persist(scheduler, fd, Direction::Connection, || {
            forks = registry::forks();
            // From the second on, after a wait.
            let told = mem::replace(&mut told, true);
            ending.attempt(|| Scheduler::accept_now(scheduler, fd, address, length, flags, told))
        })
        .inspect(|&made| Scheduler::accepted(scheduler, made, fd, flags, forks))
    }
}
