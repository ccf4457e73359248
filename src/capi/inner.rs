//! What co_routine_inner.h declares: names that libco's programs reach past its public header.

use core::ffi::c_void;

use super::{co_release, co_self, stCoRoutine_t, yield_comparing, yield_loading};
use crate::choosing;
use crate::scheduler::Scheduler;

/// Prepares the calling thread for coroutines; co_create does so by itself.
#[unsafe(no_mangle)]
pub extern "C" fn co_init_curr_thread_env() {
    Scheduler::get_or_new();
}

/// The calling thread's coroutines as a whole, or null when it never had any.
#[unsafe(no_mangle)]
pub extern "C" fn co_get_curr_thread_env() -> *mut c_void {
    Scheduler::get().cast()
}

/// Frees a coroutine: `co_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_free(co: *mut stCoRoutine_t) {
    // SAFETY: the caller's contract is the same.
    unsafe { co_release(co) };
}

/// Yields the running coroutine of the calling thread.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_yield_env(_env: *mut c_void) {
    choosing!(co_yield_env, yield_loading, yield_comparing)
}

/// The running coroutine: `co_self`.
#[unsafe(no_mangle)]
pub extern "C" fn GetCurrThreadCo() -> *mut stCoRoutine_t {
    co_self()
}
