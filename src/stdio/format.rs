//! Formatted output: the text is made first, which parks nowhere, and then put.

use core::ffi::{c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;

use super::EOF;
use super::call::{errno, set_errno};
use super::output::{UNWRITTEN, put, put_plainly};
use super::owner;
use super::stream::{self, Stream};
use crate::io as transfer;
use crate::scheduler::Scheduler;

/// A `va_list`, which the System V ABI passes by address.
pub type Arguments = *mut c_void;
/// What stands there.
pub(super) type List = [u64; 3];

/// A list whose arguments are these words: those of registers are used up, and all are in memory.
pub(super) fn list_of(words: *const usize) -> List {
    [48 | 304 << 32, words as u64, 0]
}

/// Text of up to this length is made on the coroutine's stack.
const SHORT: usize = 512;

unsafe extern "C" {
    fn vsnprintf(to: *mut c_char, room: usize, format: *const c_char, arguments: Arguments) -> c_int;
    fn __vsnprintf_chk(
        to: *mut c_char, room: usize, flag: c_int, size: usize, format: *const c_char, arguments: Arguments,
    ) -> c_int;
    fn vasprintf(to: *mut *mut c_char, format: *const c_char, arguments: Arguments) -> c_int;
    fn __vasprintf_chk(
        to: *mut *mut c_char, flag: c_int, format: *const c_char, arguments: Arguments,
    ) -> c_int;
    fn vfprintf(stream: *mut Stream, format: *const c_char, arguments: Arguments) -> c_int;
    fn __vfprintf_chk(stream: *mut Stream, flag: c_int, format: *const c_char, arguments: Arguments)
    -> c_int;
    fn vdprintf(fd: c_int, format: *const c_char, arguments: Arguments) -> c_int;
    fn __vdprintf_chk(fd: c_int, flag: c_int, format: *const c_char, arguments: Arguments) -> c_int;
}

/// What is to be made into text.
pub struct Format {
    /// The flag of the fortified functions; `None` for the others.
    pub flag: Option<c_int>,
    /// The format.
    pub format: *const c_char,
    /// The arguments, as the caller built them. They are used up.
    pub arguments: Arguments,
}

impl Format {
    /// The text in `to` as far as there is room, and its whole length; negative when it cannot be made.
    unsafe fn short(&self, to: &mut MaybeUninit<[u8; SHORT]>, mut arguments: List) -> c_int {
        let (to, list) = (to.as_mut_ptr().cast(), (&raw mut arguments).cast());
        // SAFETY: by contract of `vfprintf` below.
        unsafe {
            match self.flag {
                None => vsnprintf(to, SHORT, self.format, list),
                Some(flag) => __vsnprintf_chk(to, SHORT, flag, SHORT, self.format, list),
            }
        }
    }

    /// The text in memory of its own, and its length; negative when it cannot be made.
    pub(super) unsafe fn long(&self, to: *mut *mut c_char) -> c_int {
        // SAFETY: as above.
        unsafe {
            match self.flag {
                None => vasprintf(to, self.format, self.arguments),
                Some(flag) => __vasprintf_chk(to, flag, self.format, self.arguments),
            }
        }
    }

    /// libc's own function.
    unsafe fn plain(&self, stream: *mut Stream) -> c_int {
        // SAFETY: as above.
        unsafe {
            match self.flag {
                None => vfprintf(stream, self.format, self.arguments),
                Some(flag) => __vfprintf_chk(stream, flag, self.format, self.arguments),
            }
        }
    }

    /// Makes the text and has it sent: the length, or -1 when it could not be made or not all of it sent.
    /// `plain` does all that by libc's own function where the text cannot be made beforehand.
    unsafe fn send(
        &self, scheduler: *mut Scheduler, plain: impl FnOnce() -> c_int,
        send: impl FnOnce(*const u8, usize) -> bool,
    ) -> c_int {
        // SAFETY: as above. The long text hangs on the coroutine while it is sent.
        unsafe {
            let mut short = MaybeUninit::<[u8; SHORT]>::uninit();
            let length = self.short(&mut short, *self.arguments.cast::<List>());
            if length < 0 {
                // libc writes what comes before the mistake.
                return plain();
            }
            if (length as usize) < SHORT {
                return if send(short.as_ptr().cast(), length as usize) { length } else { EOF };
            }
            let held = owner::holding(scheduler);
            if held.is_null() {
                set_errno(libc::ENOMEM);
                return EOF;
            }
            let mut text = ptr::null_mut();
            let before = errno();
            let length = self.long(&mut text);
            if length < 0 {
                // Without memory: libc needs none, though it may make the thread wait.
                set_errno(before);
                return plain();
            }
            (*held).text = text;
            let sent = send(text.cast(), length as usize);
            (*held).text = ptr::null_mut();
            let errno = errno();
            libc::free(text.cast());
            set_errno(errno);
            if sent { length } else { EOF }
        }
    }
}

/// `vfprintf` and all that ends there.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs, with hooks off; stream, format and arguments are the
/// program's, as for the call itself. The same holds for every function of this file.
pub unsafe fn print(scheduler: *mut Scheduler, stream: *mut Stream, format: &Format) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if Stream::descriptor(stream) < 0 || (*stream).mode > 0 || Stream::is(stream, stream::NO_WRITES) {
            return format.plain(stream);
        }
        let plain = || format.plain(stream);
        format.send(scheduler, plain, |text, length| {
            let plain = || match put_plainly(stream, text, length) {
                (_, true) => UNWRITTEN,
                (put, false) => put,
            };
            put(scheduler, stream, text, length, true, plain) == length
        })
    }
}

/// `vdprintf`.
///
/// # Safety
/// As for [`print()`].
pub unsafe fn print_to(scheduler: *mut Scheduler, fd: c_int, format: &Format) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let plain = || match format.flag {
            None => vdprintf(fd, format.format, format.arguments),
            Some(flag) => __vdprintf_chk(fd, flag, format.format, format.arguments),
        };
        if !stream::waits(fd) {
            return plain();
        }
        format.send(scheduler, plain, |text, length| write_all(scheduler, fd, text, length))
    }
}

unsafe fn write_all(scheduler: *mut Scheduler, fd: c_int, from: *const u8, count: usize) -> bool {
    let mut done = 0;
    while done < count {
        // SAFETY: by contract.
        match unsafe { transfer::write(scheduler, fd, from.add(done).cast::<c_void>(), count - done) } {
            Ok(written) => done += written,
            Err(error) => {
                set_errno(error.raw_os_error().unwrap_or(libc::ENOMEM));
                return false;
            }
        }
    }
    true
}

/// Writes a text past the buffer of a stream that may wait, which it leaves as it was otherwise.
///
/// # Safety
/// As for [`print()`].
pub(super) unsafe fn print_apart(scheduler: *mut Scheduler, stream: *mut Stream, format: &Format) {
    // SAFETY: by contract.
    unsafe {
        let fd = Stream::descriptor(stream);
        let sent = format.send(scheduler, || 0, |text, length| write_all(scheduler, fd, text, length));
        (*stream).flags |= if sent == EOF { stream::ERROR_SEEN } else { 0 };
    }
}
