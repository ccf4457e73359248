//! Threads that exit the process. Since glibc 2.41 `exit` has a lock, which the first who calls it keeps for ever: others
//! wait, and the process ends as the first says. That one may have to wait for threads of the kernel thread that others
//! call it on, so coroutines do not wait in libc.
//!
//! libc calls its own `exit` when `main` returns, where no hook sees it: so the program's `main` is called by one that
//! calls ours.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::Threads;
use crate::clock::NEVER;
use crate::scheduler::Scheduler;
use crate::tls;

/// The base of the thread that exits; zero for none.
static FIRST: AtomicUsize = AtomicUsize::new(0);

/// In a child of fork there is only the thread at `me`.
pub(super) fn forget_others(me: usize) {
    if FIRST.load(Ordering::Relaxed) != me {
        FIRST.store(0, Ordering::Relaxed);
    }
}

impl Threads {
    /// Whether libc lets only one thread exit.
    pub fn exits_once(&self) -> bool {
        self.blocks.layout.table.exits_once
    }

    /// The calling thread is about to exit by libc's own function. Comes back if that does not keep it from running.
    ///
    /// # Safety
    /// Hooks are off, and the thread holds nothing.
    pub unsafe fn begin_exit(&self) {
        let me = tls::base();
        if !self.exits_once() || tls::handlers() > 0 {
            return;
        }
        let first = FIRST.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire).err();
        // A real thread waits in libc: nobody else runs on it.
        while first.is_some_and(|first| first != me) && !Scheduler::running().is_null() {
            // SAFETY: a coroutine of this thread's runs.
            unsafe { Scheduler::sleep(Scheduler::get(), NEVER) };
        }
    }
}
