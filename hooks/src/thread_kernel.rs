//! What libc asks the kernel about a thread, where threads are coroutines: the kernel knows the one they run on.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};

use colib_core::threads;
use libc::{clockid_t, pthread_attr_t, pthread_t};

use crate::call::apart;
use crate::real;

// SAFETY: as in `input`.

/// Makes the real call about a thread, or about the kernel's thread when that is a coroutine.
unsafe fn about<T>(thread: pthread_t, real: impl FnOnce() -> T) -> T {
    match threads::on() {
        // SAFETY: see above.
        Some(on) => apart(|_| unsafe { on.as_kernel_thread(thread, real) }),
        None => real(),
    }
}

pub unsafe extern "C" fn attributes(thread: pthread_t, attributes: *mut pthread_attr_t) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, || real::pthread_getattr_np(thread, attributes)) }
}

pub unsafe extern "C" fn affinity(thread: pthread_t, size: usize, set: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, || real::pthread_getaffinity_np(thread, size, set)) }
}

pub unsafe extern "C" fn set_affinity(thread: pthread_t, size: usize, set: *const c_void) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, || real::pthread_setaffinity_np(thread, size, set)) }
}

pub unsafe extern "C" fn scheduling(thread: pthread_t, policy: *mut c_int, parameters: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, || real::pthread_getschedparam(thread, policy, parameters)) }
}

pub unsafe extern "C" fn set_scheduling(
    thread: pthread_t, policy: c_int, parameters: *const c_void,
) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, || real::pthread_setschedparam(thread, policy, parameters)) }
}

pub unsafe extern "C" fn set_priority(thread: pthread_t, priority: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, || real::pthread_setschedprio(thread, priority)) }
}

pub unsafe extern "C" fn cpu_clock(thread: pthread_t, clock: *mut clockid_t) -> c_int {
    // SAFETY: see above.
    unsafe { about(thread, || real::pthread_getcpuclockid(thread, clock)) }
}

/// What libc does on each of the kernel's threads: on the one that all coroutines run on it is done once, by the caller.
macro_rules! on_all_threads {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        pub unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
            // SAFETY: see above.
            let real = || unsafe { real::$name($($argument),*) };
            match threads::on() {
                Some(on) => apart(|_| on.as_main(real)),
                None => real(),
            }
        }
    )*};
}

on_all_threads! {
    setuid(id: c_uint);
    setgid(id: c_uint);
    seteuid(id: c_uint);
    setegid(id: c_uint);
    setreuid(own: c_uint, effective: c_uint);
    setregid(own: c_uint, effective: c_uint);
    setresuid(own: c_uint, effective: c_uint, saved: c_uint);
    setresgid(own: c_uint, effective: c_uint, saved: c_uint);
    setgroups(count: usize, groups: *const c_uint);
}

pub unsafe extern "C" fn set_name(thread: pthread_t, name: *const c_char) -> c_int {
    // SAFETY: see above; the name is the program's string.
    unsafe {
        let ours = threads::on().and_then(|on| apart(|_| on.set_name(thread, CStr::from_ptr(name))));
        ours.unwrap_or_else(|| real::pthread_setname_np(thread, name))
    }
}

pub unsafe extern "C" fn name(thread: pthread_t, name: *mut c_char, room: usize) -> c_int {
    // SAFETY: see above; there is `room` for the name.
    unsafe {
        let ours = threads::on().and_then(|on| apart(|_| on.name(thread)));
        let Some(own) = ours else {
            return about(thread, || real::pthread_getname_np(thread, name, room));
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
unsafe fn send(thread: pthread_t, signal: c_int, real: impl FnOnce() -> c_int) -> c_int {
    match threads::on() {
        // SAFETY: see above.
        Some(on) => apart(|_| unsafe { on.kill(thread, signal, real) }),
        None => real(),
    }
}

pub unsafe extern "C" fn kill(thread: pthread_t, signal: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { send(thread, signal, || real::pthread_kill(thread, signal)) }
}

pub unsafe extern "C" fn queue_signal(thread: pthread_t, signal: c_int, value: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { send(thread, signal, || real::pthread_sigqueue(thread, signal, value)) }
}
