//! Calls that wait for many descriptors at once.

use core::ffi::c_int;
use core::ptr;
use core::time::Duration;

use colib_core::clock::{self, NEVER, Nanos};
use colib_core::io;
use libc::{fd_set, nfds_t, pollfd, sigset_t, timespec, timeval};

use crate::call::call;
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::poll(scheduler, fds, count, clock::after_millis(timeout), ptr::null()) })
        as c_int
}

pub unsafe extern "C" fn poll_chk(fds: *mut pollfd, count: nfds_t, timeout: c_int, room: usize) -> c_int {
    // SAFETY: see above. libc's own ends the program when the array is too small.
    unsafe {
        if too_small(count, room) {
            real::__poll_chk(fds, count, timeout, room)
        } else {
            poll(fds, count, timeout)
        }
    }
}

pub unsafe extern "C" fn ppoll(
    fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t,
) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::poll(scheduler, fds, count, until(timeout)?, mask) }) as c_int
}

pub unsafe extern "C" fn ppoll_chk(
    fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t, room: usize,
) -> c_int {
    // SAFETY: see above.
    unsafe {
        if too_small(count, room) {
            real::__ppoll_chk(fds, count, timeout, mask, room)
        } else {
            ppoll(fds, count, timeout, mask)
        }
    }
}

pub unsafe extern "C" fn select(
    count: c_int, reading: *mut fd_set, writing: *mut fd_set, except: *mut fd_set, timeout: *mut timeval,
) -> c_int {
    // SAFETY: see above. As the kernel does, the time that is left is written back.
    call(|scheduler| unsafe {
        let deadline = match timeout.as_ref() {
            None => NEVER,
            Some(t) if t.tv_sec < 0 || t.tv_usec < 0 => return Err(invalid()),
            Some(t) => {
                clock::after(Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64))
            }
        };
        let found = io::select(scheduler, count, [reading, writing, except], deadline, ptr::null());
        if !timeout.is_null() {
            let left = clock::left(deadline);
            *timeout = timeval { tv_sec: left.as_secs() as i64, tv_usec: i64::from(left.subsec_micros()) };
        }
        found
    }) as c_int
}

pub unsafe extern "C" fn pselect(
    count: c_int, reading: *mut fd_set, writing: *mut fd_set, except: *mut fd_set, timeout: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe {
        io::select(scheduler, count, [reading, writing, except], until(timeout)?, mask)
    }) as c_int
}

fn too_small(count: nfds_t, room: usize) -> bool {
    room / size_of::<pollfd>() < count as usize
}

fn invalid() -> std::io::Error {
    std::io::Error::from_raw_os_error(libc::EINVAL)
}

/// The deadline of a time-out that may be null; EINVAL for one that the kernel refuses.
unsafe fn until(timeout: *const timespec) -> std::io::Result<Nanos> {
    // SAFETY: null or the program's.
    match unsafe { timeout.as_ref() } {
        None => Ok(NEVER),
        Some(&time) => clock::duration(time).map(clock::after).ok_or_else(invalid),
    }
}
