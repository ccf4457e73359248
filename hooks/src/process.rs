//! Calls that wait for children.

use core::ffi::{c_char, c_int, c_uint};
use core::ptr;

use colib_core::io;
use libc::{id_t, pid_t, rusage, siginfo_t};

use crate::call::call;
use crate::file::done;

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
