//! What a parked coroutine waits for.
//!
//! A [`Waiter`] stands in a queue (a condition's, later the ready queue), in the timers, and through its
//! [`Interest`]s in the lists of descriptors. It lives in the coroutine's heap object, never on its stack:
//! a shared stack is copied away while its coroutine waits (invariant 1).

use core::cell::Cell;
use core::ffi::c_int;
use core::mem::offset_of;

use crate::clock::{NEVER, Nanos};
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
    /// Any, and it is a handler that is waited for: `pause` and the like.
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
enum State {
    /// Nothing is waited for.
    Idle,
    /// Parked, or about to be.
    Armed,
    /// In the ready queue.
    Woken,
}

/// How a waiter leaves a place that other threads can reach: called with the place and the waiter.
pub type Leave = unsafe fn(*const (), *const Waiter);

/// The heap part of a wait.
#[derive(Debug)]
#[repr(C)]
pub struct Waiter {
    /// In the ready queue once woken. First field: a link of the ready queue is its waiter.
    link: Link,
    /// In the queue of a condition. Guarded by that queue's lock: other threads signal.
    pub queue: Link,
    /// How to leave what other threads may wake it from, when the wait is given up from outside.
    pub leave: Cell<Option<(Leave, *const ())>>,
    /// When the wait ends, while it stands in the timers.
    pub deadline: Cell<Nanos>,
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
    /// The slot of a waiter that stands in no timers.
    pub const NO_TIMER: u32 = u32::MAX;

    /// A waiter that waits for nothing.
    pub const fn new() -> Self {
        Waiter {
            link: Link::new(),
            queue: Link::new(),
            leave: Cell::new(None),
            deadline: Cell::new(NEVER),
            timer: Cell::new(Self::NO_TIMER),
            interrupt: Cell::new(Interrupt::Never),
            state: Cell::new(State::Idle),
            wake: Cell::new(Wake::Ready),
        }
    }

    /// The waiter that this link of a ready queue belongs to; null for null.
    pub fn of_ready(link: *const Link) -> *const Waiter {
        const { assert!(offset_of!(Waiter, link) == 0) };
        link.cast()
    }

    /// The waiter whose [`Waiter::queue`] this is.
    pub fn of_queue(link: *const Link) -> *const Waiter {
        link.wrapping_byte_sub(offset_of!(Waiter, queue)).cast()
    }

    /// Begins a wait.
    pub fn arm(&self) {
        debug_assert!(self.state.get() == State::Idle && !self.link.is_linked());
        self.state.set(State::Armed);
    }

    /// Whether a wait has begun and nothing has ended it yet.
    pub fn is_armed(&self) -> bool {
        self.state.get() == State::Armed
    }

    /// Ends the wait for `reason` and queues the waiter in `ready`. The first reason stands: a waiter
    /// that is not armed is left alone.
    ///
    /// # Safety
    /// `this` stays in place until it leaves `ready`, and it and `ready` belong to the calling thread.
    pub unsafe fn wake(this: *const Waiter, reason: Wake, ready: &List) {
        // SAFETY: by contract.
        let waiter = unsafe { &*this };
        if waiter.state.get() != State::Armed {
            return;
        }
        waiter.state.set(State::Woken);
        waiter.wake.set(reason);
        // SAFETY: only a woken waiter stands in a ready queue; by contract it stays in place.
        unsafe { ready.push_back(&waiter.link) };
    }

    /// Takes the waiter out of its queue and gives why the wait ended: [`Wake::Resumed`] when nothing had
    /// ended it yet. The timers and the descriptors' lists are their owners' to tidy.
    pub fn disarm(&self) -> Wake {
        self.link.unlink();
        match self.state.replace(State::Idle) {
            State::Woken => self.wake.get(),
            State::Armed | State::Idle => Wake::Resumed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr;

    #[test]
    fn the_first_reason_to_wake_stands() {
        let (waiter, ready) = (Waiter::new(), List::new());
        waiter.arm();
        // SAFETY: both stay in place.
        unsafe {
            Waiter::wake(&waiter, Wake::TimedOut, &ready);
            Waiter::wake(&waiter, Wake::Ready, &ready);
        }
        assert!(ptr::eq(Waiter::of_ready(ready.first()), &waiter));
        assert_eq!(waiter.disarm(), Wake::TimedOut);
        assert!(ready.is_empty());
    }

    #[test]
    fn a_wait_that_nothing_ended_was_resumed() {
        let waiter = Waiter::new();
        waiter.arm();
        assert_eq!(waiter.disarm(), Wake::Resumed);
        assert!(!waiter.is_armed());
    }
}
