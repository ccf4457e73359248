//! What a parked coroutine waits for.
//!
//! A [`Waiter`] stands in a queue (a condition's, later the ready queue), in the timers, and through its
//! [`Interest`]s in the lists of descriptors. It lives in the coroutine's heap object, never on its stack:
//! a shared stack is copied away while its coroutine waits (invariant 1).
//!
//! One link serves both queues. While it stands in one that other threads reach, it is that queue's lock's; so whoever
//! ends such a wait on the waiter's own thread first takes it out there, under the lock ([`Exit`]).

use core::cell::Cell;
use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr;

use crate::cache::{self, LINE};
use crate::list::{Link, List};

/// Why a waiter was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wake {
    /// What it waited for may have come: look again.
    Ready,
    /// The deadline has passed.
    TimedOut,
    /// The descriptor it waited for was closed.
    Closed,
    /// Somebody called `co_resume` on the waiting coroutine.
    Resumed,
    /// A signal handler of the program ran, and the call is one that ends for that.
    Interrupted,
}

/// Which signal handlers end a wait, so that the call gives EINTR (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Interrupt {
    /// None.
    Never,
    /// Those installed without `SA_RESTART`.
    Unrestarted,
    /// Any: the call is never restarted.
    Any,
    /// Any, whatever the thread blocks: the call has a mask of its own, and looks for itself.
    Masked,
    /// Any, and it is a handler that is waited for: `pause` and the like, which look for themselves too.
    Awaited,
    /// None, but the wait is one that the cancellation of a thread ends.
    Cancelled,
}

/// Marks in [`Interest::events`] that the descriptor was closed while it was waited for. Not a bit of epoll.
pub const CLOSED: u32 = 1 << 27;

/// Marks in [`Interest::events`] a wait that is over when others have run. Not a bit of epoll.
pub const IN_PASSING: u32 = 1 << 26;

/// Marks in [`Interest::events`] that one of all who wait for the descriptor, in whichever process, is enough.
pub const ONE_OF_ALL: u32 = libc::EPOLLEXCLUSIVE as u32;

/// One descriptor a waiter waits for.
#[derive(Debug)]
#[repr(C)]
pub struct Interest {
    /// In the descriptor's list. First field: a link of that list is its interest.
    pub(crate) link: Link,
    pub(crate) waiter: *const Waiter,
    /// The descriptor.
    pub fd: c_int,
    /// The `EPOLL*` events that end the wait.
    pub events: Cell<u32>,
}

impl Interest {
    /// Where debuggers find its place in the list.
    pub const LINK: usize = offset_of!(Interest, link);

    /// An interest of `waiter` that is not registered anywhere yet.
    pub const fn new(waiter: *const Waiter, fd: c_int, events: u32) -> Self {
        Interest { link: Link::new(), waiter, fd, events: Cell::new(events) }
    }

    /// Takes it out of its descriptor's list.
    pub fn unlink(&self) {
        self.link.unlink();
    }

    /// Whether the descriptor was closed during the wait.
    pub fn was_closed(&self) -> bool {
        self.events.get() & CLOSED != 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// Nothing is waited for.
    Idle,
    /// Parked, or about to be.
    Armed,
    /// The same, and the link is that of a queue that other threads reach, or was until one of them took it out.
    Queued,
    /// In the ready queue.
    Woken,
}

/// How a waiter leaves a place that other threads can reach, or that its coroutine owns: a field of that place.
#[derive(Debug)]
pub struct Exit {
    /// Called with the place's exit and the waiter.
    ///
    /// `None`: the wait is given up from outside, and the waiter must be out of the place afterwards. Else the wait
    /// of a waiter whose link is the place's ends for this reason: calls [`Waiter::step_out`] under the place's lock.
    pub leave: unsafe fn(*const Exit, *const Waiter, Option<Wake>) -> Option<Wake>,
}

/// The heap part of a wait.
#[derive(Debug)]
#[repr(C)]
pub struct Waiter {
    /// In the ready queue once woken; before that in a queue that other threads reach, whose lock guards it then. First
    /// field: a link of a queue is its waiter.
    link: Link,
    /// How to leave what other threads may wake it from, when the wait is given up from outside; null without such a
    /// place.
    pub exit: Cell<*const Exit>,
    /// Its slot in the timers; [`Waiter::NO_TIMER`] outside.
    pub timer: Cell<u32>,
    /// What ends this wait besides. For one wait only.
    pub interrupt: Cell<Interrupt>,
    state: Cell<State>,
    wake: Cell<Wake>,
}

impl Default for Waiter {
    fn default() -> Self {
        Self::new()
    }
}

impl Waiter {
    /// Where debuggers find how far the wait is.
    pub const STATE: usize = offset_of!(Waiter, state);
    /// The slot of a waiter that stands in no timers.
    pub const NO_TIMER: u32 = u32::MAX;

