//! Opening files: only a FIFO and a device can make an open wait.

use core::ffi::{CStr, c_char, c_int, c_uint};
use std::io;

use super::error;
use super::file::is_pseudo_terminal;
use super::fresh::Fresh;
use super::offload::{self, Kind};
use crate::heap;
use crate::scheduler::{self, Scheduler};
use crate::sys;

/// Whether an open of this device can wait: a terminal line for its carrier, say. Memory devices, the
/// controlling terminal and pseudo-terminals never do.
fn device_may_wait(device: libc::dev_t) -> bool {
    const MEMORY: u32 = 1;
    const TERMINALS: u32 = 5;
    let known = matches!((libc::major(device), libc::minor(device)), (MEMORY, _) | (TERMINALS, 0 | 2));
    !known && !is_pseudo_terminal(device)
}

/// What an open may have to wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Nobody,
    OtherEnd,
    Device,
}

/// What this open may have to wait for.
fn wait_of(directory: c_int, path: *const c_char, flags: c_int) -> Wait {
    let now = libc::O_NONBLOCK | libc::O_PATH | libc::O_DIRECTORY;
    let makes = libc::O_CREAT | libc::O_EXCL;
    if flags & now != 0 || flags & makes == makes {
        return Wait::Nobody;
    }
    let follow = if flags & libc::O_NOFOLLOW != 0 { libc::AT_SYMLINK_NOFOLLOW } else { 0 };
    let Ok(stat) = sys::stat_at(directory, path, follow) else { return Wait::Nobody };
    match stat.st_mode & libc::S_IFMT {
        // One that is opened for both is its own peer.
        libc::S_IFIFO if flags & libc::O_ACCMODE != libc::O_RDWR => Wait::OtherEnd,
        libc::S_IFCHR if device_may_wait(stat.st_rdev) => Wait::Device,
        _ => Wait::Nobody,
    }
}

/// Whether this open may have to wait for somebody: the other end of a FIFO, say.
pub fn opening_waits(directory: c_int, path: *const c_char, flags: c_int) -> bool {
    wait_of(directory, path, flags) != Wait::Nobody
}

/// `openat`, and with `AT_FDCWD` all other opens.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `path` is the program's.
pub unsafe fn open(
    scheduler: *mut Scheduler, directory: c_int, path: *const c_char, flags: c_int, mode: c_uint,
) -> io::Result<c_int> {
    let at_once = match wait_of(directory, path, flags) {
        Wait::Nobody => Some(sys::openat(directory, path, flags, mode)?),
        Wait::OtherEnd if flags & libc::O_ACCMODE == libc::O_WRONLY => {
            open_for_readers(directory, path, flags, mode)?
        }
        Wait::OtherEnd | Wait::Device => None,
    };
    let fd = match at_once {
        Some(fd) => fd,
        // SAFETY: by contract.
        None => unsafe { wait_in_open(scheduler, directory, path, flags, mode)? },
    };
    // A number that was just made proves that whatever was registered under it is gone.
    scheduler::opened(fd);
    Ok(fd)
}

/// Opens a FIFO for writing if it has readers: then the open need not wait, and has the lowest number, as ever.
/// One that waits takes its number when a helper gets to it.
fn open_for_readers(
    directory: c_int, path: *const c_char, flags: c_int, mode: c_uint,
) -> io::Result<Option<c_int>> {
    match sys::openat(directory, path, flags | libc::O_NONBLOCK, mode) {
        Ok(fd) => {
            // Nobody shares the description yet.
            let status = sys::fcntl(fd, libc::F_GETFL, 0)?;
            sys::fcntl(fd, libc::F_SETFL, status & !libc::O_NONBLOCK)?;
            Ok(Some(fd))
        }
        Err(e) if e.raw_os_error() == Some(libc::ENXIO) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Has a helper wait in the call itself.
unsafe fn wait_in_open(
    scheduler: *mut Scheduler, directory: c_int, path: *const c_char, flags: c_int, mode: c_uint,
) -> io::Result<c_int> {
    // SAFETY: by contract of `open`; the kernel has just read the path.
    let path = heap::copy(unsafe { CStr::from_ptr(path) }).ok_or(error(libc::ENOMEM))?;
    // SAFETY: by contract of `open`.
    let opened = unsafe {
        offload::run_as(scheduler, Kind::WAIT, move || {
            let fd = sys::openat(directory, path.as_ptr(), flags, mode);
            fd.map(Fresh).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
        })?
    };
    opened.map(Fresh::take).map_err(error)
}
