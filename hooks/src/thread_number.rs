//! The numbers of threads, where threads are coroutines, and the calls that take them: the kernel does not know them.

use core::ffi::{c_int, c_long, c_void};

use colib_core::alone;
use colib_core::reactor::registry;
use colib_core::sys;
use colib_core::threads::{self, Threads};
use libc::{clockid_t, id_t, pid_t, sigevent, timespec};

use crate::call::apart;
use crate::{numbers, real};

// SAFETY: as in `input`.

/// System calls that take a thread's number, and in which argument.
const TAKERS: &[(c_long, usize)] = &[
    (libc::SYS_sched_setparam, 0),
    (libc::SYS_sched_getparam, 0),
    (libc::SYS_sched_setscheduler, 0),
    (libc::SYS_sched_getscheduler, 0),
    (libc::SYS_sched_rr_get_interval, 0),
    (libc::SYS_sched_setaffinity, 0),
    (libc::SYS_sched_getaffinity, 0),
    (libc::SYS_sched_setattr, 0),
    (libc::SYS_sched_getattr, 0),
    (libc::SYS_getpriority, 1),
    (libc::SYS_setpriority, 1),
    (libc::SYS_ioprio_get, 1),
    (libc::SYS_ioprio_set, 1),
];

/// From now on `syscall` of these numbers is hooked.
pub fn begin() {
    if threads::on().is_some() {
        let own = [libc::SYS_gettid, libc::SYS_set_tid_address, libc::SYS_tgkill, libc::SYS_tkill];
        for number in TAKERS.iter().map(|&(number, _)| number).chain(own) {
            numbers::add(number);
        }
    }
}

/// The threads; a child of vfork is none of them.
fn ours() -> Option<&'static Threads> {
    threads::on().filter(|_| registry::in_this_process())
}

/// The number to ask the kernel by.
fn kernel(number: c_int) -> c_int {
    ours().map_or(number, |on| on.kernel_number(number))
}

/// The same for calls that name processes, groups and users by the same argument.
fn kernel_if_thread(kind: c_int, number: id_t) -> id_t {
    if kind == libc::PRIO_PROCESS as c_int { kernel(number as c_int) as id_t } else { number }
}

/// Sends a signal to a thread of this process.
unsafe fn send(number: c_int, signal: c_int, real: impl FnOnce(c_int) -> c_int) -> c_int {
    match ours() {
        // SAFETY: see above.
        Some(on) => apart(|_| unsafe { on.send(number, signal, real) }),
        None => real(number),
    }
}

/// A system call by number that concerns threads' numbers; `None` for all others.
pub unsafe fn syscall(call: c_long, arguments: [usize; 6]) -> Option<c_long> {
    // SAFETY: see above.
    let real = |[a, b, c, d, e, f]: [usize; 6]| unsafe { real::syscall(call, a, b, c, d, e, f) };
    let [first, second, third, ..] = arguments;
    let with = |place: usize, number: c_int| {
        let mut changed = arguments;
        changed[place] = number as usize;
        real(changed)
    };
    // SAFETY: see above.
    Some(unsafe {
        match call {
            // Where the kernel tells of a thread's end is its own thread's, and stays as it is.
            libc::SYS_gettid | libc::SYS_set_tid_address => {
                ours().and_then(Threads::number).map_or_else(|| real(arguments), c_long::from)
            }
            libc::SYS_tgkill if first as c_int == sys::process_id() => {
                c_long::from(send(second as c_int, third as c_int, |number| with(1, number) as c_int))
            }
            libc::SYS_tkill => {
                c_long::from(send(first as c_int, second as c_int, |number| with(0, number) as c_int))
            }
            libc::SYS_getpriority | libc::SYS_setpriority => {
                with(1, kernel_if_thread(first as c_int, second as id_t) as c_int)
            }
            // `IOPRIO_WHO_PROCESS`.
            libc::SYS_ioprio_get | libc::SYS_ioprio_set if first != 1 => return None,
            _ => {
                let &(_, place) = TAKERS.iter().find(|&&(number, _)| number == call)?;
                with(place, kernel(arguments[place] as c_int))
            }
        }
    })
}

/// Interposes `gettid`, which is its system call and nothing else. A function and no row: Rust's library refers to it
/// weakly, which would make a trampoline of that name weak.
#[unsafe(no_mangle)]
pub extern "C" fn gettid() -> pid_t {
    ours().and_then(Threads::number).unwrap_or_else(sys::thread_id)
}

pub unsafe extern "C" fn tgkill(group: pid_t, number: pid_t, signal: c_int) -> c_int {
    // SAFETY: see above.
    unsafe {
        if group != sys::process_id() {
            return real::tgkill(group, number, signal);
        }
        send(number, signal, |number| real::tgkill(group, number, signal))
    }
}

pub unsafe extern "C" fn sched_setaffinity(number: pid_t, size: usize, set: *const c_void) -> c_int {
    // SAFETY: see above.
    unsafe { real::sched_setaffinity(kernel(number), size, set) }
}

pub unsafe extern "C" fn sched_getaffinity(number: pid_t, size: usize, set: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { real::sched_getaffinity(kernel(number), size, set) }
}

pub unsafe extern "C" fn sched_setscheduler(
    number: pid_t, policy: c_int, parameters: *const c_void,
) -> c_int {
    // SAFETY: see above.
    unsafe { real::sched_setscheduler(kernel(number), policy, parameters) }
}

pub unsafe extern "C" fn sched_getscheduler(number: pid_t) -> c_int {
    // SAFETY: see above.
    unsafe { real::sched_getscheduler(kernel(number)) }
}

pub unsafe extern "C" fn sched_setparam(number: pid_t, parameters: *const c_void) -> c_int {
    // SAFETY: see above.
    unsafe { real::sched_setparam(kernel(number), parameters) }
}

pub unsafe extern "C" fn sched_getparam(number: pid_t, parameters: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { real::sched_getparam(kernel(number), parameters) }
}

pub unsafe extern "C" fn sched_rr_get_interval(number: pid_t, time: *mut timespec) -> c_int {
    // SAFETY: see above.
    unsafe { real::sched_rr_get_interval(kernel(number), time) }
}

pub unsafe extern "C" fn getpriority(kind: c_int, who: id_t) -> c_int {
    // SAFETY: see above.
    unsafe { real::getpriority(kind, kernel_if_thread(kind, who)) }
}

pub unsafe extern "C" fn setpriority(kind: c_int, who: id_t, priority: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { real::setpriority(kind, kernel_if_thread(kind, who), priority) }
}

/// A timer may signal a thread.
pub unsafe extern "C" fn timer_create(clock: clockid_t, event: *mut sigevent, timer: *mut c_void) -> c_int {
    // SAFETY: see above; null, or the program's.
    unsafe {
        if !event.is_null() && (*event).sigev_notify == libc::SIGEV_THREAD {
            alone::expect_threads();
        }
        if event.is_null() || (*event).sigev_notify != libc::SIGEV_THREAD_ID {
            return real::timer_create(clock, event, timer);
        }
        let mut event = event.read();
        event.sigev_notify_thread_id = kernel(event.sigev_notify_thread_id);
        real::timer_create(clock, &mut event, timer)
    }
}
