//! Calls that take a line from a stream.

use core::ffi::{c_char, c_int};
use core::ptr;

use super::call::{Call, Moved, at_once, errno, on_stream};
use super::stream::{self, Stream};
use crate::scheduler::Scheduler;

/// Where a line goes, and how much of it has been taken.
struct Line {
    to: *mut u8,
    room: usize,
    count: usize,
    /// The end of the line was seen and taken; it counts when `keeps_end`.
    ended: bool,
    keeps_end: bool,
}

impl Line {
    /// Takes from the buffer what belongs to the line.
    unsafe fn take(&mut self, stream: *mut Stream) {
        // SAFETY: by contract of the callers, there is room.
        unsafe {
            let length = Stream::unread(stream).min(self.room - self.count);
            let end = libc::memchr((*stream).read_ptr.cast(), c_int::from(b'\n'), length);
            if end.is_null() {
                Stream::take(stream, self.to.add(self.count), length);
                self.count += length;
                return;
            }
            let before = end as usize - (*stream).read_ptr as usize;
            let kept = before + usize::from(self.keeps_end);
            Stream::take(stream, self.to.add(self.count), kept);
            if !self.keeps_end {
                (*stream).read_ptr = (*stream).read_ptr.add(1);
            }
            self.count += kept;
            self.ended = true;
        }
    }

    fn is_done(&self) -> bool {
        self.ended || self.count == self.room
    }

    /// Takes until the line ends, or there is no more room or input. `None` when the stream is gone.
    unsafe fn take_all(&mut self, call: &Call) -> Option<()> {
        // SAFETY: by contract; the stream is locked.
        unsafe {
            loop {
                self.take(call.stream);
                if self.is_done() {
                    return Some(());
                }
                match call.fill() {
                    Moved::Well => {}
                    Moved::Not => return Some(()),
                    Moved::Gone => return None,
                }
            }
        }
    }
}

/// `fgets`, with room for `size` bytes.
///
/// # Safety
/// As for [`super::getc`].
pub unsafe fn fgets(
    scheduler: *mut Scheduler, to: *mut c_char, size: c_int, stream: *mut Stream, locks: bool,
) -> *mut c_char {
    let plain = || {
        // SAFETY: by contract.
        unsafe { stream::fgets_unlocked(to, size, stream) }
    };
    if size <= 1 {
        return plain();
    }
    let room = size as usize - 1;
    // SAFETY: by contract.
    unsafe {
        let begun = || Line { to: to.cast(), room, count: 0, ended: false, keeps_end: true };
        let attempt = || {
            let length = Stream::unread(stream).min(room);
            let ends = length == room
                || !libc::memchr((*stream).read_ptr.cast(), c_int::from(b'\n'), length).is_null();
            ends.then(|| {
                let mut line = begun();
                line.take(stream);
                *to.add(line.count) = 0;
                to
            })
        };
        if let Some(line) = at_once(scheduler, stream, locks, attempt) {
            return line;
        }
        on_stream(scheduler, stream, locks, ptr::null_mut(), plain, |call| {
            if !call.lock() {
                return ptr::null_mut();
            }
            // Only an error of this call counts.
            let old_error = (*stream).flags & stream::ERROR_SEEN;
            (*stream).flags &= !stream::ERROR_SEEN;
            let mut line = begun();
            if line.take_all(&call).is_none() {
                return ptr::null_mut();
            }
            let failed = Stream::is(stream, stream::ERROR_SEEN) && errno() != libc::EAGAIN;
            (*stream).flags |= old_error;
            call.unlock();
            if line.count == 0 || failed {
                return ptr::null_mut();
            }
            *to.add(line.count) = 0;
            to
        })
    }
}

/// `gets`: a line of the standard input, without its end.
///
/// # Safety
/// As for [`super::getc`].
pub unsafe fn gets(scheduler: *mut Scheduler, to: *mut c_char, room: usize) -> *mut c_char {
    // SAFETY: by contract.
    unsafe {
        let stream = stream::stdin;
        on_stream(
            scheduler,
            stream,
            true,
            ptr::null_mut(),
            || libc_gets(to, room),
            |call| {
                if !call.lock() {
                    return ptr::null_mut();
                }
                let moved = if Stream::unread(stream) > 0 { Moved::Well } else { call.fill() };
                if moved == Moved::Gone {
                    return ptr::null_mut();
                }
                let old_error = (*stream).flags & stream::ERROR_SEEN;
                (*stream).flags &= !stream::ERROR_SEEN;
                let mut line = Line { to: to.cast(), room, count: 0, ended: false, keeps_end: false };
                if moved == Moved::Well && line.take_all(&call).is_none() {
                    return ptr::null_mut();
                }
                let failed = moved != Moved::Well || Stream::is(stream, stream::ERROR_SEEN);
                (*stream).flags |= old_error;
                call.unlock();
                if failed {
                    return ptr::null_mut();
                }
                *to.add(line.count) = 0;
                to
            },
        )
    }
}

unsafe extern "C" {
    #[link_name = "gets"]
    fn unchecked_gets(to: *mut c_char) -> *mut c_char;
    fn __gets_chk(to: *mut c_char, room: usize) -> *mut c_char;
}

unsafe fn libc_gets(to: *mut c_char, room: usize) -> *mut c_char {
    // SAFETY: by contract; the checked one ends the program where there is too little room.
    unsafe { if room == usize::MAX { unchecked_gets(to) } else { __gets_chk(to, room) } }
}
