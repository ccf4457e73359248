//! Calls that install signal handlers, and those that leave them by a jump.

use core::ffi::{c_int, c_void};
use core::mem::{MaybeUninit, zeroed};
use core::sync::atomic::{AtomicU64, Ordering};

use colib_core::capi::set_errno;
use colib_core::reactor::registry;
use colib_core::signal as handlers;
use colib_core::{sys, threads};
use libc::{sigaction as action, sighandler_t};

use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn sigaction(signal: c_int, new: *const action, old: *mut action) -> c_int {
    // SAFETY: see above; null, or the program's.
    unsafe {
        // A child of vfork must not change what its parent remembers.
        if !handlers::wraps_handlers() || !registry::in_this_process() {
            return real::sigaction(signal, new, old);
        }
        let before = handlers::remembered(signal);
        let mut changed = MaybeUninit::<action>::uninit();
        let mut asked = new;
        if let Some(new) = new.as_ref() {
            let mut copy = *new;
            (copy.sa_sigaction, copy.sa_flags) =
                handlers::translate(signal, copy.sa_sigaction, copy.sa_flags);
            asked = changed.write(copy);
        }
        let result = real::sigaction(signal, asked, old);
        if result == 0
            && let Some(old) = old.as_mut()
        {
            (old.sa_sigaction, old.sa_flags) = handlers::original(before, old.sa_sigaction, old.sa_flags);
        }
        result
    }
}

/// Installs a handler by one of the older functions, which differ in flags and in the mask.
unsafe fn install(signal: c_int, handler: sighandler_t, flags: c_int, masks_itself: bool) -> sighandler_t {
    // SAFETY: see above; all zeroes are a valid action.
    unsafe {
        if handler == libc::SIG_ERR {
            set_errno(libc::EINVAL);
            return libc::SIG_ERR;
        }
        let (mut new, mut old): (action, action) = (zeroed(), zeroed());
        (new.sa_sigaction, new.sa_flags) = (handler, flags);
        if masks_itself && libc::sigaddset(&mut new.sa_mask, signal) != 0 {
            return libc::SIG_ERR;
        }
        if sigaction(signal, &new, &mut old) == 0 { old.sa_sigaction } else { libc::SIG_ERR }
    }
}

/// The signals whose handlers end calls though [`bsd`] installs them, by `siginterrupt`: the first in the lowest bit.
static INTERRUPTING: AtomicU64 = AtomicU64::new(0);

/// `signal` as BSD means it: the handler stays, and interrupted calls go on, unless `siginterrupt` was called.
pub unsafe extern "C" fn bsd(signal: c_int, handler: sighandler_t) -> sighandler_t {
    let interrupts = INTERRUPTING.load(Ordering::Relaxed) & sys::signal_bit(signal) != 0;
    // SAFETY: see above.
    unsafe { install(signal, handler, if interrupts { 0 } else { libc::SA_RESTART }, true) }
}

/// `siginterrupt`: libc changes the flags of what the kernel has, and what is remembered follows.
pub unsafe extern "C" fn siginterrupt(signal: c_int, interrupts: c_int) -> c_int {
    // SAFETY: see above; all zeroes are a valid action.
    unsafe {
        let result = real::siginterrupt(signal, interrupts);
        if result == 0 {
            let bit = sys::signal_bit(signal);
            if interrupts != 0 {
                INTERRUPTING.fetch_or(bit, Ordering::Relaxed);
            } else {
                INTERRUPTING.fetch_and(!bit, Ordering::Relaxed);
            }
            let mut now: action = zeroed();
            if handlers::wraps_handlers() && sigaction(signal, core::ptr::null(), &mut now) == 0 {
                sigaction(signal, &now, core::ptr::null_mut());
            }
        }
        result
    }
}

/// `signal` as System V means it: the handler goes once it is called.
pub unsafe extern "C" fn system_v(signal: c_int, handler: sighandler_t) -> sighandler_t {
    // SAFETY: see above.
    unsafe { install(signal, handler, libc::SA_RESETHAND | libc::SA_NODEFER, false) }
}

/// `sigset`: the handler stays, and the signal is unblocked; or it is held, which installs nothing.
pub unsafe extern "C" fn sigset(signal: c_int, handler: sighandler_t) -> sighandler_t {
    /// `SIG_HOLD` of signal.h.
    const SIG_HOLD: sighandler_t = 2;
    // SAFETY: see above; all zeroes are an empty set.
    unsafe {
        let (mut one, mut before): (libc::sigset_t, libc::sigset_t) = (zeroed(), zeroed());
        if handler == SIG_HOLD {
            let mut now: action = zeroed();
            if libc::sigaddset(&mut one, signal) != 0 {
                return libc::SIG_ERR;
            }
            libc::sigprocmask(libc::SIG_BLOCK, &one, &mut before);
            return match libc::sigismember(&before, signal) {
                1 => SIG_HOLD,
                _ if sigaction(signal, core::ptr::null(), &mut now) == 0 => now.sa_sigaction,
                _ => libc::SIG_ERR,
            };
        }
        let old = install(signal, handler, 0, false);
        if old == libc::SIG_ERR || libc::sigaddset(&mut one, signal) != 0 {
            return libc::SIG_ERR;
        }
        libc::sigprocmask(libc::SIG_UNBLOCK, &one, &mut before);
        if libc::sigismember(&before, signal) == 1 { SIG_HOLD } else { old }
    }
}

pub unsafe extern "C" fn ignore(signal: c_int) -> c_int {
    // SAFETY: see above; all zeroes are a valid action.
    unsafe {
        let mut new: action = zeroed();
        new.sa_sigaction = libc::SIG_IGN;
        sigaction(signal, &new, core::ptr::null_mut())
    }
}

/// A handler jumps, perhaps out of itself.
unsafe fn leave(buffer: *mut c_void, value: c_int) {
    // SAFETY: see above.
    unsafe {
        if let Some(on) = threads::on() {
            on.jump_from_handler(buffer, value);
        }
        handlers::jumps(buffer);
    }
}

pub unsafe extern "C" fn longjmp(buffer: *mut c_void, value: c_int) {
    // SAFETY: see above.
    unsafe {
        leave(buffer, value);
        real::longjmp(buffer, value);
    }
}

pub unsafe extern "C" fn underscore_longjmp(buffer: *mut c_void, value: c_int) {
    // SAFETY: see above.
    unsafe {
        leave(buffer, value);
        real::_longjmp(buffer, value);
    }
}

pub unsafe extern "C" fn siglongjmp(buffer: *mut c_void, value: c_int) {
    // SAFETY: see above.
    unsafe {
        leave(buffer, value);
        real::siglongjmp(buffer, value);
    }
}

pub unsafe extern "C" fn longjmp_chk(buffer: *mut c_void, value: c_int) {
    // SAFETY: see above.
    unsafe {
        leave(buffer, value);
        real::__longjmp_chk(buffer, value);
    }
}
