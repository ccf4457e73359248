//! Signal masks, where threads are coroutines.

use core::ffi::c_int;

use colib_core::capi::set_errno;
use colib_core::reactor::registry;
use colib_core::threads;
use libc::sigset_t;

use crate::call::apart;
use crate::real;

// SAFETY: as in `input`.

/// What libc's own function gives, or an error for a thread that is a coroutine.
unsafe fn change(
    how: c_int, set: *const sigset_t, old: *mut sigset_t, real: impl FnOnce() -> c_int,
) -> Result<c_int, c_int> {
    // A child of vfork must not change what its parent remembers.
    let Some(on) = threads::on().filter(|_| registry::in_this_process()) else { return Ok(real()) };
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
