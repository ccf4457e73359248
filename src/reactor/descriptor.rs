//! The library's own descriptors: opened late, kept at high numbers, close-on-exec.
//!
//! The program must see the numbers it would have seen without us. Where the hard limit allows, ours lie
//! above the soft limit, out of every number the program could get.

use core::ffi::c_int;
use std::io;

use super::registry;
use crate::latch::Mutex;
use crate::sys;

/// Numbers beyond this make the kernel keep a needlessly large table.
const CEILING: u64 = 1 << 16;
/// How far below the limit to begin where there is no room above it.
const ROOM: u64 = 256;

/// Moves a fresh descriptor to a high number and marks it as the library's own: for the program, that number is not open.
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
        Err(io::Error::from_raw_os_error(libc::ENOMEM))
    }
}

/// A close-on-exec duplicate of `fd` at a number that the program hardly meets, not marked.
pub fn duplicate_high(fd: c_int) -> io::Result<c_int> {
    let limit = sys::descriptor_limit(None)?;
    if limit.rlim_cur < limit.rlim_max.min(CEILING)
        && let Some(high) = duplicate_beyond(limit, fd)
    {
        return Ok(high);
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

/// Whoever raises the soft limit has this. None waits for it but a thread that forks: children inherit the limit.
static RAISED: Mutex<()> = Mutex::new(());

/// Nobody raises the limit while the process forks.
pub fn stop_for_fork() {
    core::mem::forget(RAISED.lock());
}

/// The fork is over.
///
/// # Safety
/// Follows [`stop_for_fork`] on the same thread.
pub unsafe fn go_on_after_fork() {
    // SAFETY: by contract.
    unsafe { RAISED.force_unlock() };
}

/// The same above the soft limit, which is raised for the one call. A thread that opens descriptors in between could go
/// beyond its limit by as little as that call takes. `None` when it fails, or while another thread does that.
fn duplicate_beyond(limit: libc::rlimit64, fd: c_int) -> Option<c_int> {
    let _alone = RAISED.try_lock()?;
    let raised = libc::rlimit64 { rlim_cur: (limit.rlim_cur + ROOM).min(limit.rlim_max), ..limit };
    let before = sys::descriptor_limit(Some(&raised)).ok()?;
    let high = sys::fcntl(fd, libc::F_DUPFD_CLOEXEC, before.rlim_cur as c_int).ok();
    // What the program has set meanwhile stands.
    let (mut ours, mut next) = (raised, before);
    while let Ok(found) = sys::descriptor_limit(Some(&next))
        && found.rlim_cur != ours.rlim_cur
    {
        (ours, next) = (next, found);
    }
    high
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
