//! Calls that make children, and wait for them.

use core::arch::naked_asm;
use core::ffi::{c_char, c_int, c_uint, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use colib_core::threads::{self, Threads, storage};
use colib_core::{fork, io};
use libc::{id_t, pid_t, rusage, siginfo_t};

use crate::call::{apart, call};
use crate::file::done;
use crate::real;
use crate::types::Routine;

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
    storage::as_kernel_thread(|| unsafe { real::fork() })
}

pub unsafe extern "C" fn forkpty(
    controller: *mut c_int, name: *mut c_char, terms: *const c_void, size: *const c_void,
) -> pid_t {
    fork::look_after();
    // SAFETY: see above.
    storage::as_kernel_thread(|| unsafe { real::forkpty(controller, name, terms, size) })
}

pub unsafe extern "C" fn daemon(stay: c_int, keep: c_int) -> c_int {
    fork::look_after();
    // SAFETY: see above.
    storage::as_kernel_thread(|| unsafe { real::daemon(stay, keep) })
}

/// What `pthread_atfork` calls, of which each program and library has its own.
pub unsafe extern "C" fn __register_atfork(
    prepare: Option<Routine>, parent: Option<Routine>, child: Option<Routine>, object: *mut c_void,
) -> c_int {
    fork::come_first();
    // SAFETY: see above.
    unsafe { real::__register_atfork(prepare, parent, child, object) }
}

/// Where a signal handler of the program's exits, its frames, this one included, may be left behind.
pub unsafe extern "C" fn exit(status: c_int) {
    // SAFETY: see above.
    unsafe {
        if let Some(on) = threads::on() {
            on.exit_from_handler(status);
            apart(|_| on.begin_exit());
        }
        real::exit(status);
    }
}

pub unsafe extern "C" fn quick_exit(status: c_int) {
    // SAFETY: see above.
    unsafe {
        if let Some(on) = threads::on() {
            apart(|_| on.begin_exit());
        }
        real::quick_exit(status);
    }
}

/// The program's `main`, once [`start`] has kept it.
static MAIN: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// What a program begins with: libc calls its `main` in there, and exits when that returns, unseen by hooks.
pub unsafe extern "C" fn start(
    main: *mut c_void, count: c_int, arguments: *mut c_void, begin: *mut c_void, end: *mut c_void,
    end_of_loader: *mut c_void, stack: *mut c_void,
) -> c_int {
    let mut first = main;
    if threads::on().is_some_and(Threads::exits_once) {
        MAIN.store(main, Ordering::Relaxed);
        first = main_then_exit as *mut c_void;
    }
    // SAFETY: as the program calls it; nobody gets what it says of itself.
    unsafe { real::__libc_start_main(first, count, arguments, begin, end, end_of_loader, stack) }
}

#[unsafe(naked)]
unsafe extern "C" fn main_then_exit() {
    naked_asm!(include_str!("../../asm/x86_64/main.S"), main = sym MAIN, exit = sym exit, options(att_syntax))
}
