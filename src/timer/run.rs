//! The deadlines of ticks that have begun or are about to, in exact order: each tick's are sorted once, and then only
//! passed by. What comes next is known, so that whoever wakes them can fetch ahead.

use super::slots::{NONE, Slots};
use crate::clock::Nanos;

#[derive(Clone, Copy)]
struct Entry {
    deadline: Nanos,
    /// [`NONE`] once it was taken out.
    slot: u32,
}

/// Invariants: those of `entries` from `passed` on have the deadlines of their slots, and are in order once settled. The one
/// at `passed` was not taken out.
pub(super) struct Run {
    entries: Vec<Entry>,
    passed: usize,
    /// Entries that were taken out and are not passed by.
    gaps: usize,
    /// So many are in order.
    settled: usize,
}

impl Run {
    pub(super) const fn new() -> Self {
        Run { entries: Vec::new(), passed: 0, gaps: 0, settled: 0 }
    }

    /// Makes room for `count` entries in all; `false` without memory.
    #[must_use]
    pub(super) fn reserve(&mut self, count: usize) -> bool {
        self.entries.try_reserve(count.saturating_sub(self.entries.len())).is_ok()
    }

    /// The earliest deadline and its slot.
    pub(super) fn first(&self) -> Option<(Nanos, u32)> {
        self.entries.get(self.passed).map(|entry| (entry.deadline, entry.slot))
    }

    /// The slot that comes so many after the first, unless that one was taken out.
    pub(super) fn later(&self, places: usize) -> Option<u32> {
        self.entries.get(self.passed + places).map(|entry| entry.slot).filter(|&slot| slot != NONE)
    }

    /// How many there are up to `until`, if they are fewer than `enough`.
    pub(super) fn count(&self, until: Nanos, enough: usize) -> usize {
        let soon = self.entries[self.passed..].iter().take_while(|entry| entry.deadline <= until);
        soon.filter(|entry| entry.slot != NONE).take(enough).count()
    }

    /// Adds a slot, for which there is room, at the end: nothing before it has a later deadline, but for what was added since
    /// all were settled.
    pub(super) fn push(&mut self, slots: &Slots, slot: u32) {
        if self.entries.len() == self.entries.capacity() {
            self.close_up();
        }
        debug_assert!(self.entries.len() < self.entries.capacity());
        self.entries.push(Entry { deadline: slots[slot].deadline, slot });
    }

    /// Puts what was added in order.
    pub(super) fn settle(&mut self) {
        if self.settled < self.entries.len() {
            if self.passed > self.entries.len() / 2 {
                self.close_up();
            }
            self.entries[self.settled..].sort_unstable_by_key(|entry| entry.deadline);
            self.settled = self.entries.len();
            self.pass_gaps();
        }
    }

    /// Passes the first one by.
    pub(super) fn pass(&mut self) {
        self.passed += 1;
        self.pass_gaps();
    }

    /// Takes a slot out that stands here.
    pub(super) fn remove(&mut self, slots: &Slots, slot: u32) {
        let deadline = slots[slot].deadline;
        let from =
            self.passed + self.entries[self.passed..].partition_point(|entry| entry.deadline < deadline);
        let place = self.entries[from..].iter().position(|entry| entry.slot == slot);
        debug_assert!(place.is_some());
        if let Some(place) = place {
            self.entries[from + place].slot = NONE;
            self.gaps += 1;
            self.pass_gaps();
        }
    }

    fn pass_gaps(&mut self) {
        while self.entries.get(self.passed).is_some_and(|entry| entry.slot == NONE) {
            self.passed += 1;
            self.gaps -= 1;
        }
        if self.passed == self.entries.len() {
            self.close_up();
        }
    }

    /// Frees the places of those that were passed by or taken out.
    fn close_up(&mut self) {
        self.settled -= self.passed;
        self.entries.drain(..self.passed);
        self.passed = 0;
        if self.gaps > 0 {
            let settled = self.entries[..self.settled].iter().filter(|entry| entry.slot != NONE).count();
            self.entries.retain(|entry| entry.slot != NONE);
            (self.settled, self.gaps) = (settled, 0);
        }
    }
}
