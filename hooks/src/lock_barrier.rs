//! Barriers.

use core::ffi::c_int;

use colib_core::sync::barrier;
use libc::pthread_barrier_t;

use crate::call::apart;
use crate::lock::in_coroutine;
use crate::real;

// SAFETY: as in `lock`.

pub unsafe extern "C" fn wait(barrier: *mut pthread_barrier_t) -> c_int {
    // SAFETY: see above.
    unsafe {
        if in_coroutine() {
            return apart(|scheduler| barrier::wait(scheduler, barrier));
        }
        let result = real::pthread_barrier_wait(barrier);
        apart(|_| barrier::passed(barrier));
        result
    }
}
