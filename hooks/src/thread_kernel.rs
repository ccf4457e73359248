//! What libc asks the kernel about a thread, where that is a coroutine or has thread-local storage of its own: the kernel knows
//! the one they run on.

use core::ffi::{CStr, c_char, c_int, c_void};

use colib_core::threads::{self, storage};
use libc::{clockid_t, pthread_attr_t, pthread_t};

use crate::call::apart;
use crate::real;

// SAFETY: as in `input`.

/// Makes the real call about a thread, or about the kernel's thread that it runs on.
unsafe fn about<T>(thread: pthread_t, real: impl FnOnce(pthread_t) -> T) -> T {
    match threads::on() {
        // SAFETY: see above.
        Some(on) => apart(|_| unsafe { real(on.kernel_thread(thread)) }),
        // SAFETY: see above.
        None => real(unsafe { storage::kernel_thread(thread) }),
    }
}

unsafe extern "C" {
    fn pthread_attr_setaffinity_np(attributes: *mut pthread_attr_t, size: usize, set: *const c_void)
    -> c_int;
}

pub unsafe extern "C" fn attributes(thread: pthread_t, attributes: *mut pthread_attr_t) -> c_int {
    // SAFETY: see above; the set has room for the kernel's.
    unsafe {
        let ours = apart(|_| match threads::on() {
            Some(on) => on.attributes(thread, attributes),
            None => storage::attributes(thread, attributes),
        });
        let Some(error) = ours else { return real::pthread_getattr_np(thread, attributes) };
        let mut set = [0u64; 128];
        let size = size_of_val(&set);
        if error == 0 && affinity(thread, size, set.as_mut_ptr().cast()) == 0 {
            pthread_attr_setaffinity_np(attributes, size, set.as_ptr().cast());
        }
        error
    }
}

pub unsafe extern "C" fn affinity(thread: pthread_t, size: usize, set: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, |thread| real::pthread_getaffinity_np(thread, size, set)) }
}

pub unsafe extern "C" fn set_affinity(thread: pthread_t, size: usize, set: *const c_void) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, |thread| real::pthread_setaffinity_np(thread, size, set)) }
}

pub unsafe extern "C" fn scheduling(thread: pthread_t, policy: *mut c_int, parameters: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, |thread| real::pthread_getschedparam(thread, policy, parameters)) }
}

pub unsafe extern "C" fn set_scheduling(
    thread: pthread_t, policy: c_int, parameters: *const c_void,
) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, |thread| real::pthread_setschedparam(thread, policy, parameters)) }
}

pub unsafe extern "C" fn set_priority(thread: pthread_t, priority: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, |thread| real::pthread_setschedprio(thread, priority)) }
}

pub unsafe extern "C" fn cpu_clock(thread: pthread_t, clock: *mut clockid_t) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, |thread| real::pthread_getcpuclockid(thread, clock)) }
}

pub unsafe extern "C" fn set_name(thread: pthread_t, name: *const c_char) -> c_int {
    // SAFETY: see above; the name is the program's string.
    unsafe {
        let ours = threads::on().and_then(|on| apart(|_| on.set_name(thread, CStr::from_ptr(name))));
        ours.unwrap_or_else(|| about(thread, |thread| real::pthread_setname_np(thread, name)))
    }
}

pub unsafe extern "C" fn name(thread: pthread_t, name: *mut c_char, room: usize) -> c_int {
    // SAFETY: see above; there is `room` for the name.
    unsafe {
        let ours = threads::on().and_then(|on| apart(|_| on.name(thread)));
        let Some(own) = ours else {
            return about(thread, |thread| real::pthread_getname_np(thread, name, room));
        };
        if room < own.len() {
            return libc::ERANGE;
        }
        let length = own.iter().position(|&byte| byte == 0).map_or(own.len(), |end| end + 1);
        own.as_ptr().cast::<c_char>().copy_to_nonoverlapping(name, length);
    }
    0
}

/// The signal goes to the kernel's thread, whichever coroutine runs there; a call of the one that is meant ends.
unsafe fn send(
    thread: pthread_t, signal: c_int, queued: bool, real: impl FnOnce(pthread_t) -> c_int,
) -> c_int {
    match threads::on() {
        // SAFETY: see above.
        Some(on) => apart(|_| unsafe { on.kill(thread, signal, queued, real) }),
        // SAFETY: see above.
        None => real(unsafe { storage::kernel_thread(thread) }),
    }
}

pub unsafe extern "C" fn kill(thread: pthread_t, signal: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { send(thread, signal, false, |thread| real::pthread_kill(thread, signal)) }
}

pub unsafe extern "C" fn queue_signal(thread: pthread_t, signal: c_int, value: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { send(thread, signal, true, |thread| real::pthread_sigqueue(thread, signal, value)) }
}
