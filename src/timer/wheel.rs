//! Deadlines that are some way off, in buckets: to put one in, and to take it out again, costs the same for any number.
//!
//! Time goes in ticks of about a millisecond. Three rings of 1,024 buckets each: a bucket of the first is a tick, one of
//! the next a whole round of the ring before. When its time begins, a bucket is emptied, into the rings below and from the
//! first one into the run. A bit for each bucket tells whether it holds anything, so that what is empty costs nothing.

use core::mem;

use super::slots::{NONE, Slots};
use crate::clock::{NEVER, Nanos};
use crate::heap;

/// A tick is two to the power of this many nanoseconds.
pub(super) const TICK: u32 = 20;
/// A ring has two to the power of this many buckets.
const ROUND: u32 = 10;
const BUCKETS: usize = 1 << ROUND;
const RINGS: usize = 3;
/// So many deadlines of a bucket are looked at for the earliest.
const LOOK: usize = 64;
/// Slots of a chunk.
const SLOTS: usize = 15;

/// One bit a bucket.
type Bits = [u64; BUCKETS / 64];

/// Some slots of a bucket: a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Chunk {
    slots: [u32; SLOTS],
    /// The next of the bucket, full, or of the free chunks.
    next: u32,
}

/// Slots in no order: `count` of them, the last of which are in the chunk `last`.
#[derive(Clone, Copy)]
struct Bucket {
    last: u32,
    count: u32,
}

impl Bucket {
    const EMPTY: Bucket = Bucket { last: NONE, count: 0 };

    /// How many stand in the last chunk.
    fn in_last(self) -> usize {
        match self.count as usize % SLOTS {
            0 if self.count > 0 => SLOTS,
            rest => rest,
        }
    }
}

