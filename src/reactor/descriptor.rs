//! The library's own descriptors: opened late, kept at high numbers, close-on-exec.
//!
//! The program must see the numbers it would have seen without us. Where the hard limit allows, ours lie
//! above the soft limit, out of every number the program could get.

use core::ffi::c_int;
use std::io;

use super::registry;
use crate::sys;

/// Numbers beyond this make the kernel keep a needlessly large table.
const CEILING: u64 = 1 << 16;
/// How far below the limit to begin where there is no room above it.
const ROOM: u64 = 256;

/// Moves a fresh descriptor to a high number and marks it as the library's own.
pub fn adopt(fd: c_int) -> io::Result<c_int> {
    let high = elsewhere(fd);
    sys::close(fd);
    high
}

/// A duplicate of `fd` at another high number, marked as the library's own.
fn elsewhere(fd: c_int) -> io::Result<c_int> {
    let high = duplicate_high(fd)?;
    if registry::set_own(high, true) {
        Ok(high)
    } else {
        sys::close(high);
        Err(io::ErrorKind::OutOfMemory.into())
    }
}

/// A close-on-exec duplicate of `fd` at a number that the program hardly meets, not marked.
pub fn duplicate_high(fd: c_int) -> io::Result<c_int> {
    let limit = sys::descriptor_limit(None)?;
    if limit.rlim_cur < limit.rlim_max && limit.rlim_cur < CEILING {
        // Above the soft limit: raised for the one call. A thread that opens descriptors in between
        // could go beyond its limit by as little as that call takes.
        let raised = libc::rlimit64 { rlim_cur: (limit.rlim_cur + ROOM).min(limit.rlim_max), ..limit };
        if sys::descriptor_limit(Some(&raised)).is_ok() {
            let high = sys::fcntl(fd, libc::F_DUPFD_CLOEXEC, limit.rlim_cur as c_int);
            let _ = sys::descriptor_limit(Some(&limit));
            if high.is_ok() {
                return high;
            }
        }
    }
    let ceiling = limit.rlim_cur.min(CEILING);
    // From near the top downwards until a free number is found.
    let mut below = ROOM;
    loop {
        let from = ceiling.saturating_sub(below);
        match sys::fcntl(fd, libc::F_DUPFD_CLOEXEC, from as c_int) {
            Err(_) if from > 0 => below = below.saturating_mul(8),
            result => return result,
        }
    }
}

/// Closes one of the library's own descriptors.
pub fn discard(fd: c_int) {
    if fd >= 0 {
        registry::set_own(fd, false);
        sys::close(fd);
    }
}

/// Moves the library's descriptor `fd` away from a number that the program is about to use itself.
pub fn vacate(fd: c_int) {
    if registry::in_this_process() {
        // Without room for it elsewhere the thread finds out by EBADF and makes a new one.
        registry::replace(fd, || elsewhere(fd).unwrap_or(-1));
    }
}
