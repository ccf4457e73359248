//! Whose call a signal handler ends with EINTR.
//!
//! A thread has one blocking call that a handler can interrupt; here many coroutines wait in one thread's
//! stead. Those that wait for a handler (`pause`) are all told. When there is none, one is: the oldest coroutine
//! whose call the handler ends, as the kernel prefers a process's first thread. That is the one that a program
//! made first, its accepting loop say, and where a program is likely to look at what its handler left. Where coroutines
//! are threads, those that block the signal are not concerned.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::Scheduler;
use crate::coroutine::Coroutine;
use crate::reactor::News;
use crate::sys;
use crate::waiter::{Interrupt, Waiter, Wake};

/// How many coroutines wait, by what ends their wait; the first is not counted.
pub(super) type Counts = [usize; 6];

/// Handlers of the program that have run in this process, by signal.
static HANDLERS: [AtomicUsize; 64] = [const { AtomicUsize::new(0) }; 64];

/// How many of the program's handlers have run so far, on any thread, for the signals that `mask` lets through.
pub fn handlers_run(mask: u64) -> usize {
    let admitted = (0..64).filter(|signal| mask & 1 << signal == 0);
    admitted.fold(0, |sum, signal| sum.wrapping_add(HANDLERS[signal].load(Ordering::Acquire)))
}

/// Signals that the process has queued for one of its threads and whose handlers have not run: the kernel does not tell
/// them from those for the process.
static EXPECTED: [AtomicUsize; 64] = [const { AtomicUsize::new(0) }; 64];

fn expected(signal: c_int) -> &'static AtomicUsize {
    &EXPECTED[(signal as usize).wrapping_sub(1) % 64]
}

/// A signal that has a handler is about to be queued for a thread.
pub fn expect_handler(signal: c_int) {
    expected(signal).fetch_add(1, Ordering::SeqCst);
}

/// Whether a handler that runs was [expected](expect_handler), or would have been: that is settled then.
pub fn expected_handler(signal: c_int) -> bool {
    let one_less = |count: usize| count.checked_sub(1);
    expected(signal).fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
}

/// A handler of the program is about to run on the calling thread, whatever it interrupts: nothing but atomic
/// words is touched here. `to_thread`: the process sent the signal to one of its threads. Where those are coroutines,
/// the one that is meant is told by whoever sends (`threads`).
pub fn handler_ran(signal: c_int, restarts: bool, to_thread: bool) {
    HANDLERS[(signal as usize).wrapping_sub(1) % 64].fetch_add(1, Ordering::Release);
    let this = Scheduler::get();
    // SAFETY: the calling thread's scheduler is valid.
    if !this.is_null() && (!to_thread || unsafe { !(*this).main.is_thread() }) {
        // SAFETY: the calling thread's scheduler is valid, and its remote side is made for being shared.
        unsafe { (*this).reactor.remote().interrupt(signal, restarts) };
    }
}

/// Tells of a coroutine's thread-local storage which signals the thread blocks; null where none has its own.
static BLOCKED_AT: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// From now on coroutines with thread-local storage of their own block the signals that `blocked_at` gives for its base.
pub fn have_masks(blocked_at: fn(usize) -> u64) {
    BLOCKED_AT.store(blocked_at as *mut (), Ordering::Release);
}

/// The signals that a coroutine of the calling thread blocks, as a thread.
unsafe fn blocked_by(co: *mut Coroutine) -> u64 {
    let of = BLOCKED_AT.load(Ordering::Acquire);
    // SAFETY: by contract; nonzero words were stored from functions of this type.
    unsafe {
        match (*co).base() {
            base if base != 0 && !of.is_null() => core::mem::transmute::<*mut (), fn(usize) -> u64>(of)(base),
            _ => 0,
        }
    }
}

/// Whether a coroutine of the calling thread lets the signal through, as a thread.
pub(super) unsafe fn lets(co: *mut Coroutine, signal: c_int) -> bool {
    // SAFETY: by contract of the callers.
    unsafe { blocked_by(co) & sys::signal_bit(signal) == 0 }
}

/// What handlers leave to do: one function, or null.
static NOTED_WORK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Called in a signal handler: `work`, the same for all callers, is done soon, by the calling thread or by one of those
/// that never end. Takes no lock.
pub fn have_done(work: fn()) {
    NOTED_WORK.store(work as *mut (), Ordering::Release);
    let tell = |thread: *mut Scheduler| {
        if !thread.is_null() {
            // SAFETY: the calling thread's scheduler is valid, as are those that last; the remote side is for sharing.
            unsafe { (*thread).reactor.remote().note() };
        }
    };
    tell(Scheduler::get());
    super::adopt::LASTING.iter().for_each(|thread| tell(thread.load(Ordering::Acquire)));
}

