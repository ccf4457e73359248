//! Joining and detaching.

use core::ffi::{c_int, c_void};
use core::ptr;
use core::time::Duration;

use super::Threads;
use super::thread::Thread;
use crate::clock;
use crate::scheduler::{NAP, Scheduler};
use crate::sync::Limit;
use crate::sync::lot::{self, Ended};
use crate::waiter::Interrupt;

impl Threads {
    /// Why the running thread cannot join `thread`, as libc says it.
    fn refusal(&self, thread: &Thread) -> Option<c_int> {
        let me = self.current();
        // A thread that has been joined, or detached and over, has no block any more: `of` gives none.
        if thread.detached.get() {
            Some(libc::EINVAL)
        } else if ptr::eq(me, thread) || ptr::eq(me.joiner.get(), thread) {
            Some(libc::EDEADLK)
        } else if !thread.joiner.get().is_null() {
            Some(libc::EINVAL)
        } else {
            None
        }
    }

    /// Takes what an ended thread gave, and its block.
    unsafe fn collect(&self, thread: &Thread, result: *mut *mut c_void) {
        // SAFETY: it has ended, and only the one who joins it comes here.
        unsafe {
            if !result.is_null() {
                result.write(thread.result.get());
            }
            self.dispose(thread);
        }
    }

    /// Gives the block of an ended thread back; the main thread's is not ours.
    unsafe fn dispose(&self, thread: &Thread) {
        if ptr::eq(thread, &self.main) {
            self.main.detached.set(true);
        } else {
            // SAFETY: by contract of the callers.
            unsafe { self.blocks.give_back(thread.base) };
        }
    }

    /// `pthread_join` and its timed variants.
    ///
    /// # Safety
    /// A thread runs, with the library's own code; `result` is null or writable.
    pub(super) unsafe fn join(
        &self, scheduler: *mut Scheduler, thread: &Thread, result: *mut *mut c_void,
        limit: impl FnOnce() -> Result<Limit, c_int>,
    ) -> c_int {
        if let Some(error) = self.refusal(thread) {
            return error;
        }
        if !thread.ended.get() {
            let limit = match limit() {
                Ok(limit) => limit,
                Err(error) => return error,
            };
            thread.joiner.set(self.current());
            // SAFETY: by contract.
            let error = unsafe { Self::wait_for_end(scheduler, thread, &limit) };
            thread.joiner.set(ptr::null());
            if error != 0 {
                return error;
            }
        }
        // SAFETY: it has ended.
        unsafe { self.collect(thread, result) };
        0
    }

    /// ETIMEDOUT at the limit, EINTR when the one who waits is to be cancelled.
    unsafe fn wait_for_end(scheduler: *mut Scheduler, thread: &Thread, limit: &Limit) -> c_int {
        while !thread.ended.get() {
            // SAFETY: a coroutine runs; it leaves its place on every way.
            unsafe {
                match lot::stand(scheduler, thread.address(), 0) {
                    Some(place) if thread.ended.get() => {
                        lot::leave(scheduler, place, false);
                    }
                    Some(place) => {
                        let over = |_| thread.ended.get();
                        match lot::until_called(
                            scheduler,
                            place,
                            limit,
                            Duration::MAX,
                            Interrupt::Cancelled,
                            over,
                        ) {
                            _ if thread.ended.get() => {}
                            Ended::TimedOut => return libc::ETIMEDOUT,
                            Ended::Looked => return libc::EINTR,
                            Ended::Called => {}
                        }
                    }
                    None if limit.is_over() => return libc::ETIMEDOUT,
                    None => {
                        Scheduler::sleep(scheduler, limit.deadline().min(clock::after(NAP)));
                    }
                }
            }
        }
        0
    }

    /// `pthread_tryjoin_np`.
    ///
    /// # Safety
    /// As for [`Threads::join`].
    pub(super) unsafe fn try_join(&self, thread: &Thread, result: *mut *mut c_void) -> c_int {
        if !thread.ended.get() {
            // libc looks whether it has ended before anything else.
            return libc::EBUSY;
        }
        if let Some(error) = self.refusal(thread) {
            return error;
        }
        // SAFETY: it has ended.
        unsafe { self.collect(thread, result) };
        0
    }

    /// `pthread_detach`.
    ///
    /// # Safety
    /// As for [`Threads::join`].
    pub(super) unsafe fn detach(&self, thread: &Thread) -> c_int {
        if thread.detached.get() {
            return libc::EINVAL;
        }
        if !thread.joiner.get().is_null() {
            // libc leaves it to the one who joins.
            return 0;
        }
        thread.detached.set(true);
        // SAFETY: by contract; an ended thread that nobody can join any more is given up.
        unsafe {
            self.blocks.set_detached(thread.base, true);
            if thread.ended.get() {
                self.dispose(thread);
            }
        }
        0
    }
}
