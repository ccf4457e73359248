//! Reads and writes at a position of their own, and those with flags of their own (`RWF_*`).
//!
//! What waits for others hardly ever has positions: pipes, sockets, terminals and the like refuse them (ESPIPE)
//! before they look at anything else. `preadv2` and `pwritev2` at the position -1 are `readv` and `writev`.

use core::ffi::{c_int, c_void};
use std::io;

use super::ending::Ending;
use super::file::{Manner, beyond_memory, manner, tells_to_wait};
use super::{Direction, disk, error, is_nonblocking, persist, readv, writev};
use crate::scheduler::Scheduler;
use crate::sys;

/// The position that means the file's own.
const OWN: i64 = -1;
/// Flags that the kernel takes where they mean nothing, off the disk.
const INERT: c_int = libc::RWF_HIPRI | libc::RWF_DSYNC | libc::RWF_SYNC | libc::RWF_APPEND;

/// Whether the call may wait for somebody. If not, the kernel's own has its answer at once: on disk, and where
/// it refuses the flags.
fn may_wait(fd: c_int, flags: c_int) -> bool {
    flags & !INERT == 0 && manner(fd).ok() == Some(Manner::Careful)
}

/// Whether a file that does not know `RWF_NOWAIT` takes other flags. What has no kind, inotify say, does not.
fn takes_flags(fd: c_int, flags: c_int) -> bool {
    flags & !libc::RWF_HIPRI == 0 || sys::file_type(fd).is_ok_and(|kind| kind != 0)
}

/// Attempts a call with flags until it does not block.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
unsafe fn with_flags(
    scheduler: *mut Scheduler, fd: c_int, direction: Direction, flags: c_int,
    mut attempt: impl FnMut(c_int) -> io::Result<usize>,
) -> io::Result<usize> {
    if !may_wait(fd, flags) {
        return attempt(flags);
    }
    let mut ending = Ending::new(fd, || Ok(0));
    // SAFETY: by contract.
    unsafe {
        persist(scheduler, fd, direction, || {
            let result = ending.attempt(|| attempt(flags | libc::RWF_NOWAIT));
            if !sys::knows_no_nowait(&result) {
                return result;
            }
            let waits = takes_flags(fd, flags) && !is_nonblocking(fd)?;
            if waits && tells_to_wait(fd, direction) {
                return Err(error(libc::EAGAIN));
            }
            attempt(flags)
        })
    }
}

/// `pread`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `buffer` is the program's, as for the call itself.
/// The same holds for every function of this file.
pub unsafe fn pread(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize, offset: i64,
) -> io::Result<usize> {
    let vector = libc::iovec { iov_base: buffer, iov_len: count };
    // SAFETY: by contract.
    unsafe {
        let plain = || sys::pread(fd, buffer, count, offset);
        if offset < 0 || beyond_memory(buffer, count) {
            return plain();
        }
        if manner(fd).ok() == Some(Manner::Disk) {
            return disk::preadv(scheduler, fd, &vector, 1, offset);
        }
        with_flags(scheduler, fd, Direction::In, 0, |flags| match flags {
            0 => plain(),
            _ => sys::preadv2(fd, &vector, 1, offset, flags),
        })
    }
}

/// `pwrite`.
///
/// # Safety
/// As for [`pread`].
pub unsafe fn pwrite(
    scheduler: *mut Scheduler, fd: c_int, buffer: *const c_void, count: usize, offset: i64,
) -> io::Result<usize> {
    let vector = libc::iovec { iov_base: buffer.cast_mut(), iov_len: count };
    let plain = || sys::pwrite(fd, buffer, count, offset);
    if offset < 0 || beyond_memory(buffer, count) {
        return plain();
    }
    // SAFETY: by contract.
    unsafe {
        with_flags(scheduler, fd, Direction::Out, 0, |flags| match flags {
            0 => plain(),
            _ => sys::pwritev2(fd, &vector, 1, offset, flags),
        })
    }
}

/// `preadv`.
///
/// # Safety
/// As for [`pread`].
pub unsafe fn preadv(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int, offset: i64,
) -> io::Result<usize> {
    // SAFETY: by contract. The call with flags does not mind a negative position.
    unsafe {
        if offset < 0 {
            return sys::preadv(fd, vector, count, offset);
        }
        preadv2(scheduler, fd, vector, count, offset, 0)
    }
}

/// `pwritev`.
///
/// # Safety
/// As for [`pread`].
pub unsafe fn pwritev(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int, offset: i64,
) -> io::Result<usize> {
    if offset < 0 {
        return sys::pwritev(fd, vector, count, offset);
    }
    // SAFETY: by contract.
    unsafe { pwritev2(scheduler, fd, vector, count, offset, 0) }
}

/// `preadv2`.
///
/// # Safety
/// As for [`pread`].
pub unsafe fn preadv2(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int, offset: i64, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        if offset == OWN && flags == 0 {
            return readv(scheduler, fd, vector, count);
        }
        if flags == 0 && offset >= 0 && manner(fd).ok() == Some(Manner::Disk) {
            return disk::preadv(scheduler, fd, vector, count, offset);
        }
        with_flags(scheduler, fd, Direction::In, flags, |flags| {
            sys::preadv2(fd, vector, count, offset, flags)
        })
    }
}

/// `pwritev2`.
///
/// # Safety
/// As for [`pread`].
pub unsafe fn pwritev2(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int, offset: i64, flags: c_int,
) -> io::Result<usize> {
    let plain = |flags| sys::pwritev2(fd, vector, count, offset, flags);
    // SAFETY: by contract.
    unsafe {
        if offset != OWN {
            return with_flags(scheduler, fd, Direction::Out, flags, plain);
        }
        if !may_wait(fd, flags) || !takes_flags(fd, flags) {
            return plain(flags);
        }
        writev(scheduler, fd, vector, count)
    }
}
