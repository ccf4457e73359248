use core::ffi::c_int;
use core::ptr;

use super::{answer, set_errno, stCoCond_t};
use crate::clock::{self, NEVER};
use crate::heap;
use crate::scheduler::Scheduler;
use crate::sync::Condition;
use crate::tls;

/// Makes a condition. Coroutines of any thread may wait for it. Returns NULL with errno ENOMEM without memory.
#[unsafe(no_mangle)]
pub extern "C" fn co_cond_alloc() -> *mut stCoCond_t {
    match heap::boxed(Condition::default()) {
        Some(cond) => Box::into_raw(cond).cast(),
        None => {
            set_errno(libc::ENOMEM);
            ptr::null_mut()
        }
    }
}

/// Frees a condition.
///
/// Returns 0, or -1 with errno EBUSY when a coroutine still waits for it; then it is not freed. NULL is
/// ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_cond_free(cond: *mut stCoCond_t) -> c_int {
    let cond = cond.cast::<Condition>();
    // SAFETY: null, or from `co_cond_alloc` and not freed before.
    unsafe {
        if cond.is_null() {
            return 0;
        }
        if !(*cond).is_idle() {
            set_errno(libc::EBUSY);
            return -1;
        }
        drop(Box::from_raw(cond));
    }
    0
}

/// Wakes the coroutine that has waited longest, if any. It runs in its own thread's next turn of the loop,
/// not before this returns. May be called from any thread, in a coroutine or not. Returns 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_cond_signal(cond: *mut stCoCond_t) -> c_int {
    // SAFETY: the program says it is a condition.
    unsafe { (*cond.cast::<Condition>()).signal() };
    0
}

/// Wakes every coroutine that waits now, as co_cond_signal does. Returns 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_cond_broadcast(cond: *mut stCoCond_t) -> c_int {
    // SAFETY: the program says it is a condition.
    unsafe { (*cond.cast::<Condition>()).broadcast() };
    0
}

/// Waits until the condition is signalled or timeout_ms milliseconds have passed; without end when
/// timeout_ms is not positive. Waiters are served first come, first served.
///
/// Returns 0 when signalled; -1 with errno ETIMEDOUT when the time is up or somebody resumed the coroutine;
/// -1 with errno EPERM outside any coroutine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_cond_timedwait(cond: *mut stCoCond_t, timeout_ms: c_int) -> c_int {
    if Scheduler::running().is_null() {
        set_errno(libc::EPERM);
        return -1;
    }
    let result = tls::unhooked(|| {
        let deadline = if timeout_ms > 0 { clock::after_millis(timeout_ms) } else { NEVER };
        // SAFETY: a coroutine of this thread runs; the program says it is a condition.
        unsafe { Condition::wait(cond.cast(), Scheduler::get(), deadline) }
    });
    answer(result.map(|()| 0usize)) as c_int
}
