//! One round of a thread's loop.

use super::Scheduler;
use crate::clock::{self, NEVER, Nanos};
use crate::coroutine::{Coroutine, State};
use crate::reactor::Message;
use crate::waiter::Waiter;

impl Scheduler {
    /// Sleeps until something is due or ready, at most until `limit`, then lets everybody run who became
    /// ready. Who becomes ready meanwhile runs in the next turn, so none can starve the events.
    ///
    /// A cancellation point while it sleeps: nothing on its frame needs dropping (invariant 9).
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler, and the caller holds no borrow of it.
    pub unsafe fn turn(this: *mut Scheduler, limit: Nanos) {
        // SAFETY: by contract; every borrow ends within its statement.
        unsafe {
            Self::reap(this);
            Self::read_mail(this);
            Self::deliver(this);
            let until = if (*this).ready.is_empty() && (*this).batch.is_empty() {
                (*this).timers.next().min(limit)
            } else {
                0
            };
            if until != 0 || (*this).reactor.has_waiters() {
                (*this).reactor.wait(until, &(*this).ready);
            }
            Self::read_mail(this);
            Self::deliver(this);
            if (*this).timers.next() != NEVER {
                (*this).timers.expire(clock::now(), &(*this).ready);
            }
            Self::run_ready(this);
        }
    }

    /// Lets those run who are ready now. A loop inside a coroutine goes on with the batch of the loop outside.
    unsafe fn run_ready(this: *mut Scheduler) {
        // SAFETY: by contract of `turn`; both lists hold waiters of parked coroutines of this thread.
        unsafe {
            (*this).batch.append(&(*this).ready);
            loop {
                let link = (*this).batch.pop_front();
                if link.is_null() {
                    break;
                }
                let co = Coroutine::of_waiter(Waiter::of_ready(link));
                debug_assert!(matches!((*co).state, State::Suspended | State::Open));
                Self::resume(this, co);
            }
            Self::reap(this);
        }
    }

    /// Does what other threads asked for.
    unsafe fn read_mail(this: *mut Scheduler) {
        // SAFETY: by contract of `turn`. Messages for a waiter that was abandoned were dropped then.
        unsafe {
            // A destructor of the program may come back here, and finds no room to swap; then the inbox grows anew.
            let mut mail = core::mem::take(&mut (*this).mail);
            (*this).reactor.remote().take(&mut mail);
            for message in mail.drain(..) {
                match message {
                    Message::Wake(waiter, reason) => Waiter::wake(waiter, reason, &(*this).ready),
                    Message::Closed(fd) => (*this).reactor.closed(fd, &(*this).ready),
                    Message::Doubt(fd) => (*this).reactor.doubt(fd, &(*this).ready),
                    Message::Release(co) => Self::release(this, co.cast()),
                }
            }
            (*this).mail = mail;
        }
    }
}
