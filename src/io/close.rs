//! Closing what may take its time: a socket that lingers (`SO_LINGER`), on a helper.

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;

use super::error;
use super::offload::{self, Kind};
use crate::reactor::duplicate_high;
use crate::scheduler::Scheduler;
use crate::sys;

/// Set once the program has told a socket to linger: almost no program does, so none is asked before. Sockets that are
/// accepted have it from their listener.
static LINGERING: AtomicBool = AtomicBool::new(false);

/// The program tells a socket to linger: from now on they are asked whether they do.
pub fn expect_lingering() {
    LINGERING.store(true, Ordering::Relaxed);
}

/// Whether closing `fd` may wait until its peer has acknowledged all that was sent.
pub fn lingers(fd: c_int) -> bool {
    // States of a connection whose end would still have to be acknowledged: of the kernel's tcp_states.h.
    const ESTABLISHED: u8 = 1;
    const SYN_RECV: u8 = 3;
    const FIN_WAIT1: u8 = 4;
    const CLOSE_WAIT: u8 = 8;
    const LAST_ACK: u8 = 9;
    const CLOSING: u8 = 11;
    if !LINGERING.load(Ordering::Relaxed) {
        return false;
    }
    let wish = sys::getsockopt::<libc::linger>(fd, libc::SOL_SOCKET, libc::SO_LINGER);
    let asked = wish.is_ok_and(|wish| wish.l_onoff != 0 && wish.l_linger != 0);
    // The state is the first byte of what is told of a connection.
    asked
        && sys::getsockopt::<u8>(fd, libc::SOL_TCP, libc::TCP_INFO).is_ok_and(|state| {
            matches!(state, ESTABLISHED | SYN_RECV | FIN_WAIT1 | CLOSE_WAIT | LAST_ACK | CLOSING)
        })
}

/// Another number for the socket at `fd`, if it lingers and the running coroutine is a thread: whoever gives `fd` up then
/// waits for nothing, and [`close_kept`] is for what is to be waited for. `None` without a free number, too.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub unsafe fn keep_lingering(scheduler: *mut Scheduler, fd: c_int) -> Option<c_int> {
    // SAFETY: by contract.
    let is_thread = unsafe { Scheduler::runs_thread(scheduler) };
    if is_thread && lingers(fd) { duplicate_high(fd).ok() } else { None }
}

/// Closes what [`keep_lingering`] gave, and leaves `errno` alone: whatever it says, the program's call is done.
///
/// # Safety
/// As for [`close`].
pub unsafe fn close_kept(scheduler: *mut Scheduler, kept: c_int) {
    // SAFETY: by contract; `errno` is always valid, and the coroutine's own.
    unsafe {
        let errno = *libc::__errno_location();
        let _ = close(scheduler, kept);
        *libc::__errno_location() = errno;
    }
}

/// `close` of what [lingers].
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; in a child of fork it does not go on.
pub unsafe fn close(scheduler: *mut Scheduler, fd: c_int) -> io::Result<()> {
    let work = move || sys::close_any(fd).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO));
    // SAFETY: by contract.
    match unsafe { offload::run_as(scheduler, Kind::CLOSING, work) } {
        Ok(done) => done.map_err(error),
        // No helper can be had.
        Err(_) => sys::close_any(fd),
    }
}
