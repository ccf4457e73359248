//! Calls that send data out.

use core::ffi::{c_int, c_uint, c_void};
use core::ptr;

use colib_core::io;
use libc::{iovec, mmsghdr, msghdr, off_t, sockaddr, socklen_t};

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

pub unsafe extern "C" fn sendmmsg(fd: c_int, vector: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::sendmmsg(scheduler, fd, vector, count, flags) }) as c_int
}

pub unsafe extern "C" fn pwrite(fd: c_int, buffer: *const c_void, count: usize, offset: off_t) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::pwrite(scheduler, fd, buffer, count, offset) })
}

pub unsafe extern "C" fn pwritev(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::pwritev(scheduler, fd, vector, count, offset) })
}

pub unsafe extern "C" fn pwritev2(
    fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int,
) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::pwritev2(scheduler, fd, vector, count, offset, flags) })
}

pub unsafe extern "C" fn eventfd_write(fd: c_int, value: u64) -> c_int {
    // SAFETY: see above; one number is readable.
    let written = unsafe { write(fd, (&raw const value).cast(), size_of::<u64>()) };
    if written == size_of::<u64>() as isize { 0 } else { -1 }
}