/// Invariants: `cursor` is the first tick whose deadlines the wheel takes, and no bucket whose time began before it
/// holds anything. A slot in a bucket has a deadline in the bucket's time; its home is the bucket, its place the chunk and where
/// it stands in that.
pub(super) struct Wheel {
    /// Ring by ring; none before something first stands in one.
    buckets: Vec<Bucket>,
    chunks: Vec<Chunk>,
    /// The first of the chunks that no bucket has.
    free: u32,
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
            buckets: Vec::new(),
            chunks: Vec::new(),
            free: NONE,
            occupied: [[0; BUCKETS / 64]; RINGS],
            cursor: 0,
            next: u64::MAX,
            soonest: NEVER,
        }
    }

    /// Puts a slot in; `false` when its deadline is too near or too far, or without memory.
    pub(super) fn insert(&mut self, slots: &mut Slots, slot: u32) -> bool {
        let deadline = slots[slot].deadline;
        let tick = deadline >> TICK;
        if tick < self.cursor {
            return false;
        }
        // In a ring, two buckets of one number would be a round apart.
        let ahead = |ring: u32| (tick >> (ring * ROUND)) - (self.cursor >> (ring * ROUND));
        let Some(ring) = (0..RINGS as u32).find(|&ring| ahead(ring) < BUCKETS as u64) else { return false };
        let number = (tick >> (ring * ROUND)) as usize % BUCKETS;
        let home = (ring as usize) << ROUND | number;
        let Some(place) = self.put(home, slot) else { return false };
        self.occupied[ring as usize][number / 64] |= 1 << (number % 64);
        let slot = &mut slots[slot];
        (slot.home, slot.place) = (home as u32, place);
        self.next = self.next.min((tick >> (ring * ROUND)) << (ring * ROUND));
        self.soonest = self.soonest.min(deadline);
        true
    }

    /// Adds a slot to a bucket, and gives its place there; `None` without memory.
    #[inline(always)]
    fn put(&mut self, home: usize, slot: u32) -> Option<u32> {
        let place = self.buckets.get(home).map_or(0, |bucket| bucket.count as usize % SLOTS);
        if place == 0 {
            self.extend(home)?;
        }
        let bucket = &mut self.buckets[home];
        bucket.count += 1;
        self.chunks[bucket.last as usize].slots[place] = slot;
        Some(bucket.last * (SLOTS as u32 + 1) + place as u32)
    }

    /// Gives a bucket without room one more chunk; `None` without memory. What lies below the frame of a call that parks is
    /// cold on every stack, so the frame that this takes is its own.
    #[inline(never)]
    fn extend(&mut self, home: usize) -> Option<()> {
        if self.buckets.is_empty() {
            self.buckets = heap::room(BUCKETS * RINGS)?;
            self.buckets.resize(BUCKETS * RINGS, Bucket::EMPTY);
        }
        let next = self.buckets[home].last;
        self.buckets[home].last = match self.chunks.get_mut(self.free as usize) {
            Some(chunk) => mem::replace(&mut self.free, mem::replace(&mut chunk.next, next)),
            None => {
                self.chunks.try_reserve(1).ok()?;
                self.chunks.push(Chunk { slots: [NONE; SLOTS], next });
                self.chunks.len() as u32 - 1
            }
        };
        Some(())
    }

    /// Takes a slot out; `false` when its tick has begun, and it stands in no bucket any more.
    pub(super) fn remove(&mut self, slots: &mut Slots, slot: u32) -> bool {
        if slots[slot].deadline >> TICK < self.cursor {
            return false;
        }
        let (home, place) = (slots[slot].home as usize, slots[slot].place);
        let bucket = &mut self.buckets[home];
        // The last one goes to its place.
        let in_last = bucket.in_last() - 1;
        let Chunk { slots: some, next } = self.chunks[bucket.last as usize];
        let (chunk, at) = (place as usize / (SLOTS + 1), place as usize % (SLOTS + 1));
        self.chunks[chunk].slots[at] = some[in_last];
        slots[some[in_last]].place = place;
        bucket.count -= 1;
        if in_last == 0 {
            let emptied = mem::replace(&mut bucket.last, next);
            self.chunks[emptied as usize].next = mem::replace(&mut self.free, emptied);
        }
        if bucket.count == 0 {
            let (ring, number) = (home >> ROUND, home % BUCKETS);
            self.occupied[ring][number / 64] &= !(1 << (number % 64));
        }
        true
    }

    /// No deadline in the wheel is earlier.
    pub(super) fn begins(&self) -> Nanos {
        if self.next == u64::MAX { NEVER } else { self.next << TICK }
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
        let bucket = self.buckets[self.next as usize % BUCKETS];
        if bucket.count as usize > LOOK {
            return None;
        }
        let (mut chunk, mut count) = (bucket.last, bucket.in_last());
        let mut earliest = None;
        while let Some(Chunk { slots: some, next }) = self.chunks.get(chunk as usize) {
            let here = some[..count].iter().map(|&slot| slots[slot].deadline).min();
            earliest = [earliest, here].into_iter().flatten().min();
            (chunk, count) = (*next, SLOTS);
        }
        earliest
    }

    /// The tick at which the time of a ring's next bucket that holds anything begins.
    fn begin(&self, ring: u32) -> u64 {
        let here = self.cursor >> (ring * ROUND);
        distance(&self.occupied[ring as usize], here as usize % BUCKETS)
            .map_or(u64::MAX, |ahead| (here + ahead as u64) << (ring * ROUND))
    }

    /// Empties what has begun at `now`: `begun` gets each slot whose deadline is in this tick or before, `left` those for
    /// which there is no memory.
    pub(super) fn advance(
        &mut self, now: Nanos, slots: &mut Slots, mut begun: impl FnMut(&Slots, u32),
        mut left: impl FnMut(&mut Slots, u32),
    ) {
        let now = now >> TICK;
        while self.next <= now {
            self.cursor = self.next;
            for ring in (1..RINGS as u32).rev() {
                // A later ring's bucket begins when the rings before it begin a round.
                if self.cursor & ((1 << (ring * ROUND)) - 1) == 0 {
                    self.empty(ring, slots, |wheel, slots, slot| {
                        if !wheel.insert(slots, slot) {
                            left(slots, slot);
                        }
                    });
                }
            }
            self.empty(0, slots, |_, slots, slot| begun(slots, slot));
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
    fn empty(&mut self, ring: u32, slots: &mut Slots, mut each: impl FnMut(&mut Self, &mut Slots, u32)) {
        let number = (self.cursor >> (ring * ROUND)) as usize % BUCKETS;
        self.occupied[ring as usize][number / 64] &= !(1 << (number % 64));
        let Some(bucket) = self.buckets.get_mut((ring as usize) << ROUND | number) else { return };
        let bucket = mem::replace(bucket, Bucket::EMPTY);
        let (mut chunk, mut count) = (bucket.last, bucket.in_last());
        while let Some(&Chunk { slots: some, next }) = self.chunks.get(chunk as usize) {
            self.chunks[chunk as usize].next = mem::replace(&mut self.free, chunk);
            // Slots are cold: those that come after these are fetched meanwhile.
            if let Some(coming) = self.chunks.get(next as usize) {
                coming.slots.iter().for_each(|&slot| slots.fetch(slot));
            }
            for &slot in &some[..count] {
                each(self, slots, slot);
            }
            (chunk, count) = (next, SLOTS);
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
