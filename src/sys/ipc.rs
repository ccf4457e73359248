//! Queues and semaphores between processes.
//!
//! Pointers are the program's own or a helper's copies; the kernel checks them.

use core::ffi::{c_int, c_long, c_uint, c_void};
use std::io;

/// `msgrcv(2)`.
///
/// # Safety
/// `message` is the program's.
pub unsafe fn msgrcv(
    queue: c_int, message: *mut c_void, size: usize, kind: c_long, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_msgrcv, queue, message, size, kind, flags) }
}

/// `msgsnd(2)`.
pub fn msgsnd(queue: c_int, message: *const c_void, size: usize, flags: c_int) -> io::Result<()> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_msgsnd, queue, message, size, flags) }.map(drop)
}

/// `semtimedop(2)`.
pub fn semtimedop(
    set: c_int, operations: *const libc::sembuf, count: usize, time_out: *const libc::timespec,
) -> io::Result<()> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_semtimedop, set, operations, count, time_out) }.map(drop)
}

/// `mq_timedreceive(2)`.
///
/// # Safety
/// The pointers are the program's.
pub unsafe fn mq_receive(
    queue: c_int, message: *mut u8, size: usize, priority: *mut c_uint, until: *const libc::timespec,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_mq_timedreceive, queue, message, size, priority, until) }
}

/// `mq_timedsend(2)`.
pub fn mq_send(
    queue: c_int, message: *const u8, size: usize, priority: c_uint, until: *const libc::timespec,
) -> io::Result<()> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_mq_timedsend, queue, message, size, priority, until) }.map(drop)
}
