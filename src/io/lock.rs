//! Locks of files. Nothing tells when one is free, so a helper waits in the call itself: locks belong to the file
//! description or to the process, whichever thread asks.

use core::ffi::c_int;
use core::mem::zeroed;
use std::io;

use super::offload::{self, Kind};
use super::would_block;
use crate::scheduler::Scheduler;
use crate::sys;

/// `flock`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub unsafe fn flock(scheduler: *mut Scheduler, fd: c_int, operation: c_int) -> io::Result<()> {
    if operation & libc::LOCK_NB != 0 {
        return sys::flock(fd, operation);
    }
    let attempt = || sys::flock(fd, operation | libc::LOCK_NB);
    let prepare = || Ok(move || sys::flock(fd, operation));
    // SAFETY: by contract.
    unsafe { offload::attempt_or_run(scheduler, Kind::WAIT, attempt, would_block, prepare) }
}

/// Whether a command of `fcntl` waits for a record lock.
pub fn waits_for_lock(command: c_int) -> bool {
    matches!(command, libc::F_SETLKW | libc::F_OFD_SETLKW)
}

/// `fcntl` with a command that [`waits_for_lock`].
///
/// # Safety
/// As for [`flock`]; `lock` is the program's.
pub unsafe fn lock_record(
    scheduler: *mut Scheduler, fd: c_int, command: c_int, lock: *const libc::flock,
) -> io::Result<()> {
    let now = if command == libc::F_SETLKW { libc::F_SETLK } else { libc::F_OFD_SETLK };
    // SAFETY: by contract; all zeroes are a lock.
    unsafe {
        let mut wanted: libc::flock = zeroed();
        let place = (&raw mut wanted).cast();
        if sys::copy_in(lock.cast(), place, size_of::<libc::flock>()).is_err() {
            // EFAULT, unless something else is wrong as well.
            return sys::set_lock(fd, command, lock);
        }
        lock_copy(scheduler, fd, (now, command), wanted)
    }
}

/// `lockf` with `F_LOCK`.
///
/// # Safety
/// As for [`flock`].
pub unsafe fn lock_region(scheduler: *mut Scheduler, fd: c_int, length: libc::off_t) -> io::Result<()> {
    // SAFETY: by contract; all zeroes are a lock.
    unsafe {
        let mut wanted: libc::flock = zeroed();
        wanted.l_type = libc::F_WRLCK as i16;
        wanted.l_whence = libc::SEEK_CUR as i16;
        wanted.l_len = length;
        lock_copy(scheduler, fd, (libc::F_SETLK, libc::F_SETLKW), wanted)
    }
}

unsafe fn lock_copy(
    scheduler: *mut Scheduler, fd: c_int, (now, waiting): (c_int, c_int), wanted: libc::flock,
) -> io::Result<()> {
    let attempt = || sys::set_lock(fd, now, &wanted);
    let prepare = || Ok(move || sys::set_lock(fd, waiting, &wanted));
    // SAFETY: by contract of the callers.
    unsafe { offload::attempt_or_run(scheduler, Kind::WAIT, attempt, would_block, prepare) }
}
