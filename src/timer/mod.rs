//! The deadlines of one thread.
//!
//! Exact to the nanosecond, so that nobody wakes early, and ties keep no particular order. Of few deadlines, and of those
//! that are near, a heap keeps the order; the others wait in a wheel until they are near.
//!
//! Most time-outs of calls never come: a waiter that was woken otherwise stays among the deadlines until its old one comes,
//! and its next wait, when that ends later, changes nothing but its slot.

mod heap;
mod slots;
mod wheel;

use crate::clock::{NEVER, Nanos};
use crate::list::List;
use crate::waiter::{Waiter, Wake};
use heap::Heap;
use slots::{IN_HEAP, Slot, Slots};
use wheel::Wheel;

/// A heap of so many is as good as a wheel, and never wakes the thread but for a deadline.
const FEW: usize = 64;

/// All deadlines of a thread.
///
/// Invariant: a slot that is taken has a valid waiter, whose `timer` is its number, and stands in the heap or in the wheel.
/// Its `deadline` is at most its `until`.
pub struct Timers {
    slots: Slots,
    heap: Heap,
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
        Timers { slots: Slots::new(), heap: Heap::new(), wheel: Wheel::new() }
    }

    /// When to look next: no later than the earliest deadline; [`NEVER`] without any.
    pub fn soonest(&mut self) -> Nanos {
        let far = self.wheel.soonest(&self.slots);
        self.heap.first().map_or(far, |(near, _)| near.min(far))
    }

    /// Whether they are so many that each of them waking the thread would cost more than what is waked.
    pub fn are_many(&self) -> bool {
        self.heap.len() >= FEW
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
        if !self.heap.reserve(self.slots.most()) {
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

    /// Wakes everything whose deadline is not after `now`. Nothing runs meanwhile, so what a woken
    /// coroutine adds is not looked at before the next turn.
    pub fn expire(&mut self, now: Nanos, ready: &List) {
        self.wheel.advance(now, &mut self.slots, |slots, slot| {
            // It wakes within a tick.
            Waiter::fetch(slots[slot].waiter);
            self.heap.push(slots, slot);
        });
        while let Some((near, slot)) = self.heap.first() {
            if near > now {
                break;
            }
            let Slot { waiter, until, .. } = self.slots[slot];
            if until > now && until != NEVER {
                self.take_out(slot);
                self.put_in(slot, until);
                continue;
            }
            // SAFETY: invariant; the waiter belongs to this thread as its timers do.
            unsafe {
                self.remove(&*waiter);
                if until != NEVER {
                    Waiter::wake(waiter, Wake::TimedOut, ready);
                }
            }
        }
    }

    fn put_in(&mut self, slot: u32, deadline: Nanos) {
        self.slots[slot].deadline = deadline;
        if self.heap.len() < FEW || !self.wheel.insert(&mut self.slots, slot) {
            self.heap.push(&mut self.slots, slot);
        }
    }

    fn take_out(&mut self, slot: u32) {
        let Slot { next, previous, .. } = self.slots[slot];
        match next {
            IN_HEAP => self.heap.remove(&mut self.slots, previous as usize),
            _ => self.wheel.remove(&mut self.slots, slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    #[repr(C)]
    struct Timed {
        waiter: Waiter,
        deadline: Cell<Nanos>,
    }

    impl Timed {
        fn some(count: usize) -> Vec<Timed> {
            (0..count).map(|_| Timed { waiter: Waiter::new(), deadline: Cell::new(NEVER) }).collect()
        }

        /// The one that the first link of a ready queue belongs to, taken out, which woke because its time has come.
        fn next<'a>(ready: &List) -> &'a Timed {
            // SAFETY: the ready queue holds links of these, which stay in place.
            let timed = unsafe { &*Waiter::of(ready.pop_front()).cast::<Timed>() };
            assert_eq!(timed.waiter.disarm(), Wake::TimedOut);
            timed
        }

        fn wait(&self, timers: &mut Timers, deadline: Nanos) {
            self.deadline.set(deadline);
            self.waiter.arm();
            // SAFETY: the waiters stay in place.
            assert!(unsafe { timers.add(&self.waiter, deadline) });
        }
    }

    fn order(deadlines: &[Nanos], removed: &[usize]) -> Vec<Nanos> {
        let waiters = Timed::some(deadlines.len());
        let (mut timers, ready) = (Timers::new(), List::new());
        for (timed, &deadline) in waiters.iter().zip(deadlines) {
            timed.wait(&mut timers, deadline);
        }
        for &i in removed {
            timers.remove(&waiters[i].waiter);
        }
        let mut woken = Vec::new();
        while timers.soonest() != NEVER {
            let next = timers.soonest();
            timers.expire(next, &ready);
            while !ready.is_empty() {
                woken.push(Timed::next(&ready).deadline.get());
            }
        }
        woken
    }

    #[test]
    fn deadlines_come_in_order_whatever_the_order_of_adding() {
        let mut deadlines: Vec<Nanos> = (0..1000).map(|i: u64| i * 7919 % 1000).collect();
        let woken = order(&deadlines, &[]);
        deadlines.sort_unstable();
        assert_eq!(woken, deadlines);
    }

    #[test]
    fn removed_waiters_never_wake() {
        let deadlines: Vec<Nanos> = (0..300).map(|i: u64| i * 31 % 300).collect();
        let removed: Vec<usize> = (0..300).step_by(3).collect();
        let mut expected: Vec<Nanos> =
            deadlines.iter().enumerate().filter(|(i, _)| i % 3 != 0).map(|(_, d)| *d).collect();
        expected.sort_unstable();
        assert_eq!(order(&deadlines, &removed), expected);
    }

    #[test]
    fn a_waiter_that_left_wakes_at_its_next_deadline_only() {
        let (waiter, mut timers, ready) = (Waiter::new(), Timers::new(), List::new());
        let wait = |timers: &mut Timers, until| {
            // SAFETY: the waiter stays in place.
            assert!(unsafe { timers.add(&waiter, until) });
        };
        waiter.arm();
        wait(&mut timers, 100);
        timers.leave(&waiter);
        timers.expire(100, &ready);
        assert!(ready.is_empty() && timers.soonest() == NEVER);
        wait(&mut timers, 200);
        timers.leave(&waiter);
        wait(&mut timers, 300);
        timers.expire(250, &ready);
        assert!(ready.is_empty() && timers.soonest() == 300);
        timers.leave(&waiter);
        wait(&mut timers, 260);
        assert_eq!(timers.soonest(), 260);
        timers.expire(260, &ready);
        assert_eq!(waiter.disarm(), Wake::TimedOut);
        assert!(ready.is_empty() && timers.soonest() == NEVER);
    }

    /// Deadlines from nanoseconds to years ahead, so that every ring of the wheel has its share.
    fn scattered(count: u64, from: Nanos) -> Vec<Nanos> {
        let mut seed = 88_172_645_463_325_252_u64;
        let mut chance = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        (0..count).map(|_| from + (chance() >> (8 + chance() % 50))).collect()
    }

    #[test]
    fn deadlines_come_in_order_from_every_ring_of_the_wheel() {
        for from in [0, (1 << 30) - 5, (1 << 40) - 5, (1 << 50) - 5, 1 << 59] {
            let mut deadlines = scattered(20_000, from);
            let mut expected = deadlines.clone();
            expected.sort_unstable();
            assert_eq!(order(&deadlines, &[]), expected);
            let removed: Vec<usize> = (0..deadlines.len()).step_by(2).collect();
            let woken = order(&deadlines, &removed);
            deadlines = deadlines.into_iter().skip(1).step_by(2).collect();
            deadlines.sort_unstable();
            assert_eq!(woken, deadlines);
        }
    }

    #[test]
    fn a_thread_that_looks_when_told_wakes_each_on_time_while_others_come_and_go() {
        let waiters = Timed::some(500);
        let (mut timers, ready) = (Timers::new(), List::new());
        let waits: Vec<Nanos> = scattered(20_000, 1).iter().map(|wait| wait >> 6).collect();
        let mut now = 0;
        for (turn, &wait) in waits.iter().enumerate() {
            let timed = &waiters[turn % waiters.len()];
            let waiter = &timed.waiter;
            if waiter.is_armed() {
                // Half of those that still wait are taken out, the others wait for something else from now on.
                if turn % 2 == 0 {
                    timers.remove(waiter);
                } else {
                    timers.leave(waiter);
                }
                waiter.disarm();
            }
            timed.wait(&mut timers, now + wait);
            let soonest = waiters.iter().filter(|w| w.waiter.is_armed()).map(|w| w.deadline.get()).min();
            let (soonest, next) = (soonest.unwrap_or(NEVER), timers.soonest());
            assert!(next <= soonest, "{next} comes after {soonest}");
            // A look that was in vain brings the thread nearer.
            now = now.max(if turn % 3 == 0 { next } else { now + wait / 7 });
            timers.expire(now, &ready);
            while !ready.is_empty() {
                assert!(Timed::next(&ready).deadline.get() <= now);
            }
            let in_time = |w: &Timed| !w.waiter.is_armed() || w.deadline.get() > now;
            assert!(waiters.iter().all(in_time), "somebody is late");
        }
    }

    #[test]
    fn few_looks_are_in_vain() {
        let waiters = Timed::some(1000);
        let (mut timers, ready) = (Timers::new(), List::new());
        for (timed, wait) in waiters.iter().zip(1..) {
            timed.wait(&mut timers, wait * 10_000_000_000);
        }
        let mut looks = 0;
        while timers.soonest() != NEVER {
            let next = timers.soonest();
            timers.expire(next, &ready);
            looks += 1;
        }
        assert!(waiters.iter().all(|w| !w.waiter.is_armed() && w.waiter.disarm() == Wake::TimedOut));
        assert!(looks <= 3 * waiters.len(), "{looks} looks");
    }

    #[test]
    fn a_deadline_that_never_comes_needs_no_timer() {
        assert_eq!(order(&[NEVER, 5, NEVER], &[]), [5]);
    }

    #[test]
    fn nothing_expires_before_its_time() {
        let (waiter, mut timers, ready) = (Waiter::new(), Timers::new(), List::new());
        waiter.arm();
        // SAFETY: the waiter stays in place.
        assert!(unsafe { timers.add(&waiter, 100) });
        timers.expire(99, &ready);
        assert!(ready.is_empty() && timers.soonest() == 100);
        timers.remove(&waiter);
    }
}
