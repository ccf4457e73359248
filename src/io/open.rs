//! Opening files: only a FIFO and a device can make an open wait.

use core::ffi::{CStr, c_char, c_int, c_uint};
use std::io;

use super::error;
use super::offload::{self, Kind};
use crate::heap;
use crate::scheduler::{self, Scheduler};
use crate::sys;

/// A descriptor that nobody knows of yet: closed when its coroutine was released meanwhile.
struct Fresh(c_int);

impl Fresh {
    fn take(self) -> c_int {
        let fd = self.0;
        core::mem::forget(self);
        fd
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        sys::close(self.0);
    }
}

/// Whether an open of this device can wait: a terminal line for its carrier, say. Memory devices, the
/// controlling terminal and pseudo-terminals never do.
fn device_may_wait(device: libc::dev_t) -> bool {
    const MEMORY: u32 = 1;
    const TERMINALS: u32 = 5;
    !matches!((libc::major(device), libc::minor(device)), (MEMORY | 136..=143, _) | (TERMINALS, 0 | 2))
}

/// Whether the open may have to wait for somebody.
fn may_wait(directory: c_int, path: *const c_char, flags: c_int) -> bool {
    let now = libc::O_NONBLOCK | libc::O_PATH | libc::O_DIRECTORY;
    let makes = libc::O_CREAT | libc::O_EXCL;
    if flags & now != 0 || flags & makes == makes {
        return false;
    }
    let follow = if flags & libc::O_NOFOLLOW != 0 { libc::AT_SYMLINK_NOFOLLOW } else { 0 };
    sys::stat_at(directory, path, follow).is_ok_and(|stat| match stat.st_mode & libc::S_IFMT {
        // One that is opened for both is its own peer.
        libc::S_IFIFO => flags & libc::O_ACCMODE != libc::O_RDWR,
        libc::S_IFCHR => device_may_wait(stat.st_rdev),
        _ => false,
    })
}

/// `openat`, and with `AT_FDCWD` all other opens.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `path` is the program's.
pub unsafe fn open(
    scheduler: *mut Scheduler, directory: c_int, path: *const c_char, flags: c_int, mode: c_uint,
) -> io::Result<c_int> {
    let fd = if may_wait(directory, path, flags) {
        // SAFETY: by contract; the kernel has just read the path.
        unsafe {
            let path = heap::copy(CStr::from_ptr(path)).ok_or(error(libc::ENOMEM))?;
            let opened = offload::run_as(scheduler, Kind::WAIT, move || {
                let fd = sys::openat(directory, path.as_ptr(), flags, mode);
                fd.map(Fresh).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
            })?;
            opened.map_err(error)?.take()
        }
    } else {
        sys::openat(directory, path, flags, mode)?
    };
    // A number that was just made proves that whatever was registered under it is gone.
    scheduler::opened(fd);
    Ok(fd)
}
