//! The kernel's asynchronous input and output (libaio): its wait for completions, which is a system call of the library's own.

use core::ffi::{c_int, c_long, c_void};
use std::io::Result;

use colib_core::io;
use libc::timespec;

use crate::call::apart;
use crate::epoll;

// SAFETY: as in `input`.

/// The system call.
pub unsafe fn completions(
    context: usize, least: c_long, most: c_long, events: *mut c_void, time: *const timespec,
) -> Result<usize> {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        let deadline = epoll::until(time)?;
        io::completions(scheduler, context, least, most, events, deadline)
    })
}

/// libaio's function gives errors as negative numbers.
pub unsafe extern "C" fn io_getevents(
    context: usize, least: c_long, most: c_long, events: *mut c_void, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    match unsafe { completions(context, least, most, events, time) } {
        Ok(count) => count as c_int,
        Err(error) => -error.raw_os_error().unwrap_or(libc::EINVAL),
    }
}
