//! One round of a thread's loop.

use core::ptr;

use super::Scheduler;
use super::fairness::ALLOWANCE;
use super::fetch::AT_ONCE;
use crate::clock::{self, NEVER, Nanos};
use crate::coroutine::{Coroutine, State};
use crate::list::List;
use crate::reactor::Message;
use crate::waiter::{Waiter, Wake};

/// How long the loop goes on with those who are ready before it looks who else is, in steps of [`clock::ticks`]: a few
/// microseconds.
const TURNS: u64 = 10_000;
/// Turns that go by without a glance at the ticks when as many were short.
const UNSEEN: u32 = 3;
/// How late a sleep may end where there are many deadlines, in times of the thread's slack: 100 microseconds unless the
/// program changed it.
const MANY_SLACK: Nanos = 2;
/// The same where they are dense: 300 microseconds.
const DENSE_SLACK: Nanos = 6;
/// They are when so many come within that time.
const DENSE: usize = 16;
/// Stacks that are fetched when their time has come: more would leave the cache again before they run.
const DUE_AT_ONCE: usize = 256;

/// A loop that runs coroutines.
pub(super) struct Loop {
    /// The coroutine that it runs in; null for none.
    pub runner: *mut Coroutine,
    /// It has nothing to do between turns.
    pub endless: bool,
}

/// When the loop looked for events and deadlines, by [`clock::ticks`].
#[derive(Default)]
pub(super) struct Glances {
    pub(super) looked: u64,
    glanced: u64,
    unseen: u32,
}

impl Glances {
    fn now() -> Self {
        let now = clock::ticks();
        Glances { looked: now, glanced: now, unseen: 0 }
    }

