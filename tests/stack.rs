//! Shared stacks under coroutines: what is live survives, whoever else used the stack.
use core::ffi::c_void;
use core::ptr;

use colib_core::capi::{
    co_alloc_sharestack, co_create, co_free_sharestack, co_release, co_resume, co_yield_ct, stCoRoutine_t,
    stCoRoutineAttr_t,
};

/// Fills a part of its stack, and finds it as it was after each yield.
unsafe extern "C" fn keeps_its_locals(seed: *mut c_void) -> *mut c_void {
    let seed = seed.addr() as u8;
    let mut locals = [0u8; 300];
    for round in 0..4u8 {
        locals.fill(seed.wrapping_add(round));
        core::hint::black_box(&mut locals);
        // SAFETY: no contract.
        unsafe { co_yield_ct() };
        assert!(core::hint::black_box(&locals).iter().all(|&b| b == seed.wrapping_add(round)));
    }
    ptr::null_mut()
}

/// Resumes the coroutine it is given, which runs on the same stack, and then yields.
unsafe extern "C" fn resumes(other: *mut c_void) -> *mut c_void {
    let mark = core::hint::black_box([7u8; 200]);
    // SAFETY: the test's coroutine was not released.
    unsafe {
        for _ in 0..3 {
            co_resume(other.cast());
            assert_eq!(core::hint::black_box(&mark), &[7u8; 200]);
            co_yield_ct();
            assert_eq!(core::hint::black_box(&mark), &[7u8; 200]);
        }
    }
    ptr::null_mut()
}

fn create(
    attributes: &stCoRoutineAttr_t, body: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    argument: *mut c_void,
) -> *mut stCoRoutine_t {
    let mut co = ptr::null_mut();
    // SAFETY: everything outlives its use.
    assert_eq!(unsafe { co_create(&mut co, attributes, Some(body), argument) }, 0);
    co
}

#[test]
fn coroutines_of_one_stack_keep_their_locals_in_any_order() {
    let stacks = co_alloc_sharestack(2, 64 * 1024);
    let attributes = stCoRoutineAttr_t { stack_size: 0, share_stack: stacks };
    let all: Vec<_> =
        (0..20).map(|i| create(&attributes, keeps_its_locals, ptr::without_provenance_mut(i * 11))).collect();
    // SAFETY: none was released before the end.
    unsafe {
        for round in 0..100usize {
            co_resume(all[round * 7 % 20]);
        }
        assert_eq!(co_free_sharestack(stacks), -1, "it is in use");
        all.into_iter().for_each(|co| co_release(co));
        assert_eq!(co_free_sharestack(stacks), 0);
    }
}

#[test]
fn a_coroutine_resumes_another_of_its_own_stack() {
    let stacks = co_alloc_sharestack(1, 64 * 1024);
    let attributes = stCoRoutineAttr_t { stack_size: 0, share_stack: stacks };
    let inner = create(&attributes, keeps_its_locals, ptr::without_provenance_mut(3));
    let outer = create(&attributes, resumes, inner.cast());
    // SAFETY: as above.
    unsafe {
        for _ in 0..5 {
            co_resume(outer);
        }
        co_release(outer);
        co_release(inner);
        assert_eq!(co_free_sharestack(stacks), 0);
    }
}
