//! Calls that wait until what was written has arrived: on the disk, at the other end of a terminal line.

use core::ffi::c_int;
use std::io;

use super::offload::{self, Kind};
use crate::scheduler::Scheduler;
use crate::sys;

/// Flushes what `fd` stands for by `flush`, on a helper where a disk may be behind it.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub unsafe fn flush(
    scheduler: *mut Scheduler, fd: c_int, flush: impl Fn() -> io::Result<()> + Copy + Send + Sync + 'static,
) -> io::Result<()> {
    match sys::file_type(fd) {
        // SAFETY: by contract.
        Ok(libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK) => unsafe { flush_all(scheduler, flush) },
        _ => flush(),
    }
}

/// Flushes by `flush`, on a helper.
///
/// # Safety
/// As for [`flush`].
pub unsafe fn flush_all(
    scheduler: *mut Scheduler, flush: impl Fn() -> io::Result<()> + Copy + Send + Sync + 'static,
) -> io::Result<()> {
    // SAFETY: by contract.
    unsafe { offload::run_or_call(scheduler, Kind::SHORT, flush) }
}

/// `tcdrain`.
///
/// # Safety
/// As for [`flush`].
pub unsafe fn drain(scheduler: *mut Scheduler, fd: c_int) -> io::Result<()> {
    // A terminal with nothing to send answers at once. One whose foreground is another's stops us by a signal,
    // which must reach this thread and not a helper.
    if sys::unsent(fd) == 0 || !sys::in_foreground(fd) {
        return sys::drain_terminal(fd);
    }
    // SAFETY: by contract.
    unsafe { offload::run_patiently(scheduler, Kind::WAIT, move || sys::drain_terminal(fd)) }
}
