//! Calls that send data out.

use core::ffi::{c_int, c_void};
use core::ptr;

use colib_core::io;
use libc::{iovec, msghdr, sockaddr, socklen_t};

use crate::call::call;

// SAFETY: as in `input`.

pub unsafe extern "C" fn write(fd: c_int, buffer: *const c_void, count: usize) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::write(scheduler, fd, buffer, count) })
}

pub unsafe extern "C" fn writev(fd: c_int, vector: *const iovec, count: c_int) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::writev(scheduler, fd, vector, count) })
}

pub unsafe extern "C" fn send(fd: c_int, buffer: *const c_void, count: usize, flags: c_int) -> isize {
    // SAFETY: see above.
    unsafe { sendto(fd, buffer, count, flags, ptr::null(), 0) }
}

pub unsafe extern "C" fn sendto(
    fd: c_int, buffer: *const c_void, count: usize, flags: c_int, address: *const sockaddr, length: socklen_t,
) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::sendto(scheduler, fd, buffer, count, flags, address, length) })
}

pub unsafe extern "C" fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::sendmsg(scheduler, fd, message, flags) })
}
