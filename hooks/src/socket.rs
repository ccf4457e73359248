//! Calls that make connections.

use core::ffi::c_int;

use colib_core::{io, tls};
use libc::{sockaddr, socklen_t};

use crate::call::call;
use crate::descriptor::made_here;
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::connect(scheduler, fd, address, length) }.map(|()| 0usize)) as c_int
}

pub unsafe extern "C" fn accept(fd: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int {
    // SAFETY: see above.
    unsafe {
        if tls::hook_word() == 0 {
            return made_here(Some(fd), || real::accept(fd, address, length));
        }
        accept4(fd, address, length, 0)
    }
}

pub unsafe extern "C" fn accept4(
    fd: c_int, address: *mut sockaddr, length: *mut socklen_t, flags: c_int,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        if tls::hook_word() == 0 {
            return made_here(Some(fd), || real::accept4(fd, address, length, flags));
        }
        call(|scheduler| io::accept(scheduler, fd, address, length, flags).map(|made| made as usize)) as c_int
    }
}
