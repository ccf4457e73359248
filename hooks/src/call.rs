//! How a hook enters the core: with hooks off, and answering as libc does.

use core::ffi::c_int;
use std::io;

use colib_core::capi::answer;
use colib_core::scheduler::Scheduler;
use colib_core::tls;

/// Does a coroutine's call in the core, with hooks off meanwhile (invariant 7), and answers as libc does.
#[inline(always)]
pub fn call<T: TryInto<isize>>(work: impl FnOnce(*mut Scheduler) -> io::Result<T>) -> isize {
    ended_by_cancellation(|| answer(apart(work)), |&result| result == -1)
}

/// Does a call that is a cancellation point and may fail with EINTR.
#[inline(always)]
pub fn ended_by_cancellation<T>(work: impl FnOnce() -> T, failed: impl FnOnce(&T) -> bool) -> T {
    let is_thread = tls::hook_word() & tls::THREAD != 0;
    if is_thread {
        cancellation_point();
    }
    let result = work();
    if is_thread && failed(&result) {
        interrupted();
    }
    result
}

/// Ends the thread if it is to be cancelled, where threads are coroutines: by unwinding, so nothing on the caller's
/// frame needs dropping.
#[inline(never)]
pub fn cancellation_point() {
    unsafe extern "C" {
        fn pthread_testcancel();
    }
    // SAFETY: libc's function; the program's frames expect that their calls are cancelled.
    unsafe { pthread_testcancel() };
}

/// A call was interrupted: perhaps for a cancellation.
#[cold]
fn interrupted() {
    if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) {
        cancellation_point();
    }
}

/// Does a call that gives an error's number and is a cancellation point.
#[inline(always)]
pub fn cancellable(work: impl FnOnce() -> c_int) -> c_int {
    let is_thread = tls::hook_word() & tls::THREAD != 0;
    if is_thread {
        cancellation_point();
    }
    let error = work();
    if is_thread && error == libc::EINTR {
        cancellation_point();
    }
    error
}

/// Does something in the core on behalf of the program, with hooks off meanwhile.
#[inline(always)]
pub fn apart<T>(work: impl FnOnce(*mut Scheduler) -> T) -> T {
    let word = tls::hook_word();
    tls::set_hook_word(0);
    let result = work(Scheduler::get());
    tls::set_hook_word(word);
    result
}
