//! Which signals each thread blocks. The kernel knows the masks of its own threads only: each of them blocks what all
//! those block that it runs, so that a signal for the process comes through as soon as one thread lets it. One that
//! runs none blocks all.

use core::cell::Cell;
use core::ffi::c_int;

use super::Threads;
use crate::sys::{self, signal_bit};

/// Signals run from 1 to 64; a mask has the first in its lowest bit.
const SIGNALS: u32 = 64;

/// Cannot be blocked: by the kernel, and the two that libc keeps to itself.
pub(super) const NEVER: u64 =
    signal_bit(libc::SIGKILL) | signal_bit(libc::SIGSTOP) | signal_bit(32) | signal_bit(33);

/// All that can be blocked.
pub const ALL: u64 = !NEVER;

/// How many threads of a kernel thread block each signal.
pub struct Masks {
    /// Those that have come to life.
    threads: Cell<usize>,
    blocking: [Cell<usize>; SIGNALS as usize],
    /// What the kernel was told.
    in_force: Cell<u64>,
}

impl Masks {
    /// The masks of no thread, on a kernel thread that blocks all signals.
    pub fn of_none() -> Self {
        Masks {
            threads: Cell::new(0),
            blocking: [const { Cell::new(0) }; SIGNALS as usize],
            in_force: Cell::new(ALL),
        }
    }

    /// The kernel thread runs one thread alone, whose mask is in force.
    pub fn are_of_one(&self, mask: u64) {
        self.count_one(mask);
        self.in_force.set(mask);
    }

    /// A thread with this mask has come to life.
    pub fn begins(&self, mask: u64) {
        self.threads.set(self.threads.get() + 1);
        self.change(0, mask);
    }

    /// In a child of fork, the one thread that is left has this mask.
    pub fn is_alone(&self, mask: u64) {
        self.count_one(mask);
        self.enforce();
    }

    /// A thread with this mask has ended.
    pub fn ends(&self, mask: u64) {
        self.threads.set(self.threads.get() - 1);
        self.change(mask, 0);
    }

    fn count_one(&self, mask: u64) {
        self.threads.set(1);
        let counts = self.blocking.iter().enumerate();
        counts.for_each(|(signal, count)| count.set((mask >> signal & 1) as usize));
    }

    /// A thread goes over from one mask to another; an empty one is that of no thread.
    fn change(&self, from: u64, to: u64) {
        let mut changed = from ^ to;
        while changed != 0 {
            let signal = changed.trailing_zeros();
            let count = &self.blocking[signal as usize];
            count.set(if to >> signal & 1 != 0 { count.get() + 1 } else { count.get() - 1 });
            changed &= changed - 1;
        }
        self.enforce();
    }

    /// Tells the kernel what all threads block, if it does not know.
    fn enforce(&self) {
        let all = (0..SIGNALS).filter(|&signal| self.blocking[signal as usize].get() == self.threads.get());
        let mask = all.fold(0, |mask, signal| mask | 1 << signal) & !NEVER;
        if self.in_force.replace(mask) != mask {
            let _ = sys::signal_mask(Some(mask));
        }
    }
}

/// What the thread at `base` blocks, which is one of the calling worker's; nothing for the loop.
pub(super) fn blocked_at(base: usize) -> u64 {
    let Some(on) = super::on() else { return 0 };
    // SAFETY: a coroutine has this base, or the loop, whose block is one as well and stays.
    unsafe { on.find(base as libc::pthread_t) }.map_or(0, |thread| thread.mask.get())
}

impl Threads {
    /// `pthread_sigmask`: changes the running thread's mask as `how` says, and gives the one before.
    pub fn change_mask(&self, how: c_int, set: Option<u64>) -> Result<u64, c_int> {
        let me = self.current();
        let old = me.mask.get();
        let Some(set) = set else { return Ok(old) };
        let new = match how {
            libc::SIG_BLOCK => old | set,
            libc::SIG_UNBLOCK => old & !set,
            libc::SIG_SETMASK => set,
            _ => return Err(libc::EINVAL),
        };
        let new = new & !NEVER;
        me.mask.set(new);
        me.worker.get().masks.change(old, new);
        Ok(old)
    }
}
