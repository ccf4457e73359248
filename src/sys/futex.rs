//! Words that threads sleep on.

use core::ffi::c_int;
use core::sync::atomic::AtomicU32;
use std::io;

/// Sleeps while the word has this value; may wake for no reason.
pub fn futex_wait(word: &AtomicU32, value: u32) {
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel reads the word; a null time-out is none.
    let _ = unsafe { call!(SYS_futex, word.as_ptr(), operation, value, 0) };
}

/// Wakes at most `most` of those who sleep on the word, in other processes too when it is `shared`. The kernel goes
/// by the address: memory that is gone by now does no harm.
pub fn futex_wake(word: *const AtomicU32, most: c_int, shared: bool) {
    let private = if shared { 0 } else { libc::FUTEX_PRIVATE_FLAG };
    // SAFETY: the kernel checks the address.
    let _ = unsafe { call!(SYS_futex, word, libc::FUTEX_WAKE | private, most) };
}

/// Whether the program's word has this value, as the kernel sees it: an error of EFAULT where there is none.
pub fn futex_compare(word: *const u32, value: u32) -> io::Result<bool> {
    let operation = libc::FUTEX_CMP_REQUEUE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel checks the address. It wakes nobody and moves nobody.
    match unsafe { call!(SYS_futex, word, operation, 0, 0, word, value) } {
        Ok(_) => Ok(true),
        Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => Ok(false),
        Err(e) => Err(e),
    }
}
