//! Calls that take bytes from a stream. Lines are in `line`.
//!
//! Each first looks whether the buffer satisfies it. Else it is what libc's own does, step by step, but that the
//! buffer is filled by reads that park.

use core::ffi::{c_char, c_int, c_void};

use super::call::{Call, Moved, at_once, on_stream, set_errno};
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
