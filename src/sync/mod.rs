//! Queues that coroutines wait in for each other, and for threads: conditions of our own, and the locks of pthread.
//!
//! A lock stays what libc made it, in libc's own words: threads of any kind may use it, and it need not be told of
//! coroutines. A coroutine tries it the way that does not wait, and while that fails it stands in the `lot`, outside
//! the lock, under the lock's address. Who releases the lock does so first and then looks into the lot.
//!
//! - `lot`: who waits at which address, and the algorithm: try, stand, try again, park
//! - `limit`: until when
//! - `mutex`, `rwlock`, `cond`, `barrier`, `once`: what libc's words say, and what differs for each

pub mod barrier;
pub mod cond;
mod condition;
mod limit;
pub mod lot;
pub mod mutex;
pub mod once;
mod owner;
pub mod rwlock;

pub use condition::Condition;
pub use limit::Limit;

use core::sync::atomic::Ordering;

use crate::coroutine::Coroutine;
use crate::reactor::Message;
use crate::scheduler::Scheduler;
use crate::waiter::{Waiter, Wake};

/// Wakes a waiter of whichever thread.
///
/// # Safety
/// The waiter belongs to a parked coroutine, whose thread cannot end meanwhile.
#[inline(always)]
pub(crate) unsafe fn rouse(waiter: *const Waiter) {
    // SAFETY: by contract.
    unsafe {
        if Scheduler::is_home_of(waiter) {
            Scheduler::wake(Scheduler::get(), waiter, Wake::Ready);
        } else {
            let home = (*Coroutine::of_waiter(waiter)).home.load(Ordering::Relaxed);
            Scheduler::remote(home.cast()).post(Message::Wake(waiter, Wake::Ready));
        }
    }
}
