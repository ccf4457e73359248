//! Files: opening, locking, flushing, and moving data between descriptors inside the kernel.
//!
//! Pointers are the program's own or a helper's copies; the kernel checks them.

use core::ffi::{c_char, c_int, c_uint, c_void};
use core::mem::MaybeUninit;
use std::io;

/// `openat(2)`.
pub fn openat(directory: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> io::Result<c_int> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_openat, directory, path, flags, mode) }.map(|fd| fd as c_int)
}

/// `fstatat(2)`.
pub fn stat_at(directory: c_int, path: *const c_char, flags: c_int) -> io::Result<libc::stat> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel fills `stat` on success.
    unsafe {
        call!(SYS_newfstatat, directory, path, stat.as_mut_ptr(), flags)?;
        Ok(stat.assume_init())
    }
}

/// What kind of file system a file is on, by its magic number.
pub fn file_system(fd: c_int) -> io::Result<u32> {
    let mut found = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the kernel fills it in on success.
    unsafe {
        call!(SYS_fstatfs, fd, found.as_mut_ptr())?;
        Ok(found.assume_init().f_type as u32)
    }
}

/// `flock(2)`.
pub fn flock(fd: c_int, operation: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_flock, fd, operation) }.map(drop)
}

/// `fcntl(2)` with a record lock that is set, not asked for.
pub fn set_lock(fd: c_int, command: c_int, lock: *const libc::flock) -> io::Result<()> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_fcntl, fd, command, lock) }.map(drop)
}

/// `fsync(2)`.
pub fn fsync(fd: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_fsync, fd) }.map(drop)
}

/// `fdatasync(2)`.
pub fn fdatasync(fd: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_fdatasync, fd) }.map(drop)
}

/// `syncfs(2)`.
pub fn syncfs(fd: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_syncfs, fd) }.map(drop)
}

/// `sync(2)`.
pub fn sync() -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_sync) }.map(drop)
}

/// `sync_file_range(2)`.
pub fn sync_file_range(fd: c_int, from: i64, count: i64, flags: c_uint) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_sync_file_range, fd, from, count, flags) }.map(drop)
}

/// `msync(2)`.
pub fn msync(address: usize, length: usize, flags: c_int) -> io::Result<()> {
    // SAFETY: memory keeps its contents.
    unsafe { call!(SYS_msync, address, length, flags) }.map(drop)
}

/// Waits until a terminal has sent all that was written to it: `tcdrain(3)`.
pub fn drain_terminal(fd: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_ioctl, fd, libc::TCSBRK, 1) }.map(drop)
}

/// The bytes that a terminal has still to send; zero when that is not known.
pub fn unsent(fd: c_int) -> usize {
    let mut count: c_int = 0;
    // SAFETY: the kernel writes one integer.
    match unsafe { call!(SYS_ioctl, fd, libc::TIOCOUTQ, &raw mut count) } {
        Ok(_) => count.max(0) as usize,
        Err(_) => 0,
    }
}

/// `sendfile(2)`.
///
/// # Safety
/// `offset` is null or the program's.
pub unsafe fn sendfile(out: c_int, from: c_int, offset: *mut i64, count: usize) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_sendfile, out, from, offset, count) }
}

/// `copy_file_range(2)`.
///
/// # Safety
/// Offsets are null or the program's.
pub unsafe fn copy_file_range(
    (from, from_offset): (c_int, *mut i64), (to, to_offset): (c_int, *mut i64), count: usize, flags: c_uint,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_copy_file_range, from, from_offset, to, to_offset, count, flags) }
}

/// `splice(2)`.
///
/// # Safety
/// Offsets are null or the program's.
pub unsafe fn splice(
    (from, from_offset): (c_int, *mut i64), (to, to_offset): (c_int, *mut i64), count: usize, flags: c_uint,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_splice, from, from_offset, to, to_offset, count, flags) }
}

/// `tee(2)`.
pub fn tee(from: c_int, to: c_int, count: usize, flags: c_uint) -> io::Result<usize> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_tee, from, to, count, flags) }
}

/// `vmsplice(2)`.
///
/// # Safety
/// The vector is the program's.
pub unsafe fn vmsplice(
    fd: c_int, vector: *const libc::iovec, count: usize, flags: c_uint,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_vmsplice, fd, vector, count, flags) }
}

/// `getrandom(2)`.
///
/// # Safety
/// `buffer` is the program's.
pub unsafe fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_getrandom, buffer, length, flags) }
}
