//! The next definition of a function after ours, found without `dlsym`.
//!
//! Up to glibc 2.35 `dlsym(RTLD_NEXT)` gives the oldest version of a function, which takes other structures than
//! programs have today, or is no good beside its later companions (conditions). Up to 2.33 it calls functions that are hooked
//! itself.

use core::ffi::{CStr, c_int, c_void};

use colib_core::object::{Symbols, segment_of};
use libc::{dl_phdr_info, size_t};

struct Search<'a> {
    names: &'a [&'a CStr],
    found: &'a mut [*mut c_void],
    /// The library itself has been passed: objects come in the order in which they were loaded.
    passed: bool,
}

/// Notes the functions of these names; leaves alone what no object has that was loaded after ours, nor libc, which was
/// loaded before where a program opened the library by `dlopen`.
pub fn definitions(names: &[&CStr], found: &mut [*mut c_void]) {
    let mut search = Search { names, found, passed: false };
    // SAFETY: the callbacks get what this function passes them.
    unsafe {
        libc::dl_iterate_phdr(Some(look_behind_us), (&raw mut search).cast());
        libc::dl_iterate_phdr(Some(look_into_libc), (&raw mut search).cast());
    }
}

unsafe extern "C" fn look_behind_us(object: *mut dl_phdr_info, _: size_t, search: *mut c_void) -> c_int {
    // SAFETY: by contract of `dl_iterate_phdr`; `search` is `definitions`' own.
    unsafe {
        let (object, search) = (&*object, &mut *search.cast::<Search>());
        if search.passed {
            search.look_at(object);
        } else {
            search.passed = segment_of(object, definitions as *const () as usize).is_some();
        }
        c_int::from(search.is_over())
    }
}

unsafe extern "C" fn look_into_libc(object: *mut dl_phdr_info, _: size_t, search: *mut c_void) -> c_int {
    // SAFETY: as above.
    unsafe {
        let (object, search) = (&*object, &mut *search.cast::<Search>());
        let is_libc = segment_of(object, libc::gnu_get_libc_version as *const () as usize).is_some();
        if is_libc {
            search.look_at(object);
        }
        c_int::from(is_libc || search.is_over())
    }
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.found.iter().all(|found| !found.is_null())
    }

    unsafe fn look_at(&mut self, object: &dl_phdr_info) {
        // SAFETY: by contract of the callers; nothing is unloaded meanwhile.
        let Some(symbols) = (unsafe { Symbols::of(object) }) else { return };
        for (name, found) in self.names.iter().zip(&mut *self.found).filter(|(_, found)| found.is_null()) {
            if let Some(function) = symbols.function(name) {
                *found = function.cast();
            }
        }
    }
}