    /// Whether the turns since the loop looked took so long that it is time to look again.
    #[inline(always)]
    fn is_time_to_look(&mut self) -> bool {
        if self.unseen > 0 {
            self.unseen -= 1;
            return false;
        }
        let now = clock::ticks();
        if now.wrapping_sub(self.looked) > TURNS {
            return true;
        }
        let short = now.wrapping_sub(self.glanced) < TURNS / 4;
        (self.glanced, self.unseen) = (now, if short { UNSEEN } else { 0 });
        false
    }
}

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
            let idle = !Self::has_ready(this);
            // A loop inside a coroutine goes on with what the loop outside has seen. Coroutines that hand over to each other
            // make turns shorter than a look at the clock or the kernel.
            if idle || !(*this).reactor.has_events() && (*this).glances.is_time_to_look() {
                Self::look(this, if idle { limit } else { 0 });
                (*this).glances = Glances::now();
            }
            Self::run_ready(this, limit == NEVER);
        }
    }

    /// Queues those whose time or event has come. Sleeps until somebody's does, at most until `limit`.
    unsafe fn look(this: *mut Scheduler, limit: Nanos) {
        // SAFETY: by contract of `turn`.
        unsafe {
            let until = if limit == 0 { 0 } else { Self::when_to_wake(this).min(limit) };
            let asks = until != 0 || (*this).reactor.has_waiters();
            if asks {
                (*this).reactor.wait(until, &(*this).ready);
            }
            Self::read_mail(this);
            Self::deliver(this);
            if !(*this).timers.is_empty() {
                let now = if asks { (*this).reactor.now() } else { clock::now() };
                let (ready, mut room): (&List, _) = (&(*this).ready, DUE_AT_ONCE);
                (*this).timers.expire(now, |waiter| {
                    Waiter::wake(waiter, Wake::TimedOut, ready);
                    if room > 0 {
                        room -= 1;
                        Self::fetch_frames(Coroutine::of_waiter(waiter));
                    }
                });
            }
        }
    }

    /// When the earliest deadline comes. Where there are many, no earlier than some time after the thread last woke; where they
    /// are dense, than several times that.
    unsafe fn when_to_wake(this: *mut Scheduler) -> Nanos {
        // SAFETY: by contract of `turn`.
        unsafe {
            let soonest = (*this).timers.soonest();
            if !(*this).timers.are_many() {
                return soonest;
            }
            let (woke, slack) = ((*this).reactor.now(), (*this).reactor.slack());
            let dense = (*this).timers.are_dense(woke + slack * DENSE_SLACK, DENSE);
            soonest.max(woke + slack * if dense { DENSE_SLACK } else { MANY_SLACK })
        }
    }

    /// Lets those run who are ready now, and whom all events of the last look wake. A loop inside a coroutine goes on with
    /// the batch of the loop outside. What is `endless` has nothing to do between turns.
    unsafe fn run_ready(this: *mut Scheduler, endless: bool) {
        // SAFETY: by contract of `turn`; both lists hold waiters of parked coroutines of this thread.
        unsafe {
            let outer = core::mem::replace(&mut (*this).looping, Loop { runner: (*this).current, endless });
            (*this).batch.append(&(*this).ready);
            loop {
                (*this).fetched = 0;
                while !(*this).batch.is_empty() {
                    let co = Self::next_of_batch(this);
                    Self::resume(this, co);
                }
                if !(*this).reactor.has_events() {
                    break;
                }
                (*this).reactor.dispatch(&(*this).batch);
            }
            (*this).looping = outer;
            Self::reap(this);
        }
    }

    /// Takes out who is next of those whose turn has come: there is one.
    #[inline(always)]
    unsafe fn next_of_batch(this: *mut Scheduler) -> *mut Coroutine {
        // SAFETY: by contract of `run_ready`.
        unsafe {
            if (*this).fetched == 0 {
                Self::fetch_pages(&(*this).batch);
                (*this).fetched = AT_ONCE;
            }
            (*this).fetched -= 1;
            let co = Coroutine::of_waiter(Waiter::of((*this).batch.pop_front()));
            if (*co).waits_for_descriptor() {
                // What was fetched before has left the nearest cache while the kernel worked for those in between.
                Self::fetch_frames(co);
            }
            Self::fetch_next(&(*this).batch);
            debug_assert!((*co).state() != State::Done);
            ((*this).allowance, (*this).resumed) = (ALLOWANCE, co);
            co
        }
    }

    /// Whom the loop that resumed the running coroutine would resume next, if it had nothing else to do before: when
    /// this one parks it can go on with that one straight away. Null when the loop must come.
    #[inline(always)]
    pub(super) unsafe fn successor(this: *mut Scheduler) -> *mut Coroutine {
        // SAFETY: by contract of `park`.
        unsafe {
            let me = (*this).current;
            if (*me).resumer() != (*this).looping.runner || (*me).doomed {
                return ptr::null_mut();
            }
            if (*this).batch.is_empty() {
                let more = (*this).looping.endless
                    && !(*this).ready.is_empty()
                    && (*this).doomed.is_null()
                    && !(*this).reactor.has_events()
                    && !(*this).reactor.remote().has_mail()
                    && !(*this).reactor.remote().has_handled()
                    && !(*this).glances.is_time_to_look();
                if !more {
                    return ptr::null_mut();
                }
                // The batch is empty: the one becomes the other.
                core::mem::swap(&mut (*this).batch, &mut (*this).ready);
            }
            Self::next_of_batch(this)
        }
    }

    /// Whether others than the running coroutine are ready, or are to be told of events.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    pub unsafe fn has_ready(this: *mut Scheduler) -> bool {
        // SAFETY: by contract.
        unsafe { !(*this).batch.is_empty() || !(*this).ready.is_empty() || (*this).reactor.has_events() }
    }

    /// Does what other threads asked for.
    #[inline(always)]
    pub(super) unsafe fn read_mail(this: *mut Scheduler) {
        // SAFETY: by contract of `turn`.
        unsafe {
            if (*this).reactor.remote().has_mail() {
                Self::read_all_mail(this);
            }
        }
    }

    #[cold]
    unsafe fn read_all_mail(this: *mut Scheduler) {
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
