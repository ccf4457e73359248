//! Deadlines that are some way off, in buckets: to put one in, and to take it out again, costs the same for any number.
//!
//! Time goes in ticks of about a millisecond. Three rings of 1,024 buckets each: a bucket of the first is a tick, one of
//! the next a whole round of the ring before. When its time begins, a bucket is emptied, into the rings below and from the
//! first one into the heap. A bit for each bucket tells whether it holds anything, so that what is empty costs nothing.

use super::slots::{FIRST, NONE, Slots};
use crate::clock::{NEVER, Nanos};
use crate::heap;

/// A tick is two to the power of this many nanoseconds.
const TICK: u32 = 20;
/// A ring has two to the power of this many buckets.
const ROUND: u32 = 10;
const BUCKETS: usize = 1 << ROUND;
const RINGS: usize = 3;
/// So many deadlines of a bucket are looked at for the earliest.
const LOOK: usize = 64;

/// One bit a bucket.
type Bits = [u64; BUCKETS / 64];

/// Invariants: `cursor` is the first tick whose deadlines the wheel takes, and no bucket whose time began before it
/// holds anything. A slot in a bucket has a deadline in the bucket's time; its neighbours are those of the bucket.
pub(super) struct Wheel {
    /// The first slot of each bucket, ring by ring; empty before something first stands in it.
    first: Vec<u32>,
    occupied: [Bits; RINGS],
    cursor: u64,
    /// No bucket whose time begins earlier holds anything; `u64::MAX` when none does.
    next: u64,
    /// No deadline is earlier.
    soonest: Nanos,
}

impl Wheel {
    pub(super) const fn new() -> Self {
        Wheel {
            first: Vec::new(),
            occupied: [[0; BUCKETS / 64]; RINGS],
            cursor: 0,
            next: u64::MAX,
            soonest: NEVER,
        }
    }

    /// Puts a slot in; `false` when its deadline is too near or too far, or without memory.
    pub(super) fn insert(&mut self, slots: &mut Slots, slot: u32) -> bool {
        let tick = slots[slot].deadline >> TICK;
        if tick < self.cursor {
            return false;
        }
        // In a ring, two buckets of one number would be a round apart.
        let ahead = |ring: u32| (tick >> (ring * ROUND)) - (self.cursor >> (ring * ROUND));
        let Some(ring) = (0..RINGS as u32).find(|&ring| ahead(ring) < BUCKETS as u64) else { return false };
        if self.first.is_empty() {
            let Some(room) = heap::room(BUCKETS * RINGS) else { return false };
            self.first = room;
            self.first.resize(BUCKETS * RINGS, NONE);
        }
        let bucket = (tick >> (ring * ROUND)) as usize % BUCKETS;
        let place = (ring as usize) << ROUND | bucket;
        let second = core::mem::replace(&mut self.first[place], slot);
        if second != NONE {
            slots[second].previous = slot;
        }
        self.occupied[ring as usize][bucket / 64] |= 1 << (bucket % 64);
        let slot = &mut slots[slot];
        (slot.next, slot.previous) = (second, FIRST | place as u32);
        self.next = self.next.min((tick >> (ring * ROUND)) << (ring * ROUND));
        self.soonest = self.soonest.min(slot.deadline);
        true
    }

    /// Takes a slot out that stands in a bucket.
    pub(super) fn remove(&mut self, slots: &mut Slots, slot: u32) {
        let (next, previous) = (slots[slot].next, slots[slot].previous);
        if next != NONE {
            slots[next].previous = previous;
        }
        if previous & FIRST == 0 {
            slots[previous].next = next;
        } else {
            let place = (previous & !FIRST) as usize;
            self.first[place] = next;
            if next == NONE {
                let (ring, bucket) = (place >> ROUND, place % BUCKETS);
                self.occupied[ring][bucket / 64] &= !(1 << (bucket % 64));
            }
        }
    }

