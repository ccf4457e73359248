//! Cancellation. libc keeps who is to be cancelled, and unwinds; a thread that waits must be woken for it.
//!
//! Where a thread may be cancelled at any instruction, libc sends the kernel's thread of its number a signal, whose handler
//! cancels whoever runs: no such thread, or another coroutine's. So it is only noted for those, and they end at their next
//! cancellation point.

use core::sync::atomic::Ordering;

use super::Threads;
use crate::reactor::Errand;
use crate::scheduler::Scheduler;
use crate::tls;

/// Bits of libc's word, the same in all versions that the table knows: but glibc 2.35 has bytes instead of the first two,
/// and neither it nor 2.41 the third, which means nothing there.
const DISABLED: u32 = 1;
const ASYNCHRONOUS: u32 = 2;
const CANCELLING: u32 = 4;
const CANCELLED: u32 = 8;
const EXITING: u32 = 16;
const TERMINATED: u32 = 32;

impl Threads {
    /// Whether the thread at `base` is to end at its next cancellation point.
    fn is_cancelled_at(&self, base: usize) -> bool {
        self.cancellation(base) & (DISABLED | CANCELLED | EXITING) == CANCELLED
    }

    fn cancellation(&self, base: usize) -> u32 {
        let word = self.blocks.cancellation(base).load(Ordering::Relaxed);
        self.blocks.cancel_state(base).map_or(word, |(disabled, asynchronous)| {
            word | if disabled { DISABLED } else { 0 } | if asynchronous { ASYNCHRONOUS } else { 0 }
        })
    }

    /// Whether the thread at `base` ends, or will, without having returned from its routine.
    pub(super) fn is_ending_at(&self, base: usize) -> bool {
        self.cancellation(base) & (CANCELLING | CANCELLED | EXITING | TERMINATED) != 0
    }

    /// Whether the running thread is to end at once: a call that is no cancellation point, and lets others run, is one
    /// for it.
    pub fn is_cancelled_at_once(&self) -> bool {
        self.is_cancelled() && self.cancellation(tls::base()) & ASYNCHRONOUS != 0
    }

    /// Notes that the thread at `base` is to be cancelled, by libc's function `real` or in its stead.
    fn mark_cancelled(&self, base: usize, real: impl FnOnce()) {
        if self.cancellation(base) & (DISABLED | ASYNCHRONOUS) != ASYNCHRONOUS {
            real();
        }
        // It may have changed its type meanwhile.
        if self.cancellation(base) & CANCELLED == 0 {
            self.blocks.cancellation(base).fetch_or(CANCELLING | CANCELLED, Ordering::Relaxed);
        }
    }

    /// Whether the running thread is to end at its next cancellation point.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled_at(tls::base())
    }

    /// Whether a thread that is to be cancelled ends even where its call has had its effect.
    pub fn cancels_late(&self) -> bool {
        self.blocks.layout.table.cancels_late
    }

    /// `pthread_cancel` of a thread of ours, for which `real` is libc's: a wait that is a cancellation point ends.
    /// `None` when the thread is a real one, or the running one: libc may end that at once, in the program's name.
    ///
    /// # Safety
    /// As for [`Threads::create`].
    pub unsafe fn cancel(&self, thread: libc::pthread_t, real: impl FnOnce() -> i32) -> Option<i32> {
        // SAFETY: by contract. What libc says of the signal that it sends, to no thread of the kernel's, is of no
        // interest.
        unsafe {
            let target = self.find(thread)?;
            if target.base == tls::base() {
                if target.base == self.main.base {
                    self.divert_exit_of_main();
                }
                return None;
            }
            if target.fate.has_ended() {
                return Some(0);
            }
            let worker = target.worker.get();
            if worker.is_here() {
                self.cancel_here(target.base, || _ = real());
            } else if target.base == self.main.base && !self.diverted.get() {
                // Its stack stands still only where it runs.
                Scheduler::send(worker.scheduler(), Errand { work: cancel_main, about: [target.base, 0, 0] });
            } else {
                self.mark_cancelled(target.base, || _ = real());
                Scheduler::send(
                    worker.scheduler(),
                    Errand { work: is_cancelled, about: [target.base, 0, 0] },
                );
            }
            Some(0)
        }
    }

    /// Cancels a thread that belongs to this worker and does not run.
    unsafe fn cancel_here(&self, base: usize, real: impl FnOnce()) {
        // SAFETY: by contract of the callers.
        unsafe {
            if self.find(base as libc::pthread_t).is_none_or(|target| target.fate.has_ended()) {
                return;
            }
            if base == self.main.base {
                self.divert_exit_of_main();
            }
            self.mark_cancelled(base, real);
            self.end_wait_here(base);
        }
    }

    /// Ends the wait of the thread at `base`, if that is to be cancelled. It may have ended meanwhile, and another may have
    /// its block, of which nothing is noted.
    unsafe fn end_wait_here(&self, base: usize) {
        // SAFETY: by contract of the callers; a block stays mapped, and who is found runs here and ends nowhere else.
        unsafe {
            let Some(target) = self.find(base as libc::pthread_t) else { return };
            if target.worker.get().is_here() && !target.fate.has_ended() && self.is_cancelled_at(base) {
                Scheduler::cancel(Scheduler::get(), target.co.get());
            }
        }
    }
}

/// Another worker's thread has cancelled one of this worker's.
unsafe fn is_cancelled(_: *mut (), [base, ..]: [usize; 3]) {
    // SAFETY: the loop runs, so none of the worker's threads does.
    unsafe { Threads::get().end_wait_here(base) };
}

/// Another worker's thread cancels the main thread.
unsafe fn cancel_main(_: *mut (), [base, ..]: [usize; 3]) {
    // SAFETY: as above; hooks are off, so the call is libc's.
    unsafe { Threads::get().cancel_here(base, || _ = libc::pthread_cancel(base as libc::pthread_t)) };
}
