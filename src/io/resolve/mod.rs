//! Name look-ups: the real functions of libc, on helper threads.
//!
//! Whatever nsswitch.conf asks for works, because libc itself does it. What needs no look-up (a numeric
//! address) is answered at once.
//!
//! - `addresses`: getaddrinfo and getnameinfo
//! - `hosts`: the older functions, whose static results are the coroutine's own
//! - `queries`: questions to name servers, as res_query asks them

mod addresses;
mod hosts;
mod queries;

pub use addresses::{getaddrinfo, getnameinfo};
pub use hosts::{Question, host, host_static};
pub use queries::query;

use core::ffi::{CStr, c_char, c_int, c_void};

use crate::heap;
use crate::scheduler::Scheduler;

unsafe extern "C" {
    fn __res_init() -> c_int;
    fn __res_state() -> *mut u64;
    fn __errno_location() -> *mut c_int;
    fn __h_errno_location() -> *mut c_int;
}

/// `sizeof(struct __res_state)` in glibc on x86-64, in words.
const RESOLVER_STATE: usize = 568 / 8;
/// Its first two words are what programs set: retransmission time and tries, then the options.
const RESOLVER_SETTINGS: usize = 2;

/// Settings of the resolver that the coroutine made through `_res`, for the helper to work under.
unsafe fn settings(scheduler: *mut Scheduler) -> Option<[u64; RESOLVER_SETTINGS]> {
    // SAFETY: a coroutine runs, by contract of the callers.
    let rare = unsafe { (*Scheduler::current(scheduler)).rare()? };
    rare.answers.as_ref()?.resolver.first_chunk().copied()
}

/// Does `work` on the helper under the coroutine's resolver settings.
fn under<T>(settings: Option<[u64; RESOLVER_SETTINGS]>, work: impl FnOnce() -> T) -> T {
    let Some(settings) = settings else { return work() };
    // SAFETY: the helper's own state, initialised first so that libc does not overwrite the settings.
    unsafe {
        __res_init();
        let state = __res_state().cast::<[u64; RESOLVER_SETTINGS]>();
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
        let resolver = &mut answers.resolver;
        if resolver.is_empty() {
            let Some(room) = heap::room(RESOLVER_STATE) else { return thread.cast() };
            *resolver = room;
            resolver.extend((0..RESOLVER_STATE).map(|i| *thread.add(i)));
        }
        resolver.as_mut_ptr().cast()
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
