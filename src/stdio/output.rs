//! Calls that put bytes into a stream.
//!
//! Each first looks whether there is room and nothing has to be written. Else it is what libc's own does, step by
//! step, but that the buffer is emptied by writes that park.

use core::ffi::{c_char, c_int, c_void};

use super::EOF;
use super::call::{Call, Moved, at_once, cancellation_point, on_stream, set_errno, uncancelled};
use super::stream::{self, Stream};
use crate::io::offload::{self, Kind};
use crate::scheduler::Scheduler;
use crate::waiter::Interrupt;

/// What libc's functions answer inside when all was stored, but the write that had to follow failed.
pub(super) const UNWRITTEN: usize = usize::MAX;

/// `putc`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs, with hooks off; the stream and all else is the
/// program's, as for the call itself. `locks` is false for the `_unlocked` functions. The same holds for every
/// function of this file.
#[inline(always)]
pub unsafe fn putc(scheduler: *mut Scheduler, byte: c_int, stream: *mut Stream, locks: bool) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let attempt = || {
            (Stream::room(stream) > 0).then(|| {
                Stream::store(stream, &(byte as u8), 1);
                c_int::from(byte as u8)
            })
        };
        at_once(scheduler, stream, locks, attempt)
            .unwrap_or_else(|| putc_slowly(scheduler, byte, stream, locks))
    }
}

#[cold]
unsafe fn putc_slowly(scheduler: *mut Scheduler, byte: c_int, stream: *mut Stream, locks: bool) -> c_int {
    // SAFETY: by contract.
    unsafe {
        on_stream(
            scheduler,
            stream,
            locks,
            EOF,
            || stream::putc_unlocked(byte, stream),
            |call| {
                let put = with_lock(call, |call| put_byte(call, byte as u8));
                if put == Moved::Well { c_int::from(byte as u8) } else { EOF }
            },
        )
    }
}

/// `__overflow`: `putc` without room. With [`EOF`] for the byte it flushes, and makes the stream ready.
///
/// # Safety
/// As for [`putc`].
pub unsafe fn overflow(scheduler: *mut Scheduler, stream: *mut Stream, byte: c_int) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if byte != EOF {
            return putc_slowly(scheduler, byte, stream, false);
        }
        on_stream(
            scheduler,
            stream,
            false,
            EOF,
            || stream::__overflow(stream, EOF),
            |call| {
                if prepare(&call) == Moved::Well && call.flush() == Moved::Well { 0 } else { EOF }
            },
        )
    }
}

/// Does a part of a call with libc's lock, but for the waits in it.
unsafe fn with_lock(call: Call, work: impl FnOnce(&Call) -> Moved) -> Moved {
    // SAFETY: by contract.
    unsafe {
        if !call.lock() {
            return Moved::Gone;
        }
        let moved = work(&call);
        if moved != Moved::Gone {
            call.unlock();
        }
        moved
    }
}

/// Makes the locked stream ready for writing, if it is not.
unsafe fn prepare(call: &Call) -> Moved {
    let f = call.stream;
    // SAFETY: by contract. Nothing is to be written as long as the buffer does not serve for writing.
    unsafe {
        let ready = Stream::is(f, stream::PUTTING) && !(*f).write_base.is_null();
        let refused = Stream::is(f, stream::NO_WRITES);
        if (!ready || refused) && stream::__overflow(f, EOF) == EOF { Moved::Not } else { Moved::Well }
    }
}

/// Puts a byte into the locked stream: libc's `_IO_file_overflow`.
unsafe fn put_byte(call: &Call, byte: u8) -> Moved {
    let f = call.stream;
    // SAFETY: by contract; after each wait there is room unless another thread took it, hence the loop.
    unsafe {
        if Stream::room(f) > 0 {
            Stream::store(f, &byte, 1);
            return Moved::Well;
        }
        let mut moved = prepare(call);
        while moved == Moved::Well && (*f).write_ptr == (*f).buf_end {
            moved = call.flush();
        }
        if moved != Moved::Well {
            return moved;
        }
        Stream::store(f, &byte, 1);
        let line = Stream::is(f, stream::LINE_BUFFERED) && byte == b'\n';
        if line || Stream::is(f, stream::UNBUFFERED) { call.flush() } else { Moved::Well }
    }
}