    /// A waiter that waits for nothing.
    pub const fn new() -> Self {
        Waiter {
            link: Link::new(),
            exit: Cell::new(ptr::null()),
            timer: Cell::new(Self::NO_TIMER),
            interrupt: Cell::new(Interrupt::Never),
            state: Cell::new(State::Idle),
            wake: Cell::new(Wake::Ready),
        }
    }

    /// The waiter that this link of a queue belongs to; null for null.
    pub fn of(link: *const Link) -> *const Waiter {
        const { assert!(offset_of!(Waiter, link) == 0) };
        link.cast()
    }

    /// Fetches a waiter, and what stands before it in its coroutine, into the cache.
    #[inline(always)]
    pub fn fetch(this: *const Waiter) {
        cache::fetch_early(this.wrapping_byte_sub(LINE));
        cache::fetch_early(this);
    }

    /// Whether it waits for nothing and stands nowhere.
    #[inline(always)]
    pub fn is_idle(&self) -> bool {
        self.state.get() == State::Idle
            && self.exit.get().is_null()
            && self.timer.get() == Self::NO_TIMER
            && self.interrupt.get() == Interrupt::Never
    }

    /// Begins a wait.
    pub fn arm(&self) {
        debug_assert!(self.state.get() == State::Idle && !self.link.is_linked());
        self.state.set(State::Armed);
    }

    /// Begins a wait in a queue that other threads reach, at its end. The caller has its lock.
    ///
    /// # Safety
    /// As for [`List::push_back`]; `exit` is that of the queue, in place until the waiter has left it.
    pub unsafe fn enqueue(this: *const Waiter, queue: &List, exit: *const Exit) {
        // SAFETY: by contract.
        unsafe {
            (*this).arm();
            (*this).state.set(State::Queued);
            (*this).exit.set(exit);
            queue.push_back(&raw const (*this).link);
        }
    }

    /// Whether a wait has begun and nothing has ended it yet.
    pub fn is_armed(&self) -> bool {
        matches!(self.state.get(), State::Armed | State::Queued)
    }

    /// Whether the waiter has stood in a queue since the wait began, and none of its own thread knows that it is out.
    pub fn is_queued(&self) -> bool {
        self.state.get() == State::Queued
    }

    /// Whether it stands in the queue. The caller has its lock, and the waiter [is queued](Waiter::is_queued).
    pub fn stands(&self) -> bool {
        self.link.is_linked()
    }

    /// Somebody of its own thread took it out of the queue.
    pub fn was_taken_out(&self) {
        self.state.set(State::Armed);
    }

    /// Ends the stay in a queue for `reason`, on the waiter's own thread, under the queue's lock. Gives the reason for
    /// which the wait ends: [`Wake::Ready`] when another thread was faster and took the waiter out; a message of that
    /// thread's is still under way then, unless it is the reason. `None` when the wait goes on: it stands there still,
    /// so the message was meant for an earlier wait.
    pub fn step_out(&self, reason: Wake) -> Option<Wake> {
        if self.link.is_linked() {
            if reason == Wake::Ready {
                return None;
            }
            self.link.unlink();
            self.state.set(State::Armed);
            return Some(reason);
        }
        self.state.set(State::Armed);
        Some(Wake::Ready)
    }

    /// [`Waiter::step_out`] for a waiter that is given up.
    pub fn drop_out(&self) {
        if self.is_queued() {
            self.link.unlink();
            self.state.set(State::Armed);
        }
    }

