//! A job for a helper, how far it is, and who waits for it.

use core::ffi::c_int;
use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Kind;
use super::pool::Pool;
use crate::reactor::Remote;
use crate::waiter::Waiter;

/// How far a job is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nobody knows of it yet.
    New,
    /// No helper has taken it up yet.
    Queued,
    /// A helper is at work.
    Running,
    /// The result is there.
    Done,
    /// The process is a child of fork, and its parent's helper was at work.
    Lost,
}

/// Work for a helper.
pub struct Job {
    pub(super) kind: Kind,
    pub(super) work: Box<dyn Fn() + Send + Sync>,
    /// The work has returned.
    pub(super) finished: AtomicBool,
    state: Guarded<State>,
}

pub(super) struct State {
    pub progress: Progress,
    /// Who waits for it; nobody once the wait was given up.
    pub waiting: Option<Waiting>,
    /// The thread of the helper that is at work.
    pub helper: c_int,
}

pub(super) struct Waiting {
    pub remote: Arc<Remote>,
    pub waiter: *const Waiter,
}

/// What belongs to a job and is touched by whoever has locked the pool.
struct Guarded<T>(UnsafeCell<T>);

// SAFETY: `Job::state` asks for the locked pool. The waiter is handed back to its own thread, never followed
// on another.
unsafe impl<T> Sync for Guarded<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Guarded<T> {}

impl Job {
    /// A job that nobody knows of yet.
    pub fn new(kind: Kind, work: Box<dyn Fn() + Send + Sync>) -> Arc<Job> {
        let state = State { progress: Progress::New, waiting: None, helper: 0 };
        let state = Guarded(UnsafeCell::new(state));
        Arc::new(Job { kind, work, finished: AtomicBool::new(false), state })
    }

    /// What the pool's lock guards.
    #[allow(clippy::mut_from_ref, reason = "the exclusive borrow is that of the pool")]
    pub(super) fn state<'a>(&'a self, _locked: &'a mut Pool) -> &'a mut State {
        // SAFETY: there is one pool, and it is borrowed for as long as the state.
        unsafe { &mut *self.state.0.get() }
    }
}
