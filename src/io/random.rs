//! Random numbers: the kernel makes them wait only until it has gathered enough, early after its start.

use core::ffi::{c_uint, c_void};
use std::io;

use super::offload::{self, Kind};
use super::would_block;
use crate::scheduler::Scheduler;
use crate::sys;

/// `getrandom`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `buffer` is the program's.
pub unsafe fn getrandom(
    scheduler: *mut Scheduler, buffer: *mut c_void, length: usize, flags: c_uint,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let result = sys::getrandom(buffer, length, flags | libc::GRND_NONBLOCK);
        if !would_block(&result) || flags & libc::GRND_NONBLOCK != 0 {
            return result;
        }
        offload::run_patiently(scheduler, Kind::WAIT, move || {
            let mut one = 0u8;
            sys::getrandom((&raw mut one).cast(), 1, flags)
        })?;
        sys::getrandom(buffer, length, flags)
    }
}

/// Waits until random numbers can be had without waiting.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub unsafe fn await_random(scheduler: *mut Scheduler) -> io::Result<()> {
    let mut one = 0u8;
    // SAFETY: by contract; the byte is only used while the coroutine runs.
    unsafe { getrandom(scheduler, (&raw mut one).cast(), 1, 0) }.map(drop)
}
