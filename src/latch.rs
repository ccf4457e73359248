//! A lock of one word for a few instructions at a time.
//!
//! Unlike others it needs no memory for those who wait, keeps no queue of threads that a child of fork would
//! inherit, and can be left by a function that did not take it.

use core::ffi::c_int;
use core::hint;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::lock_api::{self, GuardNoSend, RawMutex};

use crate::{annotate, sys};

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Taken, and somebody sleeps until it is free.
const AWAITED: u32 = 2;

/// What is protected is short: whoever finds the latch taken looks this often before it sleeps.
const LOOKS: u32 = 100;

/// The lock.
#[derive(Debug)]
pub struct Latch(AtomicU32);

impl Default for Latch {
    fn default() -> Self {
        Self::new()
    }
}

impl Latch {
    /// An open one.
    pub const fn new() -> Self {
        Latch(AtomicU32::new(FREE))
    }

    /// `false` when it is closed already.
    pub fn try_close(&self) -> bool {
        let closed = self.0.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if closed {
            annotate::receive(self);
        }
        closed
    }

    /// Waits until it is open, and closes it.
    pub fn close(&self) {
        self.close_unless_that(|| false);
    }

    /// The same, unless it is closed for long: when `given_up` is set. Gives whether it was closed.
    pub fn close_unless(&self, given_up: &AtomicBool) -> bool {
        self.close_unless_that(|| given_up.load(Ordering::SeqCst))
    }

    fn close_unless_that(&self, given_up: impl Fn() -> bool) -> bool {
        for _ in 0..LOOKS {
            if self.try_close() {
                return true;
            }
            hint::spin_loop();
        }
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            if given_up() {
                return false;
            }
            sys::futex_wait(&self.0, AWAITED);
        }
        annotate::receive(self);
        true
    }

    /// Whoever waits for it, closed as it is, looks again whether to give up.
    pub fn disturb(&self) {
        // Who is about to sleep finds another value and does not.
        self.0.store(TAKEN, Ordering::SeqCst);
        sys::futex_wake(&self.0, c_int::MAX, false);
    }

    /// Opens it, whoever closed it.
    pub fn open(&self) {
        annotate::hand_over(self);
        if self.0.swap(FREE, Ordering::Release) == AWAITED {
            sys::futex_wake(&self.0, 1, false);
        }
    }
}

// SAFETY: one thread at a time is inside.
unsafe impl RawMutex for Latch {
    #[allow(clippy::declare_interior_mutable_const, reason = "how the trait makes a new one")]
    const INIT: Self = Self::new();
    type GuardMarker = GuardNoSend;

    fn lock(&self) {
        self.close();
    }

    fn try_lock(&self) -> bool {
        self.try_close()
    }

    unsafe fn unlock(&self) {
        self.open();
    }
}

/// What a latch protects.
pub type Mutex<T> = lock_api::Mutex<Latch, T>;

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicUsize;

    #[test]
    fn one_thread_at_a_time_is_inside() {
        static LATCH: Latch = Latch::new();
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    for _ in 0..10_000 {
                        LATCH.close();
                        COUNT.store(COUNT.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                        LATCH.open();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(COUNT.load(Ordering::Relaxed), 40_000);
    }
}
