//! Where the program's allocator is, when it is not libc's: its own locks are not for coroutines to park at, whatever it
//! makes them of.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

use colib_core::object::segment_of;

/// The address and the size of its code. None when it is libc's, whose locks no hook sees, or linked into the program,
/// where it cannot be told from the rest.
pub static ALLOCATOR: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

struct Search {
    malloc: usize,
    libc: usize,
    is_program: bool,
}

/// Looks it up.
pub fn find() {
    // SAFETY: a valid name; the callback gets what it expects.
    unsafe {
        let malloc = libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr());
        let mut search =
            Search { malloc: malloc.addr(), libc: libc::getpid as *const () as usize, is_program: true };
        libc::dl_iterate_phdr(Some(look_at), (&raw mut search).cast());
    }
}

/// Looks at one object; the first is the program itself.
unsafe extern "C" fn look_at(object: *mut libc::dl_phdr_info, _: usize, search: *mut c_void) -> c_int {
    // SAFETY: libc describes an object that is loaded.
    unsafe {
        let search = &mut *search.cast::<Search>();
        let is_program = core::mem::replace(&mut search.is_program, false);
        let Some(code) = segment_of(&*object, search.malloc) else { return 0 };
        if !is_program && !code.contains(&search.libc) {
            ALLOCATOR[0].store(code.start, Ordering::Relaxed);
            ALLOCATOR[1].store(code.len(), Ordering::Relaxed);
        }
    }
    1
}
