//! When a coroutine whose calls never have to wait lets others run all the same.

use super::Scheduler;
use crate::clock::{self, Nanos};
use crate::waiter::{Waiter, Wake};

/// How many calls a coroutine that never has to wait makes in a row before it gives way.
pub(super) const ALLOWANCE: u32 = 64;
/// How many more one makes that the program resumed, which goes on when the coroutine leaves: as if its calls were between
/// two of the program's own, unless there is no end to them.
const LONG_ALLOWANCE: u32 = 4096;

/// How many calls that do not wait a thread makes before it looks whether it has had its time.
const PASSES: u32 = 64;
/// How many in a row end its time: more than it makes as a rule between two waits, and so while others spin for what it does.
/// They would spin for ever on its kernel thread if it gave way then.
const MANY_PASSES: u32 = 512;
/// How long a thread that never waits keeps the others from running, in steps of [`clock::ticks`]: a few milliseconds, after
/// which the kernel lets others run too.
const SLICE: u64 = 10_000_000;
/// The same of one that made fewer calls than [`MANY_PASSES`]: half a second or more, for which no kernel keeps it waiting for a
/// processor.
const LONG_SLICE: u64 = 250 * SLICE;

impl Scheduler {
    /// A call of the running coroutine begins. `true` when it has made so many in a row that others are due.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    #[inline(always)]
    pub unsafe fn is_due_to_give_way(this: *mut Scheduler) -> bool {
        // SAFETY: by contract.
        unsafe {
            if (*this).allowance > 0 {
                (*this).allowance -= 1;
                return false;
            }
            (*this).current == (*this).resumed || Self::has_no_end(this)
        }
    }

    /// The running coroutine, for which it was due, begins a call that may wait, or not (`waits`). Lets others run if it may: one
    /// that is a thread when it has had its time.
    ///
    /// # Safety
    /// As for [`Scheduler::sleep`].
    #[cold]
    pub unsafe fn begin_due(this: *mut Scheduler, waits: bool) {
        // SAFETY: by contract.
        unsafe {
            (*this).allowance = ALLOWANCE;
            (*this).passes = (*this).passes.wrapping_add(PASSES);
            if if Self::runs_thread(this) { Self::has_had_its_time(this, waits) } else { waits } {
                Self::give_way(this);
            }
        }
    }

    /// The running coroutine begins a call that waits for any of several things until `deadline`, or just looks. Here a thread
    /// lets others run sooner than in other calls: hardly anybody spins until it has made this one.
    ///
    /// # Safety
    /// As for [`Scheduler::sleep`].
    #[inline(always)]
    pub unsafe fn begin_wait(this: *mut Scheduler, deadline: Nanos) {
        // SAFETY: by contract.
        unsafe {
            let is_due = Self::is_due_to_give_way(this) && clock::is_ahead(deadline);
            if Self::runs_thread(this) {
                (*this).passes = 0;
            }
            if is_due || Self::may_rest(this) {
                Self::give_way(this);
            }
        }
    }

    /// Whether the running coroutine, a thread, has had its time when it begins a wait, or to receive something that it may wait
    /// for: nobody spins until it has that, or would for ever anyway.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    #[inline(always)]
    pub unsafe fn may_rest(this: *mut Scheduler) -> bool {
        // SAFETY: by contract.
        unsafe { Self::runs_thread(this) && Self::time(this) > SLICE }
    }

    /// Whether the running coroutine, which the program resumed, has made very many calls since.
    #[cold]
    unsafe fn has_no_end(this: *mut Scheduler) -> bool {
        // SAFETY: by contract of `is_due_to_give_way`.
        unsafe {
            if (*(*this).current).count() {
                (*this).overrun = 0;
            }
            (*this).overrun += 1;
            (*this).overrun > LONG_ALLOWANCE
        }
    }

    /// The running coroutine has done something that counts as `calls` in a row.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    pub unsafe fn spend(this: *mut Scheduler, calls: u32) {
        // SAFETY: by contract.
        unsafe { (*this).allowance = (*this).allowance.saturating_sub(calls) };
    }

    /// The running coroutine makes a call that does not wait. Where threads are coroutines, one that makes no others, and
    /// perhaps waits in this way for what another does, lets others run when it has had its time.
    ///
    /// # Safety
    /// As for [`Scheduler::sleep`].
    #[inline(always)]
    pub unsafe fn passes(this: *mut Scheduler) {
        // SAFETY: by contract.
        unsafe {
            (*this).passes = (*this).passes.wrapping_add(1);
            if (*this).passes.is_multiple_of(PASSES)
                && Self::runs_thread(this)
                && Self::has_had_its_time(this, false)
            {
                Self::give_way(this);
            }
        }
    }

    /// Whether the running coroutine, a thread, has had its time when it makes a call that may wait, or not (`waits`).
    #[cold]
    unsafe fn has_had_its_time(this: *mut Scheduler, waits: bool) -> bool {
        // SAFETY: by contract of `passes`.
        unsafe {
            if (*(*this).current).count() {
                (*this).passes = 0;
            }
            match (*this).passes {
                ..MANY_PASSES => Self::time(this) > LONG_SLICE,
                _ => waits || Self::time(this) > SLICE,
            }
        }
    }

    /// For how long the loop has not looked, in steps of [`clock::ticks`].
    unsafe fn time(this: *mut Scheduler) -> u64 {
        // SAFETY: by contract of the callers.
        unsafe { clock::ticks().wrapping_sub((*this).glances.looked) }
    }

    /// Lets the others run who are ready: the running coroutine goes on in the next turn, with a new allowance.
    ///
    /// # Safety
    /// As for [`Scheduler::sleep`].
    #[cold]
    pub unsafe fn give_way(this: *mut Scheduler) {
        // SAFETY: by contract; the waiter is in the coroutine, which stays in place.
        unsafe {
            (*this).allowance = ALLOWANCE;
            let waiter = &raw const (*(*this).current).waiter;
            (*waiter).arm();
            Waiter::wake(waiter, Wake::Ready, &(*this).ready);
            Self::park(this);
            (*waiter).disarm();
        }
    }
}
