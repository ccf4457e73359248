//! Deadlines in exact order: a four-ary heap. Four children a node halve the depth of a binary heap and keep siblings
//! in one cache line.

use super::slots::{IN_HEAP, Slots};
use crate::clock::Nanos;

const CHILDREN: usize = 4;

#[derive(Clone, Copy)]
struct Entry {
    deadline: Nanos,
    slot: u32,
}

/// Invariant: the slot of `entries[i]` has the same deadline, and says that it stands in the heap, at `i`.
pub(super) struct Heap {
    entries: Vec<Entry>,
}

impl Heap {
    pub(super) const fn new() -> Self {
        Heap { entries: Vec::new() }
    }

    /// Makes room for `count` entries in all; `false` without memory.
    #[must_use]
    pub(super) fn reserve(&mut self, count: usize) -> bool {
        self.entries.try_reserve(count.saturating_sub(self.entries.len())).is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The earliest deadline and its slot.
    pub(super) fn first(&self) -> Option<(Nanos, u32)> {
        self.entries.first().map(|entry| (entry.deadline, entry.slot))
    }

    /// How many there are up to `until`, if they are fewer than `enough`.
    pub(super) fn count(&self, until: Nanos, enough: usize) -> usize {
        self.count_from(0, until, enough)
    }

    fn count_from(&self, place: usize, until: Nanos, enough: usize) -> usize {
        // What is below one that is later is later too.
        if enough == 0 || self.entries.get(place).is_none_or(|entry| entry.deadline > until) {
            return 0;
        }
        let children = place * CHILDREN + 1;
        (children..children + CHILDREN)
            .fold(1, |count, child| count + self.count_from(child, until, enough - count.min(enough)))
    }

    /// Adds a slot, for which there is room.
    pub(super) fn push(&mut self, slots: &mut Slots, slot: u32) {
        debug_assert!(self.entries.len() < self.entries.capacity());
        self.entries.push(Entry { deadline: slots[slot].deadline, slot });
        self.rise(slots, self.entries.len() - 1);
    }

    /// Takes the entry at `place` out.
    pub(super) fn remove(&mut self, slots: &mut Slots, place: usize) {
        self.entries.swap_remove(place);
        if place < self.entries.len() {
            // The entry that filled the hole may belong above or below it.
            let moved = self.entries[place].slot;
            self.rise(slots, place);
            self.sink(slots, slots[moved].place as usize);
        }
    }

    fn put(&mut self, slots: &mut Slots, place: usize, entry: Entry) {
        self.entries[place] = entry;
        let slot = &mut slots[entry.slot];
        (slot.home, slot.place) = (IN_HEAP, place as u32);
    }

    fn rise(&mut self, slots: &mut Slots, mut place: usize) {
        let entry = self.entries[place];
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.entries[parent].deadline <= entry.deadline {
                break;
            }
            self.put(slots, place, self.entries[parent]);
            place = parent;
        }
        self.put(slots, place, entry);
    }

    fn sink(&mut self, slots: &mut Slots, mut place: usize) {
        let entry = self.entries[place];
        loop {
            let first = place * CHILDREN + 1;
            let end = (first + CHILDREN).min(self.entries.len());
            let Some(child) = (first..end).min_by_key(|&i| self.entries[i].deadline) else { break };
            if entry.deadline <= self.entries[child].deadline {
                break;
            }
            self.put(slots, place, self.entries[child]);
            place = child;
        }
        self.put(slots, place, entry);
    }
}
