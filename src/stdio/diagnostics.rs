//! What libc's functions say on standard error: `perror`, `warn`, `error`, `psignal` and their kin.
//!
//! Each writes the same pieces as libc, one after another, to a stream that the running coroutine has meanwhile. Where
//! no write can wait it is libc's own function, and so it is on a stream of wide characters.

use core::ffi::{CStr, c_char, c_int, c_uint};
use core::mem::MaybeUninit;
use core::ptr;
use std::io;

use super::call::{errno, set_errno, uncancelled};
use super::format::{Arguments, Format, list_of, print, print_apart};
use super::helped::by_helper;
use super::output::fflush;
use super::owner;
use super::stream::{self, Stream};
use crate::heap;
use crate::io::offload::Kind;
use crate::scheduler::Scheduler;

unsafe extern "C" {
    static mut program_invocation_short_name: *const c_char;
    static mut program_invocation_name: *const c_char;
    static mut error_message_count: c_uint;
    static mut error_one_per_line: c_int;
    static mut error_print_progname: Option<unsafe extern "C" fn()>;
    fn vwarn(format: *const c_char, arguments: Arguments);
    fn vwarnx(format: *const c_char, arguments: Arguments);
    #[link_name = "error"]
    fn error_of_libc(status: c_int, errnum: c_int, format: *const c_char, ...);
    fn error_at_line(
        status: c_int, errnum: c_int, file: *const c_char, line: c_uint, format: *const c_char, ...
    );
    fn psignal(signal: c_int, what: *const c_char);
    fn psiginfo(info: *const libc::siginfo_t, what: *const c_char);
}

/// What an error's number means.
struct Reason([c_char; 256]);

impl Reason {
    fn new(error: c_int) -> Self {
        let mut text = [0; 256];
        // SAFETY: the text is as long as told.
        unsafe { libc::strerror_r(error, text.as_mut_ptr(), text.len()) };
        Reason(text)
    }

    fn as_ptr(&self) -> *const c_char {
        self.0.as_ptr()
    }
}

/// Gives `work` a format whose arguments are up to three words, as a caller of a variadic function would have built it.
fn with_words(words: [usize; 3], format: &CStr, work: impl FnOnce(&Format)) {
    let mut list = list_of(words.as_ptr());
    work(&Format { flag: None, format: format.as_ptr(), arguments: (&raw mut list).cast() });
}

/// Prints to the program's standard error, likewise.
unsafe fn print_words(scheduler: *mut Scheduler, format: &CStr, words: [usize; 3]) {
    with_words(words, format, |format| {
        // SAFETY: by contract of the callers; there are the words that the format asks for.
        unsafe { print(scheduler, stream::stderr, format) };
    });
}

/// Writes two strings at once.
unsafe fn say(scheduler: *mut Scheduler, one: *const c_char, other: *const c_char) {
    // SAFETY: by contract of the callers; `%s` knows null.
    unsafe { print_words(scheduler, c"%s%s", [one as usize, other as usize, 0]) };
}

/// Does `work` while the running coroutine has the program's standard error.
unsafe fn with_stderr(scheduler: *mut Scheduler, work: impl FnOnce(*mut Stream)) {
    // SAFETY: by contract of the callers.
    unsafe {
        let (stream, before) = (stream::stderr, errno());
        let owns = owner::acquire(scheduler, stream);
        set_errno(before);
        work(stream);
        if owns {
            owner::release(scheduler, stream);
        }
    }
}

/// `perror`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs, with hooks off; formats, arguments, strings and the
/// standard streams are the program's, as for the call itself. The same holds for every function of this file.
pub unsafe fn print_error(scheduler: *mut Scheduler, what: *const c_char) {
    let error = errno();
    // SAFETY: by contract.
    unsafe {
        let stream = stream::stderr;
        if !Stream::may_wait(stream) {
            libc::perror(what);
            return;
        }
        let reason = Reason::new(error);
        let what = if what.is_null() { c"".as_ptr() } else { what };
        let colon = if *what == 0 { c"" } else { c": " };
        let words = [what as usize, colon.as_ptr() as usize, reason.as_ptr() as usize];
        with_words(words, c"%s%s%s\n", |format| {
            // A stream that was not used yet stays so.
            if (*stream).mode == 0 {
                print_apart(scheduler, stream, format);
            } else {
                print(scheduler, stream, format);
            }
        });
    }
}

/// `vwarn`, and `vwarnx` where there is no error to tell of.
///
/// # Safety
/// As for [`print_error`].
pub unsafe fn warn(scheduler: *mut Scheduler, error: Option<c_int>, text: &Format) {
    // SAFETY: by contract; the program's name is a string or null, which `%s` knows.
    unsafe {
        with_stderr(scheduler, |stream| {
            if !Stream::may_wait(stream) {
                let of_libc = if error.is_some() { vwarn } else { vwarnx };
                return uncancelled(|| of_libc(text.format, text.arguments));
            }
            let (name, has_text) = (program_invocation_short_name, !text.format.is_null());
            if has_text || error.is_none() {
                say(scheduler, name, c": ".as_ptr());
            }
            if has_text {
                print(scheduler, stream, text);
            }
            let Some(error) = error else {
                return say(scheduler, c"\n".as_ptr(), c"".as_ptr());
            };
            let (reason, before) = (Reason::new(error), if has_text { c"".as_ptr() } else { name });
            set_errno(error);
            print_words(scheduler, c"%s: %s\n", [before as usize, reason.as_ptr() as usize, 0]);
        });
    }
}