    /// When to look next: no later than the earliest deadline.
    pub(super) fn soonest(&mut self, slots: &Slots) -> Nanos {
        if self.next == u64::MAX {
            return NEVER;
        }
        if self.soonest >> TICK < self.next {
            // Known since the last bucket was emptied: nothing but when the next one begins.
            self.soonest = self.earliest(slots).unwrap_or(self.next << TICK);
        }
        self.soonest
    }

    /// The earliest deadline, when it takes a short look.
    fn earliest(&self, slots: &Slots) -> Option<Nanos> {
        // Buckets of later rings whose time begins as early as this one's may hold an earlier deadline.
        if (1..RINGS as u32).any(|ring| self.begin(ring) <= self.next) {
            return None;
        }
        let mut slot = self.first[self.next as usize % BUCKETS];
        let mut earliest = None;
        for _ in 0..LOOK {
            let Some(found) = slots.get(slot) else { return earliest };
            earliest = Some(earliest.map_or(found.deadline, |e: Nanos| e.min(found.deadline)));
            slot = found.next;
        }
        None
    }

    /// The tick at which the time of a ring's next bucket that holds anything begins.
    fn begin(&self, ring: u32) -> u64 {
        let here = self.cursor >> (ring * ROUND);
        distance(&self.occupied[ring as usize], here as usize % BUCKETS)
            .map_or(u64::MAX, |ahead| (here + ahead as u64) << (ring * ROUND))
    }

    /// Empties what has begun at `now`: `due` gets each slot whose deadline is in this tick or before.
    pub(super) fn advance(&mut self, now: Nanos, slots: &mut Slots, mut due: impl FnMut(&mut Slots, u32)) {
        let now = now >> TICK;
        while self.next <= now {
            self.cursor = self.next;
            for ring in (0..RINGS as u32).rev() {
                // A later ring's bucket begins when the rings before it begin a round.
                if self.cursor & ((1 << (ring * ROUND)) - 1) == 0 {
                    self.empty(ring, slots, &mut due);
                }
            }
            self.cursor += 1;
            self.look();
        }
        // Everything that begins up to now is out, so nothing is passed over.
        self.cursor = self.cursor.max(now + 1);
    }

    /// Finds out which bucket is next.
    fn look(&mut self) {
        self.next = (0..RINGS as u32).fold(u64::MAX, |next, ring| next.min(self.begin(ring)));
        self.soonest = if self.next == u64::MAX { NEVER } else { 0 };
    }

    /// Empties the bucket of a ring that begins at the cursor.
    fn empty(&mut self, ring: u32, slots: &mut Slots, due: &mut impl FnMut(&mut Slots, u32)) {
        let bucket = (self.cursor >> (ring * ROUND)) as usize % BUCKETS;
        self.occupied[ring as usize][bucket / 64] &= !(1 << (bucket % 64));
        let mut slot = core::mem::replace(&mut self.first[(ring as usize) << ROUND | bucket], NONE);
        while slot != NONE {
            let next = slots[slot].next;
            if ring == 0 || !self.insert(slots, slot) {
                due(slots, slot);
            }
            slot = next;
        }
    }
}

/// How far it is from bit `from` to the next set one, in a circle.
fn distance(bits: &Bits, from: usize) -> Option<usize> {
    let (word, bit) = (from / 64, from % 64);
    let first = bits[word] >> bit;
    if first != 0 {
        return Some(first.trailing_zeros() as usize);
    }
    // The last one is the first word again, for the bits before `from`.
    (1..=bits.len()).find_map(|i| {
        let found = bits[(word + i) % bits.len()];
        (found != 0).then(|| i * 64 - bit + found.trailing_zeros() as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_bit_is_found_around_the_circle() {
        let mut bits: Bits = [0; BUCKETS / 64];
        assert_eq!(distance(&bits, 5), None);
        bits[0] = 1 << 4;
        assert_eq!(distance(&bits, 4), Some(0));
        assert_eq!(distance(&bits, 5), Some(BUCKETS - 1));
        assert_eq!(distance(&bits, 1000), Some(28));
        bits[3] = 1 << 63;
        assert_eq!(distance(&bits, 5), Some(3 * 64 + 63 - 5));
    }
}
