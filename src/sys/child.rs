//! Children of the process.

use core::ffi::{c_int, c_uint};
use core::mem::zeroed;
use std::io;

use crate::annotate;

/// `wait4(2)`: gives zero where `WNOHANG` finds nobody.
///
/// # Safety
/// The pointers are null or the program's.
pub unsafe fn wait4(
    pid: libc::pid_t, status: *mut c_int, options: c_int, usage: *mut libc::rusage,
) -> io::Result<libc::pid_t> {
    // SAFETY: by contract.
    unsafe { call!(SYS_wait4, pid, status, options, usage) }.map(|pid| pid as libc::pid_t)
}

/// `waitid(2)`.
///
/// # Safety
/// `info` is null or the program's.
pub unsafe fn waitid(
    kind: c_uint, id: libc::id_t, info: *mut libc::siginfo_t, options: c_int,
) -> io::Result<()> {
    // SAFETY: by contract.
    unsafe { call!(SYS_waitid, kind, id, info, options, 0) }.map(drop)
}

/// A descriptor of a process, close-on-exec, that is readable once the process has ended.
pub fn pidfd(pid: libc::pid_t) -> io::Result<c_int> {
    // Valgrind's kernel has none, and complains.
    if annotate::on_valgrind() {
        return Err(io::Error::from_raw_os_error(libc::ENOSYS));
    }
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_pidfd_open, pid, 0) }.map(|fd| fd as c_int)
}

/// The wait status of a process that somebody else has waited for; Linux 6.15 and later know it.
pub fn status_of_ended(pidfd: c_int) -> io::Result<c_int> {
    /// `struct pidfd_info` of linux/pidfd.h, in its first version.
    #[repr(C)]
    struct Info {
        mask: u64,
        others: [u32; 13],
        exit_code: c_int,
    }
    const GET_INFO: u32 = 0xc040_ff0b;
    const INFO_EXIT: u64 = 1 << 3;
    const { assert!(size_of::<Info>() == 64) };
    // SAFETY: plain numbers.
    let mut info: Info = unsafe { zeroed() };
    info.mask = INFO_EXIT;
    // SAFETY: the kernel fills one structure of the size that is part of the request's number.
    unsafe { call!(SYS_ioctl, pidfd, GET_INFO, &raw mut info) }?;
    if info.mask & INFO_EXIT != 0 {
        Ok(info.exit_code)
    } else {
        Err(io::Error::from_raw_os_error(libc::ECHILD))
    }
}
