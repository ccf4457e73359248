//! Which signals each thread blocks. The kernel knows the mask of one thread only: it blocks what all of ours block,
//! so that a signal for the process comes through as soon as one of them lets it.

use core::cell::Cell;
use core::ffi::c_int;

use super::Threads;
use super::thread::Thread;
use crate::sys;

/// Signals run from 1 to 64; a mask has the first in its lowest bit.
const SIGNALS: u32 = 64;

const fn bit(signal: c_int) -> u64 {
    1 << (signal - 1)
}

/// Cannot be blocked: by the kernel, and the two that libc keeps to itself.
pub(super) const NEVER: u64 = bit(libc::SIGKILL) | bit(libc::SIGSTOP) | bit(32) | bit(33);

/// How many of the threads block each signal.
pub struct Masks {
    blocking: [Cell<usize>; SIGNALS as usize],
    /// What the kernel was told.
    in_force: Cell<u64>,
}

impl Masks {
    /// The masks of one thread alone.
    pub fn of_one(mask: u64) -> Self {
        let blocking = core::array::from_fn(|signal| Cell::new((mask >> signal & 1) as usize));
        Masks { blocking, in_force: Cell::new(mask) }
    }

    /// Notes that a thread goes over from one mask to another; an empty one is that of no thread.
    fn change(&self, from: u64, to: u64) {
        let mut changed = from ^ to;
        while changed != 0 {
            let signal = changed.trailing_zeros();
            let count = &self.blocking[signal as usize];
            count.set(if to >> signal & 1 != 0 { count.get() + 1 } else { count.get() - 1 });
            changed &= changed - 1;
        }
    }

    /// Tells the kernel what all `living` threads block, if it does not know.
    fn enforce(&self, living: usize) {
        let all = (0..SIGNALS).filter(|&signal| self.blocking[signal as usize].get() == living);
        let mask = all.fold(0, |mask, signal| mask | 1 << signal);
        if self.in_force.replace(mask) != mask {
            let _ = sys::signal_mask(Some(mask));
        }
    }
}

impl Threads {
    /// A thread with this mask has come to life.
    pub(super) fn mask_begins(&self, mask: u64) {
        self.living.set(self.living.get() + 1);
        self.masks.change(0, mask);
        self.masks.enforce(self.living.get());
    }

    /// A thread with this mask has ended, and was not the last.
    pub(super) fn mask_ends(&self, mask: u64) {
        self.living.set(self.living.get() - 1);
        self.masks.change(mask, 0);
        self.masks.enforce(self.living.get());
    }

    /// In a child of fork: `me` is the only one left.
    pub(super) fn mask_alone(&self, me: &Thread) {
        let mask = me.mask.get();
        self.living.set(1);
        (0..SIGNALS)
            .for_each(|signal| self.masks.blocking[signal as usize].set((mask >> signal & 1) as usize));
        self.masks.enforce(1);
    }

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
        self.masks.change(old, new);
        self.masks.enforce(self.living.get());
        Ok(old)
    }
}
