//! The kernel's asynchronous input and output (libaio): its waits for completions, which are system calls of the library's own.

use core::ffi::{c_int, c_long, c_void};
use core::ptr;
use core::time::Duration;
use std::io::Result;

use colib_core::clock::{self, NEVER, Nanos};
use colib_core::{io, sys};
use libc::{sigset_t, timespec};

use crate::call::apart;

// SAFETY: as in `input`.

/// When a time-out ends. The kernel refuses none here: nanoseconds are added as they are, and less than none is for ever.
fn end_of(time: timespec) -> Nanos {
    let nanos = time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec);
    u64::try_from(nanos).map_or(NEVER, |nanos| clock::after(Duration::from_nanos(nanos)))
}

/// `io_pgetevents` by number, and `io_getevents` without a mask.
pub unsafe fn completions(
    context: usize, least: c_long, most: c_long, events: *mut c_void, time: *const timespec,
    mask: *const sys::SizedMask,
) -> Result<usize> {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        let deadline = if time.is_null() { NEVER } else { end_of(sys::read_in(time)?) };
        io::masked_completions(scheduler, context, least, most, events, deadline, mask)
    })
}

/// libaio's functions give errors as negative numbers.
fn answer(result: Result<usize>) -> c_int {
    match result {
        Ok(count) => count as c_int,
        Err(error) => -error.raw_os_error().unwrap_or(libc::EINVAL),
    }
}

/// libaio's.
pub unsafe extern "C" fn io_getevents(
    context: usize, least: c_long, most: c_long, events: *mut c_void, time: *const timespec,
) -> c_int {
    // SAFETY: see above.
    answer(unsafe { completions(context, least, most, events, time, ptr::null()) })
}

/// libaio's, which knows the size of masks.
pub unsafe extern "C" fn io_pgetevents(
    context: usize, least: c_long, most: c_long, events: *mut c_void, time: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    let sized = sys::SizedMask { mask, size: size_of::<u64>() };
    // SAFETY: see above.
    answer(unsafe { completions(context, least, most, events, time, &raw const sized) })
}
