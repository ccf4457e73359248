//! Calls that wait for the program's own epoll instances.

use core::ffi::c_int;
use core::ptr;
use std::io::{Error, Result};

use colib_core::clock::{self, NEVER, Nanos};
use colib_core::{io, sys};
use libc::{epoll_event, sigset_t, timespec};

use crate::call::call;

// SAFETY: as in `input`.

pub unsafe extern "C" fn epoll_wait(
    epoll: c_int, events: *mut epoll_event, count: c_int, timeout: c_int,
) -> c_int {
    // SAFETY: see above.
    unsafe { epoll_pwait(epoll, events, count, timeout, ptr::null()) }
}

pub unsafe extern "C" fn epoll_pwait(
    epoll: c_int, events: *mut epoll_event, count: c_int, timeout: c_int, mask: *const sigset_t,
) -> c_int {
    let deadline = clock::after_millis(timeout);
    // SAFETY: see above.
    call(|scheduler| unsafe { io::epoll_wait(scheduler, epoll, events, count, deadline, mask) }) as c_int
}

pub unsafe extern "C" fn epoll_pwait2(
    epoll: c_int, events: *mut epoll_event, count: c_int, timeout: *const timespec, mask: *const sigset_t,
) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe {
        let deadline = until(timeout)?;
        io::epoll_wait(scheduler, epoll, events, count, deadline, mask)
    }) as c_int
}

/// The deadline of a time-out that may be null: EFAULT and EINVAL as the kernel gives them.
pub unsafe fn until(timeout: *const timespec) -> Result<Nanos> {
    if timeout.is_null() {
        return Ok(NEVER);
    }
    // SAFETY: any bytes are a time.
    let time = unsafe { sys::read_in(timeout) }?;
    clock::duration(time).map(clock::after).ok_or_else(|| Error::from_raw_os_error(libc::EINVAL))
}
