//! The other names of what makes and deletes keys: libc does not tell their destructors.

use core::ffi::{c_int, c_uint, c_void};
use core::mem::transmute;

use colib_core::local::{self, Destructor};

use crate::real;

// SAFETY: as in `input`.

/// Notes the destructor of a key that was just made.
unsafe fn note(result: c_int, key: *const c_uint, destructor: *mut c_void) -> c_int {
    if result == 0 {
        // SAFETY: see above; null, or a function of that type.
        unsafe { local::created(*key, transmute::<*mut c_void, Option<Destructor>>(destructor)) };
    }
    result
}

pub unsafe extern "C" fn key_create(key: *mut c_uint, destructor: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { note(real::__pthread_key_create(key, destructor), key, destructor) }
}

pub unsafe extern "C" fn tss_create(key: *mut c_uint, destructor: *mut c_void) -> c_int {
    // SAFETY: see above.
    unsafe { note(real::tss_create(key, destructor), key, destructor) }
}

pub unsafe extern "C" fn tss_delete(key: c_uint) {
    local::deleted(key);
    // SAFETY: see above.
    unsafe { real::tss_delete(key) };
}
