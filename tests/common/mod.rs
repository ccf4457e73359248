//! What the tests of the core share: coroutines from closures, and a loop that runs until they have ended.

use core::ffi::c_void;
use core::ptr;
use std::cell::Cell;

use colib_core::capi::{co_create, co_eventloop, co_get_epoll_ct, co_release, co_resume, stCoRoutine_t};
use colib_core::scheduler::Scheduler;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

type Body = Box<dyn FnOnce(*mut Scheduler)>;

unsafe extern "C" fn run(body: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` boxed it, and each body runs once.
    let body = unsafe { Box::from_raw(body.cast::<Body>()) };
    body(Scheduler::get());
    LIVE.set(LIVE.get() - 1);
    ptr::null_mut()
}

/// A coroutine that runs `body` when it is first resumed.
pub fn create(body: impl FnOnce(*mut Scheduler) + 'static) -> *mut stCoRoutine_t {
    let mut co = ptr::null_mut();
    let body: *mut Body = Box::into_raw(Box::new(Box::new(body)));
    // SAFETY: `co` is writable; `run` takes what it is given.
    assert_eq!(unsafe { co_create(&mut co, ptr::null(), Some(run), body.cast()) }, 0);
    LIVE.set(LIVE.get() + 1);
    co
}

/// A coroutine that has begun to run `body`.
pub fn spawn(body: impl FnOnce(*mut Scheduler) + 'static) -> *mut stCoRoutine_t {
    let co = create(body);
    // SAFETY: just created.
    unsafe { co_resume(co) };
    co
}

unsafe extern "C" fn all_ended(_: *mut c_void) -> i32 {
    if LIVE.get() == 0 { -1 } else { 0 }
}

/// Turns the loop until every coroutine of this thread has ended.
#[allow(dead_code)]
pub fn run_all() {
    // SAFETY: the callback has the right type.
    unsafe { co_eventloop(co_get_epoll_ct(), Some(all_ended), ptr::null_mut()) };
}

/// Releases a coroutine, whatever its state; one that has not ended no longer counts.
#[allow(dead_code)]
pub fn release(co: *mut stCoRoutine_t, ended: bool) {
    // SAFETY: released once.
    unsafe { co_release(co) };
    if !ended {
        LIVE.set(LIVE.get() - 1);
    }
}
