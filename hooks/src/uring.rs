//! liburing's wait for completions, which makes its system call itself: no hook of libc would see it.

use core::ffi::{c_int, c_uint, c_void};
use core::ptr;

use colib_core::clock::NEVER;
use colib_core::{io, sys};
use libc::{pollfd, sigset_t};

use crate::call::apart;
use crate::real;

// SAFETY: as in `input`.

/// Where `struct io_uring` of liburing 2 has the ring's descriptor.
const DESCRIPTOR: usize = 196;

/// Waits for the first completion, which is the only way in which liburing's inline functions come here but for
/// those that wait for several.
pub unsafe extern "C" fn get_cqe(
    ring: *mut c_void, completion: *mut *mut c_void, submit: c_uint, wait: c_uint, mask: *const sigset_t,
) -> c_int {
    // SAFETY: see above; the ring is the program's, whose descriptor is made sure of.
    unsafe {
        let fd = ring.byte_add(DESCRIPTOR).cast::<c_int>().read();
        if submit != 0 || wait != 1 || !mask.is_null() || !sys::is_ring(fd) {
            return real::__io_uring_get_cqe(ring, completion, submit, wait, mask);
        }
        loop {
            let found = real::__io_uring_get_cqe(ring, completion, 0, 0, ptr::null());
            if found != -libc::EAGAIN {
                return found;
            }
            let mut readable = pollfd { fd, events: libc::POLLIN, revents: 0 };
            if let Err(error) = apart(|scheduler| io::poll(scheduler, &mut readable, 1, NEVER, ptr::null())) {
                return -error.raw_os_error().unwrap_or(libc::EIO);
            }
            if readable.revents & libc::POLLNVAL != 0 {
                return -libc::EBADF;
            }
        }
    }
}
