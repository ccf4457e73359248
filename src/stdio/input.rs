//! Calls that take bytes from a stream.
//!
//! Each first looks whether the buffer satisfies it. Else it is what libc's own does, step by step, but that the
//! buffer is filled by reads that park.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use super::call::{Call, Moved, at_once, errno, on_stream, set_errno};
use super::stream::{self, Stream};
use crate::scheduler::Scheduler;

/// The end of the input, or an error.
pub const EOF: c_int = -1;

/// `getc`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs, with hooks off; the stream and all else is the
/// program's, as for the call itself. `locks` is false for the `_unlocked` functions. The same holds for every
/// function of this file.
#[inline(always)]
pub unsafe fn getc(scheduler: *mut Scheduler, stream: *mut Stream, locks: bool) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let attempt = || {
            (Stream::unread(stream) > 0).then(|| {
                let byte = *(*stream).read_ptr;
                (*stream).read_ptr = (*stream).read_ptr.add(1);
                c_int::from(byte)
            })
        };
        at_once(scheduler, stream, locks, attempt).unwrap_or_else(|| getc_slowly(scheduler, stream, locks))
    }
}

#[cold]
unsafe fn getc_slowly(scheduler: *mut Scheduler, stream: *mut Stream, locks: bool) -> c_int {
    // SAFETY: by contract.
    unsafe {
        on_stream(
            scheduler,
            stream,
            locks,
            EOF,
            || stream::getc_unlocked(stream),
            |call| {
                if !call.lock() {
                    return EOF;
                }
                next(&call).0
            },
        )
    }
}

/// The next byte or [`EOF`], and what became of the stream. The stream is locked before, not after.
pub(super) unsafe fn next(call: &Call) -> (c_int, Moved) {
    // SAFETY: by contract.
    unsafe {
        let mut byte = 0u8;
        let moved = if Stream::unread(call.stream) > 0 { Moved::Well } else { call.fill() };
        if moved == Moved::Well {
            Stream::take(call.stream, &mut byte, 1);
        }
        if moved != Moved::Gone {
            call.unlock();
        }
        (if moved == Moved::Well { c_int::from(byte) } else { EOF }, moved)
    }
}

/// `__underflow`: the next byte, which stays.
///
/// # Safety
/// As for [`getc`].
pub unsafe fn peek(scheduler: *mut Scheduler, stream: *mut Stream) -> c_int {
    // SAFETY: by contract.
    unsafe {
        on_stream(
            scheduler,
            stream,
            false,
            EOF,
            || stream::__underflow(stream),
            |call| {
                let moved = if Stream::unread(stream) > 0 { Moved::Well } else { call.fill() };
                if moved == Moved::Well { c_int::from(*(*stream).read_ptr) } else { EOF }
            },
        )
    }
}

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
/// As for [`getc`].
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
/// As for [`getc`].
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

/// `fread`.
///
/// # Safety
/// As for [`getc`].
pub unsafe fn fread(
    scheduler: *mut Scheduler, to: *mut c_void, size: usize, count: usize, stream: *mut Stream, locks: bool,
) -> usize {
    let wanted = size.wrapping_mul(count);
    if wanted == 0 {
        return 0;
    }
    // SAFETY: by contract.
    unsafe {
        let attempt = || {
            (Stream::unread(stream) >= wanted).then(|| {
                Stream::take(stream, to.cast(), wanted);
                count
            })
        };
        if let Some(count) = at_once(scheduler, stream, locks, attempt) {
            return count;
        }
        let plain = || stream::fread_unlocked(to, size, count, stream);
        on_stream(scheduler, stream, locks, 0, plain, |call| {
            let got = read(&call, to.cast(), wanted);
            if got == wanted { count } else { got / size }
        })
    }
}

/// Reads `wanted` bytes as libc's `_IO_file_xsgetn` does: whole blocks go where they are wanted, the rest
/// through the buffer.
unsafe fn read(call: &Call, mut to: *mut u8, wanted: usize) -> usize {
    let (f, mut left) = (call.stream, wanted);
    // SAFETY: by contract.
    unsafe {
        if !call.lock() {
            return 0;
        }
        let moved = loop {
            let have = Stream::unread(f).min(left);
            Stream::take(f, to, have);
            to = to.add(have);
            left -= have;
            if left == 0 {
                break Moved::Well;
            }
            Stream::provide_buffer(f);
            let size = Stream::size(f);
            if left < size || Stream::has_put_back(f) {
                match call.fill() {
                    Moved::Well => continue,
                    other => break other,
                }
            }
            let whole = if size >= 128 { left - left % size } else { left };
            match call.read_directly(to, whole) {
                Ok(count) => {
                    to = to.add(count);
                    left -= count;
                }
                Err(moved) => break moved,
            }
        };
        if moved != Moved::Gone {
            call.unlock();
        }
    }
    wanted - left
}

/// `getdelim`.
///
/// # Safety
/// As for [`getc`].
pub unsafe fn getdelim(
    scheduler: *mut Scheduler, line: *mut *mut c_char, size: *mut usize, delimiter: c_int,
    stream: *mut Stream,
) -> isize {
    // SAFETY: by contract.
    unsafe {
        let plain = || stream::getdelim(line, size, delimiter, stream);
        if line.is_null() || size.is_null() {
            return plain();
        }
        on_stream(scheduler, stream, true, -1, plain, |call| {
            if !call.lock() {
                return -1;
            }
            let (length, moved) = if Stream::is(stream, stream::ERROR_SEEN) {
                (-1, Moved::Not)
            } else {
                collect(&call, line, size, delimiter)
            };
            if moved != Moved::Gone {
                call.unlock();
            }
            length
        })
    }
}

/// Takes up to the delimiter or the end of the input, into memory that grows.
unsafe fn collect(call: &Call, line: *mut *mut c_char, size: *mut usize, delimiter: c_int) -> (isize, Moved) {
    let f = call.stream;
    // SAFETY: by contract.
    unsafe {
        if (*line).is_null() || *size == 0 {
            *size = 120;
            *line = libc::malloc(*size).cast();
            if (*line).is_null() {
                return (-1, Moved::Not);
            }
        }
        let mut count = 0;
        if Stream::unread(f) == 0 {
            let moved = call.fill();
            if moved != Moved::Well {
                return (-1, moved);
            }
        }
        loop {
            let mut length = Stream::unread(f);
            let end = libc::memchr((*f).read_ptr.cast(), delimiter, length);
            if !end.is_null() {
                length = end as usize - (*f).read_ptr as usize + 1;
            }
            if length >= isize::MAX as usize - count {
                set_errno(libc::EOVERFLOW);
                return (-1, Moved::Not);
            }
            let needed = count + length + 1;
            if needed > *size {
                let larger = needed.max(2 * *size);
                let grown = libc::realloc((*line).cast(), larger);
                if grown.is_null() {
                    return (-1, Moved::Not);
                }
                (*line, *size) = (grown.cast(), larger);
            }
            Stream::take(f, (*line).add(count).cast(), length);
            count += length;
            let moved = if end.is_null() { call.fill() } else { Moved::Not };
            match moved {
                Moved::Well => {}
                other => {
                    *(*line).add(count) = 0;
                    return (count as isize, other);
                }
            }
        }
    }
}
