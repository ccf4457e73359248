//! `accept` that never waits, on a blocking listener too: no flag tells the call itself so.

use core::ffi::c_int;
use std::io;

use super::Reactor;
use super::ring::Ring;
use crate::sys;

/// The flags of `accept4`.
const FLAGS: c_int = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;

/// Whether `accept4` of `fd` with `flags` would wait for a connection, or say EAGAIN. It is asked before an attempt because
/// one that fails costs several times as much: the kernel makes a socket and a file first, and has to give both back.
///
/// `false` also where that is not certain: the attempt tells.
pub fn would_wait(fd: c_int, flags: c_int) -> bool {
    sys::readiness(fd, libc::POLLIN) == 0 && flags & !FLAGS == 0 && sys::listens(fd) && has_free_number()
}

/// Whether a number for the connection is left, which the kernel reserves before it waits. The last one of all is.
fn has_free_number() -> bool {
    let last = sys::descriptor_limit(None).map_or(-1, |limit| limit.rlim_cur as c_int - 1);
    last >= 0 && sys::failed_with(&sys::fcntl(last, libc::F_GETFD, 0), libc::EBADF)
}

impl Reactor {
    /// `accept4` that gives EAGAIN instead of waiting, on a blocking listener too. Without a ring it looks
    /// first, and may wait when another process is faster.
    ///
    /// # Safety
    /// `address` and `length` are the program's, as for the call itself.
    pub unsafe fn accept_now(
        &mut self, fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t, flags: c_int,
    ) -> io::Result<c_int> {
        if flags & !FLAGS != 0 {
            // It is refused at once, and the ring would say why in another order.
            // SAFETY: by contract.
            return unsafe { sys::accept4(fd, address, length, flags) };
        }
        if self.ring.is_none() {
            self.ring = Ring::open();
        }
        let ring = self.ring.as_mut().and_then(Option::as_mut);
        if let Some(open) = ring {
            // SAFETY: by contract.
            match unsafe { open.accept(fd, address, length, flags) } {
                Ok(result) => return result,
                Err(error) if open.is_open() => return Err(error),
                // Somebody got rid of the ring; the next call makes a new one.
                Err(_) => self.ring = None,
            }
        }
        // What does not listen, and what does not block, has its answer at once.
        let blocks = sys::listens(fd) && sys::fcntl(fd, libc::F_GETFL, 0)? & libc::O_NONBLOCK == 0;
        if blocks && sys::readiness(fd, libc::POLLIN) == 0 {
            // The kernel reserves the connection's number before it waits.
            sys::close(sys::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)?);
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        }
        // SAFETY: by contract.
        unsafe { sys::accept4(fd, address, length, flags) }
    }
}
