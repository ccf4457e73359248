//! Who runs when: resume, yield, park, release.

mod common;

use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use colib_core::capi::{co_reset, co_resume, co_self, co_yield_ct};
use colib_core::clock;
use colib_core::scheduler::Scheduler;
use colib_core::waiter::Wake;
use common::{create, release, run_all, spawn};

type Log = Rc<RefCell<Vec<&'static str>>>;

#[test]
fn control_goes_back_and_forth_between_a_coroutine_and_who_resumes_it() {
    let log = Log::default();
    let theirs = log.clone();
    let co = create(move |_| {
        theirs.borrow_mut().push("begins");
        // SAFETY: no contract.
        unsafe { co_yield_ct() };
        theirs.borrow_mut().push("ends");
    });
    log.borrow_mut().push("made");
    // SAFETY: the coroutine was not released; once it has ended, a resume does nothing.
    unsafe {
        co_resume(co);
        log.borrow_mut().push("between");
        co_resume(co);
        co_resume(co);
    }
    assert_eq!(*log.borrow(), ["made", "begins", "between", "ends"]);
    release(co, true);
}

#[test]
fn whoever_was_resumed_yields_to_who_resumed_it_to_any_depth() {
    fn nest(depth: usize) -> usize {
        let reached = Rc::new(Cell::new(0));
        let theirs = reached.clone();
        let co = spawn(move |_| theirs.set(if depth == 0 { 1 } else { nest(depth - 1) + 1 }));
        release(co, true);
        reached.get()
    }
    assert_eq!(nest(300), 301);
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines_and_not_early() {
    let log: Rc<RefCell<Vec<u64>>> = Rc::default();
    let mut all = Vec::new();
    for millis in [30, 10, 20] {
        let log = log.clone();
        all.push(spawn(move |scheduler| {
            let deadline = clock::after(Duration::from_millis(millis));
            // SAFETY: a coroutine of this thread runs.
            assert_eq!(unsafe { Scheduler::sleep(scheduler, deadline) }, Wake::TimedOut);
            assert!(clock::now() >= deadline);
            log.borrow_mut().push(millis);
        }));
    }
    run_all();
    assert_eq!(*log.borrow(), [10, 20, 30]);
    all.into_iter().for_each(|co| release(co, true));
}

#[test]
fn a_parked_coroutine_that_is_resumed_learns_it() {
    let co = spawn(|scheduler| {
        // SAFETY: a coroutine of this thread runs.
        assert_eq!(unsafe { Scheduler::sleep(scheduler, clock::NEVER) }, Wake::Resumed);
    });
    // SAFETY: not released.
    unsafe { co_resume(co) };
    release(co, true);
}

#[test]
fn a_sleeper_that_is_released_never_wakes() {
    let woke = Rc::new(RefCell::new(false));
    let theirs = woke.clone();
    let co = spawn(move |scheduler| {
        // SAFETY: a coroutine of this thread runs.
        unsafe { Scheduler::sleep(scheduler, clock::after(Duration::from_millis(5))) };
        *theirs.borrow_mut() = true;
    });
    release(co, false);
    let other = spawn(|scheduler| {
        // SAFETY: as above.
        unsafe { Scheduler::sleep(scheduler, clock::after(Duration::from_millis(20))) };
    });
    run_all();
    assert!(!*woke.borrow());
    release(other, true);
}

#[test]
fn a_reset_coroutine_begins_anew() {
    unsafe extern "C" fn count(counter: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
        // SAFETY: the test's counter outlives the coroutine.
        unsafe {
            *counter.cast::<u32>() += 1;
            co_yield_ct();
        }
        counter
    }
    let (mut counter, mut co) = (0u32, core::ptr::null_mut());
    let argument = (&raw mut counter).cast();
    // SAFETY: everything outlives its use.
    unsafe {
        assert_eq!(colib_core::capi::co_create(&mut co, core::ptr::null(), Some(count), argument), 0);
        co_resume(co);
        co_reset(co);
        co_resume(co);
        assert_eq!(counter, 2);
        colib_core::capi::co_release(co);
    }
}

#[test]
fn outside_any_coroutine_a_yield_does_nothing() {
    // SAFETY: no contract.
    unsafe { co_yield_ct() };
    let co = spawn(|_| assert!(!co_self().is_null()));
    release(co, true);
    // SAFETY: as above.
    unsafe { co_yield_ct() };
}
