//! Files that are no sockets: what they are, and how a call on one can be kept from blocking.

use core::ffi::c_int;
use std::io;

use super::{error, is_nonblocking, offload};
use crate::scheduler::Scheduler;
use crate::sys;

/// A write of at most this size goes through whole once a pipe polls writable.
const PIPE_BUF: usize = 4096;

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

/// Reads where that could block only once there is something to read.
pub(super) fn when_readable(fd: c_int, call: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    if sys::readiness(fd, libc::POLLIN) == 0 { Err(error(libc::EAGAIN)) } else { call() }
}

/// Writes a piece to a file that knows no `RWF_NOWAIT`, once it polls writable: what surely goes through at
/// once here, all else on a helper thread, because "writable" promises only a byte.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `piece` is the program's buffer.
pub(super) unsafe fn write_piece(
    scheduler: *mut Scheduler, fd: c_int, piece: libc::iovec,
) -> io::Result<usize> {
    let libc::iovec { iov_base: buffer, iov_len: count } = piece;
    if is_nonblocking(fd)? {
        return sys::write_from(fd, buffer, count);
    }
    if sys::readiness(fd, libc::POLLOUT) == 0 {
        return Err(error(libc::EAGAIN));
    }
    let fifo = sys::file_type(fd)? == libc::S_IFIFO;
    if fifo || count <= 1 {
        return sys::write_from(fd, buffer, if fifo { count.min(PIPE_BUF) } else { count });
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(count).map_err(|_| error(libc::ENOMEM))?;
    // SAFETY: reserved; the kernel checks the source. By contract for the rest.
    unsafe {
        sys::copy_in(buffer.cast(), bytes.as_mut_ptr(), count)?;
        bytes.set_len(count);
        if count == size_of::<u64>() && bytes == 1u64.to_ne_bytes() {
            // An eventfd that polls writable has room for one more.
            return sys::write_from(fd, buffer, count);
        }
        offload::run(scheduler, move || sys::write(fd, &bytes).map_err(|e| e.raw_os_error()))?
            .map_err(|errno| error(errno.unwrap_or(libc::EIO)))
    }
}
