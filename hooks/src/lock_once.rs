//! What is to happen once.

use core::arch::naked_asm;
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicI32, Ordering};

use colib_core::sync::{lot, once};

use crate::call::apart;
use crate::lock::in_coroutine;
use crate::real;
use crate::types::Routine;

// SAFETY: as in `lock`.

thread_local! {
    /// What a `pthread_once` of our own looks like while libc runs its routine.
    static PROBE: (Cell<*const AtomicI32>, Cell<c_int>) = const { (Cell::new(ptr::null()), Cell::new(0)) };
}

extern "C" fn look_at_probe() {
    // SAFETY: `begun` has set it, and waits for us.
    PROBE.with(|(word, seen)| seen.set(unsafe { (*word.get()).load(Ordering::Relaxed) }));
}

/// What libc writes into the word of a `pthread_once` in this process, while somebody is at it. `None` when the function
/// behind ours is not libc's, but ThreadSanitizer's: its words mean something else.
fn begun() -> Option<c_int> {
    let word = AtomicI32::new(0);
    PROBE.with(|(place, seen)| {
        place.set(&word);
        // SAFETY: the word is a new one.
        unsafe { real::pthread_once(word.as_ptr(), look_at_probe) };
        once::is_done(&word).then(|| seen.get())
    })
}

#[unsafe(naked)]
unsafe extern "C" fn run_routine(control: *mut c_int, run: Routine) {
    naked_asm!(include_str!("../../asm/x86_64/once.S"), personality = sym personality, options(att_syntax))
}

unsafe extern "C" {
    fn _Unwind_GetGR(context: *mut c_void, register: c_int) -> usize;
}

/// Called by the unwinder when an exception, or the end of the thread, passes by the routine.
unsafe extern "C" fn personality(
    _version: c_int, actions: c_int, _class: u64, _exception: *mut c_void, context: *mut c_void,
) -> c_int {
    const CLEANUP_PHASE: c_int = 2;
    const CONTINUE_UNWIND: c_int = 8;
    const RBX: c_int = 3;
    if actions & CLEANUP_PHASE != 0 {
        // SAFETY: the unwinder's context is that of `run_routine`, which has the word's address there.
        unsafe {
            let control = ptr::with_exposed_provenance_mut::<c_int>(_Unwind_GetGR(context, RBX));
            apart(|_| once::end(AtomicI32::from_ptr(control), false));
        }
    }
    CONTINUE_UNWIND
}

pub unsafe extern "C" fn once(control: *mut c_int, run: Routine) -> c_int {
    // SAFETY: see above. Nothing on this frame needs dropping: the routine may be left by an exception.
    unsafe {
        if !in_coroutine() {
            let result = real::pthread_once(control, run);
            apart(|_| lot::poke(control.addr()));
            return result;
        }
        let word = AtomicI32::from_ptr(control);
        if once::is_done(word) {
            return 0;
        }
        let Some(begun) = apart(|_| begun()) else { return real::pthread_once(control, run) };
        if apart(|scheduler| once::begin(scheduler, word, begun)) {
            control.expose_provenance();
            // The routine is the program's, and may park.
            run_routine(control, run);
            apart(|_| once::end(word, true));
        }
        0
    }
}

pub unsafe extern "C" fn call_once(control: *mut c_int, run: Routine) {
    // SAFETY: see above; a `once_flag` is the word of a `pthread_once`.
    unsafe { once(control, run) };
}
