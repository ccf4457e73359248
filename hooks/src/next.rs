//! The next definition of a function after ours, found without `dlsym`.
//!
//! Up to glibc 2.35 `dlsym(RTLD_NEXT)` gives the oldest version of a function, which takes other structures than
//! programs have today, or is no good beside its later companions (conditions). Up to 2.33 it calls functions that are hooked
//! itself.

use core::ffi::{CStr, c_void};

use colib_core::object::{self, Object};

/// Notes the functions of these names; leaves alone what no object has that was loaded after ours, nor libc, which was
/// loaded before where a program opened the library by `dlopen`.
pub fn definitions(names: &[&CStr], found: &mut [*mut c_void]) {
    let mut passed = false;
    object::find(|object| {
        if !passed {
            passed = object.segment_of(definitions as *const () as usize).is_some();
            return None;
        }
        look_at(object, names, found)
    });
    object::find(|object| {
        object.segment_of(libc::gnu_get_libc_version as *const () as usize)?;
        look_at(object, names, found);
        Some(())
    });
}

/// Notes what the object has of that; gives something once nothing is missing.
fn look_at(object: Object, names: &[&CStr], found: &mut [*mut c_void]) -> Option<()> {
    let symbols = object.symbols()?;
    for (name, found) in names.iter().zip(&mut *found).filter(|(_, found)| found.is_null()) {
        if let Some(function) = symbols.function(name) {
            *found = function.cast();
        }
    }
    found.iter().all(|found| !found.is_null()).then_some(())
}
