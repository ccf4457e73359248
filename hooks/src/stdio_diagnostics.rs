//! What libc's functions say on standard error: `err`, `warn`, `error` and their kin.

use core::ffi::{c_char, c_int, c_uint, c_void};

use colib_core::stdio::{self, Format, Report};
use colib_core::tls;
use libc::siginfo_t;

use crate::call::{apart, ended_by_cancellation, was_interrupted};
use crate::stdio_format::variadic;

// SAFETY: as in `input`.

variadic! {
    err(_status: c_int, _format: *const c_char) => verr, 2;
    errx(_status: c_int, _format: *const c_char) => verrx, 2;
    warn(_format: *const c_char) => vwarn, 1;
    warnx(_format: *const c_char) => vwarnx, 1;
    error(_status: c_int, _error: c_int, _format: *const c_char) => verror, 3;
    error_at_line(_status: c_int, _error: c_int, _file: *const c_char, _line: c_uint, _format: *const c_char)
        => verror_at_line, 5;
}

unsafe fn complain(of_error: bool, format: *const c_char, arguments: *mut c_void) {
    // SAFETY: see above. `errno` is always valid on its thread.
    let error = of_error.then(|| unsafe { *libc::__errno_location() });
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::warn(scheduler, error, &Format { flag: None, format, arguments }) });
}

pub unsafe extern "C" fn vwarn(format: *const c_char, arguments: *mut c_void) {
    // SAFETY: see above.
    unsafe { complain(true, format, arguments) };
}

pub unsafe extern "C" fn vwarnx(format: *const c_char, arguments: *mut c_void) {
    // SAFETY: see above.
    unsafe { complain(false, format, arguments) };
}

/// What the program has registered for its end runs with hooks on, as behind its own `exit`.
pub unsafe extern "C" fn verr(status: c_int, format: *const c_char, arguments: *mut c_void) {
    // SAFETY: see above.
    unsafe {
        complain(true, format, arguments);
        libc::exit(status);
    }
}

pub unsafe extern "C" fn verrx(status: c_int, format: *const c_char, arguments: *mut c_void) {
    // SAFETY: see above.
    unsafe {
        complain(false, format, arguments);
        libc::exit(status);
    }
}

unsafe fn report(
    status: c_int, error: c_int, at: Option<(*const c_char, c_uint)>, format: *const c_char,
    arguments: *mut c_void,
) {
    let text = Format { flag: None, format, arguments };
    let word = tls::hook_word();
    let call = |name: unsafe extern "C" fn()| {
        tls::set_hook_word(word);
        // SAFETY: the program's own function, for this call.
        unsafe { name() };
        tls::set_hook_word(0);
    };
    // SAFETY: see above.
    let ends = apart(|scheduler| unsafe {
        stdio::report(scheduler, &Report { status, error, at, text: &text }, call)
    });
    if ends {
        // SAFETY: as for `verr`.
        unsafe { libc::exit(status) };
    }
}

pub unsafe extern "C" fn verror(status: c_int, error: c_int, format: *const c_char, arguments: *mut c_void) {
    // SAFETY: see above.
    unsafe { report(status, error, None, format, arguments) };
}

pub unsafe extern "C" fn verror_at_line(
    status: c_int, error: c_int, file: *const c_char, line: c_uint, format: *const c_char,
    arguments: *mut c_void,
) {
    // SAFETY: see above.
    unsafe { report(status, error, Some((file, line)), format, arguments) };
}

pub unsafe extern "C" fn psignal(signal: c_int, what: *const c_char) {
    // SAFETY: see above.
    let print = || apart(|scheduler| unsafe { stdio::print_signal(scheduler, signal, what) });
    ended_by_cancellation(print, |()| was_interrupted());
}

/// No cancellation point.
pub unsafe extern "C" fn psiginfo(info: *const siginfo_t, what: *const c_char) {
    // SAFETY: see above.
    apart(|scheduler| unsafe { stdio::print_signal_info(scheduler, info, what) });
}
