//! `syscall(SYS_futex)`, where threads are coroutines.

use core::ffi::{c_int, c_long};

use colib_core::capi::set_errno;
use colib_core::threads::{self, futex};

use crate::call::apart;
use crate::lock::in_coroutine;
use crate::numbers;

// SAFETY: as in `input`. Plain threads come here too; the hook word tells.

/// From now on `syscall` of this number is hooked.
pub fn begin() {
    if threads::on().is_some() {
        numbers::add(libc::SYS_futex);
    }
}

fn answer(error: c_int) -> c_long {
    if error == 0 {
        return 0;
    }
    set_errno(error);
    -1
}

/// Waits as a coroutine.
unsafe fn wait(address: usize, operation: c_int, value: usize, time: usize, bits: u32) -> c_long {
    let relative = operation & libc::FUTEX_CMD_MASK == libc::FUTEX_WAIT;
    let clock = match operation & libc::FUTEX_CLOCK_REALTIME {
        0 => libc::CLOCK_MONOTONIC,
        _ => libc::CLOCK_REALTIME,
    };
    let shared = operation & libc::FUTEX_PRIVATE_FLAG == 0;
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
    // What the kernel refuses at once, it shall refuse itself.
    if address % size_of::<u32>() != 0 || bits == 0 {
        return kernel(value);
    }
    match command {
        libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET if in_coroutine() => {
            // SAFETY: see above.
            unsafe { wait(address, operation, value, time, bits) }
        }
        libc::FUTEX_WAKE | libc::FUTEX_WAKE_BITSET => {
            // The kernel takes no number for one.
            let most = (value as c_int).max(1) as usize;
            let woken = apart(|_| futex::wake(address, most, bits));
            if woken == most { woken as c_long } else { kernel(most - woken).max(0) + woken as c_long }
        }
        libc::FUTEX_REQUEUE | libc::FUTEX_CMP_REQUEUE | libc::FUTEX_WAKE_OP => {
            // Who waits in the lot wakes for no reason rather than move; callers look again.
            let done = kernel(value);
            if done < 0 {
                return done;
            }
            let woken = apart(|_| {
                let also =
                    if command == libc::FUTEX_WAKE_OP { futex::wake(second, usize::MAX, bits) } else { 0 };
                also + futex::wake(address, usize::MAX, bits)
            });
            done + woken as c_long
        }
        _ => kernel(value),
    }
}