/// What handlers leave to the loop: one function, or null.
static LOOP_WORK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Gives whether a coroutine was called away from what it did.
pub type LoopWork = unsafe fn(*mut Scheduler) -> bool;

/// Called in a signal handler on a thread that has a scheduler: `work`, the same for all callers, is done by that
/// thread's loop, when no coroutine runs. Takes no lock.
pub fn have_loop_do(work: LoopWork) {
    LOOP_WORK.store(work as *mut (), Ordering::Release);
    let this = Scheduler::get();
    // SAFETY: the calling thread's scheduler is valid; the remote side is for sharing.
    unsafe { (*this).reactor.remote().note() };
}

/// A moment in the life of a thread, by the handlers that have run.
#[derive(Clone, Copy, Default)]
pub struct Since(u64);

/// What a thread knows of handlers that ended no wait.
#[derive(Default)]
pub(super) struct Handled {
    /// How often the thread has looked what handlers ran, and found some.
    count: u64,
    /// When nobody waited whom they end: those of all kinds, and those that restart nothing.
    unclaimed: [u64; 2],
    /// Which they were.
    unclaimed_signals: News,
    /// When the call began whose wait is next.
    since: u64,
}

impl Handled {
    /// Whether a handler ran in the middle of a call, while it looked again between two waits.
    fn claim(&mut self, by: Interrupt, blocked: impl FnOnce() -> u64) -> bool {
        let which = self.unclaimed_signals;
        let claimed = match by {
            Interrupt::Any => self.unclaimed[0] > self.since && which.concerns(blocked()),
            Interrupt::Unrestarted => self.unclaimed[1] > self.since && which.restarts_nothing(blocked()),
            Interrupt::Masked => self.unclaimed[0] > self.since,
            // All who wait for a handler are told, whoever else was.
            Interrupt::Awaited => self.count > self.since,
            Interrupt::Never | Interrupt::Cancelled => false,
        };
        if claimed {
            self.unclaimed = [0; 2];
        }
        claimed
    }
}

impl Scheduler {
    /// Lets signal handlers end the next wait of the running coroutine, with [`Wake::Interrupted`]: also those that
    /// have run since the call began, at `since`, while it looked again between two waits.
    ///
    /// # Safety
    /// A coroutine of this thread runs.
    pub unsafe fn interruptible(this: *mut Scheduler, by: Interrupt, since: Since) {
        // SAFETY: by contract.
        unsafe {
            (*this).handled.since = since.0;
            (*(*this).current).waiter.interrupt.set(by);
        }
    }

    /// Now: handlers that ran before do not end a call that begins.
    ///
    /// # Safety
    /// `this` is the calling thread's.
    #[inline(always)]
    pub unsafe fn moment(this: *mut Scheduler) -> Since {
        // SAFETY: by contract.
        unsafe {
            Self::deliver(this);
            Since((*this).handled.count)
        }
    }

