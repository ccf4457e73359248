//! Calls that make children, and wait for them.

use core::ffi::{c_char, c_int, c_uint, c_void};
use core::ptr;

use colib_core::{fork, io, threads};
use libc::{id_t, pid_t, rusage, siginfo_t};

use crate::call::call;
use crate::file::done;
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn wait4(pid: pid_t, status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::wait4(scheduler, pid, status, options, usage) }) as pid_t
}

pub unsafe extern "C" fn wait3(status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t {
    // SAFETY: see above.
    unsafe { wait4(-1, status, options, usage) }
}

pub unsafe extern "C" fn waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t {
    // SAFETY: see above.
    unsafe { wait4(pid, status, options, ptr::null_mut()) }
}

pub unsafe extern "C" fn wait(status: *mut c_int) -> pid_t {
    // SAFETY: see above.
    unsafe { wait4(-1, status, 0, ptr::null_mut()) }
}

pub unsafe extern "C" fn waitid(kind: c_uint, id: id_t, info: *mut siginfo_t, options: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::waitid(scheduler, kind, id, info, options)) }) as c_int
}

pub unsafe extern "C" fn system(command: *const c_char) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::system(scheduler, command) }) as c_int
}

pub unsafe extern "C" fn fork() -> pid_t {
    fork::look_after();
    // SAFETY: see above.
    unsafe { real::fork() }
}

pub unsafe extern "C" fn forkpty(
    controller: *mut c_int, name: *mut c_char, terms: *const c_void, size: *const c_void,
) -> pid_t {
    fork::look_after();
    // SAFETY: see above.
    unsafe { real::forkpty(controller, name, terms, size) }
}

pub unsafe extern "C" fn daemon(stay: c_int, keep: c_int) -> c_int {
    fork::look_after();
    // SAFETY: see above.
    unsafe { real::daemon(stay, keep) }
}

/// A signal handler of the program's exits. Its frames, this one included, may be left behind.
pub unsafe extern "C" fn exit(status: c_int) {
    // SAFETY: see above.
    unsafe {
        if let Some(on) = threads::on() {
            on.exit_from_handler(status);
        }
        real::exit(status);
    }
}
