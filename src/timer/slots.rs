//! Where the waiters of a thread's timers are noted: each in a slot with a number.
//!
//! Whoever moves a deadline writes to its slot, in a dense table, and not to the waiter, which is cold.

use crate::cache;
use crate::clock::Nanos;
use crate::waiter::Waiter;

/// No slot.
pub(super) const NONE: u32 = Waiter::NO_TIMER;
/// In [`Slot::home`]: it stands in the heap.
pub(super) const IN_HEAP: u32 = NONE - 1;
/// There are fewer slots, so that their places in the wheel have numbers too.
const MOST: u32 = 1 << 31;

/// A waiter in the timers, and where it stands there.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// When to look at the slot: when the wait ends, or before.
    pub(super) deadline: Nanos,
    /// When the wait ends; [`crate::clock::NEVER`] while the waiter waits for nothing.
    pub(super) until: Nanos,
    pub(super) waiter: *const Waiter,
    /// Its bucket, [`IN_HEAP`], or of a free slot the next one.
    pub(super) home: u32,
    /// Where it stands there.
    pub(super) place: u32,
}

/// All slots, free ones among them.
pub(super) struct Slots {
    all: Vec<Slot>,
    free: u32,
    /// How many are free.
    spare: usize,
}

impl Slots {
    pub(super) const fn new() -> Self {
        Slots { all: Vec::new(), free: NONE, spare: 0 }
    }

    /// How many there are and may soon be: neither the heap nor the run holds more.
    pub(super) fn most(&self) -> usize {
        self.all.capacity()
    }

    /// How many are not free.
    pub(super) fn taken(&self) -> usize {
        self.all.len() - self.spare
    }

    /// A slot for a waiter; `None` without memory.
    pub(super) fn take(&mut self, waiter: *const Waiter, deadline: Nanos) -> Option<u32> {
        let slot = Slot { deadline, until: deadline, waiter, home: NONE, place: NONE };
        if let Some(place) = self.all.get_mut(self.free as usize) {
            let number = core::mem::replace(&mut self.free, place.home);
            *place = slot;
            self.spare -= 1;
            return Some(number);
        }
        let number = u32::try_from(self.all.len()).ok().filter(|&number| number < MOST)?;
        self.all.try_reserve(1).ok()?;
        self.all.push(slot);
        Some(number)
    }

    pub(super) fn free(&mut self, number: u32) {
        let free = core::mem::replace(&mut self.free, number);
        self[number].home = free;
        self.spare += 1;
    }

    /// Fetches a slot into the cache.
    #[inline(always)]
    pub(super) fn fetch(&self, number: u32) {
        cache::fetch(self.all.as_ptr().wrapping_add(number as usize));
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Slot> {
        self.all.get_mut(number as usize)
    }
}

impl core::ops::Index<u32> for Slots {
    type Output = Slot;

    fn index(&self, number: u32) -> &Slot {
        &self.all[number as usize]
    }
}

impl core::ops::IndexMut<u32> for Slots {
    fn index_mut(&mut self, number: u32) -> &mut Slot {
        &mut self.all[number as usize]
    }
}
