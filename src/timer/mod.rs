//! The deadlines of one thread.
//!
//! Exact to the nanosecond, so that nobody wakes early, and ties keep no particular order. Of few deadlines, and of those
//! that are near, a heap keeps the order; the others wait in a wheel until their tick begins, and are sorted then.
//!
//! Most time-outs of calls never come: a waiter that was woken otherwise stays among the deadlines until its old one comes,
//! and its next wait, when that ends later, changes nothing but its slot.

mod heap;
mod run;
mod slots;
#[cfg(test)]
mod tests;
mod wheel;

use crate::clock::{NEVER, Nanos};
use crate::waiter::Waiter;
use heap::Heap;
use run::Run;
use slots::{IN_HEAP, Slot, Slots};
use wheel::{TICK, Wheel};

/// A heap of so many is as good as a wheel, and never wakes the thread but for a deadline.
const FEW: usize = 64;
/// So long before it begins a tick is sorted, in nanoseconds: then what comes soon is known across its beginning.
const AHEAD: Nanos = 1 << (TICK - 2);
/// So many due waiters are fetched at once, and twice as many slots.
const AT_ONCE: usize = 8;

/// All deadlines of a thread.
///
/// Invariant: a slot that is taken has a valid waiter, whose `timer` is its number, and stands in the heap, in the wheel or, when
/// its tick has begun for the wheel, in the run. Its `deadline` is at most its `until`.
pub struct Timers {
    slots: Slots,
    heap: Heap,
    run: Run,
    wheel: Wheel,
}

impl Default for Timers {
    fn default() -> Self {
        Self::new()
    }
}

impl Timers {
    /// No deadlines.
    pub const fn new() -> Self {
        Timers { slots: Slots::new(), heap: Heap::new(), run: Run::new(), wheel: Wheel::new() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.taken() == 0
    }

    /// When to look next: no later than the earliest deadline; [`NEVER`] without any.
    pub fn soonest(&mut self) -> Nanos {
        let near = self.first().map_or(NEVER, |(near, ..)| near);
        if near < self.wheel.begins() { near } else { near.min(self.wheel.soonest(&self.slots)) }
    }

    /// Whether they are so many that each of them waking the thread would cost more than what is waked.
    pub fn are_many(&self) -> bool {
        self.slots.taken() >= FEW
    }

    /// Whether `enough` deadlines come up to `until`, as far as is known.
    pub fn are_dense(&self, until: Nanos, enough: usize) -> bool {
        let count = self.run.count(until, enough);
        count == enough || count + self.heap.count(until, enough - count) >= enough
    }

    /// The earliest deadline that is not in the wheel, its slot, and whether it stands in the run.
    #[inline(always)]
    fn first(&self) -> Option<(Nanos, u32, bool)> {
        match (self.heap.first(), self.run.first()) {
            (Some((near, _)), Some((deadline, slot))) if deadline <= near => Some((deadline, slot, true)),
            (None, Some((deadline, slot))) => Some((deadline, slot, true)),
            (heap, _) => heap.map(|(near, slot)| (near, slot, false)),
        }
    }

    /// Adds a waiter's deadline; one of [`NEVER`] needs no timer. `false` when memory is out.
    ///
    /// # Safety
    /// The waiter stays in place until [`Timers::remove`] or until it expires, and stands in no other timers.
    #[must_use]
    #[inline(always)]
    pub unsafe fn add(&mut self, waiter: *const Waiter, deadline: Nanos) -> bool {
        // SAFETY: by contract.
        unsafe { deadline == NEVER || self.add_timed(waiter, deadline) }
    }

    unsafe fn add_timed(&mut self, waiter: *const Waiter, deadline: Nanos) -> bool {
        // SAFETY: by contract of `add`.
        let slot = unsafe { (*waiter).timer.get() };
        if let Some(old) = self.slots.get_mut(slot) {
            old.until = deadline;
            if deadline < old.deadline {
                self.take_out(slot);
                self.put_in(slot, deadline);
            }
            return true;
        }
        let Some(slot) = self.slots.take(waiter, deadline) else { return false };
        // So what leaves the wheel finds room.
        if !(self.heap.reserve(self.slots.most()) && self.run.reserve(self.slots.most())) {
            self.slots.free(slot);
            return false;
        }
        // SAFETY: by contract.
        unsafe { (*waiter).timer.set(slot) };
        self.put_in(slot, deadline);
        true
    }

    /// The waiter waits no longer, and stays in place nevertheless, until [`Timers::remove`].
    #[inline(always)]
    pub fn leave(&mut self, waiter: &Waiter) {
        let slot = waiter.timer.get();
        if slot != Waiter::NO_TIMER {
            self.slots[slot].until = NEVER;
        }
    }

    /// Takes a waiter out; nothing happens when it is not in.
    pub fn remove(&mut self, waiter: &Waiter) {
        let slot = waiter.timer.replace(Waiter::NO_TIMER);
        if slot != Waiter::NO_TIMER {
            self.take_out(slot);
            self.slots.free(slot);
        }
    }

    /// Takes out everything whose deadline is not after `now`, and calls `due` for those who still wait. Nothing runs
    /// meanwhile, so what a woken coroutine adds is not looked at before the next turn.
    pub fn expire(&mut self, now: Nanos, mut due: impl FnMut(*const Waiter)) {
        let Timers { slots, heap, run, wheel } = self;
        wheel.advance(
            now.saturating_add(AHEAD),
            slots,
            |slots, slot| run.push(slots, slot),
            |slots, slot| heap.push(slots, slot),
        );
        run.settle();
        if self.run.first().is_some_and(|(near, _)| near <= now) {
            (0..AT_ONCE).for_each(|place| self.fetch_later(place));
        }
        while let Some((near, slot, in_run)) = self.first() {
            if near > now {
                break;
            }
            if in_run {
                self.fetch_later(AT_ONCE);
                self.run.pass();
            } else {
                self.heap.remove(&mut self.slots, 0);
            }
            let Slot { waiter, until, .. } = self.slots[slot];
            if until > now && until != NEVER {
                self.put_in(slot, until);
                continue;
            }
            // SAFETY: invariant; the waiter belongs to this thread as its timers do.
            unsafe { (*waiter).timer.set(Waiter::NO_TIMER) };
            self.slots.free(slot);
            if until != NEVER {
                due(waiter);
            }
        }
    }

    /// Fetches the waiter that comes so many after the first, and the slot of one after that.
    #[inline(always)]
    fn fetch_later(&self, places: usize) {
        if let Some(slot) = self.run.later(places) {
            Waiter::fetch(self.slots[slot].waiter);
        }
        if let Some(slot) = self.run.later(places + AT_ONCE) {
            self.slots.fetch(slot);
        }
    }

    fn put_in(&mut self, slot: u32, deadline: Nanos) {
        self.slots[slot].deadline = deadline;
        if self.heap.len() < FEW || !self.wheel.insert(&mut self.slots, slot) {
            self.heap.push(&mut self.slots, slot);
        }
    }

    fn take_out(&mut self, slot: u32) {
        let Slot { home, place, .. } = self.slots[slot];
        if home == IN_HEAP {
            self.heap.remove(&mut self.slots, place as usize);
        } else if !self.wheel.remove(&mut self.slots, slot) {
            self.run.remove(&self.slots, slot);
        }
    }
}