/// How many bytes can be stored now, and whether they must be written then.
unsafe fn fitting(f: *mut Stream, from: *const u8, count: usize) -> (usize, bool) {
    // SAFETY: by contract.
    unsafe {
        if !(Stream::is(f, stream::LINE_BUFFERED) && Stream::is(f, stream::PUTTING)) {
            return (Stream::room(f).min(count), false);
        }
        let room = (*f).buf_end as usize - (*f).write_ptr as usize;
        if room < count {
            return (room, false);
        }
        let end = libc::memrchr(from.cast(), c_int::from(b'\n'), count);
        if end.is_null() { (count, false) } else { (end as usize - from as usize + 1, true) }
    }
}

/// Puts bytes into the locked stream: libc's `_IO_file_xsputn`. Answers how many, or [`UNWRITTEN`].
unsafe fn put_all(call: &Call, from: *const u8, count: usize) -> (usize, Moved) {
    let f = call.stream;
    if count == 0 {
        return (0, Moved::Well);
    }
    // SAFETY: by contract.
    unsafe {
        let (mut done, must_flush) = fitting(f, from, count);
        Stream::store(f, from, done);
        if done == count && !must_flush {
            return (done, Moved::Well);
        }
        let mut moved = prepare(call);
        if moved == Moved::Well {
            moved = call.flush();
        }
        if moved != Moved::Well {
            return (if done == count { UNWRITTEN } else { done }, moved);
        }
        // Whole blocks go past the buffer.
        let (left, size) = (count - done, Stream::size(f));
        let whole = if size >= 128 { left - left % size } else { left };
        if whole > 0 {
            let (written, moved) = call.write(from.add(done), whole);
            done += written;
            if moved != Moved::Well {
                return (done, moved);
            }
        }
        while done < count {
            let part = Stream::room(f).min(count - done);
            if part > 0 {
                Stream::store(f, from.add(done), part);
                done += part;
                continue;
            }
            let moved = put_byte(call, *from.add(done));
            if moved != Moved::Well {
                return (done, moved);
            }
            done += 1;
        }
        (done, Moved::Well)
    }
}

/// Puts bytes: how many, or [`UNWRITTEN`]. `plain` puts them by libc's own function.
#[inline(always)]
pub(super) unsafe fn put(
    scheduler: *mut Scheduler, stream: *mut Stream, from: *const u8, count: usize, locks: bool,
    plain: impl FnOnce() -> usize,
) -> usize {
    // SAFETY: by contract.
    unsafe {
        let attempt = || {
            let (fits, must_flush) = fitting(stream, from, count);
            (fits == count && !must_flush && (*stream).mode < 0).then(|| {
                Stream::store(stream, from, count);
                count
            })
        };
        if let Some(count) = at_once(scheduler, stream, locks, attempt) {
            return count;
        }
        on_stream(scheduler, stream, locks, 0, plain, |call| {
            let mut done = 0;
            with_lock(call, |call| {
                if (*stream).mode == 0 {
                    (*stream).mode = -1;
                }
                let (put, moved) = put_all(call, from, count);
                done = put;
                moved
            });
            done
        })
    }
}

/// Puts bytes into a locked stream by libc's own function: how many, and whether something could not be written. That function
/// does not tell of what stands in the buffer.
pub(super) unsafe fn put_plainly(stream: *mut Stream, from: *const u8, count: usize) -> (usize, bool) {
    // SAFETY: by contract.
    unsafe {
        let marked = (*stream).flags & stream::ERROR_SEEN;
        (*stream).flags &= !stream::ERROR_SEEN;
        let put = stream::fwrite_unlocked(from.cast(), 1, count, stream);
        let failed = Stream::is(stream, stream::ERROR_SEEN);
        (*stream).flags |= marked;
        (put, failed)
    }
}

