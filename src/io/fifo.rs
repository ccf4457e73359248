//! FIFOs that do not know `RWF_NOWAIT`: named ones, and before Linux 6.5 those of `pipe` too.
//!
//! A description of the library's own can be non-blocking without anybody noticing. It is open for one attempt: while it is,
//! nobody is told that the side is closed which it is of. So no child of a fork may come to have it either.

use core::ffi::c_int;
use std::io;

use crate::fork::{Handlers, Side};
use crate::latch::Mutex;
use crate::sys;

/// A write of at most this size goes through whole once a pipe polls writable.
const PIPE_BUF: usize = 4096;

/// Held while there is a description of our own.
static OPEN: Mutex<()> = Mutex::new(());

/// What this part of the library does around a fork.
pub static FORK: Handlers = Handlers { stop, go_on, later: |_| () };

fn stop() {
    core::mem::forget(OPEN.lock());
}

unsafe fn go_on(_: Side) {
    // SAFETY: `stop` ran on this thread.
    unsafe { OPEN.force_unlock() };
}

/// Reads what is there: like `readv`, or EAGAIN. `None` where that cannot be said. No look comes before: one that nobody has
/// opened for writing yet is not readable, and a read is at its end.
///
/// # Safety
/// The pieces are the program's buffers.
pub(super) unsafe fn read(fd: c_int, pieces: &[libc::iovec]) -> Option<io::Result<usize>> {
    // SAFETY: by contract.
    attempt(fd, libc::O_RDONLY, |own| unsafe { sys::readv(own, pieces.as_ptr(), pieces.len() as c_int, 0) })
}

/// Writes as far as there is room: like `writev`, or EAGAIN. `None` where that cannot be said: nobody reads, say.
pub(super) fn write(fd: c_int, pieces: &[libc::iovec]) -> Option<io::Result<usize>> {
    // Of which writes are packets, a flag of the description tells.
    if sys::fcntl(fd, libc::F_GETFL, 0).ok()? & libc::O_DIRECT != 0 {
        return None;
    }
    attempt(fd, libc::O_WRONLY, |own| sys::writev(own, pieces.as_ptr(), pieces.len() as c_int, 0))
}

/// Writes where [`write()`] does not, to a FIFO that polls writable, as much as surely goes through at once: one page, and that
/// whole.
pub(super) fn write_page(fd: c_int, pieces: &[libc::iovec]) -> io::Result<usize> {
    let (mut size, mut fitting) = (0usize, 0);
    for piece in pieces {
        size = size.saturating_add(piece.iov_len);
        if size > PIPE_BUF {
            break;
        }
        fitting += 1;
    }
    match pieces.iter().find(|piece| piece.iov_len > 0) {
        Some(first) if first.iov_len > PIPE_BUF => sys::write_from(fd, first.iov_base, PIPE_BUF),
        _ => sys::writev(fd, pieces.as_ptr(), fitting, 0),
    }
}

/// Makes a call on a description of our own. `None` without one: there is no /proc, the FIFO is somebody else's, a fork or
/// another attempt is under way.
fn attempt(
    fd: c_int, access: c_int, call: impl FnOnce(c_int) -> io::Result<usize>,
) -> Option<io::Result<usize>> {
    // No handler jumps out of this, or forks in it: it runs behind it, for the SIGPIPE of the call say.
    let mask = sys::signal_mask(Some(!0)).ok()?;
    let result = attempt_alone(fd, access, call);
    let _ = sys::signal_mask(Some(mask));
    result
}

fn attempt_alone(
    fd: c_int, access: c_int, call: impl FnOnce(c_int) -> io::Result<usize>,
) -> Option<io::Result<usize>> {
    let _alone = OPEN.try_lock()?;
    let own = sys::reopen(fd, access | libc::O_NONBLOCK).ok()?;
    let result = call(own);
    sys::close(own);
    Some(result)
}
