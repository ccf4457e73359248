//! `pthread_once` in coroutines, in libc's own word: two bits that say how far it is, and above them how often the
//! process was forked when somebody began.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

use super::Limit;
use super::lot::{self, Manner};
use crate::scheduler::Scheduler;
use crate::sys;

const BEGUN: c_int = 1;
const DONE: c_int = 2;

/// Whether the routine has run.
pub fn is_done(control: &AtomicI32) -> bool {
    control.load(Ordering::Acquire) & DONE != 0
}

/// Waits until the routine has run, or is the caller's to run: `true`. `begun` is what libc writes in this process
/// while somebody is at it.
///
/// # Safety
/// As for [`lot::persist`].
pub unsafe fn begin(scheduler: *mut Scheduler, control: &AtomicI32, begun: c_int) -> bool {
    /// The word itself tells whether somebody is at it, not who.
    static SOMEBODY: AtomicI32 = AtomicI32::new(0);
    let address = core::ptr::from_ref(control).addr();
    let mut mine = false;
    let mut look = || loop {
        let value = control.load(Ordering::Acquire);
        if value & DONE != 0 {
            return 0;
        }
        if value & BEGUN != 0 && value == begun {
            return libc::EBUSY;
        }
        // Nobody is at it, or was in another process when that was forked.
        if control.compare_exchange(value, begun, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            mine = true;
            return 0;
        }
    };
    let attempt = || Scheduler::tries(address, &mut look);
    // SAFETY: by contract.
    unsafe {
        lot::persist(scheduler, address, Manner::SHARED.owned(&SOMEBODY), || Ok(Limit::NEVER), attempt)
    };
    mine
}

/// The routine has returned, or was left by an exception, after which another caller begins anew.
pub fn end(control: &AtomicI32, done: bool) {
    control.store(if done { DONE } else { 0 }, Ordering::Release);
    let word = core::ptr::from_ref(control);
    sys::futex_wake(word.cast(), c_int::MAX, false);
    lot::poke(word.addr());
}
