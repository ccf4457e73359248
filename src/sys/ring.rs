//! io_uring.

use core::ffi::{c_int, c_uint};
use core::mem::zeroed;
use std::io;

const ENTER_GETEVENTS: usize = 1;

/// `io_uring_setup(2)`; the descriptor is close-on-exec.
///
/// # Safety
/// `parameters` is a `struct io_uring_params`.
pub unsafe fn ring_setup(entries: c_uint, parameters: *mut u8) -> io::Result<c_int> {
    // SAFETY: by contract.
    unsafe { call!(SYS_io_uring_setup, entries, parameters) }.map(|fd| fd as c_int)
}

/// `io_uring_enter(2)`: submits, and waits for as many completions.
///
/// # Safety
/// What is submitted is sound to do.
pub unsafe fn ring_enter(fd: c_int, submit: c_uint, complete: c_uint) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_io_uring_enter, fd, submit, complete, ENTER_GETEVENTS, 0, 0) }
}

/// Maps a part of a ring that the kernel shares.
pub fn map_ring(fd: c_int, size: usize, offset: usize) -> io::Result<*mut u8> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_POPULATE);
    // SAFETY: a fresh mapping disturbs nothing.
    unsafe { call!(SYS_mmap, 0, size, protection, flags, fd, offset) }.map(|address| address as *mut u8)
}

/// A unix listener without an address of its own, which nobody can connect to by chance.
pub fn idle_listener() -> io::Result<c_int> {
    // SAFETY: an address of the family alone lets the kernel choose one.
    unsafe {
        let fd = call!(SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0)? as c_int;
        let mut address: libc::sockaddr_un = zeroed();
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        let length = size_of::<libc::sa_family_t>();
        call!(SYS_bind, fd, &raw const address, length)
            .and_then(|_| call!(SYS_listen, fd, 1))
            .inspect_err(|_| super::close(fd))?;
        Ok(fd)
    }
}

/// Whether `fd` is a listener.
pub fn listens(fd: c_int) -> bool {
    super::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN).is_ok_and(|listens| listens != 0)
}