/// What `error` and `error_at_line` are told.
pub struct Report<'a> {
    /// The status to end with, if it is not zero.
    pub status: c_int,
    /// The error, if it is not zero.
    pub error: c_int,
    /// The place, of `error_at_line`.
    pub at: Option<(*const c_char, c_uint)>,
    /// The text.
    pub text: &'a Format,
}

/// `error` and `error_at_line`, but for the process's end: gives whether the caller has to bring it about. `call` calls
/// the program's function that says its name in another way, with hooks on.
///
/// # Safety
/// As for [`print_error`].
pub unsafe fn report(
    scheduler: *mut Scheduler, report: &Report<'_>, call: impl FnOnce(unsafe extern "C" fn()),
) -> bool {
    // SAFETY: by contract.
    unsafe {
        let wide = (*stream::stderr).mode > 0;
        if wide || report.at.is_some() && error_one_per_line != 0 {
            report_by_libc(report);
            return false;
        }
        uncancelled(|| {
            fflush(scheduler, stream::stdout, true);
            with_stderr(scheduler, |stream| {
                let before = if report.at.is_some() { c":" } else { c": " };
                match error_print_progname {
                    Some(name) => call(name),
                    None => say(scheduler, program_invocation_name, before.as_ptr()),
                }
                if let Some((file, line)) = report.at {
                    let format = if file.is_null() { c" " } else { c"%s:%d: " };
                    print_words(scheduler, format, [file as usize, line as usize, 0]);
                }
                print(scheduler, stream, report.text);
                error_message_count = error_message_count.wrapping_add(1);
                if report.error != 0 {
                    let reason = Reason::new(report.error);
                    say(scheduler, c": ".as_ptr(), reason.as_ptr());
                }
                say(scheduler, c"\n".as_ptr(), c"".as_ptr());
                fflush(scheduler, stream, true);
            });
        });
        report.status != 0
    }
}

/// The same by libc's own functions, which take no list of arguments: they are given the text. They know which line
/// was the last one that was told of, and end the process themselves.
unsafe fn report_by_libc(report: &Report<'_>) {
    // SAFETY: by contract of `report`. Nothing parks here, so the frame may own the text.
    unsafe {
        let mut text = MaybeUninit::<*mut c_char>::new(ptr::null_mut());
        let length = report.text.long(text.as_mut_ptr());
        let text = if length < 0 { ptr::null_mut() } else { text.assume_init() };
        let shown = if text.is_null() { c"out of memory".as_ptr() } else { text.cast_const() };
        let (status, error) = (report.status, report.error);
        match report.at {
            None => error_of_libc(status, error, c"%s".as_ptr(), shown),
            Some((file, line)) => error_at_line(status, error, file, line, c"%s".as_ptr(), shown),
        }
        libc::free(text.cast());
    }
}

/// `psignal`: libc's own, made by a helper where writing may wait, for the text is libc's.
///
/// # Safety
/// As for [`print_error`].
pub unsafe fn print_signal(scheduler: *mut Scheduler, signal: c_int, what: *const c_char) {
    // SAFETY: by contract.
    unsafe {
        with_stderr(scheduler, |stream| {
            tell(scheduler, Stream::may_wait(stream), what, move |what| psignal(signal, what));
        });
    }
}

/// `psiginfo`, likewise. It goes past the stream, and is no cancellation point.
///
/// # Safety
/// As for [`print_error`].
pub unsafe fn print_signal_info(
    scheduler: *mut Scheduler, info: *const libc::siginfo_t, what: *const c_char,
) {
    #[derive(Clone, Copy)]
    struct Info(libc::siginfo_t);
    // SAFETY: what it points at is printed as an address, and never followed.
    unsafe impl Send for Info {}
    // SAFETY: as above.
    unsafe impl Sync for Info {}

    // SAFETY: by contract.
    unsafe {
        let info = Info(*info);
        uncancelled(|| {
            tell(scheduler, stream::waits(libc::STDERR_FILENO), what, move |what| {
                let Info(info) = &info;
                psiginfo(info, what);
            });
        });
    }
}

/// Has libc say something, by a helper if it is slow. What comes before the colon may be null.
unsafe fn tell(
    scheduler: *mut Scheduler, slow: bool, what: *const c_char,
    tell: impl Fn(*const c_char) + Send + Sync + Copy + 'static,
) {
    // SAFETY: by contract of `print_signal`.
    unsafe {
        // Of null libc says no more than of nothing.
        let copy = if what.is_null() { c"" } else { CStr::from_ptr(what) };
        let done = match slow.then(|| heap::copy(copy)).flatten() {
            Some(what) => by_helper(scheduler, Kind::DEED, move || tell(what.as_ptr())),
            None => Err(io::Error::from_raw_os_error(libc::ENOMEM)),
        };
        match done {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => set_errno(libc::EINTR),
            Err(_) => uncancelled(|| tell(what)),
        }
    }
}
