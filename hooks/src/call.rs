//! How a hook enters the core: with hooks off, and answering as libc does.

use core::ffi::c_int;
use std::io;

use colib_core::capi::answer;
use colib_core::scheduler::Scheduler;
use colib_core::tls;

/// Does a coroutine's call in the core, with hooks off meanwhile (invariant 7), and answers as libc does.
#[inline(always)]
pub fn call<T: TryInto<isize>>(work: impl FnOnce(*mut Scheduler) -> io::Result<T>) -> isize {
    ended_by_cancellation(|| answer(apart(work)), |&result| result == -1 && was_interrupted())
}

/// Does a call that is a cancellation point; `interrupted` tells of its result whether something may have ended it
/// early: perhaps a cancellation.
#[inline(always)]
pub fn ended_by_cancellation<T>(work: impl FnOnce() -> T, interrupted: impl FnOnce(&T) -> bool) -> T {
    if is_thread() {
        cancellation_point();
    }
    let result = work();
    // Asked for again: kept until here, it would make compilers write down the work twice.
    if interrupted(&result) && is_thread() {
        cancellation_point();
    }
    result
}

/// Whether the running coroutine is one that threads became.
#[inline(always)]
fn is_thread() -> bool {
    tls::hook_word() & tls::THREAD != 0
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

/// Whether the call that has just failed was interrupted.
#[cold]
pub fn was_interrupted() -> bool {
    io::Error::last_os_error().raw_os_error() == Some(libc::EINTR)
}

/// Does a call that gives an error's number and is a cancellation point.
#[inline(always)]
pub fn cancellable(work: impl FnOnce() -> c_int) -> c_int {
    ended_by_cancellation(work, |&error| error == libc::EINTR)
}

/// Does something in the core on behalf of the program, with hooks off meanwhile.
#[inline(always)]
pub fn apart<T>(work: impl FnOnce(*mut Scheduler) -> T) -> T {
    tls::unhooked(|| work(Scheduler::get()))
}
