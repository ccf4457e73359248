//! Calls that install signal handlers, and those that leave them by a jump.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use colib_core::reactor::registry;
use colib_core::signal as handlers;
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

pub unsafe extern "C" fn signal(signal: c_int, handler: sighandler_t) -> sighandler_t {
    // SAFETY: see above; all zeroes are a valid action.
    unsafe {
        if !handlers::wraps_handlers() || handler == libc::SIG_ERR {
            return real::signal(signal, handler);
        }
        let (mut new, mut old): (action, action) = (core::mem::zeroed(), core::mem::zeroed());
        new.sa_sigaction = handler;
        new.sa_flags = libc::SA_RESTART;
        libc::sigaddset(&mut new.sa_mask, signal);
        if sigaction(signal, &new, &mut old) == 0 { old.sa_sigaction } else { libc::SIG_ERR }
    }
}

pub unsafe extern "C" fn longjmp(buffer: *mut c_void, value: c_int) {
    handlers::jumped_out_of_handlers();
    // SAFETY: see above.
    unsafe { real::longjmp(buffer, value) };
}

pub unsafe extern "C" fn underscore_longjmp(buffer: *mut c_void, value: c_int) {
    handlers::jumped_out_of_handlers();
    // SAFETY: see above.
    unsafe { real::_longjmp(buffer, value) };
}

pub unsafe extern "C" fn siglongjmp(buffer: *mut c_void, value: c_int) {
    handlers::jumped_out_of_handlers();
    // SAFETY: see above.
    unsafe { real::siglongjmp(buffer, value) };
}

pub unsafe extern "C" fn longjmp_chk(buffer: *mut c_void, value: c_int) {
    handlers::jumped_out_of_handlers();
    // SAFETY: see above.
    unsafe { real::__longjmp_chk(buffer, value) };
}