    /// Ends the wait for `reason` and queues the waiter in `ready`. The first reason stands: a waiter
    /// that is not armed is left alone.
    ///
    /// # Safety
    /// `this` stays in place until it leaves `ready`, and it and `ready` belong to the calling thread.
    pub unsafe fn wake(this: *const Waiter, reason: Wake, ready: &List) {
        // SAFETY: by contract.
        let waiter = unsafe { &*this };
        let mut reason = reason;
        // A chain of tests, not a table of places to jump to: the first is true nearly always.
        if waiter.state.get() != State::Armed {
            if waiter.state.get() != State::Queued {
                return;
            }
            match waiter.leave_queue(reason) {
                Some(ended) => reason = ended,
                None => return,
            }
        }
        waiter.state.set(State::Woken);
        waiter.wake.set(reason);
        // SAFETY: it stands in no other queue; by contract it stays in place.
        unsafe { ready.push_back(&waiter.link) };
    }

    /// Leaves the queue that it stands in, or stood in. `None` when the wait goes on.
    #[cold]
    pub fn leave_queue(&self, reason: Wake) -> Option<Wake> {
        let exit = self.exit.get();
        // SAFETY: a queued waiter's exit is valid (`enqueue`).
        unsafe { ((*exit).leave)(exit, self, Some(reason)) }
    }

    /// Takes the waiter out of the ready queue and gives why the wait ended: [`Wake::Resumed`] when nothing had
    /// ended it yet. The timers and the descriptors' lists are their owners' to tidy, and so is a queue that it stands in
    /// still: then the wait goes on.
    pub fn disarm(&self) -> Wake {
        match self.state.get() {
            State::Queued => Wake::Resumed,
            State::Woken => {
                self.link.unlink();
                self.state.set(State::Idle);
                self.wake.get()
            }
            State::Armed | State::Idle => {
                self.state.set(State::Idle);
                Wake::Resumed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_to_wake_stands() {
        let (waiter, ready) = (Waiter::new(), List::new());
        waiter.arm();
        // SAFETY: both stay in place.
        unsafe {
            Waiter::wake(&waiter, Wake::TimedOut, &ready);
            Waiter::wake(&waiter, Wake::Ready, &ready);
        }
        assert!(ptr::eq(Waiter::of(ready.first()), &waiter));
        assert_eq!(waiter.disarm(), Wake::TimedOut);
        assert!(ready.is_empty());
    }

    unsafe fn leave(_: *const Exit, waiter: *const Waiter, reason: Option<Wake>) -> Option<Wake> {
        // SAFETY: the tests' waiters, on one thread.
        unsafe { (*waiter).step_out(reason?) }
    }

    #[test]
    fn one_link_serves_the_queue_and_then_the_ready_queue() {
        let (waiter, ready, queue, exit) = (Waiter::new(), List::new(), List::new(), Exit { leave });
        // SAFETY: all stay in place.
        unsafe {
            Waiter::enqueue(&waiter, &queue, &exit);
            Waiter::wake(&waiter, Wake::Ready, &ready);
            assert!(
                waiter.is_queued() && ready.is_empty(),
                "nobody took it out, so the message is an old one"
            );
            Waiter::wake(&waiter, Wake::TimedOut, &ready);
            assert!(queue.is_empty() && ptr::eq(Waiter::of(ready.first()), &waiter));
            assert_eq!(waiter.disarm(), Wake::TimedOut);
            Waiter::enqueue(&waiter, &queue, &exit);
            queue.pop_front();
            assert_eq!(waiter.disarm(), Wake::Resumed);
            Waiter::wake(&waiter, Wake::TimedOut, &ready);
            assert_eq!(waiter.disarm(), Wake::Ready, "another thread was faster");
        }
        assert!(ready.is_empty() && !waiter.is_armed());
    }

    #[test]
    fn a_wait_that_nothing_ended_was_resumed() {
        let waiter = Waiter::new();
        waiter.arm();
        assert_eq!(waiter.disarm(), Wake::Resumed);
        assert!(!waiter.is_armed());
    }
}
