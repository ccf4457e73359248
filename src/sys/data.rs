//! Reading and writing.
//!
//! Buffers are the program's own and may be bad: the kernel answers EFAULT, so raw pointers are safe to hand
//! over here as long as the kernel, not we, touches them.

use core::ffi::{c_int, c_void};
use std::io;

/// `read(2)` into the program's buffer.
///
/// # Safety
/// The program's own promise: `buffer` may be written for `count` bytes, or is not mapped at all.
pub unsafe fn read(fd: c_int, buffer: *mut c_void, count: usize) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_read, fd, buffer, count) }
}

/// `write(2)` of bytes of our own.
pub fn write(fd: c_int, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the slice is readable.
    unsafe { call!(SYS_write, fd, bytes.as_ptr(), bytes.len()) }
}

/// `write(2)` from the program's buffer, which the kernel checks.
pub fn write_from(fd: c_int, buffer: *const c_void, count: usize) -> io::Result<usize> {
    // SAFETY: the kernel only reads through `buffer` and answers EFAULT when it cannot.
    unsafe { call!(SYS_write, fd, buffer, count) }
}

/// `readv(2)`, or `preadv2(2)` at the file's own position where there are `flags` (`RWF_*`): not every kernel and filter knows it.
///
/// # Safety
/// As for [`read`], for each element of the vector.
pub unsafe fn readv(fd: c_int, iov: *const libc::iovec, count: c_int, flags: c_int) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        if flags == 0 {
            call!(SYS_readv, fd, iov, count)
        } else {
            call!(SYS_preadv2, fd, iov, count, -1isize, -1isize, flags)
        }
    }
}

/// `writev(2)`, or `pwritev2(2)` at the file's own position where there are `flags` (`RWF_*`).
pub fn writev(fd: c_int, iov: *const libc::iovec, count: c_int, flags: c_int) -> io::Result<usize> {
    // SAFETY: the kernel only reads.
    unsafe {
        if flags == 0 {
            call!(SYS_writev, fd, iov, count)
        } else {
            call!(SYS_pwritev2, fd, iov, count, -1isize, -1isize, flags)
        }
    }
}

/// `pread(2)`.
///
/// # Safety
/// As for [`read`].
pub unsafe fn pread(fd: c_int, buffer: *mut c_void, count: usize, offset: i64) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_pread64, fd, buffer, count, offset) }
}

/// `pwrite(2)`.
pub fn pwrite(fd: c_int, buffer: *const c_void, count: usize, offset: i64) -> io::Result<usize> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_pwrite64, fd, buffer, count, offset) }
}

/// `preadv(2)`, which refuses the offset -1.
///
/// # Safety
/// As for [`read`], for each element of the vector.
pub unsafe fn preadv(fd: c_int, iov: *const libc::iovec, count: c_int, offset: i64) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_preadv, fd, iov, count, offset, 0) }
}

/// `pwritev(2)`, which refuses the offset -1.
pub fn pwritev(fd: c_int, iov: *const libc::iovec, count: c_int, offset: i64) -> io::Result<usize> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_pwritev, fd, iov, count, offset, 0) }
}

/// `preadv2(2)`; the offset -1 means the file's own position. Without flags it is what the kernel has had for longer, as with libc.
///
/// # Safety
/// As for [`read`], for each element of the vector.
pub unsafe fn preadv2(
    fd: c_int, iov: *const libc::iovec, count: c_int, offset: i64, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        match (offset, flags) {
            (-1, _) => readv(fd, iov, count, flags),
            (_, 0) => preadv(fd, iov, count, offset),
            _ => call!(SYS_preadv2, fd, iov, count, offset, 0, flags),
        }
    }
}

/// `pwritev2(2)`, likewise.
pub fn pwritev2(
    fd: c_int, iov: *const libc::iovec, count: c_int, offset: i64, flags: c_int,
) -> io::Result<usize> {
    match (offset, flags) {
        (-1, _) => writev(fd, iov, count, flags),
        (_, 0) => pwritev(fd, iov, count, offset),
        // SAFETY: the kernel only reads.
        _ => unsafe { call!(SYS_pwritev2, fd, iov, count, offset, 0, flags) },
    }
}

/// `recvfrom(2)`.
///
/// # Safety
/// As for [`read`]; `address` and `length` are null or writable.
pub unsafe fn recvfrom(
    fd: c_int, buffer: *mut c_void, count: usize, flags: c_int, address: *mut libc::sockaddr,
    length: *mut libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_recvfrom, fd, buffer, count, flags, address, length) }
}

/// `sendto(2)`.
pub fn sendto(
    fd: c_int, buffer: *const c_void, count: usize, flags: c_int, address: *const libc::sockaddr,
    length: libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_sendto, fd, buffer, count, flags, address, length) }
}

/// `recvmsg(2)`.
///
/// # Safety
/// As for [`read`], for everything that `message` points at.
pub unsafe fn recvmsg(fd: c_int, message: *mut libc::msghdr, flags: c_int) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_recvmsg, fd, message, flags) }
}

/// `sendmsg(2)`.
pub fn sendmsg(fd: c_int, message: *const libc::msghdr, flags: c_int) -> io::Result<usize> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_sendmsg, fd, message, flags) }
}

/// `recvmmsg(2)`.
///
/// # Safety
/// As for [`recvmsg`], for each element of the vector; `timeout` is null or writable.
pub unsafe fn recvmmsg(
    fd: c_int, vector: *mut libc::mmsghdr, count: u32, flags: c_int, timeout: *mut libc::timespec,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_recvmmsg, fd, vector, count, flags, timeout) }
}

/// `sendmmsg(2)`.
///
/// # Safety
/// `vector` is writable for `count` elements, or not mapped at all.
pub unsafe fn sendmmsg(fd: c_int, vector: *mut libc::mmsghdr, count: u32, flags: c_int) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_sendmmsg, fd, vector, count, flags) }
}

/// `lseek(2)`.
pub fn seek(fd: c_int, offset: i64, whence: c_int) -> io::Result<i64> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_lseek, fd, offset, whence) }.map(|position| position as i64)
}
