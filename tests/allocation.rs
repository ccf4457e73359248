//! Nothing is allocated on any path that a program takes over and over, once it has taken it before.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr;
use core::time::Duration;
use std::alloc::{GlobalAlloc, Layout, System};

use colib_core::capi::{
    co_alloc_sharestack, co_cond_alloc, co_cond_free, co_cond_signal, co_cond_timedwait, co_create,
    co_free_sharestack, co_release, co_resume, co_yield_ct, stCoCond_t, stCoRoutine_t, stCoRoutineAttr_t,
    stShareStack_t,
};
use colib_core::clock::{self, NEVER};
use colib_core::scheduler::Scheduler;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: all is the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: by contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: by contract.
        unsafe { System.dealloc(block, layout) }
    }
}

type Body = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

fn create(shared: *mut stShareStack_t, body: Body, argument: *mut c_void) -> *mut stCoRoutine_t {
    let attr = stCoRoutineAttr_t { stack_size: 64 * 1024, share_stack: shared };
    let mut co = ptr::null_mut();
    // SAFETY: `co` is writable, and the bodies of these tests take what they are given.
    assert_eq!(unsafe { co_create(&mut co, &attr, Some(body), argument) }, 0);
    co
}

fn resume(co: *mut stCoRoutine_t) {
    // SAFETY: the coroutines of these tests are released at their ends.
    unsafe { co_resume(co) };
}

/// Does it twenty times, and tells how often something was allocated in the last ten.
fn allocated(mut once: impl FnMut()) -> usize {
    (0..10).for_each(|_| once());
    let before = COUNT.get();
    (0..10).for_each(|_| once());
    COUNT.get() - before
}

unsafe extern "C" fn yields(_: *mut c_void) -> *mut c_void {
    loop {
        // SAFETY: no contract.
        unsafe { co_yield_ct() };
    }
}

unsafe extern "C" fn ends(_: *mut c_void) -> *mut c_void {
    ptr::null_mut()
}

#[test]
fn making_a_coroutine_for_the_first_time_is_counted() {
    let before = COUNT.get();
    let co = create(ptr::null_mut(), ends, ptr::null_mut());
    assert!(COUNT.get() > before);
    // SAFETY: just made.
    unsafe { co_release(co) };
}

#[test]
fn switches_allocate_nothing() {
    let all: Vec<_> = (0..1000).map(|_| create(ptr::null_mut(), yields, ptr::null_mut())).collect();
    assert_eq!(allocated(|| all.iter().for_each(|&co| resume(co))), 0);
    // SAFETY: made above.
    all.iter().for_each(|&co| unsafe { co_release(co) });
}

#[test]
fn switches_on_a_shared_stack_allocate_nothing() {
    let shared = co_alloc_sharestack(2, 64 * 1024);
    let all: Vec<_> = (0..1000).map(|_| create(shared, yields, ptr::null_mut())).collect();
    assert_eq!(allocated(|| all.iter().for_each(|&co| resume(co))), 0);
    // SAFETY: made above.
    unsafe {
        all.iter().for_each(|&co| co_release(co));
        assert_eq!(co_free_sharestack(shared), 0);
    }
}

#[test]
fn making_running_and_releasing_coroutines_allocates_nothing() {
    let mut some = [ptr::null_mut(); 50];
    let count = allocated(|| {
        some.fill_with(|| create(ptr::null_mut(), ends, ptr::null_mut()));
        some.iter().for_each(|&co| resume(co));
        // SAFETY: made above.
        some.iter().for_each(|&co| unsafe { co_release(co) });
    });
    assert_eq!(count, 0);
}

unsafe extern "C" fn waits_for_condition(cond: *mut c_void) -> *mut c_void {
    loop {
        // SAFETY: the test's condition outlives it.
        assert_eq!(unsafe { co_cond_timedwait(cond.cast::<stCoCond_t>(), 60_000) }, 0);
    }
}

#[test]
fn waits_for_conditions_allocate_nothing() {
    let cond = co_cond_alloc();
    let co = create(ptr::null_mut(), waits_for_condition, cond.cast());
    resume(co);
    // SAFETY: the calling thread's scheduler; the condition lives on.
    let count = allocated(|| unsafe {
        co_cond_signal(cond);
        Scheduler::turn(Scheduler::get(), NEVER);
    });
    assert_eq!(count, 0);
    // SAFETY: made above.
    unsafe {
        co_release(co);
        assert_eq!(co_cond_free(cond), 0);
    }
}

unsafe extern "C" fn reads_bytes(fd: *mut c_void) -> *mut c_void {
    let fd = fd.addr() as i32;
    loop {
        let mut byte = 0u8;
        // SAFETY: a coroutine of this thread runs; the byte is writable.
        unsafe {
            let deadline = clock::after(Duration::from_secs(60));
            Scheduler::wait_for(Scheduler::get(), (fd, libc::EPOLLIN as u32), deadline);
            assert_eq!(libc::read(fd, (&raw mut byte).cast(), 1), 1);
        }
    }
}

#[test]
fn waits_for_descriptors_allocate_nothing() {
    let mut ends = [0; 2];
    // SAFETY: room for two numbers.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    let co = create(ptr::null_mut(), reads_bytes, ptr::without_provenance_mut(ends[0] as usize));
    resume(co);
    // SAFETY: one readable byte; the calling thread's scheduler.
    let count = allocated(|| unsafe {
        assert_eq!(libc::write(ends[1], [1u8].as_ptr().cast(), 1), 1);
        Scheduler::turn(Scheduler::get(), NEVER);
    });
    assert_eq!(count, 0);
    // SAFETY: made above.
    unsafe {
        co_release(co);
        for end in ends {
            libc::close(end);
        }
    }
}

unsafe extern "C" fn sleeps(_: *mut c_void) -> *mut c_void {
    loop {
        // SAFETY: a coroutine of this thread runs.
        unsafe { Scheduler::sleep(Scheduler::get(), clock::after(Duration::from_millis(1))) };
    }
}

#[test]
fn sleeps_allocate_nothing() {
    let co = create(ptr::null_mut(), sleeps, ptr::null_mut());
    resume(co);
    // SAFETY: the calling thread's scheduler.
    assert_eq!(allocated(|| unsafe { Scheduler::turn(Scheduler::get(), NEVER) }), 0);
    // SAFETY: made above.
    unsafe { co_release(co) };
}
