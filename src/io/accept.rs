//! `accept` for coroutines.

use core::ffi::c_int;
use std::io;

use super::{Direction, Patience, is_nonblocking};
use crate::scheduler::Scheduler;
use crate::sys;

/// `accept4`, and `accept` with no flags.
///
/// No flag of the listener is touched, even for a moment. The kernel has no accept that does not block on a
/// blocking listener, so this looks first; where several processes share the listener, one that loses the
/// race blocks its thread until the next connection.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `address` and `length` are the program's.
pub unsafe fn accept(
    scheduler: *mut Scheduler, fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t,
    flags: c_int,
) -> io::Result<c_int> {
    // SAFETY: by contract.
    unsafe {
        // What does not listen, and what does not block, has its answer at once.
        let listens = sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN);
        if !listens.is_ok_and(|listens| listens != 0) || is_nonblocking(fd)? {
            return sys::accept4(fd, address, length, flags);
        }
        let mut patience: Option<Patience> = None;
        while sys::readiness(fd, libc::POLLIN) == 0 {
            let patience = match &patience {
                Some(patience) => patience,
                None => patience.insert(Patience::new(fd, Direction::In)?),
            };
            patience.wait(scheduler)?;
        }
        sys::accept4(fd, address, length, flags)
    }
}
