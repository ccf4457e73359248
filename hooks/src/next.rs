//! The next definition of a function after ours, found without `dlsym`.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;

use colib_core::object::{function, segment_of};
use libc::{dl_phdr_info, size_t};

struct Search<'a> {
    name: &'a CStr,
    /// The library itself has been passed: objects come in the order in which they were loaded.
    passed: bool,
    found: *mut (),
}

/// Null if no object has it that was loaded after ours.
pub fn definition(name: &CStr) -> *mut c_void {
    let mut search = Search { name, passed: false, found: ptr::null_mut() };
    // SAFETY: the callback gets what this function passes it.
    unsafe { libc::dl_iterate_phdr(Some(look_at), (&raw mut search).cast()) };
    search.found.cast()
}

unsafe extern "C" fn look_at(object: *mut dl_phdr_info, _: size_t, search: *mut c_void) -> c_int {
    // SAFETY: by contract of `dl_iterate_phdr`; `search` is `definition`'s.
    unsafe {
        let (object, search) = (&*object, &mut *search.cast::<Search>());
        if !search.passed {
            search.passed = segment_of(object, definition as *const () as usize).is_some();
            return 0;
        }
        search.found = function(object, search.name).unwrap_or(ptr::null_mut());
        c_int::from(!search.found.is_null())
    }
}
