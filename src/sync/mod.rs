//! Queues that coroutines wait in for each other, and for threads: conditions of our own, and the locks of pthread.
//!
//! A lock stays what libc made it, in libc's own words: threads of any kind may use it, and it need not be told of
//! coroutines. A coroutine tries it the way that does not wait, and while that fails it stands in the `lot`, outside
//! the lock, under the lock's address. Who releases the lock does so first and then looks into the lot.
//!
//! - `lot`: who waits at which address, and the algorithm: try, linger, stand, try again, park
//! - `limit`: until when
//! - `mutex`, `rwlock`, `cond`, `barrier`, `once`: what libc's words say, and what differs for each of pthread's
//! - `futex`: the system call that locks are made of, for programs that make their own
//! - `owner`: marks of coroutines in the words where libc has the owner of a lock
//! - `condition`: the conditions of our own, `co_cond_t`, which need no lot

pub mod barrier;
pub mod cond;
mod condition;
pub mod futex;
mod limit;
pub mod lot;
pub mod mutex;
pub mod once;
mod owner;
pub mod rwlock;

pub use condition::Condition;
pub use limit::Limit;

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::Ordering;

use crate::coroutine::Coroutine;
use crate::reactor::Message;
use crate::scheduler::Scheduler;
use crate::waiter::{Waiter, Wake};

/// The thread that is still to be rung for a message it was left. Rung at the latest when this is dropped, best after
/// whatever the thread needs first has been let go.
pub(crate) struct Bell(Cell<*mut Scheduler>);

impl Bell {
    /// Nobody is to be rung.
    pub fn new() -> Self {
        Bell(Cell::new(ptr::null_mut()))
    }

    /// Rings now.
    pub fn ring(&self) {
        self.keep(ptr::null_mut());
    }

    fn keep(&self, thread: *mut Scheduler) {
        let before = self.0.replace(thread);
        if !before.is_null() && before != thread {
            // SAFETY: only threads that never end are kept.
            unsafe { Scheduler::ring(before) };
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

/// Wakes a waiter of whichever thread. One that never ends may be rung later.
///
/// # Safety
/// The waiter belongs to a parked coroutine, whose thread cannot end meanwhile.
#[inline(always)]
pub(crate) unsafe fn rouse(waiter: *const Waiter, bell: &Bell) {
    // SAFETY: by contract.
    unsafe {
        if Scheduler::is_home_of(waiter) {
            Scheduler::wake(Scheduler::get(), waiter, Wake::Ready);
        } else {
            let home = (*Coroutine::of_waiter(waiter)).home.load(Ordering::Relaxed).cast();
            if Scheduler::leave_message(home, Message::Wake(waiter, Wake::Ready)) {
                bell.keep(home);
            }
        }
    }
}
