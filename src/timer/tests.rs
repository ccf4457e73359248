//! What the timers promise, whichever of their parts a deadline stands in.

use super::*;
use crate::list::List;
use crate::waiter::Wake;
use core::cell::Cell;

impl Timers {
    fn expire_into(&mut self, now: Nanos, ready: &List) {
        // SAFETY: the waiters and the queue stay in place.
        self.expire(now, |waiter| unsafe { Waiter::wake(waiter, Wake::TimedOut, ready) });
    }
}

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
        timers.expire_into(next, &ready);
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
    timers.expire_into(100, &ready);
    assert!(ready.is_empty() && timers.soonest() == NEVER);
    wait(&mut timers, 200);
    timers.leave(&waiter);
    wait(&mut timers, 300);
    timers.expire_into(250, &ready);
    assert!(ready.is_empty() && timers.soonest() == 300);
    timers.leave(&waiter);
    wait(&mut timers, 260);
    assert_eq!(timers.soonest(), 260);
    timers.expire_into(260, &ready);
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
        timers.expire_into(now, &ready);
        while !ready.is_empty() {
            assert!(Timed::next(&ready).deadline.get() <= now);
        }
        let in_time = |w: &Timed| !w.waiter.is_armed() || w.deadline.get() > now;
        assert!(waiters.iter().all(in_time), "somebody is late");
    }
}

#[test]
fn of_ticks_that_have_begun_some_may_leave_and_others_come() {
    // Five ticks of two hundred each, beyond those that stand in the heap. All is looked at every fifth of a tick.
    let waiters = Timed::some(1000 + FEW);
    let (mut timers, ready) = (Timers::new(), List::new());
    let step = (1 << TICK) / 200;
    for (timed, place) in waiters.iter().zip(0..) {
        timed.wait(&mut timers, (10 << TICK) + place * 7919 % 1000 * step);
    }
    let (mut now, mut chance) = (10 << TICK, 1_usize);
    while waiters.iter().any(|timed| timed.waiter.is_armed()) {
        now += (1 << TICK) / 5;
        timers.expire_into(now, &ready);
        while !ready.is_empty() {
            let late = now - Timed::next(&ready).deadline.get();
            assert!(late <= (1 << TICK) / 5, "{late} ns late");
        }
        for _ in 0..20 {
            chance = chance.wrapping_mul(25_173).wrapping_add(13_849);
            let timed = &waiters[chance / 16 % waiters.len()];
            if timed.waiter.is_armed() {
                timers.remove(&timed.waiter);
                timed.waiter.disarm();
                if chance & 8 != 0 && timed.deadline.get() > now + (1 << TICK) {
                    timed.wait(&mut timers, now + (1 << (TICK - 1)));
                }
            }
        }
    }
    assert_eq!(timers.soonest(), NEVER);
}

#[test]
fn deadlines_are_dense_when_enough_come_soon_wherever_they_stand() {
    let waiters = Timed::some(300);
    let mut timers = Timers::new();
    for (timed, place) in waiters.iter().zip(0..) {
        timed.wait(&mut timers, (10 << TICK) + place * 1000);
    }
    timers.expire(10 << TICK, |_| ());
    for count in [2, FEW, FEW + 2, 200] {
        let until = (10 << TICK) + count as Nanos * 1000;
        assert!(timers.are_dense(until, count) && !timers.are_dense(until, count + 1));
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
        timers.expire_into(next, &ready);
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
    timers.expire_into(99, &ready);
    assert!(ready.is_empty() && timers.soonest() == 100);
    timers.remove(&waiter);
}
