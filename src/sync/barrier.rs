//! pthread's barriers: coroutines take part in libc's own protocol, with threads or without.
//!
//! Whoever enters gets a number. A round is over when a multiple of the barrier's count have entered; `round` is the
//! highest number that may leave. Everybody who leaves says so, because `pthread_barrier_destroy` waits for that, and
//! after 2^31 numbers the last to leave sets all to zero. For a coroutine in the lot, whoever calls it out says so:
//! the barrier may be gone when the coroutine runs again.

use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use super::Limit;
use super::lot::{self, Ended, Manner};
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::Interrupt;

/// libc's words, of which it says no more than their size. They have been these since glibc 2.25.
#[repr(C)]
struct Words {
    entered: AtomicU32,
    round: AtomicU32,
    count: u32,
    shared: c_int,
    left: AtomicU32,
}

/// Rounds end at the last multiple of the count up to here; then the numbers begin anew.
const NUMBERS: u32 = u32::MAX / 2;

/// Other processes end a round without telling us.
const SHARED_RELOOK: Duration = Duration::from_millis(10);
const RELOOK: Duration = Duration::from_millis(100);

/// `PTHREAD_BARRIER_SERIAL_THREAD`: for one of each round.
const SERIAL: c_int = -1;

impl Words {
    unsafe fn of<'a>(barrier: *mut libc::pthread_barrier_t) -> &'a Words {
        const { assert!(size_of::<Words>() <= size_of::<libc::pthread_barrier_t>()) };
        // SAFETY: by contract of the callers, it is a barrier that somebody waits in.
        unsafe { &*barrier.cast() }
    }

    fn last(&self) -> u32 {
        NUMBERS - NUMBERS % self.count
    }

    fn may_leave(&self, number: u32) -> bool {
        number <= self.round.load(Ordering::Acquire)
    }

    /// Ends those rounds for which enough have entered, the last of them with this number. Gives whether it was we.
    fn end_rounds(&self, number: u32) -> bool {
        let end = number - number % self.count;
        let ended = self.round.fetch_max(end, Ordering::Release) < end;
        if ended {
            sys::futex_wake(&self.round, c_int::MAX, self.shared != 0);
        }
        ended
    }

    fn leave(&self) {
        let last = self.last();
        if self.left.fetch_add(1, Ordering::AcqRel).wrapping_add(1) == last {
            self.round.store(0, Ordering::Relaxed);
            self.left.store(0, Ordering::Relaxed);
            let shared = self.shared != 0;
            self.entered.store(0, Ordering::Release);
            sys::futex_wake(&self.entered, c_int::MAX, shared);
        }
    }
}

/// `pthread_barrier_wait` for the running coroutine.
///
/// # Safety
/// As for [`lot::persist`]; `barrier` is a barrier.
pub unsafe fn wait(scheduler: *mut Scheduler, barrier: *mut libc::pthread_barrier_t) -> c_int {
    // SAFETY: by contract. While somebody waits in it, it is not destroyed.
    unsafe {
        let words = Words::of(barrier);
        let mut number = words.entered.fetch_add(1, Ordering::AcqRel) + 1;
        while number > words.last() {
            let reset = || if words.entered.load(Ordering::Acquire) > words.last() { libc::EBUSY } else { 0 };
            lot::persist(scheduler, barrier.addr() + 1, Manner::EVENT, || Ok(Limit::NEVER), reset);
            number = words.entered.fetch_add(1, Ordering::AcqRel) + 1;
        }
        let result = if number.is_multiple_of(words.count) { SERIAL } else { 0 };
        if words.end_rounds(number) {
            call_out(barrier, words);
        }
        if words.may_leave(number) || !is_called_out(scheduler, barrier, words, number) {
            words.leave();
        }
        result
    }
}

/// Waits for the end of the round. Gives whether somebody called, who has said then that we leave.
unsafe fn is_called_out(
    scheduler: *mut Scheduler, barrier: *mut libc::pthread_barrier_t, words: &Words, number: u32,
) -> bool {
    // SAFETY: by contract of `wait`.
    unsafe {
        let Some(place) = lot::stand(scheduler, barrier.addr(), number) else {
            let over = || if words.may_leave(number) { 0 } else { libc::EBUSY };
            lot::persist(scheduler, barrier.addr(), Manner::EVENT, || Ok(Limit::NEVER), over);
            return false;
        };
        // The round may have ended before we stood here; else whoever ends it finds us.
        if words.may_leave(number) {
            return !lot::leave(scheduler, place, false);
        }
        let relook = if words.shared != 0 { SHARED_RELOOK } else { RELOOK };
        let over = |_| words.may_leave(number);
        lot::until_called(scheduler, place, &Limit::NEVER, relook, Interrupt::Never, over) == Ended::Called
    }
}

/// Calls out whoever may leave.
fn call_out(barrier: *mut libc::pthread_barrier_t, words: &Words) {
    lot::call_those(barrier.addr(), |number| {
        let may = words.may_leave(number);
        if may {
            words.leave();
        }
        may
    });
}

/// A thread has come out of the barrier: so may the coroutines of its round.
///
/// # Safety
/// `barrier` was a barrier a moment ago.
pub unsafe fn passed(barrier: *mut libc::pthread_barrier_t) {
    // SAFETY: the words are looked at only when somebody waits in it, which keeps it from being destroyed.
    call_out(barrier, unsafe { Words::of(barrier) });
}
