//! Calls that wait for signals.

use core::ffi::c_int;
use core::mem::zeroed;
use core::ptr;

use colib_core::clock::NEVER;
use colib_core::waiter::Interrupt;
use colib_core::{io, sys};
use libc::{siginfo_t, sigset_t, timespec};

use crate::call::{apart, call};
use crate::epoll::until;

// SAFETY: as in `input`.

/// `SI_TKILL` of asm-generic/siginfo.h: what `raise` and `pthread_kill` send.
const SI_TKILL: c_int = -6;

pub unsafe extern "C" fn pause() -> c_int {
    // SAFETY: see above.
    call(|scheduler| Err::<usize, _>(unsafe { io::pause(scheduler) })) as c_int
}

pub unsafe extern "C" fn sigsuspend(mask: *const sigset_t) -> c_int {
    // SAFETY: see above.
    call(|scheduler| Err::<usize, _>(unsafe { io::suspend(scheduler, mask) })) as c_int
}

/// `sigpause` as BSD means it: the mask's first 32 signals.
pub unsafe extern "C" fn sigpause(mask: c_int) -> c_int {
    // SAFETY: see above; the set begins with the kernel's word.
    unsafe {
        let mut set: sigset_t = zeroed();
        (&raw mut set).cast::<u64>().write(u64::from(mask as u32));
        sigsuspend(&set)
    }
}

/// `sigpause` as X/Open means it: the signal that is let through.
pub unsafe extern "C" fn xpg_sigpause(signal: c_int) -> c_int {
    // SAFETY: see above.
    unsafe {
        let mut set: sigset_t = zeroed();
        libc::sigprocmask(libc::SIG_BLOCK, ptr::null(), &mut set);
        if libc::sigdelset(&mut set, signal) != 0 {
            return -1;
        }
        sigsuspend(&set)
    }
}

pub unsafe extern "C" fn either_sigpause(which: c_int, is_signal: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { if is_signal != 0 { xpg_sigpause(which) } else { sigpause(which) } }
}

pub unsafe extern "C" fn sigwait(set: *const sigset_t, signal: *mut c_int) -> c_int {
    // SAFETY: see above. No handler ends this call: libc begins it anew.
    let taken = apart(|scheduler| unsafe {
        let set = sys::read_in(set.cast::<u64>())?;
        io::wait_for_signal(scheduler, set, ptr::null_mut(), NEVER, Interrupt::Never)
    });
    match taken {
        Ok(taken) => {
            // SAFETY: see above.
            unsafe { *signal = taken };
            0
        }
        Err(error) => error.raw_os_error().unwrap_or(libc::EINVAL),
    }
}

pub unsafe extern "C" fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> c_int {
    // SAFETY: see above.
    unsafe { sigtimedwait(set, info, ptr::null()) }
}

pub unsafe extern "C" fn sigtimedwait(
    set: *const sigset_t, info: *mut siginfo_t, timeout: *const timespec,
) -> c_int {
    // SAFETY: see above. As libc does, what a thread was sent looks like what the process was.
    unsafe {
        let taken = raw_sigtimedwait(set, info, timeout);
        if taken > 0 && !info.is_null() && (*info).si_code == SI_TKILL {
            (*info).si_code = libc::SI_USER;
        }
        taken
    }
}

/// `rt_sigtimedwait`, the system call.
pub unsafe fn raw_sigtimedwait(
    set: *const sigset_t, info: *mut siginfo_t, timeout: *const timespec,
) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe {
        let set = sys::read_in(set.cast::<u64>())?;
        let deadline = until(timeout)?;
        io::wait_for_signal(scheduler, set, info, deadline, Interrupt::Any)
    }) as c_int
}
