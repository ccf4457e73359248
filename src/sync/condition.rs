//! Conditions of the library's own interface (`co_cond_*`).
//!
//! A waiter's place in the queue is guarded by the queue's lock, because any thread may signal. Who signals
//! takes the waiter out and tells its thread; who gives up waiting takes himself out, and finds out under
//! the lock whether a signal was faster. So no signal is lost to a waiter that has just timed out.

use core::mem::offset_of;
use core::ptr;
use std::io;

use parking_lot::Mutex;

use super::Bell;
use crate::alone::is_alone;
use crate::clock::Nanos;
use crate::list::List;
use crate::scheduler::Scheduler;
use crate::waiter::{Exit, Waiter, Wake};

/// A condition: a first-in, first-out queue of waiting coroutines. It must not move while one waits.
pub struct Condition {
    waiters: Mutex<Queue>,
    exit: Exit,
}

impl Default for Condition {
    fn default() -> Self {
        Condition { waiters: Mutex::default(), exit: Exit { leave } }
    }
}

#[derive(Default)]
struct Queue(List);

// SAFETY: the list is touched under the mutex only, and the waiters in it stay in place until they are out.
unsafe impl Send for Queue {}

impl Condition {
    /// Whether nobody waits.
    pub fn is_idle(&self) -> bool {
        self.with_waiters(List::is_empty)
    }

    /// Does something with the queue, under its lock. One thread alone takes none: what comes with four locked instructions is a
    /// tenth of a hand-over.
    #[inline(always)]
    fn with_waiters<T>(&self, work: impl FnOnce(&List) -> T) -> T {
        if is_alone() {
            // SAFETY: there is no other thread, and none is made before `work` has returned.
            return work(unsafe { &(*self.waiters.data_ptr()).0 });
        }
        work(&self.waiters.lock().0)
    }

    /// Parks the running coroutine until it is signalled. ETIMEDOUT when `deadline` passes first or somebody
    /// resumes the coroutine.
    ///
    /// # Safety
    /// `scheduler` is the calling thread's and runs a coroutine; `this` outlives the wait.
    pub unsafe fn wait(this: *const Condition, scheduler: *mut Scheduler, deadline: Nanos) -> io::Result<()> {
        // SAFETY: by contract; the waiter is in its coroutine, which stays in place while it is parked.
        unsafe {
            let waiter = &raw const (*Scheduler::current(scheduler)).waiter;
            (*this).with_waiters(|queue| Waiter::enqueue(waiter, queue, &raw const (*this).exit));
            let mut wake = Scheduler::wait_shown(scheduler, deadline);
            if (*waiter).is_queued() {
                wake = (*waiter).leave_queue(wake).unwrap_or(wake);
                (*waiter).disarm();
            }
            match wake {
                Wake::Ready => Ok(()),
                _ => Err(io::Error::from_raw_os_error(libc::ETIMEDOUT)),
            }
        }
    }

    /// Wakes the coroutine that has waited longest. Gives whether there was one.
    pub fn signal(&self) -> bool {
        self.with_waiters(|queue| {
            let link = queue.pop_front();
            if link.is_null() {
                return false;
            }
            // SAFETY: a waiter in the queue belongs to a parked coroutine. Its thread cannot end before it has
            // taken the coroutine out of this queue, for which it needs the lock held here.
            unsafe {
                let waiter = Waiter::of(link);
                if Scheduler::is_home_of(waiter) {
                    // So it needs no lock to find out that it is out of the queue.
                    (*waiter).was_taken_out();
                    (*waiter).exit.set(ptr::null());
                    Scheduler::wake(Scheduler::get(), waiter, Wake::Ready);
                } else {
                    super::rouse(waiter, &Bell::new());
                }
            }
            true
        })
    }

    /// Wakes everybody who waits now.
    pub fn broadcast(&self) {
        while self.signal() {}
    }
}

/// Takes a waiter out whose wait ends otherwise than by a signal of its thread.
unsafe fn leave(exit: *const Exit, waiter: *const Waiter, reason: Option<Wake>) -> Option<Wake> {
    // SAFETY: the condition outlives the wait, and the waiter is in place.
    unsafe {
        let this = exit.wrapping_byte_sub(offset_of!(Condition, exit)).cast::<Condition>();
        let ended = (*this).with_waiters(|_| match reason {
            Some(reason) => (*waiter).step_out(reason),
            None => {
                (*waiter).drop_out();
                None
            }
        });
        let (Some(reason), Some(ended)) = (reason, ended) else { return None };
        (*waiter).exit.set(ptr::null());
        if ended != reason {
            // The signal came while the wait was ending: its message may still be under way.
            Scheduler::remote(Scheduler::get()).forget(waiter);
        }
        Some(ended)
    }
}
