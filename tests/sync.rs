//! Conditions: order, time-outs, and signals from other threads.

mod common;

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use colib_core::clock::{self, NEVER};
use colib_core::sync::Condition;
use common::{release, run_all, spawn};

#[test]
fn waiters_are_signalled_in_the_order_they_came() {
    let (condition, log) = (Rc::new(Condition::default()), Rc::new(RefCell::new(Vec::new())));
    let all: Vec<_> = (0..3)
        .map(|i| {
            let (condition, log) = (condition.clone(), log.clone());
            spawn(move |scheduler| {
                // SAFETY: a coroutine of this thread runs; the condition outlives the wait.
                unsafe { Condition::wait(&*condition, scheduler, NEVER) }.unwrap();
                log.borrow_mut().push(i);
            })
        })
        .collect();
    assert!(condition.signal() && condition.signal() && condition.signal());
    assert!(!condition.signal());
    run_all();
    assert_eq!(*log.borrow(), [0, 1, 2]);
    all.into_iter().for_each(|co| release(co, true));
}

#[test]
fn a_wait_that_nobody_signals_times_out() {
    let condition = Rc::new(Condition::default());
    let theirs = condition.clone();
    let co = spawn(move |scheduler| {
        let deadline = clock::after(Duration::from_millis(10));
        // SAFETY: as above.
        let error = unsafe { Condition::wait(&*theirs, scheduler, deadline) }.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ETIMEDOUT));
        assert!(clock::now() >= deadline);
    });
    run_all();
    assert!(condition.is_idle());
    release(co, true);
}

#[test]
fn another_thread_can_signal() {
    let condition = Arc::new(Condition::default());
    let (theirs, mine) = (condition.clone(), condition.clone());
    // SAFETY: as above.
    let co = spawn(move |scheduler| unsafe { Condition::wait(&*mine, scheduler, NEVER) }.unwrap());
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(10));
        assert!(theirs.signal());
    });
    run_all();
    other.join().unwrap();
    release(co, true);
}

#[test]
fn a_released_waiter_is_forgotten() {
    let condition = Rc::new(Condition::default());
    let theirs = condition.clone();
    let co = spawn(move |scheduler| {
        // SAFETY: as above.
        let _ = unsafe { Condition::wait(&*theirs, scheduler, NEVER) };
    });
    release(co, false);
    assert!(condition.is_idle() && !condition.signal());
}
