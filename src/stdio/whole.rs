//! Calls on streams as a whole: opening, closing, locking.

use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use std::io::Write;

use super::EOF;
use super::call::{errno, set_errno, uncancelled};
use super::output::fflush;
use super::owner;
use super::stream::{self, Stream};
use crate::clock;
use crate::heap;
use crate::io::{
    self,
    offload::{self, Kind},
};
use crate::scheduler::{self, NAP, Scheduler};
use crate::tls;
use crate::waiter::Interrupt;

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
        if !opening_waits(path, mode) {
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

/// Whether opening the file in this mode may wait for somebody.
unsafe fn opening_waits(path: *const c_char, mode: *const c_char) -> bool {
    // SAFETY: by contract of `fopen`, which reads it whatever it is.
    let mode = unsafe { CStr::from_ptr(mode) }.to_bytes();
    io::opening_waits(libc::AT_FDCWD, path, flags_of(mode))
}

/// What a mode means to the file that is opened.
fn flags_of(mode: &[u8]) -> c_int {
    /// libc looks at no further letters.
    const LETTERS: usize = 7;
    let further = mode.get(1..mode.len().min(LETTERS)).unwrap_or_default();
    let access = match (mode.first(), further.contains(&b'+')) {
        (_, true) => libc::O_RDWR,
        (Some(b'r'), false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    let creates = if mode.first() == Some(&b'r') { 0 } else { libc::O_CREAT };
    access | creates | if further.contains(&b'x') { libc::O_EXCL } else { 0 }
}

/// A path to the file behind a descriptor, in a place that needs no memory.
struct NameOfNumber([u8; 32]);

impl NameOfNumber {
    fn new(fd: c_int) -> Self {
        let mut text = [0; 32];
        // It is shorter, so a zero is left behind it.
        let _ = write!(&mut text[..], "/proc/self/fd/{fd}");
        NameOfNumber(text)
    }

    fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
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
        scheduler::closing(Stream::descriptor(stream));
        // Without a path it is the same file that is opened.
        let same = NameOfNumber::new(Stream::descriptor(stream));
        let waits = opening_waits(if path.is_null() { same.as_ptr() } else { path }, mode);
        let opened = if waits {
            freopen_elsewhere(scheduler, path, mode, stream)
        } else {
            uncancelled(|| libc::freopen(path, mode, stream.cast())).cast()
        };
        if !opened.is_null() {
            scheduler::opened(Stream::descriptor(opened));
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
        let fd = Stream::descriptor(stream);
        owner::acquire(scheduler, stream);
        let flushed = write_out(scheduler, stream);
        let error = errno();
        scheduler::closing(fd);
        let kept = io::keep_lingering(scheduler, fd);
        let mut closed = if fd >= 0 && Stream::closes_specially(stream) {
            close_elsewhere(scheduler, stream, close)
        } else {
            uncancelled(|| close(stream.cast()))
        };
        scheduler::closed(fd);
        if closed == 0 && !flushed {
            set_errno(error);
            closed = EOF;
        }
        // What was locked is no more, as often as it was.
        while owner::release(scheduler, stream) {}
        if let Some(kept) = kept {
            io::close_kept(scheduler, kept);
        }
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
            Err(_) => uncancelled(|| close(stream.cast())),
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
