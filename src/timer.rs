//! The deadlines of one thread: a four-ary heap that knows the place of each waiter.
//!
//! Exact to the nanosecond, so that nobody wakes early and ties keep no particular order. Four children a
//! node halve the depth of a binary heap and keep siblings in one cache line.
//!
//! Most time-outs of calls never come: a waiter that was woken otherwise stays in the heap until its old deadline,
//! and its next wait, when that ends later, changes nothing but the waiter.

use crate::clock::{NEVER, Nanos};
use crate::list::List;
use crate::waiter::{Waiter, Wake};

const CHILDREN: usize = 4;

#[derive(Clone, Copy)]
struct Entry {
    deadline: Nanos,
    waiter: *const Waiter,
}

/// All deadlines of a thread.
///
/// Invariant: `entries[i].waiter` is valid and `waiter.timer == i`. `entries[i].deadline` is at most the waiter's, which
/// is [`NEVER`] while it waits for nothing.
#[derive(Default)]
pub struct Timers {
    entries: Vec<Entry>,
}

impl Timers {
    /// No deadlines.
    pub const fn new() -> Self {
        Timers { entries: Vec::new() }
    }

    /// When to look next: no later than the earliest deadline; [`NEVER`] without any.
    pub fn next(&self) -> Nanos {
        self.entries.first().map_or(NEVER, |e| e.deadline)
    }

    /// Adds the waiter's deadline; a deadline of [`NEVER`] needs no timer. `false` when memory is out.
    ///
    /// # Safety
    /// The waiter stays in place until [`Timers::remove`] or until it expires, and stands in no other timers.
    #[must_use]
    pub unsafe fn add(&mut self, waiter: *const Waiter) -> bool {
        // SAFETY: by contract.
        let deadline = unsafe { &*waiter }.deadline.get();
        if deadline == NEVER {
            return true;
        }
        // SAFETY: as above.
        let place = unsafe { &*waiter }.timer.get() as usize;
        if let Some(entry) = self.entries.get_mut(place) {
            if deadline < entry.deadline {
                entry.deadline = deadline;
                self.rise(place);
            }
            return true;
        }
        if self.entries.try_reserve(1).is_err() {
            return false;
        }
        self.entries.push(Entry { deadline, waiter });
        self.rise(self.entries.len() - 1);
        true
    }

    /// The waiter waits no longer, and stays in place nevertheless, until [`Timers::remove`].
    pub fn leave(&self, waiter: &Waiter) {
        waiter.deadline.set(NEVER);
    }

    /// Takes a waiter out; nothing happens when it is not in.
    pub fn remove(&mut self, waiter: &Waiter) {
        let place = waiter.timer.replace(Waiter::NO_TIMER) as usize;
        if place >= self.entries.len() {
            return;
        }
        let last = self.entries.len() - 1;
        self.entries.swap_remove(place);
        if place != last {
            // The entry that filled the hole may belong above or below it.
            self.rise(place);
            // SAFETY: invariant.
            let moved = unsafe { &*self.entries[place].waiter };
            self.sink(moved.timer.get() as usize);
        }
    }

    /// Wakes everything whose deadline is not after `now`. Nothing runs meanwhile, so what a woken
    /// coroutine adds is not looked at before the next turn.
    pub fn expire(&mut self, now: Nanos, ready: &List) {
        while let Some(first) = self.entries.first() {
            if first.deadline > now {
                break;
            }
            let waiter = first.waiter;
            // SAFETY: invariant; the waiter belongs to this thread as its timers do.
            unsafe {
                let deadline = (*waiter).deadline.get();
                if deadline > now && deadline != NEVER {
                    self.entries[0].deadline = deadline;
                    self.sink(0);
                    continue;
                }
                self.remove(&*waiter);
                if deadline != NEVER {
                    Waiter::wake(waiter, Wake::TimedOut, ready);
                }
            }
        }
    }

    fn put(&mut self, place: usize, entry: Entry) {
        self.entries[place] = entry;
        // SAFETY: invariant.
        unsafe { (*entry.waiter).timer.set(place as u32) };
    }

    fn rise(&mut self, mut place: usize) {
        let entry = self.entries[place];
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if self.entries[parent].deadline <= entry.deadline {
                break;
            }
            self.put(place, self.entries[parent]);
            place = parent;
        }
        self.put(place, entry);
    }

    fn sink(&mut self, mut place: usize) {
        let entry = self.entries[place];
        loop {
            let first = place * CHILDREN + 1;
            let end = (first + CHILDREN).min(self.entries.len());
            let Some(child) = (first..end).min_by_key(|&i| self.entries[i].deadline) else { break };
            if entry.deadline <= self.entries[child].deadline {
                break;
            }
            self.put(place, self.entries[child]);
            place = child;
        }
        self.put(place, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(deadlines: &[Nanos], removed: &[usize]) -> Vec<Nanos> {
        let waiters: Vec<Waiter> = deadlines.iter().map(|_| Waiter::new()).collect();
        let (mut timers, ready) = (Timers::new(), List::new());
        for (waiter, &deadline) in waiters.iter().zip(deadlines) {
            waiter.deadline.set(deadline);
            waiter.arm();
            // SAFETY: the waiters stay in place.
            assert!(unsafe { timers.add(waiter) });
        }
        for &i in removed {
            timers.remove(&waiters[i]);
        }
        let mut woken = Vec::new();
        while timers.next() != NEVER {
            timers.expire(timers.next(), &ready);
            while !ready.is_empty() {
                // SAFETY: the ready queue holds links of these waiters.
                let waiter = unsafe { &*Waiter::of_ready(ready.first()) };
                assert_eq!(waiter.disarm(), Wake::TimedOut);
                woken.push(waiter.deadline.get());
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
            waiter.deadline.set(until);
            // SAFETY: the waiter stays in place.
            assert!(unsafe { timers.add(&waiter) });
        };
        waiter.arm();
        wait(&mut timers, 100);
        timers.leave(&waiter);
        timers.expire(100, &ready);
        assert!(ready.is_empty() && timers.next() == NEVER);
        wait(&mut timers, 200);
        timers.leave(&waiter);
        wait(&mut timers, 300);
        timers.expire(250, &ready);
        assert!(ready.is_empty() && timers.next() == 300);
        timers.leave(&waiter);
        wait(&mut timers, 260);
        assert_eq!(timers.next(), 260);
        timers.expire(260, &ready);
        assert_eq!(waiter.disarm(), Wake::TimedOut);
        assert!(ready.is_empty() && timers.next() == NEVER);
    }

    #[test]
    fn a_deadline_that_never_comes_needs_no_timer() {
        assert_eq!(order(&[NEVER, 5, NEVER], &[]), [5]);
    }

    #[test]
    fn nothing_expires_before_its_time() {
        let (waiter, mut timers, ready) = (Waiter::new(), Timers::new(), List::new());
        waiter.deadline.set(100);
        waiter.arm();
        // SAFETY: the waiter stays in place.
        assert!(unsafe { timers.add(&waiter) });
        timers.expire(99, &ready);
        assert!(ready.is_empty() && timers.next() == 100);
        timers.remove(&waiter);
    }
}
