//! `accept` that never waits, on a blocking listener too: no flag tells the call itself so.

use core::ffi::c_int;
use std::io;

use super::ring::Ring;
use super::{Reactor, registry};
use crate::{alone, sys};

/// Whether `fd` is a listener that nobody waits at.
fn is_idle_listener(fd: c_int) -> bool {
    sys::readiness(fd, libc::POLLIN) == 0 && sys::listens(fd)
}

/// Whether somebody else may take a connection that is there at `fd`.
fn is_contested(fd: c_int) -> bool {
    (alone::has_company() || !registry::standing(fd).1) && sys::listens(fd)
}

/// Whether a number for the connection is left, which the kernel reserves before it waits. The last one of all is.
fn has_free_number() -> bool {
    let last = sys::descriptor_limit(None).map_or(-1, |limit| limit.rlim_cur as c_int - 1);
    last >= 0 && sys::failed_with(&sys::fcntl(last, libc::F_GETFD, 0), libc::EBADF)
}

/// The kernel reserves the connection's number before it waits: EMFILE where there is none, which `fcntl` calls EINVAL if the
/// limit allows no number at all.
fn reserve_number(fd: c_int) -> io::Result<()> {
    let number = sys::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
    if sys::failed_with(&number, libc::EINVAL) {
        return Err(io::Error::from_raw_os_error(libc::EMFILE));
    }
    sys::close(number?);
    Ok(())
}

impl Reactor {
    /// `accept4` that gives EAGAIN instead of waiting, on a blocking listener too. Unless it was `told` of a connection by
    /// an event it looks first: an attempt that fails costs several times as much, because the kernel makes a socket
    /// and a file before, and has to give both back. Without a ring it always does; `None` if a connection is there that
    /// somebody else may take first: only the call itself can tell, and may have to wait for the next.
    ///
    /// # Safety
    /// `address` and `length` are the program's, as for the call itself.
    pub unsafe fn accept_now(
        &mut self, fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t, flags: c_int,
        told: bool,
    ) -> io::Result<Option<c_int>> {
        let would_block = || Err(io::Error::from_raw_os_error(libc::EAGAIN));
        if flags & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) != 0 {
            // It is refused at once, and the ring would say why in another order.
            // SAFETY: by contract.
            return unsafe { sys::accept4(fd, address, length, flags) }.map(Some);
        }
        if self.ring.is_none() {
            self.ring = Ring::open();
        }
        let ring = self.ring.as_mut().and_then(Option::as_mut);
        if let Some(open) = ring {
            // Where that is not certain, the attempt tells.
            if !told && is_idle_listener(fd) && has_free_number() {
                return would_block();
            }
            // SAFETY: by contract.
            match unsafe { open.accept(fd, address, length, flags) } {
                Ok(result) => return result.map(Some),
                Err(error) if open.is_open() => return Err(error),
                // Somebody got rid of the ring; the next call makes a new one.
                Err(_) => self.ring = None,
            }
        }
        // What does not listen, and what does not block, has its answer at once.
        if is_idle_listener(fd) && sys::fcntl(fd, libc::F_GETFL, 0)? & libc::O_NONBLOCK == 0 {
            reserve_number(fd)?;
            return would_block();
        }
        if is_contested(fd) {
            return Ok(None);
        }
        // SAFETY: by contract.
        unsafe { sys::accept4(fd, address, length, flags) }.map(Some)
    }
}
