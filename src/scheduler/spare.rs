//! Coroutines that were released and are kept whole, stack and control block, for the next that is made: most programs
//! make and release the same kind over and over.

use core::ptr;

use super::Scheduler;
use crate::annotate;
use crate::coroutine::{Coroutine, Ground};

/// How many are kept; what is released beyond them goes to the pool of stacks.
const MOST: u32 = 64;

/// The spare coroutines of a thread, all with stacks of one size, the last released first.
pub(super) struct Spares {
    /// Chained by `resumer`.
    first: *mut Coroutine,
    count: u32,
    /// What [`crate::stack::Stack::request`] gives for each of them.
    size: usize,
}

impl Spares {
    pub(super) const fn new() -> Self {
        Spares { first: ptr::null_mut(), count: 0, size: 0 }
    }

    /// One with a stack for a request of `size`, or null.
    #[inline(always)]
    pub(super) fn take(&mut self, size: usize) -> *mut Coroutine {
        let co = self.first;
        if co.is_null() || self.size != size {
            return ptr::null_mut();
        }
        // SAFETY: spares are whole coroutines that nobody else knows of.
        self.first = unsafe { (*co).resumer() };
        self.count -= 1;
        co
    }

    /// Keeps a coroutine; `false` when there are enough, or it is of another kind.
    ///
    /// # Safety
    /// It was abandoned, stands in no list, and nothing refers to it.
    #[inline(always)]
    pub(super) unsafe fn keep(&mut self, co: *mut Coroutine) -> bool {
        // SAFETY: by contract.
        unsafe {
            let Ground::Private(stack) = &(*co).ground else { return false };
            // Leak checkers would search the stacks of spares.
            if self.count == MOST || annotate::sanitized() {
                return false;
            }
            let size = stack.request();
            if size != self.size {
                if self.count > 0 {
                    return false;
                }
                self.size = size;
            }
            (*co).set_resumer(self.first, false);
            self.first = co;
            self.count += 1;
        }
        true
    }
}

impl Scheduler {
    /// Gives all spares back, at the end of the thread.
    pub(super) unsafe fn dispose_spares(this: *mut Scheduler) {
        // SAFETY: by contract of `end`: the thread's scheduler; spares are whole coroutines.
        unsafe {
            let size = (*this).spares.size;
            loop {
                let co = (*this).spares.take(size);
                if co.is_null() {
                    break;
                }
                Self::give_back(this, co);
            }
        }
    }
}
