//! Sockets, and what descriptors are.

use core::ffi::c_int;
use core::mem::{MaybeUninit, size_of};
use std::io;

/// `accept4(2)`.
///
/// # Safety
/// `address` and `length` are null or writable.
pub unsafe fn accept4(
    fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t, flags: c_int,
) -> io::Result<c_int> {
    // SAFETY: by contract.
    unsafe { call!(SYS_accept4, fd, address, length, flags) }.map(|fd| fd as c_int)
}

/// `connect(2)`.
pub fn connect(fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_connect, fd, address, length) }.map(drop)
}

/// A socket option whose value is a `T`.
pub fn getsockopt<T: Copy>(fd: c_int, level: c_int, name: c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes; every option asked for here is plain data.
    unsafe {
        call!(SYS_getsockopt, fd, level, name, value.as_mut_ptr(), &raw mut length)?;
        Ok(value.assume_init())
    }
}

/// Whether `fd` is an io_uring.
pub fn is_ring(fd: c_int) -> bool {
    is_anonymous(fd, b"anon_inode:[io_uring]")
}

/// Whether `fd` is an eventfd.
pub fn is_eventfd(fd: c_int) -> bool {
    is_anonymous(fd, b"anon_inode:[eventfd]")
}

/// Whether `fd` counts how often a timer was due: `timerfd_create(2)`.
pub fn is_timerfd(fd: c_int) -> bool {
    is_anonymous(fd, b"anon_inode:[timerfd]")
}

/// Whether `fd` is a queue of signals: `signalfd(2)`.
pub fn is_signalfd(fd: c_int) -> bool {
    is_anonymous(fd, b"anon_inode:[signalfd]")
}

/// Whether `fd` counts events of the processor or the kernel: `perf_event_open(2)`.
pub fn is_perf_event(fd: c_int) -> bool {
    is_anonymous(fd, b"anon_inode:[perf_event]")
}

/// Opens what `fd` is open for once more, in a description of its own.
pub fn reopen(fd: c_int, flags: c_int) -> io::Result<c_int> {
    super::openat(libc::AT_FDCWD, entry(fd).as_ptr().cast(), flags | libc::O_CLOEXEC, 0)
}

/// The path of `fd` itself.
fn entry(fd: c_int) -> [u8; 32] {
    let mut path = [0u8; 32];
    let _ = std::io::Write::write_fmt(&mut &mut path[..31], format_args!("/proc/self/fd/{fd}"));
    path
}

/// Whether `fd` is what the kernel calls by this name, of at most 31 bytes.
fn is_anonymous(fd: c_int, expected: &[u8]) -> bool {
    let (path, mut name) = (entry(fd), [0u8; 32]);
    // SAFETY: the path ends with a zero, and the kernel writes no more than it is told.
    let length = unsafe { call!(SYS_readlink, path.as_ptr(), name.as_mut_ptr(), name.len()) };
    length.is_ok_and(|length| name[..length] == *expected)
}

/// `fcntl(2)` with an integer argument.
pub fn fcntl(fd: c_int, command: c_int, argument: c_int) -> io::Result<c_int> {
    // SAFETY: none of the commands used with an integer touches memory.
    unsafe { call!(SYS_fcntl, fd, command, argument) }.map(|value| value as c_int)
}

/// The bytes that can be read at once.
pub fn unread(fd: c_int) -> usize {
    let mut count: c_int = 0;
    // SAFETY: the kernel writes one integer.
    match unsafe { call!(SYS_ioctl, fd, libc::FIONREAD, &raw mut count) } {
        Ok(_) => count.max(0) as usize,
        Err(_) => 0,
    }
}

/// Whether the next byte of the input is urgent.
pub fn at_urgent_mark(fd: c_int) -> bool {
    /// `SIOCATMARK` of asm/sockios.h.
    const SIOCATMARK: c_int = 0x8905;
    let mut at_mark: c_int = 0;
    // SAFETY: the kernel writes one integer.
    unsafe { call!(SYS_ioctl, fd, SIOCATMARK, &raw mut at_mark) }.is_ok() && at_mark != 0
}

/// `VMIN` and `VTIME` of a terminal whose input is raw; `None` for anything else.
pub fn raw_input(fd: c_int) -> Option<(u8, u8)> {
    let mut settings = MaybeUninit::<libc::termios>::zeroed();
    // SAFETY: the kernel's structure is a prefix of libc's.
    unsafe {
        call!(SYS_ioctl, fd, libc::TCGETS, settings.as_mut_ptr()).ok()?;
        let settings = settings.assume_init();
        let raw = settings.c_lflag & libc::ICANON == 0;
        raw.then_some((settings.c_cc[libc::VMIN], settings.c_cc[libc::VTIME]))
    }
}

/// Whether `fd` is a terminal.
pub fn is_terminal(fd: c_int) -> bool {
    let mut settings = MaybeUninit::<libc::termios>::zeroed();
    // SAFETY: as above.
    unsafe { call!(SYS_ioctl, fd, libc::TCGETS, settings.as_mut_ptr()) }.is_ok()
}

/// The file's type bits.
pub fn file_type(fd: c_int) -> io::Result<libc::mode_t> {
    Ok(status(fd)?.st_mode & libc::S_IFMT)
}

/// What the kernel knows of a file: `fstat(2)`.
pub fn status(fd: c_int) -> io::Result<libc::stat> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel fills `stat` on success.
    unsafe {
        call!(SYS_fstat, fd, stat.as_mut_ptr())?;
        Ok(stat.assume_init())
    }
}

/// `close(2)` of one of the library's own descriptors.
pub fn close(fd: c_int) {
    // There is nothing to do about a failure.
    let _ = close_any(fd);
}

/// `close(2)` of a descriptor of the library's own, or one that the program closes.
pub fn close_any(fd: c_int) -> io::Result<()> {
    // SAFETY: whose descriptor it is gives it up.
    unsafe { call!(SYS_close, fd) }.map(drop)
}
