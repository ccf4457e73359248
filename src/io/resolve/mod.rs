//! Look-ups of names, of hosts and in the other databases: the real functions of libc, on helper threads.
//!
//! Whatever nsswitch.conf asks for works, because libc itself does it. What needs no look-up (a numeric
//! address) is answered at once.
//!
//! - `addresses`: getaddrinfo and getnameinfo
//! - `hosts`: the older functions
//! - `entry`: what libc finds in its databases; static results are the coroutine's own
//! - `queries`: questions to name servers, as res_query asks them

mod addresses;
mod entry;
mod hosts;
mod queries;

pub use addresses::{getaddrinfo, getnameinfo};
pub use entry::{Entry, Place, entry, entry_kept};
pub use hosts::{Question, host, host_static};
pub use queries::query;

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use crate::coroutine::ResolverState;
use crate::heap;
use crate::scheduler::Scheduler;

unsafe extern "C" {
    fn __res_init() -> c_int;
    fn __res_state() -> *mut u64;
    fn __errno_location() -> *mut c_int;
    fn __h_errno_location() -> *mut c_int;
}

/// Settings of the resolver that the coroutine made through `_res`, for the helper to work under.
unsafe fn settings(scheduler: *mut Scheduler) -> Option<[u64; ResolverState::SETTINGS]> {
    // SAFETY: a coroutine runs, by contract of the callers.
    let rare = unsafe { (*Scheduler::current(scheduler)).rare()? };
    Some(rare.answers.as_ref()?.resolver.as_ref()?.settings())
}

/// Does `work` on the helper under the coroutine's resolver settings.
fn under<T>(settings: Option<[u64; ResolverState::SETTINGS]>, work: impl FnOnce() -> T) -> T {
    let Some(settings) = settings else { return work() };
    // SAFETY: the helper's own state, initialised first so that libc does not overwrite the settings.
    unsafe {
        __res_init();
        let state = __res_state().cast::<[u64; ResolverState::SETTINGS]>();
        let before = state.replace(settings);
        let result = work();
        state.write(before);
        result
    }
}

/// The resolver's state of the running coroutine: `__res_state`. Without memory for it, the thread's.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs. The same holds for every function of this module;
/// pointers are the program's, as for the calls themselves.
pub unsafe fn state(scheduler: *mut Scheduler) -> *mut c_void {
    // SAFETY: by contract; libc's own state of this thread is what a new thread would begin with.
    unsafe {
        let thread = __res_state();
        let Some(answers) = (*Scheduler::current(scheduler)).make_answers() else { return thread.cast() };
        if answers.resolver.is_none() {
            answers.resolver = heap::boxed(ResolverState::copy(thread));
            if let Some(own) = &mut answers.resolver {
                own.settle(thread);
            }
        }
        match &mut answers.resolver {
            Some(own) => ptr::from_mut::<ResolverState>(own).cast(),
            None => thread.cast(),
        }
    }
}

/// The coroutine's own `h_errno`. Without memory for it, the thread's.
///
/// # Safety
/// As for [`state`].
pub unsafe fn h_errno(scheduler: *mut Scheduler) -> *mut c_int {
    // SAFETY: by contract.
    unsafe {
        match (*Scheduler::current(scheduler)).make_answers() {
            Some(answers) => &raw mut answers.h_errno,
            None => __h_errno_location(),
        }
    }
}

/// A string of the program's that may be null.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: by contract of the callers.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}
