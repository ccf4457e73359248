//! A lock of one word for a few instructions at a time.
//!
//! Unlike others it needs no memory for those who wait, keeps no queue of threads that a child of fork would
//! inherit, and can be left by a function that did not take it.

use core::hint;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::sys;

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Taken, and somebody sleeps until it is free.
const AWAITED: u32 = 2;

/// What is protected is short: whoever finds the latch taken looks this often before it sleeps.
const LOOKS: u32 = 100;

pub struct Latch(AtomicU32);

impl Latch {
    pub const fn new() -> Self {
        Latch(AtomicU32::new(FREE))
    }

    pub fn close(&self) {
        for _ in 0..LOOKS {
            if self.0.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return;
            }
            hint::spin_loop();
        }
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            sys::futex_wait(&self.0, AWAITED);
        }
    }

    pub fn open(&self) {
        if self.0.swap(FREE, Ordering::Release) == AWAITED {
            sys::futex_wake(&self.0, 1, false);
        }
    }
}

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
