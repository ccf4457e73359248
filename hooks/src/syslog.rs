//! The system log. Which priorities are masked is remembered here: libc tells it only under a lock that is held while
//! somebody waits for the log.

use core::ffi::{c_char, c_int, c_void};
use core::sync::atomic::{AtomicI32, Ordering};

use colib_core::stdio::{Format, syslog as log};
use colib_core::tls;

use crate::call::{apart, ended_by_cancellation};
use crate::real;
use crate::stdio_format::variadic;

// SAFETY: as in `input`.

/// libc's mask.
static MASK: AtomicI32 = AtomicI32::new(0xff);

/// What the mask is before anybody has changed it through us.
pub fn begin() {
    // SAFETY: zero changes nothing.
    MASK.store(unsafe { real::setlogmask(0) }, Ordering::Relaxed);
}

/// Changes libc's mask and remembers it: the one that libc has in the end, whoever else changes it at the same time.
fn change_mask(mask: c_int) -> c_int {
    // SAFETY: a function of numbers.
    unsafe {
        let before = real::setlogmask(mask);
        loop {
            let now = real::setlogmask(0);
            if MASK.swap(now, Ordering::SeqCst) == now {
                return before;
            }
        }
    }
}

pub unsafe extern "C" fn setlogmask(mask: c_int) -> c_int {
    if tls::hook_word() == 0 {
        // SAFETY: as above.
        return if mask == 0 { unsafe { real::setlogmask(0) } } else { change_mask(mask) };
    }
    let known = MASK.load(Ordering::SeqCst);
    if mask == 0 {
        return known;
    }
    // SAFETY: see above.
    apart(|scheduler| unsafe { log::change(scheduler, move || change_mask(mask)) }).unwrap_or(known)
}

variadic! {
    syslog(_priority: c_int, _format: *const c_char) => vsyslog, 2;
    syslog_chk(_priority: c_int, _flag: c_int, _format: *const c_char) => vsyslog_chk, 3;
}

unsafe fn write(priority: c_int, flag: Option<c_int>, format: *const c_char, arguments: *mut c_void) {
    let mask = MASK.load(Ordering::SeqCst);
    if log::is_ignored(priority, mask) {
        return;
    }
    let text = Format { flag, format, arguments };
    // SAFETY: see above.
    let write = || apart(|scheduler| unsafe { log::write(scheduler, priority, mask, &text) });
    ended_by_cancellation(write, |&cancelled| cancelled);
}

pub unsafe extern "C" fn vsyslog(priority: c_int, format: *const c_char, arguments: *mut c_void) {
    // SAFETY: see above.
    unsafe { write(priority, None, format, arguments) };
}

pub unsafe extern "C" fn vsyslog_chk(
    priority: c_int, flag: c_int, format: *const c_char, arguments: *mut c_void,
) {
    // SAFETY: see above.
    unsafe { write(priority, Some(flag), format, arguments) };
}

pub unsafe extern "C" fn openlog(name: *const c_char, options: c_int, facility: c_int) {
    let name = name.expose_provenance();
    // SAFETY: see above. libc keeps the name, so it stays where it is.
    let open = move || unsafe { real::openlog(core::ptr::with_exposed_provenance(name), options, facility) };
    // SAFETY: see above.
    apart(|scheduler| unsafe { log::change(scheduler, open) });
}

pub unsafe extern "C" fn closelog() {
    // SAFETY: see above.
    apart(|scheduler| unsafe { log::change(scheduler, || real::closelog()) });
}
