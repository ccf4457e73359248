//! Signal masks, where threads are coroutines.

use core::ffi::c_int;
use core::mem::zeroed;
use core::ptr;

use colib_core::capi::set_errno;
use colib_core::reactor::registry;
use colib_core::threads::{self, Threads};
use libc::sigset_t;

use crate::call::apart;
use crate::real;

// SAFETY: as in `input`.

/// Who keeps the masks, where threads are coroutines.
fn keeper() -> Option<&'static Threads> {
    // A child of vfork must not change what its parent remembers.
    threads::on().filter(|_| registry::in_this_process())
}

/// What libc's own function gives, or an error for a thread that is a coroutine.
unsafe fn change(
    how: c_int, set: *const sigset_t, old: *mut sigset_t, real: impl FnOnce() -> c_int,
) -> Result<c_int, c_int> {
    let Some(on) = keeper() else { return Ok(real()) };
    // SAFETY: see above; null, or the program's. The kernel looks at the first word of a set only.
    unsafe {
        let set = set.cast::<u64>().as_ref().copied();
        let before = apart(|_| on.change_mask(how, set))?;
        if let Some(old) = old.cast::<u64>().as_mut() {
            *old = before;
        }
    }
    Ok(0)
}

pub unsafe extern "C" fn pthread_sigmask(how: c_int, set: *const sigset_t, old: *mut sigset_t) -> c_int {
    // SAFETY: see above.
    unsafe { change(how, set, old, || real::pthread_sigmask(how, set, old)) }.unwrap_or_else(|error| error)
}

pub unsafe extern "C" fn sigprocmask(how: c_int, set: *const sigset_t, old: *mut sigset_t) -> c_int {
    // SAFETY: see above.
    unsafe { change(how, set, old, || real::sigprocmask(how, set, old)) }.unwrap_or_else(|error| {
        set_errno(error);
        -1
    })
}

/// Changes the mask by one signal.
unsafe fn change_one(how: c_int, signal: c_int) -> c_int {
    // SAFETY: see above; all zeroes are an empty set.
    unsafe {
        let mut one: sigset_t = zeroed();
        if libc::sigaddset(&mut one, signal) != 0 { -1 } else { sigprocmask(how, &one, ptr::null_mut()) }
    }
}

pub unsafe extern "C" fn sighold(signal: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { if keeper().is_some() { change_one(libc::SIG_BLOCK, signal) } else { real::sighold(signal) } }
}

pub unsafe extern "C" fn sigrelse(signal: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { if keeper().is_some() { change_one(libc::SIG_UNBLOCK, signal) } else { real::sigrelse(signal) } }
}

/// What BSD's functions change and give: the first 32 signals.
fn change_first(how: c_int, mask: c_int, real: impl FnOnce() -> c_int) -> c_int {
    let Some(on) = keeper() else { return real() };
    let set = Some(u64::from(mask.cast_unsigned()));
    apart(|_| on.change_mask(how, set)).map_or(-1, |before| before as c_int)
}

pub unsafe extern "C" fn sigblock(mask: c_int) -> c_int {
    // SAFETY: see above.
    change_first(libc::SIG_BLOCK, mask, || unsafe { real::sigblock(mask) })
}

pub unsafe extern "C" fn sigsetmask(mask: c_int) -> c_int {
    // SAFETY: see above.
    change_first(libc::SIG_SETMASK, mask, || unsafe { real::sigsetmask(mask) })
}

pub unsafe extern "C" fn siggetmask() -> c_int {
    // SAFETY: see above.
    change_first(libc::SIG_BLOCK, 0, || unsafe { real::siggetmask() })
}
