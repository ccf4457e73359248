//! Calls that wait for time.

use core::ffi::{c_int, c_uint};
use core::time::Duration;
use std::io::{Error, Result};

use colib_core::clock;
use colib_core::io;
use colib_core::io::offload::{self, Kind};
use colib_core::scheduler::Scheduler;
use colib_core::sys;
use colib_core::waiter::Interrupt;
use libc::{clockid_t, timespec};

use crate::call::{apart, call, cancellable};
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn sleep(seconds: c_uint) -> c_uint {
    let deadline = clock::after(Duration::from_secs(u64::from(seconds)));
    // SAFETY: see above.
    match call(|scheduler| unsafe { io::sleep_until(scheduler, deadline).map(|()| 0usize) }) {
        0 => 0,
        _ => clock::left(deadline).as_secs() as c_uint,
    }
}

pub unsafe extern "C" fn usleep(micros: c_uint) -> c_int {
    let deadline = clock::after(Duration::from_micros(u64::from(micros)));
    // SAFETY: see above.
    call(|scheduler| unsafe { io::sleep_until(scheduler, deadline).map(|()| 0usize) }) as c_int
}

pub unsafe extern "C" fn nanosleep(wait: *const timespec, left: *mut timespec) -> c_int {
    call(|scheduler| {
        // SAFETY: see above.
        unsafe { nap(scheduler, libc::CLOCK_MONOTONIC, false, read(scheduler, wait)?, left).map(|()| 0usize) }
    }) as c_int
}

pub unsafe extern "C" fn clock_nanosleep(
    clock: clockid_t, flags: c_int, time: *const timespec, left: *mut timespec,
) -> c_int {
    let absolute = flags & libc::TIMER_ABSTIME != 0;
    match clock {
        libc::CLOCK_REALTIME
        | libc::CLOCK_MONOTONIC
        | libc::CLOCK_BOOTTIME
        | libc::CLOCK_TAI
        | libc::CLOCK_REALTIME_ALARM
        | libc::CLOCK_BOOTTIME_ALARM => {
            cancellable(|| {
                // SAFETY: see above.
                let slept = apart(|scheduler| unsafe {
                    nap(scheduler, clock, absolute, read(scheduler, time)?, left)
                });
                slept.err().and_then(|error| error.raw_os_error()).unwrap_or(0)
            })
        }
        _ if counts_computing(clock) => {
            // SAFETY: see above.
            cancellable(|| apart(|scheduler| unsafe { compute_on(scheduler, clock, flags, time, left) }))
        }
        // SAFETY: see above. What is left has no sleep, or is no clock, and says so at once.
        _ => unsafe { real::clock_nanosleep(clock, flags, time, left) },
    }
}

pub unsafe extern "C" fn thrd_sleep(wait: *const timespec, left: *mut timespec) -> c_int {
    // SAFETY: see above. The codes are those of threads.h.
    match unsafe { clock_nanosleep(libc::CLOCK_REALTIME, 0, wait, left) } {
        0 => 0,
        libc::EINTR => -1,
        _ => -2,
    }
}

/// Whether it is the processor time of a process or of another thread. By its own no thread can sleep.
///
/// The kernel's numbers: 0, 1 and 2 in the lowest bits are kinds of such time, the next says that it is a thread's, and
/// above them stands the complement of whose it is, with 0 for the caller.
fn counts_computing(clock: clockid_t) -> bool {
    let (kind, of_thread, whose) = (clock & 3, clock & 4 != 0, !(clock >> 3));
    let is_own = of_thread && (whose == 0 || whose == sys::thread_id());
    clock == libc::CLOCK_PROCESS_CPUTIME_ID || clock < 0 && kind < 3 && !is_own
}

/// Sleeps by a clock that stands while nobody computes: a helper can wait for it as well as we. Gives the error's number.
unsafe fn compute_on(
    scheduler: *mut Scheduler, clock: clockid_t, flags: c_int, time: *const timespec, left: *mut timespec,
) -> c_int {
    let time = match read(scheduler, time) {
        Ok(time) => time,
        Err(error) => return error.raw_os_error().unwrap_or(libc::EFAULT),
    };
    // SAFETY: see above; the helper has the times.
    let slept = unsafe {
        offload::run_as(scheduler, Kind::WAIT.ended_by(Interrupt::Any), move || {
            let mut rest = time;
            (real::clock_nanosleep(clock, flags, &time, &mut rest), rest)
        })
    };
    let (error, rest) = slept.unwrap_or_else(|error| (error.raw_os_error().unwrap_or(libc::EAGAIN), time));
    if error == libc::EINTR && flags & libc::TIMER_ABSTIME == 0 && !left.is_null() {
        // SAFETY: see above.
        unsafe { *left = rest };
    }
    error
}

/// Sleeps, and tells in `left` what is left of a relative time when a signal handler ended the sleep.
unsafe fn nap(
    scheduler: *mut Scheduler, clock: clockid_t, absolute: bool, time: timespec, left: *mut timespec,
) -> Result<()> {
    // SAFETY: see above.
    unsafe {
        if absolute && clock != libc::CLOCK_MONOTONIC {
            // These clocks can be set while we sleep.
            return io::sleep_until_clock(scheduler, clock, time);
        }
        // As `read` gave it.
        let wait = clock::duration(time).unwrap_or_default();
        if absolute {
            let deadline = u64::try_from(wait.as_nanos()).unwrap_or(clock::NEVER);
            return io::sleep_until(scheduler, deadline);
        }
        let deadline = clock::after(wait);
        let slept = io::sleep_until(scheduler, deadline);
        if slept.is_err() && !left.is_null() {
            let rest = clock::left(deadline);
            *left = timespec { tv_sec: rest.as_secs() as i64, tv_nsec: i64::from(rest.subsec_nanos()) };
        }
        slept
    }
}

/// The program's time: EFAULT and EINVAL as the kernel gives them.
fn read(scheduler: *mut Scheduler, time: *const timespec) -> Result<timespec> {
    // SAFETY: see above.
    let time = unsafe { Scheduler::read_in(scheduler, time)? };
    if clock::duration(time).is_none() {
        return Err(Error::from_raw_os_error(libc::EINVAL));
    }
    Ok(time)
}
