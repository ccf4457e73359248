//! Whether the program was linked with the library, so that it is going to make coroutines, or has merely got it preloaded.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use libc::{dl_phdr_info, size_t};

use crate::object::{headers, segment_of};

/// `DT_NEEDED`, `DT_STRTAB` and `DT_SONAME` of elf.h.
const NEEDED: i64 = 1;
const STRINGS: i64 = 5;
const NAME: i64 = 14;

/// `Elf64_Dyn`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Dynamic {
    tag: i64,
    value: usize,
}

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

/// The strings that an object's dynamic section has under `tag`.
unsafe fn strings(object: &dl_phdr_info, tag: i64) -> impl Iterator<Item = &'static CStr> {
    // SAFETY: a dynamic section ends with a tag of zero. glibc makes the address of its strings absolute; that of the kernel's
    // own object it leaves alone, which needs nobody.
    unsafe {
        let section = headers(object).iter().find(|header| header.p_type == libc::PT_DYNAMIC);
        let first = section.map_or(ptr::null::<Dynamic>(), |header| {
            (object.dlpi_addr as usize + header.p_vaddr as usize) as *const Dynamic
        });
        let entries = (0..).map(move |i| *first.add(i)).take_while(|entry| entry.tag != 0);
        let entries = if first.is_null() { None } else { Some(entries) };
        let table = entries.clone().into_iter().flatten().find(|entry| entry.tag == STRINGS);
        entries.into_iter().flatten().filter_map(move |entry| {
            let place = (entry.tag == tag).then_some(table?.value + entry.value);
            place.map(|place| CStr::from_ptr(place as *const c_char))
        })
    }
}
