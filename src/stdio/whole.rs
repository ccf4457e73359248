//! Calls on streams as a whole: opening, closing, locking.

use core::ffi::{CStr, c_char, c_int};
use core::ptr;

use super::EOF;
use super::call::{errno, set_errno};
use super::output::fflush;
use super::owner;
use super::stream::{self, Stream};
use crate::clock;
use crate::heap;
use crate::io::offload::{self, Kind};
use crate::scheduler::{self, NAP, Scheduler};
use crate::waiter::Interrupt;
use crate::{sys, tls};

/// A stream that a helper thread hands over.
struct Handed(*mut Stream);
// SAFETY: one thread has it at a time.
unsafe impl Send for Handed {}

/// `fopen`: a file whose opening may wait for somebody, a FIFO say, is opened by a helper thread.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs, with hooks off; strings and streams are the program's,
/// as for the call itself. The same holds for every function of this file.
pub unsafe fn fopen(scheduler: *mut Scheduler, path: *const c_char, mode: *const c_char) -> *mut Stream {
    // SAFETY: by contract.
    unsafe {
        if !opening_waits(path) {
            return libc::fopen(path, mode).cast();
        }
        let (Some(path), Some(mode)) = (heap::copy(CStr::from_ptr(path)), heap::copy(CStr::from_ptr(mode)))
        else {
            set_errno(libc::ENOMEM);
            return ptr::null_mut();
        };
        let opened = offload::run_as(scheduler, Kind::DEED, move || {
            let stream = libc::fopen(path.as_ptr(), mode.as_ptr());
            (Handed(stream.cast()), errno())
        });
        handed(opened)
    }
}

/// What the helper gave, and `errno` when it gave nothing.
fn handed(opened: std::io::Result<(Handed, c_int)>) -> *mut Stream {
    match opened {
        Ok((stream, errno)) => {
            if stream.0.is_null() {
                set_errno(errno);
            }
            stream.0
        }
        Err(error) => {
            set_errno(error.raw_os_error().unwrap_or(libc::ENOMEM));
            ptr::null_mut()
        }
    }
}

/// Whether opening the file may wait: a FIFO for its other end, a terminal for its line.
unsafe fn opening_waits(path: *const c_char) -> bool {
    /// The major number of `/dev/null` and its like.
    const MEMORY: u32 = 1;
    // SAFETY: the kernel reads the path.
    match unsafe { sys::status_of(path) } {
        Ok(status) => match status.st_mode & libc::S_IFMT {
            libc::S_IFIFO => true,
            libc::S_IFCHR => libc::major(status.st_rdev) != MEMORY,
            _ => false,
        },
        Err(_) => false,
    }
}

/// `freopen`. What was put is written first; a file whose opening may wait is opened by a helper thread.
///
/// # Safety
/// As for [`fopen`].
pub unsafe fn freopen(
    scheduler: *mut Scheduler, path: *const c_char, mode: *const c_char, stream: *mut Stream,
) -> *mut Stream {
    // SAFETY: by contract.
    unsafe {
        if !owner::acquire(scheduler, stream) {
            set_errno(libc::ENOMEM);
            return ptr::null_mut();
        }
        write_out(scheduler, stream);
        scheduler::closing((*stream).fileno);
        // Without a path it is the same file that is opened.
        let waits = match path.is_null() {
            true => sys::file_type((*stream).fileno).is_ok_and(|kind| kind == libc::S_IFIFO),
            false => opening_waits(path),
        };
        let opened = if waits {
            freopen_elsewhere(scheduler, path, mode, stream)
        } else {
            libc::freopen(path, mode, stream.cast()).cast()
        };
        if !opened.is_null() {
            scheduler::opened((*opened).fileno);
        }
        owner::release(scheduler, stream);
        opened
    }
}

