//! Files that are no sockets: what they are, and how a call on one can be kept from blocking.

use core::ffi::{c_int, c_void};
use std::io;

use super::{error, is_nonblocking, offload};
use crate::scheduler::Scheduler;
use crate::sys;

/// A write of at most this size goes through whole once a pipe polls writable.
const PIPE_BUF: usize = 4096;
/// What a terminal holds at most (`N_TTY_BUF_SIZE`).
const LONGEST_INPUT: usize = 4096;

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

/// Whether the kernel refuses the range before it looks at the file: it ends beyond the program's addresses.
/// Calls that cut a count down would not notice.
pub(super) fn beyond_memory(buffer: *const c_void, count: usize) -> bool {
    /// The end of user space on x86-64 with four levels of page tables, less the guard page.
    const END: usize = 0x7fff_ffff_f000;
    buffer.addr().checked_add(count).is_none_or(|end| end > END)
}

/// Reads a terminal in the manner that it is set to. Where its settings make "readable" mean something else
/// than "a read returns" (`VMIN` and `VTIME` of raw input), a helper thread waits in the read itself.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `buffer` is the program's.
pub(super) unsafe fn read_waiting(
    scheduler: *mut Scheduler, fd: c_int, buffer: *mut c_void, count: usize,
) -> io::Result<usize> {
    let settings = sys::raw_input(fd);
    let exact = matches!(settings, None | Some((1, 0)));
    if settings == Some((0, 0)) || is_nonblocking(fd)? || (exact && sys::readiness(fd, libc::POLLIN) != 0) {
        // SAFETY: by contract.
        return unsafe { sys::read(fd, buffer, count) };
    }
    if exact {
        return Err(error(libc::EAGAIN));
    }
    // SAFETY: by contract; the helper reads into memory of its own.
    unsafe {
        let read = offload::run(scheduler, move || {
            let mut bytes = vec![0u8; count.min(LONGEST_INPUT)];
            let read = sys::read(fd, bytes.as_mut_ptr().cast(), bytes.len());
            read.map(|n| (bytes, n)).map_err(|e| e.raw_os_error())
        })?;
        let (bytes, n) = read.map_err(|errno| error(errno.unwrap_or(libc::EIO)))?;
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), n);
        Ok(n)
    }
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
