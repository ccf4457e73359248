//! Formatted input: libc's own `vfscanf` on a stream of ours, whose bytes come one by one from the program's.
//!
//! Nobody else uses that stream, and it is not locked, so the coroutine may wait inside libc.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use super::EOF;
use super::call::{Call, Moved, errno, on_stream, set_errno};
use super::format::Arguments;
use super::input::next;
use super::owner;
use super::stream::{self, Stream};
use crate::scheduler::Scheduler;

/// `FSETLOCKING_BYCALLER` of stdio_ext.h.
const BY_CALLER: c_int = 2;

type Reader = unsafe extern "C" fn(*mut c_void, *mut c_char, usize) -> isize;

/// `cookie_io_functions_t`.
#[repr(C)]
struct Functions {
    read: Option<Reader>,
    write: *const c_void,
    seek: *const c_void,
    close: *const c_void,
}

unsafe extern "C" {
    fn fopencookie(cookie: *mut c_void, mode: *const c_char, functions: Functions) -> *mut Stream;
    fn __fsetlocking(stream: *mut Stream, kind: c_int) -> c_int;
}

/// One of libc's functions that scan: they differ in what `%a` and `%b` mean, and whether numbers may be binary ones.
pub type Scan = unsafe fn(*mut libc::FILE, *const c_char, Arguments) -> c_int;

/// Where the bytes come from while a call scans.
struct Source {
    call: Call,
    /// The scan is over: nothing more is taken.
    dry: bool,
    gone: bool,
}

/// Gives libc the next byte.
unsafe extern "C" fn feed(source: *mut c_void, to: *mut c_char, room: usize) -> isize {
    let source: *mut Source = source.cast();
    // SAFETY: `scan` made it, and the coroutine that scans runs.
    unsafe {
        let call = (*source).call;
        if (*source).dry || room == 0 {
            return 0;
        }
        if (*source).gone || !call.lock() {
            (*source).gone = true;
            return -1;
        }
        let (byte, moved) = next(&call);
        match moved {
            Moved::Well => {
                *to = byte as c_char;
                1
            }
            Moved::Not if Stream::is(call.stream, stream::END_SEEN) => 0,
            moved => {
                (*source).gone = moved == Moved::Gone;
                -1
            }
        }
    }
}

/// What `libc_scan` does, and all that ends there.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs, with hooks off; stream, format and arguments are the
/// program's, as for the call itself.
pub unsafe fn scan(
    scheduler: *mut Scheduler, stream: *mut Stream, libc_scan: Scan, format: *const c_char,
    arguments: Arguments,
) -> c_int {
    // SAFETY: by contract.
    let libc_scan = |from: *mut Stream| unsafe { libc_scan(from.cast(), format, arguments) };
    // SAFETY: by contract. The stream of ours hangs on the coroutine meanwhile.
    unsafe {
        on_stream(
            scheduler,
            stream,
            true,
            EOF,
            || libc_scan(stream),
            |call| {
                if Stream::is(stream, stream::NO_READS) || format.is_null() {
                    // Refused without a look at the input.
                    return libc_scan(stream);
                }
                let mut source = Source { call, dry: false, gone: false };
                let functions =
                    Functions { read: Some(feed), write: ptr::null(), seek: ptr::null(), close: ptr::null() };
                let held = owner::holding(scheduler);
                let ours = fopencookie((&raw mut source).cast(), c"r".as_ptr(), functions);
                if ours.is_null() || held.is_null() {
                    set_errno(libc::ENOMEM);
                    return EOF;
                }
                libc::setvbuf(ours.cast(), ptr::null_mut(), libc::_IONBF, 0);
                __fsetlocking(ours, BY_CALLER);
                (*held).source = ours.cast();
                let result = libc_scan(ours);
                let errno = errno();
                source.dry = true;
                if !source.gone {
                    give_back(ours, &call);
                }
                (*held).source = ptr::null_mut();
                libc::fclose(ours.cast());
                set_errno(errno);
                result
            },
        )
    }
}

/// Puts back what libc looked at and did not take: a byte or two.
unsafe fn give_back(from: *mut Stream, call: &Call) {
    const MOST: usize = 8;
    let (mut bytes, mut count) = ([0; MOST], 0);
    // SAFETY: by contract; nothing more flows into `from`.
    unsafe {
        while count < MOST {
            let byte = stream::getc_unlocked(from);
            if byte == EOF {
                break;
            }
            bytes[count] = byte;
            count += 1;
        }
        if count > 0 && call.lock() {
            for &byte in bytes[..count].iter().rev() {
                stream::ungetc(byte, call.stream);
            }
            call.unlock();
        }
    }
}
