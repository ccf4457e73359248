//! Calls that take data in.

use core::ffi::{c_int, c_void};
use core::ptr;

use colib_core::io;
use libc::{iovec, msghdr, sockaddr, socklen_t};

use crate::call::call;
use crate::real;

// SAFETY (for every function of the families): a trampoline calls them, in a coroutine of the calling
// thread when the row says so, with the program's own arguments.

pub unsafe extern "C" fn read(fd: c_int, buffer: *mut c_void, count: usize) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::read(scheduler, fd, buffer, count) })
}

pub unsafe extern "C" fn read_chk(fd: c_int, buffer: *mut c_void, count: usize, room: usize) -> isize {
    // SAFETY: see above. libc's own ends the program when the buffer is too small.
    unsafe { if count > room { real::__read_chk(fd, buffer, count, room) } else { read(fd, buffer, count) } }
}

pub unsafe extern "C" fn readv(fd: c_int, vector: *const iovec, count: c_int) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::readv(scheduler, fd, vector, count) })
}

pub unsafe extern "C" fn recv(fd: c_int, buffer: *mut c_void, count: usize, flags: c_int) -> isize {
    // SAFETY: see above.
    unsafe { recvfrom(fd, buffer, count, flags, ptr::null_mut(), ptr::null_mut()) }
}

pub unsafe extern "C" fn recv_chk(
    fd: c_int, buffer: *mut c_void, count: usize, room: usize, flags: c_int,
) -> isize {
    // SAFETY: see above.
    unsafe {
        if count > room {
            real::__recv_chk(fd, buffer, count, room, flags)
        } else {
            recv(fd, buffer, count, flags)
        }
    }
}

pub unsafe extern "C" fn recvfrom(
    fd: c_int, buffer: *mut c_void, count: usize, flags: c_int, address: *mut sockaddr,
    length: *mut socklen_t,
) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::recvfrom(scheduler, fd, buffer, count, flags, address, length) })
}

pub unsafe extern "C" fn recvfrom_chk(
    fd: c_int, buffer: *mut c_void, count: usize, room: usize, flags: c_int, address: *mut sockaddr,
    length: *mut socklen_t,
) -> isize {
    // SAFETY: see above.
    unsafe {
        if count > room {
            real::__recvfrom_chk(fd, buffer, count, room, flags, address, length)
        } else {
            recvfrom(fd, buffer, count, flags, address, length)
        }
    }
}

pub unsafe extern "C" fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::recvmsg(scheduler, fd, message, flags) })
}
