//! One round of a thread's loop.

use super::Scheduler;
use crate::clock::{self, NEVER, Nanos};
use crate::coroutine::{Coroutine, State};
use crate::reactor::Message;
use crate::waiter::{Waiter, Wake};

/// How many calls a coroutine that never has to wait makes in a row before it gives way.
const ALLOWANCE: u32 = 64;

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
            let asks = until != 0 || (*this).reactor.has_waiters();
            if asks {
                (*this).reactor.wait(until, &(*this).ready);
            }
            Self::read_mail(this);
            Self::deliver(this);
            if (*this).timers.next() != NEVER {
                let now = if asks { (*this).reactor.now() } else { clock::now() };
                (*this).timers.expire(now, &(*this).ready);
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
                debug_assert!(matches!((*co).state, State::Fresh | State::Suspended | State::Open));
                ((*this).allowance, (*this).resumed) = (ALLOWANCE, co);
                Self::resume(this, co);
            }
            Self::reap(this);
        }
    }

    /// A call of the running coroutine begins. `true` when it is the loop's and has made so many in a row that others
    /// are due; whoever it resumed itself never is.
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
            (*this).current == (*this).resumed
        }
    }

    /// Lets the others run who are ready: the running coroutine goes on in the next turn. Or not: its allowance begins
    /// anew then.
    ///
    /// # Safety
    /// As for [`Scheduler::sleep`].
    #[cold]
    pub unsafe fn give_way(this: *mut Scheduler, parks: bool) {
        // SAFETY: by contract; the waiter is in the coroutine, which stays in place.
        unsafe {
            (*this).allowance = ALLOWANCE;
            if parks {
                let waiter = &raw const (*(*this).current).waiter;
                (*waiter).arm();
                Waiter::wake(waiter, Wake::Ready, &(*this).ready);
                Self::park(this);
                (*waiter).disarm();
            }
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
                    Message::Run(errand) => (errand.work)(this.cast(), errand.about),
                }
            }
            (*this).mail = mail;
        }
    }
}
