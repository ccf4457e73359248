//! Files that are no sockets: what they are, and how a call on one can be kept from blocking.

use core::ffi::c_int;
use std::io;

use super::{Direction, error};
use crate::sys;

/// How a file that is no socket can be read or written without blocking the thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It never waits for anybody: the plain call.
    Plain,
    /// It may: attempt with `RWF_NOWAIT`, or look before the call.
    Careful,
}

/// What kind of file `fd` is; EBADF for none.
pub(super) fn manner(fd: c_int) -> io::Result<Manner> {
    Ok(match sys::file_type(fd)? {
        libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK | libc::S_IFLNK => Manner::Plain,
        _ => Manner::Careful,
    })
}

/// Whether the kernel or the file does not know `RWF_NOWAIT`.
pub(super) fn knows_no_nowait<T>(result: &io::Result<T>) -> bool {
    sys::failed_with(result, libc::EOPNOTSUPP) || sys::failed_with(result, libc::ENOSYS)
}

/// Makes a call that could block only once the descriptor is ready for it.
pub(super) fn when_ready(
    fd: c_int, direction: Direction, call: impl FnOnce() -> io::Result<usize>,
) -> io::Result<usize> {
    if sys::readiness(fd, direction.poll_events()) == 0 { Err(error(libc::EAGAIN)) } else { call() }
}
