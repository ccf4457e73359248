//! `syscall(SYS_futex)`, of which programs make locks of their own: C++20's library, Rust's.

use core::ffi::{c_int, c_long};

use colib_core::capi::set_errno;
use colib_core::sync::futex;

use crate::call::apart;
use crate::lock::in_coroutine;

// SAFETY: as in `input`. Plain threads come here too; the hook word tells.

fn answer(error: c_int) -> c_long {
    if error == 0 {
        return 0;
    }
    set_errno(error);
    -1
}

fn is_shared(operation: c_int) -> bool {
    operation & libc::FUTEX_PRIVATE_FLAG == 0
}

/// Waits as a coroutine.
unsafe fn wait(address: usize, operation: c_int, value: usize, time: usize, bits: u32) -> c_long {
    let shared = is_shared(operation);
    let relative = operation & libc::FUTEX_CMD_MASK == libc::FUTEX_WAIT;
    let clock = match operation & libc::FUTEX_CLOCK_REALTIME {
        0 => libc::CLOCK_MONOTONIC,
        _ => libc::CLOCK_REALTIME,
    };
    answer(apart(|scheduler| {
        // SAFETY: see above.
        unsafe {
            match futex::limit(clock, core::ptr::with_exposed_provenance(time), relative) {
                Ok(limit) => {
                    let value = value as u32;
                    futex::wait(scheduler, &futex::Wait { address, value, bits, limit, shared })
                }
                Err(error) => error,
            }
        }
    }))
}

/// The call with its arguments; `kernel` makes it with another number of those to wake, or another word to go to.
pub unsafe fn futex(arguments: [usize; 6], kernel: impl Fn(usize) -> c_long) -> c_long {
    let [address, operation, value, time, second, third] = arguments;
    let operation = operation as c_int;
    let command = operation & libc::FUTEX_CMD_MASK;
    let bits = match command {
        libc::FUTEX_WAIT_BITSET | libc::FUTEX_WAKE_BITSET => third as u32,
        _ => u32::MAX,
    };
    // What the kernel refuses at once, it shall refuse itself: only one of these takes the other clock.
    let other_clock = operation & libc::FUTEX_CLOCK_REALTIME != 0 && command != libc::FUTEX_WAIT_BITSET;
    if address % size_of::<u32>() != 0 || bits == 0 || other_clock {
        return kernel(value);
    }
    let wake = |address, most| apart(|_| futex::wake(address, is_shared(operation), most, bits));
    match command {
        libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET if in_coroutine() => {
            // SAFETY: see above.
            unsafe { wait(address, operation, value, time, bits) }
        }
        libc::FUTEX_WAKE | libc::FUTEX_WAKE_BITSET => {
            // The kernel takes no number for one.
            let most = (value as c_int).max(1) as usize;
            match wake(address, most) {
                0 => kernel(value),
                woken if woken == most => woken as c_long,
                woken => kernel(most - woken).max(0) + woken as c_long,
            }
        }
        libc::FUTEX_REQUEUE | libc::FUTEX_CMP_REQUEUE | libc::FUTEX_WAKE_OP => {
            // Who waits in the lot wakes for no reason rather than move; callers look again.
            let done = kernel(value);
            if done < 0 {
                return done;
            }
            let also = if command == libc::FUTEX_WAKE_OP { wake(second, usize::MAX) } else { 0 };
            done + (also + wake(address, usize::MAX)) as c_long
        }
        _ => kernel(value),
    }
}
