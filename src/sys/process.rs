//! The process: its limits and signals.

use core::ffi::c_int;
use core::ops::Range;
use core::ptr;
use std::io;

use super::KERNEL_SIGSET;

/// The process's id, asked of the kernel: true in a `vfork` child too.
pub fn process_id() -> libc::pid_t {
    // SAFETY: always succeeds and touches nothing.
    unsafe { call!(SYS_getpid) }.map_or(0, |pid| pid as libc::pid_t)
}

/// Gets and optionally sets the limit on the number of open descriptors.
pub fn descriptor_limit(new: Option<&libc::rlimit64>) -> io::Result<libc::rlimit64> {
    let mut old = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: one readable and one writable structure.
    unsafe { call!(SYS_prlimit64, 0, libc::RLIMIT_NOFILE, new, &raw mut old) }?;
    Ok(old)
}

/// A signal's action as the kernel keeps it (`struct kernel_sigaction`).
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct SignalAction {
    /// `SIG_DFL`, `SIG_IGN` or a function.
    pub handler: usize,
    /// `SA_*`.
    pub flags: usize,
    /// Where the handler returns to.
    pub restorer: usize,
    /// Signals blocked meanwhile.
    pub mask: u64,
}

/// `rt_sigaction(2)`: gives the old action and sets a new one, if any.
pub fn signal_action(signal: c_int, new: Option<&SignalAction>) -> io::Result<SignalAction> {
    let mut old = SignalAction::default();
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: both structures are the kernel's; the callers answer for the handler.
    unsafe { call!(SYS_rt_sigaction, signal, new, &raw mut old, KERNEL_SIGSET) }?;
    Ok(old)
}

/// The range of the calling thread's alternate signal stack; empty when it has none.
pub fn alternate_stack() -> Range<usize> {
    let mut stack = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: the kernel fills one structure.
    let known = unsafe { call!(SYS_sigaltstack, 0, &raw mut stack) }.is_ok();
    let size = if known && stack.ss_flags & libc::SS_DISABLE == 0 { stack.ss_size } else { 0 };
    stack.ss_sp.addr()..stack.ss_sp.addr() + size
}

/// The signal in a mask: the first in the lowest bit.
pub const fn signal_bit(signal: c_int) -> u64 {
    1 << ((signal as u32).wrapping_sub(1) % u64::BITS)
}

/// The calling thread's signal mask, which `new` replaces if given.
pub fn signal_mask(new: Option<u64>) -> io::Result<u64> {
    let mut old = 0u64;
    let set = new.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
    // SAFETY: both sets are one word.
    unsafe { call!(SYS_rt_sigprocmask, libc::SIG_SETMASK, set, &raw mut old, KERNEL_SIGSET) }.map(|_| old)
}

/// Sends a signal to the calling thread.
pub fn raise(signal: c_int) {
    signal_thread(thread_id(), signal);
}

/// Kills a process.
pub fn kill(process: libc::pid_t) {
    // SAFETY: numbers. It fails only for one that is gone.
    let _ = unsafe { call!(SYS_kill, process, libc::SIGKILL) };
}

/// Sends a signal to a thread of the process.
pub fn signal_thread(thread: c_int, signal: c_int) {
    // SAFETY: no memory is involved.
    let _ = unsafe { call!(SYS_tgkill, process_id(), thread, signal) };
}

/// The calling thread's id.
pub fn thread_id() -> c_int {
    // SAFETY: always succeeds and touches nothing.
    unsafe { call!(SYS_gettid) }.map_or(0, |id| id as c_int)
}

/// Gives the calling thread a name of at most 15 bytes.
pub fn name_thread(name: &core::ffi::CStr) {
    // SAFETY: the kernel only reads; it cuts off what is longer.
    let _ = unsafe { call!(SYS_prctl, libc::PR_SET_NAME, name.as_ptr()) };
}

/// `rt_sigtimedwait(2)` that never sleeps: takes a pending signal of `set`, or EAGAIN.
///
/// # Safety
/// `info` is null or writable, or not mapped at all.
pub unsafe fn take_signal(set: u64, info: *mut libc::siginfo_t) -> io::Result<c_int> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: by contract; the set and the time are readable.
    unsafe { call!(SYS_rt_sigtimedwait, &raw const set, info, &raw const zero, KERNEL_SIGSET) }
        .map(|signal| signal as c_int)
}

/// A descriptor that is readable while a signal of `set` is pending; non-blocking and close-on-exec.
pub fn signalfd(set: u64) -> io::Result<c_int> {
    let flags = libc::SFD_NONBLOCK | libc::SFD_CLOEXEC;
    // SAFETY: the kernel reads the set.
    unsafe { call!(SYS_signalfd4, -1isize, &raw const set, KERNEL_SIGSET, flags) }.map(|fd| fd as c_int)
}

/// Whether the process belongs to the foreground of its terminal `fd`, or that is not its terminal.
pub fn in_foreground(fd: c_int) -> bool {
    let mut foreground: libc::pid_t = 0;
    // SAFETY: the kernel writes one number.
    unsafe {
        let known = call!(SYS_ioctl, fd, libc::TIOCGPGRP, &raw mut foreground).is_ok();
        !known || call!(SYS_getpgid, 0).is_ok_and(|own| own as libc::pid_t == foreground)
    }
}