/// `fwrite`.
///
/// # Safety
/// As for [`putc`].
pub unsafe fn fwrite(
    scheduler: *mut Scheduler, from: *const c_void, size: usize, count: usize, stream: *mut Stream,
    locks: bool,
) -> usize {
    let wanted = size.wrapping_mul(count);
    if wanted == 0 {
        return 0;
    }
    // SAFETY: by contract.
    unsafe {
        let before = Stream::end_of_what_was_put(stream);
        let plain = || match put_plainly(stream, from.cast(), wanted) {
            (put, true) if put == wanted => UNWRITTEN,
            (put, _) => put,
        };
        let put = match put(scheduler, stream, from.cast(), wanted, locks, plain) {
            UNWRITTEN if locks && stream::counts_what_is_written() => {
                ((*stream).written.saturating_sub(before) as usize).min(wanted - 1)
            }
            UNWRITTEN => wanted,
            put => put,
        };
        if put == wanted { count } else { put / size }
    }
}

/// `fputs`.
///
/// # Safety
/// As for [`putc`].
pub unsafe fn fputs(
    scheduler: *mut Scheduler, text: *const c_char, stream: *mut Stream, locks: bool,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let length = libc::strlen(text);
        let plain = || if stream::fputs_unlocked(text, stream) == EOF { UNWRITTEN } else { length };
        if put(scheduler, stream, text.cast(), length, locks, plain) == length { 1 } else { EOF }
    }
}

/// `puts`.
///
/// # Safety
/// As for [`putc`].
pub unsafe fn puts(scheduler: *mut Scheduler, text: *const c_char) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let (stream, length) = (stream::stdout, libc::strlen(text));
        let answer = (length + 1).min(c_int::MAX as usize) as c_int;
        let attempt = || {
            // Only a full buffer or a line ask for more.
            let asks = Stream::is(stream, stream::LINE_BUFFERED | stream::UNBUFFERED);
            (!asks && Stream::room(stream) > length && (*stream).mode < 0).then(|| {
                Stream::store(stream, text.cast(), length);
                Stream::store(stream, b"\n".as_ptr(), 1);
                answer
            })
        };
        if let Some(answer) = at_once(scheduler, stream, true, attempt) {
            return answer;
        }
        on_stream(
            scheduler,
            stream,
            true,
            EOF,
            || libc::puts(text),
            |call| {
                let moved = with_lock(call, |call| {
                    if (*stream).mode == 0 {
                        (*stream).mode = -1;
                    }
                    match put_all(call, text.cast(), length) {
                        (put, Moved::Well) if put == length => put_byte(call, b'\n'),
                        (_, Moved::Gone) => Moved::Gone,
                        _ => Moved::Not,
                    }
                });
                if moved == Moved::Well { answer } else { EOF }
            },
        )
    }
}

/// `fflush` of one stream.
///
/// # Safety
/// As for [`putc`].
pub unsafe fn fflush(scheduler: *mut Scheduler, stream: *mut Stream, locks: bool) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if Stream::unwritten(stream) > 0 {
            cancellation_point();
        }
        on_stream(
            scheduler,
            stream,
            locks,
            EOF,
            || stream::fflush_unlocked(stream),
            |call| {
                let mut answer = EOF;
                with_lock(call, |call| {
                    let moved = call.flush();
                    if moved == Moved::Well {
                        // Nothing is left to write: the rest of libc's own does not wait.
                        answer = stream::fflush_unlocked(stream);
                    }
                    moved
                });
                answer
            },
        )
    }
}

/// `fflush` of all streams: the standard ones here, and all else on a helper thread, which waits for the locks of
/// streams that other threads are in.
///
/// # Safety
/// As for [`putc`].
pub unsafe fn fflush_all(scheduler: *mut Scheduler) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let mut answer = 0;
        for stream in [stream::stdout, stream::stderr] {
            if Stream::unwritten(stream) > 0 && fflush(scheduler, stream, true) == EOF {
                answer = EOF;
            }
        }
        let all = offload::run_as(scheduler, Kind::DEED.ended_by(Interrupt::Never), || {
            (libc::fflush(core::ptr::null_mut()), super::call::errno())
        });
        match all {
            Ok((0, _)) => answer,
            Ok((_, errno)) => {
                set_errno(errno);
                EOF
            }
            Err(_) => uncancelled(|| libc::fflush(core::ptr::null_mut())).min(answer),
        }
    }
}
