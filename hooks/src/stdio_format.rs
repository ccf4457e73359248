//! Formatted input and output. The variadic functions build the list of their arguments and go on as those that
//! take one.

use core::ffi::{c_char, c_int, c_void};

use colib_core::stdio::{self, Format, Scan};
use libc::FILE;

use crate::call::{apart, ended_by_cancellation, was_interrupted};
use crate::real;

// SAFETY: as in `input`.

/// Variadic hooks: `function` gets the list of what follows the named arguments as one argument more.
macro_rules! variadic {
    ($($name:ident($($argument:ident: $type:ty),*) => $function:ident, $named:literal;)*) => {$(
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
            core::arch::naked_asm!(include_str!("../../asm/x86_64/variadic.S"), named = const $named,
                function = sym $function, options(att_syntax))
        }
    )*};
}
pub(crate) use variadic;

variadic! {
    printf(_format: *const c_char) => vprintf, 1;
    fprintf(_stream: *mut FILE, _format: *const c_char) => vfprintf, 2;
    dprintf(_fd: c_int, _format: *const c_char) => vdprintf, 2;
    printf_chk(_flag: c_int, _format: *const c_char) => vprintf_chk, 2;
    fprintf_chk(_stream: *mut FILE, _flag: c_int, _format: *const c_char) => vfprintf_chk, 3;
    dprintf_chk(_fd: c_int, _flag: c_int, _format: *const c_char) => vdprintf_chk, 3;
    scanf(_format: *const c_char) => vscanf, 1;
    fscanf(_stream: *mut FILE, _format: *const c_char) => vfscanf, 2;
    isoc99_scanf(_format: *const c_char) => isoc99_vscanf, 1;
    isoc99_fscanf(_stream: *mut FILE, _format: *const c_char) => isoc99_vfscanf, 2;
    isoc23_scanf(_format: *const c_char) => isoc23_vscanf, 1;
    isoc23_fscanf(_stream: *mut FILE, _format: *const c_char) => isoc23_vfscanf, 2;
}

unsafe fn print(
    stream: *mut FILE, flag: Option<c_int>, format: *const c_char, arguments: *mut c_void,
) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::print(scheduler, stream.cast(), &Format { flag, format, arguments }) })
}

pub unsafe extern "C" fn vfprintf(stream: *mut FILE, format: *const c_char, arguments: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { print(stream, None, format, arguments) }
}

pub unsafe extern "C" fn vprintf(format: *const c_char, arguments: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { print(stdio::standard_output().cast(), None, format, arguments) }
}

pub unsafe extern "C" fn vfprintf_chk(
    stream: *mut FILE, flag: c_int, format: *const c_char, arguments: *mut c_void,
) -> c_int {
    // SAFETY: see above.
    unsafe { print(stream, Some(flag), format, arguments) }
}

pub unsafe extern "C" fn vprintf_chk(flag: c_int, format: *const c_char, arguments: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { print(stdio::standard_output().cast(), Some(flag), format, arguments) }
}

unsafe fn print_to(fd: c_int, flag: Option<c_int>, format: *const c_char, arguments: *mut c_void) -> c_int {
    // SAFETY: see above.
    let print =
        || apart(|scheduler| unsafe { stdio::print_to(scheduler, fd, &Format { flag, format, arguments }) });
    ended_by_cancellation(print, |&printed| printed < 0 && was_interrupted())
}

pub unsafe extern "C" fn vdprintf(fd: c_int, format: *const c_char, arguments: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { print_to(fd, None, format, arguments) }
}

pub unsafe extern "C" fn vdprintf_chk(
    fd: c_int, flag: c_int, format: *const c_char, arguments: *mut c_void,
) -> c_int {
    // SAFETY: see above.
    unsafe { print_to(fd, Some(flag), format, arguments) }
}

unsafe fn scan(stream: *mut FILE, libc_scan: Scan, format: *const c_char, arguments: *mut c_void) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::scan(scheduler, stream.cast(), libc_scan, format, arguments) })
}

/// The functions of one dialect, from a stream and from standard input, by libc's own for a stream.
macro_rules! scanning {
    ($($from:ident, $from_standard:ident => $libc_scan:path;)*) => {$(
        pub unsafe extern "C" fn $from(
            stream: *mut FILE, format: *const c_char, arguments: *mut c_void,
        ) -> c_int {
            // SAFETY: see above.
            unsafe { scan(stream, $libc_scan, format, arguments) }
        }

        pub unsafe extern "C" fn $from_standard(format: *const c_char, arguments: *mut c_void) -> c_int {
            // SAFETY: see above.
            unsafe { scan(stdio::standard_input().cast(), $libc_scan, format, arguments) }
        }
    )*};
}

scanning! {
    vfscanf, vscanf => real::vfscanf;
    isoc99_vfscanf, isoc99_vscanf => real::__isoc99_vfscanf;
    isoc23_vfscanf, isoc23_vscanf => real::__isoc23_vfscanf;
}