    /// Parks the running coroutine if its deadline could be set, and ends what [`Scheduler::interruptible`]
    /// began.
    #[inline(always)]
    pub(super) unsafe fn park_interruptible(this: *mut Scheduler, timed: bool) {
        // SAFETY: by contract of the callers.
        unsafe {
            let waiter = &raw const (*(*this).current).waiter;
            if timed {
                if (*this).reactor.remote().has_handled() {
                    // Those who wait already come first.
                    let by = (*waiter).interrupt.replace(Interrupt::Never);
                    Self::deliver(this);
                    (*waiter).interrupt.set(by);
                }
                match (*waiter).interrupt.get() {
                    Interrupt::Never => {}
                    by => {
                        (*this).interruptible[by as usize] += 1;
                        let blocked = || blocked_by((*this).current);
                        if (*this).handled.claim(by, blocked) || (*(*this).current).take_cancelled() {
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

    /// A handler of `signal` that has run was meant for `co`: it ends its call, if that is one that ends for it.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler; `co` is one of its coroutines.
    pub unsafe fn interrupt_alone(this: *mut Scheduler, co: *mut Coroutine, signal: c_int, restarts: bool) {
        // SAFETY: by contract.
        unsafe {
            let waiter = &raw const (*co).waiter;
            let ends = match (*waiter).interrupt.get() {
                Interrupt::Never | Interrupt::Cancelled => false,
                Interrupt::Unrestarted => !restarts && lets(co, signal),
                Interrupt::Any => lets(co, signal),
                Interrupt::Masked | Interrupt::Awaited => true,
            };
            if ends && (*waiter).is_armed() {
                Waiter::wake(waiter, Wake::Interrupted, &(*this).ready);
            }
        }
    }

    /// Lets a handler of `signal` that has run on the thread whose scheduler `home` is end a wait that it ends there.
    /// Takes no lock.
    ///
    /// # Safety
    /// `home` never ends.
    pub unsafe fn interrupt_some(home: *mut Scheduler, signal: c_int, restarts: bool) {
        // SAFETY: by contract; the remote side is made for being shared.
        unsafe { (*home).reactor.remote().interrupt(signal, restarts) };
    }

    /// The signals that the running coroutine blocks, as a thread; none where it is no thread.
    ///
    /// # Safety
    /// `this` is the calling thread's.
    pub unsafe fn blocked(this: *mut Scheduler) -> u64 {
        // SAFETY: by contract.
        unsafe { blocked_by((*this).current) }
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
                (*co).cancel();
            }
        }
    }

    /// Tells those whose calls the handlers end that have run since the last time.
    #[inline(always)]
    pub(super) unsafe fn deliver(this: *mut Scheduler) {
        // SAFETY: by contract of `turn`.
        unsafe {
            if (*this).reactor.remote().has_handled() {
                Self::deliver_all(this);
            }
        }
    }

    #[cold]
    unsafe fn deliver_all(this: *mut Scheduler) {
        // SAFETY: by contract of `turn`; members are valid until they are unlinked.
        unsafe {
            let news = (*this).reactor.remote().take_handled();
            let work = NOTED_WORK.load(Ordering::Acquire);
            if news.noted && !work.is_null() {
                core::mem::transmute::<*mut (), fn()>(work)();
            }
            let work = LOOP_WORK.load(Ordering::Acquire);
            let mut done = false;
            if news.noted && !work.is_null() {
                if Self::running().is_null() {
                    done = core::mem::transmute::<*mut (), LoopWork>(work)(this);
                } else {
                    (*this).reactor.remote().note();
                }
            }
            // No other call ends besides that of the one who was called away.
            if news.is_any() && !done {
                Self::tell_of(this, news);
            }
        }
    }

    /// Ends the waits that the handlers end, or notes that there was none.
    unsafe fn tell_of(this: *mut Scheduler, news: News) {
        // SAFETY: by contract of `deliver`.
        unsafe {
            let counts = (*this).interruptible;
            let waiting = |by: Interrupt| counts[by as usize] > 0;
            let unrestarted = news.restarts_nothing(0);
            let awaited = waiting(Interrupt::Awaited);
            (*this).handled.count += 1;
            let somebody = awaited
                || waiting(Interrupt::Any)
                || waiting(Interrupt::Masked)
                || unrestarted && waiting(Interrupt::Unrestarted);
            if somebody && Self::tell(this, awaited, news) {
                return;
            }
            let count = (*this).handled.count;
            (*this).handled.unclaimed_signals = news;
            (*this).handled.unclaimed[0] = count;
            if unrestarted {
                (*this).handled.unclaimed[1] = count;
            }
        }
    }

    /// Ends the waits that the handlers end; `false` when there was none.
    unsafe fn tell(this: *mut Scheduler, awaited: bool, news: News) -> bool {
        // SAFETY: by contract of `deliver`; nobody comes or goes meanwhile.
        unsafe {
            let mut told = false;
            let mut oldest: *mut Coroutine = ptr::null_mut();
            Self::for_each(this, |co| {
                let waiter = &raw const (*co).waiter;
                let concerned = (*waiter).is_armed()
                    && match (*waiter).interrupt.get() {
                        Interrupt::Never | Interrupt::Cancelled => false,
                        Interrupt::Awaited => true,
                        Interrupt::Masked => !awaited,
                        Interrupt::Any => !awaited && news.concerns(blocked_by(co)),
                        Interrupt::Unrestarted => !awaited && news.restarts_nothing(blocked_by(co)),
                    };
                if concerned && awaited {
                    Waiter::wake(waiter, Wake::Interrupted, &(*this).ready);
                    told = true;
                } else if concerned && (oldest.is_null() || (*co).age < (*oldest).age) {
                    oldest = co;
                }
                if oldest.is_null() { u32::MAX } else { (*oldest).age }
            });
            if !oldest.is_null() {
                Waiter::wake(&raw const (*oldest).waiter, Wake::Interrupted, &(*this).ready);
            }
            told || !oldest.is_null()
        }
    }
}
