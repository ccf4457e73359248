use core::ffi::{c_char, c_int};

use super::set_errno;
use crate::io::resolve::{self, Question};
use crate::scheduler::Scheduler;
use crate::tls;

unsafe extern "C" {
    /// cbindgen:ignore
    fn gethostbyname(name: *const c_char) -> *mut libc::hostent;
    /// cbindgen:ignore
    fn gethostbyname_r(
        name: *const c_char, result: *mut libc::hostent, buffer: *mut c_char, length: usize,
        found: *mut *mut libc::hostent, error: *mut c_int,
    ) -> c_int;
}

/// gethostbyname(3) for coroutines, whether or not hooks are on: the look-up runs on a helper thread. The
/// result belongs to the coroutine until its next look-up. Outside any coroutine it is gethostbyname itself.
///
/// Returns NULL when there is no such host; why not, h_errno tells, which each coroutine with hooks on has for itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_gethostbyname(name: *const c_char) -> *mut libc::hostent {
    if Scheduler::running().is_null() {
        // SAFETY: the program's argument.
        return unsafe { gethostbyname(name) };
    }
    // SAFETY: a coroutine of this thread runs.
    tls::unhooked(|| unsafe { resolve::host_static(Scheduler::get(), Question::Name(name)) })
}

/// gethostbyname_r(3) for coroutines, whether or not hooks are on: the look-up runs on a helper thread.
/// Outside any coroutine it is gethostbyname_r itself.
///
/// Returns 0, or an error number, which errno has too: ERANGE when buf is too small. *result is NULL and *h_errnop tells why
/// when there is no such host.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_gethostbyname_r(
    name: *const c_char, ret: *mut libc::hostent, buf: *mut c_char, buflen: usize,
    result: *mut *mut libc::hostent, h_errnop: *mut c_int,
) -> c_int {
    if Scheduler::running().is_null() {
        // SAFETY: the program's arguments.
        return unsafe { gethostbyname_r(name, ret, buf, buflen, result, h_errnop) };
    }
    // SAFETY: a coroutine of this thread runs.
    let code = tls::unhooked(|| unsafe {
        resolve::host(Scheduler::get(), Question::Name(name), ret, (buf, buflen), result, h_errnop)
    });
    if code > 0 {
        set_errno(code);
    }
    code
}
