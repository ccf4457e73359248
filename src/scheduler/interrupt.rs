//! Whose call a signal handler ends with EINTR.
//!
//! A thread has one blocking call that a handler can interrupt; here many coroutines wait in one thread's
//! stead. Those that wait for a handler (`pause`) are all told. When there is none, one is: the oldest coroutine
//! whose call the handler ends, as the kernel prefers a process's first thread. That is the one that a program
//! made first, its accepting loop say, and where a program is likely to look at what its handler left.

use core::ffi::c_int;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::Scheduler;
use crate::coroutine::Coroutine;
use crate::reactor::{HANDLED, UNRESTARTED};
use crate::waiter::{Interrupt, Waiter, Wake};

/// How many coroutines wait, by what ends their wait; the first is not counted.
pub(super) type Counts = [usize; 5];

/// Handlers of the program that have run in this process, by signal.
static HANDLERS: [AtomicUsize; 64] = [const { AtomicUsize::new(0) }; 64];

/// How many of the program's handlers have run so far, on any thread, for the signals that `mask` lets through.
pub fn handlers_run(mask: u64) -> usize {
    let admitted = (0..64).filter(|signal| mask & 1 << signal == 0);
    admitted.fold(0, |sum, signal| sum.wrapping_add(HANDLERS[signal].load(Ordering::Acquire)))
}

/// A handler of the program is about to run on the calling thread, whatever it interrupts: nothing but atomic
/// words is touched here.
pub fn handler_ran(signal: c_int, restarts: bool) {
    HANDLERS[(signal as usize).wrapping_sub(1) % 64].fetch_add(1, Ordering::Release);
    let this = Scheduler::get();
    if !this.is_null() {
        let what = if restarts { HANDLED } else { HANDLED | UNRESTARTED };
        // SAFETY: the calling thread's scheduler is valid, and its remote side is made for being shared.
        unsafe { (*this).reactor.remote().interrupt(what) };
    }
}

impl Scheduler {
    /// Lets signal handlers end the next wait of the running coroutine, with [`Wake::Interrupted`].
    ///
    /// # Safety
    /// A coroutine of this thread runs.
    pub unsafe fn interruptible(this: *mut Scheduler, by: Interrupt) {
        // SAFETY: by contract.
        unsafe { (*(*this).current).waiter.interrupt.set(by) };
    }

    /// Parks the running coroutine if its deadline could be set, and ends what [`Scheduler::interruptible`]
    /// began.
    pub(super) unsafe fn park_interruptible(this: *mut Scheduler, timed: bool) {
        // SAFETY: by contract of the callers.
        unsafe {
            let waiter = &raw const (*(*this).current).waiter;
            if timed {
                if (*this).reactor.remote().has_handled() {
                    // Handlers that ran before this call began do not end it.
                    let by = (*waiter).interrupt.replace(Interrupt::Never);
                    Self::deliver(this);
                    (*waiter).interrupt.set(by);
                }
                match (*waiter).interrupt.get() {
                    Interrupt::Never => {}
                    by => {
                        (*this).interruptible[by as usize] += 1;
                        if core::mem::take(&mut (*(*this).current).cancelled) {
                            Waiter::wake(waiter, Wake::Interrupted, &(*this).ready);
                        }
                    }
                }
                Self::park(this);
                Self::end_interruptible(this, waiter);
            } else {
                (*waiter).interrupt.set(Interrupt::Never);
            }
        }
    }

    /// The wait of a parked coroutine is over, or given up.
    pub(super) unsafe fn end_interruptible(this: *mut Scheduler, waiter: *const Waiter) {
        // SAFETY: by contract of the callers.
        unsafe {
            match (*waiter).interrupt.replace(Interrupt::Never) {
                Interrupt::Never => {}
                by => (*this).interruptible[by as usize] -= 1,
            }
        }
    }

    /// The handlers that have run just now were meant for `co`: they end its call, if any, and nobody else's.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler; `co` is one of its coroutines.
    pub unsafe fn interrupt_alone(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract.
        unsafe {
            if !(*this).reactor.remote().has_handled() {
                return;
            }
            let unrestarted = (*this).reactor.remote().take_handled() & UNRESTARTED != 0;
            let waiter = &raw const (*co).waiter;
            let ends = match (*waiter).interrupt.get() {
                Interrupt::Never | Interrupt::Cancelled => false,
                Interrupt::Unrestarted => unrestarted,
                Interrupt::Any | Interrupt::Awaited => true,
            };
            if ends && (*waiter).is_armed() {
                Waiter::wake(waiter, Wake::Interrupted, &(*this).ready);
            }
        }
    }

    /// Ends the wait of `co`, which is to be cancelled, if it is one that ends for that.
    ///
    /// # Safety
    /// As for [`Scheduler::interrupt_alone`].
    pub unsafe fn cancel(this: *mut Scheduler, co: *mut Coroutine) {
        /// What libc cancels by; calls with masks of their own ask whether a handler has run.
        const SIGCANCEL: usize = 32;
        HANDLERS[SIGCANCEL - 1].fetch_add(1, Ordering::Release);
        // SAFETY: by contract.
        unsafe {
            let waiter = &raw const (*co).waiter;
            if (*waiter).interrupt.get() != Interrupt::Never && (*waiter).is_armed() {
                Waiter::wake(waiter, Wake::Interrupted, &(*this).ready);
            } else {
                // It is about to look again, and may wait once more.
                (*co).cancelled = true;
            }
        }
    }

    /// Tells those whose calls the handlers end that have run since the last time.
    pub(super) unsafe fn deliver(this: *mut Scheduler) {
        // SAFETY: by contract of `turn`; members are valid until they are unlinked.
        unsafe {
            if !(*this).reactor.remote().has_handled() {
                return;
            }
            let handled = (*this).reactor.remote().take_handled();
            let waiting = |by: Interrupt| (*this).interruptible[by as usize] > 0;
            let unrestarted = handled & UNRESTARTED != 0;
            let awaited = waiting(Interrupt::Awaited);
            if !(awaited || waiting(Interrupt::Any) || unrestarted && waiting(Interrupt::Unrestarted)) {
                return;
            }
            let mut link = (*this).members.first();
            while !link.is_null() {
                let waiter = &raw const (*Coroutine::of_member(link)).waiter;
                let concerned = (*waiter).is_armed()
                    && match (*waiter).interrupt.get() {
                        Interrupt::Never | Interrupt::Cancelled => false,
                        Interrupt::Awaited => true,
                        Interrupt::Any => !awaited,
                        Interrupt::Unrestarted => !awaited && unrestarted,
                    };
                if concerned {
                    Waiter::wake(waiter, Wake::Interrupted, &(*this).ready);
                    if !awaited {
                        return;
                    }
                }
                link = (*this).members.after(link);
            }
        }
    }
}
