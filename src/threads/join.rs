//! Joining and detaching.

use core::ffi::{c_int, c_void};
use core::ptr;
use core::time::Duration;

use super::Threads;
use super::fate::OUTSIDE;
use super::thread::Thread;
use crate::clock;
use crate::scheduler::{NAP, Scheduler};
use crate::sync::Limit;
use crate::sync::lot::{self, Ended};
use crate::waiter::Interrupt;

impl Threads {
    /// Whether `me` would wait for ever: for itself, or for one that joins it and is not cancelled.
    fn is_circular(&self, me: &Thread, thread: &Thread) -> bool {
        ptr::eq(me, thread) || me.fate.joiner() == thread.address() && !self.is_ending_at(thread.base)
    }

    /// `me`, or a real thread, joins `thread` from now on, or may not: why, as libc says it.
    fn begin_join(&self, me: Option<&Thread>, thread: &Thread) -> Result<(), c_int> {
        // A thread that has been joined, or detached and over, has no block any more: `of` gives none.
        if thread.fate.is_detached() {
            Err(libc::EINVAL)
        } else if me.is_some_and(|me| self.is_circular(me, thread)) {
            Err(libc::EDEADLK)
        } else if me.is_some_and(|me| thread.fate.joiner() == me.address())
            || thread.fate.join(me.map_or(OUTSIDE, Thread::address))
        {
            // Who joins it already was called away from that by a signal handler, which did not return.
            Ok(())
        } else {
            Err(libc::EINVAL)
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
            self.main.fate.leave();
            let _ = self.main.fate.detach();
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
        if let Err(error) = self.begin_join(Some(self.current()), thread) {
            return error;
        }
        if !thread.fate.has_ended() {
            // SAFETY: by contract.
            let error = limit()
                .map_or_else(|error| error, |limit| unsafe { Self::wait_for_end(scheduler, thread, &limit) });
            if error != 0 {
                thread.fate.leave();
                return error;
            }
        }
        // SAFETY: it has ended.
        unsafe { self.collect(thread, result) };
        0
    }

    /// ETIMEDOUT at the limit, EINTR when the one who waits is to be cancelled.
    unsafe fn wait_for_end(scheduler: *mut Scheduler, thread: &Thread, limit: &Limit) -> c_int {
        while !thread.fate.has_ended() {
            // SAFETY: a coroutine runs; it leaves its place on every way.
            unsafe {
                match lot::stand(scheduler, thread.address(), 0) {
                    Some(place) if thread.fate.has_ended() => {
                        lot::leave(scheduler, place, false);
                    }
                    Some(place) => {
                        let over = |_| thread.fate.has_ended();
                        match lot::until_called(
                            scheduler,
                            place,
                            limit,
                            Duration::MAX,
                            Interrupt::Cancelled,
                            over,
                        ) {
                            _ if thread.fate.has_ended() => {}
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
        // SAFETY: by contract.
        unsafe { self.try_join_as(Some(self.current()), thread, result) }
    }

    /// `pthread_tryjoin_np` by a thread of ours or, without one, by a real thread.
    ///
    /// # Safety
    /// `result` is null or writable.
    pub(super) unsafe fn try_join_as(
        &self, me: Option<&Thread>, thread: &Thread, result: *mut *mut c_void,
    ) -> c_int {
        if !thread.fate.has_ended() {
            // libc looks whether it has ended before anything else.
            return libc::EBUSY;
        }
        if let Err(error) = self.begin_join(me, thread) {
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
        // SAFETY: by contract; an ended thread that nobody can join any more is given up.
        unsafe {
            // libc's own word first: an ended thread's block may be gone afterwards.
            if !thread.fate.is_detached() && thread.fate.joiner() == 0 {
                self.blocks.set_detached(thread.base, true);
            }
            match thread.fate.detach() {
                Ok(true) => self.dispose(thread),
                Ok(false) => {}
                Err(error) => return error,
            }
        }
        0
    }
}
