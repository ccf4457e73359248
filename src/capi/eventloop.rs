use core::ffi::{c_int, c_void};
use core::ptr;
use core::time::Duration;

use super::{answer, pfn_co_eventloop_t, stCoEpoll_t};
use crate::clock::{self, NEVER};
use crate::io;
use crate::scheduler::Scheduler;
use crate::tls;

/// With a callback the loop turns at least this often.
const CALLBACK: Duration = Duration::from_millis(1);

/// The calling thread's event loop; made when there is none yet. Never NULL. It lives as long as its thread.
#[unsafe(no_mangle)]
pub extern "C" fn co_get_epoll_ct() -> *mut stCoEpoll_t {
    Scheduler::get_or_new().cast()
}

/// Runs the calling thread's coroutines as what they wait for comes: descriptors, time, signals of
/// conditions, other threads. Sleeps until the next of these; nothing wakes it in between.
///
/// pfn, when not NULL, is called with arg after each turn, at least about every millisecond, and ends the
/// loop by returning -1. Without it the loop never returns. ctx is ignored.
///
/// May be called inside a coroutine: the coroutines it runs then yield to that one. The sleep is a
/// cancellation point: a thread in it can be cancelled with pthread_cancel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_eventloop(ctx: *mut stCoEpoll_t, pfn: pfn_co_eventloop_t, arg: *mut c_void) {
    let _ = ctx;
    let word = tls::hook_word();
    let this = Scheduler::get_or_new();
    loop {
        tls::set_hook_word(0);
        let limit = if pfn.is_some() { clock::after(CALLBACK) } else { NEVER };
        // SAFETY: this thread's scheduler, of which nothing is borrowed.
        unsafe { Scheduler::turn(this, limit) };
        tls::set_hook_word(word);
        // SAFETY: the program's callback.
        if pfn.is_some_and(|callback| unsafe { callback(arg) } == -1) {
            return;
        }
    }
}

/// poll(2) for coroutines, whether or not hooks are on: the calling coroutine waits, the thread goes on.
/// Outside any coroutine it is poll(2) itself. ctx is ignored.
///
/// fds, nfds: as for poll(2). timeout_ms: milliseconds; negative waits without end; 0 does not wait.
///
/// Returns what poll(2) returns: the number of descriptors with something to tell, 0 when the time is up or
/// somebody resumed the coroutine, or -1 with errno EFAULT, EINTR, EINVAL or ENOMEM. A descriptor that is closed
/// while it is waited for is reported as POLLNVAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_poll(
    ctx: *mut stCoEpoll_t, fds: *mut libc::pollfd, nfds: libc::nfds_t, timeout_ms: c_int,
) -> c_int {
    let _ = ctx;
    if Scheduler::running().is_null() {
        // SAFETY: the program's arguments.
        return unsafe { libc::poll(fds, nfds, timeout_ms) };
    }
    let result = tls::unhooked(|| {
        let deadline = clock::after_millis(timeout_ms);
        // SAFETY: a coroutine of this thread runs.
        unsafe { io::poll(Scheduler::get(), fds, nfds, deadline, ptr::null()) }
    });
    answer(result) as c_int
}

/// accept(2) for coroutines, whether or not hooks are on. Outside any coroutine it is accept(2) itself.
///
/// Returns the descriptor of the connection, or -1 with accept's errno. On a non-blocking listener it does not wait:
/// EAGAIN when there is no connection, as libco's programs expect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_accept(fd: c_int, addr: *mut libc::sockaddr, len: *mut libc::socklen_t) -> c_int {
    if Scheduler::running().is_null() {
        // SAFETY: the program's arguments.
        return unsafe { libc::accept(fd, addr, len) };
    }
    // SAFETY: a coroutine of this thread runs.
    let result = tls::unhooked(|| unsafe { io::accept(Scheduler::get(), fd, addr, len, 0) });
    answer(result.map(|fd| fd as usize)) as c_int
}