unsafe fn freopen_elsewhere(
    scheduler: *mut Scheduler, path: *const c_char, mode: *const c_char, stream: *mut Stream,
) -> *mut Stream {
    // SAFETY: by contract.
    unsafe {
        let same = path.is_null();
        let path = if same { heap::copy(c"") } else { heap::copy(CStr::from_ptr(path)) };
        let (Some(path), Some(mode)) = (path, heap::copy(CStr::from_ptr(mode))) else {
            set_errno(libc::ENOMEM);
            return ptr::null_mut();
        };
        let stream = stream.expose_provenance();
        let opened = offload::run_as(scheduler, Kind::DEED, move || {
            let stream: *mut libc::FILE = ptr::with_exposed_provenance_mut(stream);
            let path = if same { ptr::null() } else { path.as_ptr() };
            (Handed(libc::freopen(path, mode.as_ptr(), stream).cast()), errno())
        });
        handed(opened)
    }
}

/// Writes what was put, so that libc's own function finds nothing to write. What fails here is lost, as there;
/// `false` tells.
///
/// # Safety
/// As for [`fopen`].
pub unsafe fn write_out(scheduler: *mut Scheduler, stream: *mut Stream) -> bool {
    // SAFETY: by contract.
    unsafe { Stream::unwritten(stream) == 0 || fflush(scheduler, stream, true) == 0 }
}

/// `fclose` and `pclose`, whose function is `close`: waits until no other coroutine is in the stream, writes what
/// was put, and closes. The process behind a stream of `popen` is waited for by a helper thread.
///
/// # Safety
/// As for [`fopen`].
pub unsafe fn fclose(
    scheduler: *mut Scheduler, stream: *mut Stream, close: unsafe extern "C" fn(*mut libc::FILE) -> c_int,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let fd = (*stream).fileno;
        owner::acquire(scheduler, stream);
        let flushed = write_out(scheduler, stream);
        let error = errno();
        scheduler::closing(fd);
        let mut closed = if fd >= 0 && Stream::closes_specially(stream) {
            close_elsewhere(scheduler, stream, close)
        } else {
            close(stream.cast())
        };
        scheduler::closed(fd);
        if closed == 0 && !flushed {
            set_errno(error);
            closed = EOF;
        }
        // What was locked is no more, as often as it was.
        while owner::release(scheduler, stream) {}
        closed
    }
}

unsafe fn close_elsewhere(
    scheduler: *mut Scheduler, stream: *mut Stream, close: unsafe extern "C" fn(*mut libc::FILE) -> c_int,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let address = stream.expose_provenance();
        // No handler ends the wait for a command.
        let closed = offload::run_as(scheduler, Kind::DEED.ended_by(Interrupt::Never), move || {
            (close(ptr::with_exposed_provenance_mut(address)), errno())
        });
        match closed {
            Ok((EOF, errno)) => {
                set_errno(errno);
                EOF
            }
            Ok((status, _)) => status,
            Err(_) => close(stream.cast()),
        }
    }
}

/// `flockfile`: the coroutine's own, as often as it is called.
///
/// # Safety
/// As for [`fopen`].
pub unsafe fn flockfile(scheduler: *mut Scheduler, stream: *mut Stream) {
    // SAFETY: by contract.
    unsafe {
        owner::acquire(scheduler, stream);
        // Another thread that has libc's lock is waited for.
        while stream::ftrylockfile(stream) != 0 {
            Scheduler::sleep(scheduler, clock::after(NAP));
        }
        stream::funlockfile(stream);
    }
}

/// `ftrylockfile`.
///
/// # Safety
/// As for [`fopen`].
pub unsafe fn ftrylockfile(scheduler: *mut Scheduler, stream: *mut Stream) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if owner::try_acquire(scheduler, stream) != Some(true) {
            return libc::EBUSY;
        }
        if stream::ftrylockfile(stream) != 0 {
            owner::release(scheduler, stream);
            return libc::EBUSY;
        }
        stream::funlockfile(stream);
        0
    }
}

/// `funlockfile`. What the running coroutine locked with hooks on it unlocks here, with hooks off too; all else is
/// libc's to unlock.
///
/// # Safety
/// `scheduler` is the calling thread's or null; the stream is the program's.
pub unsafe fn funlockfile(scheduler: *mut Scheduler, stream: *mut Stream) {
    // SAFETY: by contract.
    unsafe {
        let ours = !owner::is_free(stream) && !scheduler.is_null() && tls::handlers() == 0;
        if !(ours && owner::release(scheduler, stream)) {
            stream::funlockfile(stream);
        }
    }
}
