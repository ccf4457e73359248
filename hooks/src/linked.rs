//! Whether the program was linked with the library, so that it is going to make coroutines, or has merely got it preloaded.

use core::ffi::{CStr, c_int, c_void};

use colib_core::object::{NAME, NEEDED, segment_of, strings};
use libc::{dl_phdr_info, size_t};

/// What the look through all objects has found.
#[derive(Default)]
struct Search {
    /// The name by which others need the library: by none where it is part of the program.
    name: Option<&'static CStr>,
    found: bool,
}

/// Whether the library is part of the program, or some object names it as one that it needs.
pub fn is_linked() -> bool {
    let mut search = Search::default();
    // SAFETY: the callbacks get what this function passes them.
    unsafe {
        libc::dl_iterate_phdr(Some(find_self), (&raw mut search).cast());
        if search.name.is_none() {
            return true;
        }
        libc::dl_iterate_phdr(Some(find_need), (&raw mut search).cast());
    }
    search.found
}

/// Finds the library itself among the objects.
unsafe extern "C" fn find_self(object: *mut dl_phdr_info, _: size_t, search: *mut c_void) -> c_int {
    // SAFETY: by contract of `dl_iterate_phdr`; an object's headers are mapped while it is loaded.
    unsafe {
        let (object, search) = (&*object, &mut *search.cast::<Search>());
        let has = segment_of(object, is_linked as *const () as usize).is_some();
        if has {
            search.name = strings(object, NAME).next();
        }
        c_int::from(has)
    }
}

/// Finds somebody who needs it.
unsafe extern "C" fn find_need(object: *mut dl_phdr_info, _: size_t, search: *mut c_void) -> c_int {
    // SAFETY: as above.
    unsafe {
        let search = &mut *search.cast::<Search>();
        search.found = strings(&*object, NEEDED).any(|name| Some(name) == search.name);
        c_int::from(search.found)
    }
}
