//! Where the program's allocator is, when it is not libc's: its own locks are not for coroutines to park at, whatever it
//! makes them of.

use core::sync::atomic::{AtomicUsize, Ordering};

use colib_core::object;

/// The address and the size of its code. None when it is libc's, whose locks no hook sees, or linked into the program,
/// where it cannot be told from the rest.
pub static ALLOCATOR: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// Looks it up.
pub fn find() {
    // SAFETY: a valid name.
    let malloc = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) }.addr();
    let mut is_program = true;
    let code = object::find(|object| {
        let is_library = !core::mem::replace(&mut is_program, false);
        object.segment_of(malloc).map(|code| is_library.then_some(code))
    });
    if let Some(code) = code.flatten()
        && !code.contains(&(libc::getpid as *const () as usize))
    {
        ALLOCATOR[0].store(code.start, Ordering::Relaxed);
        ALLOCATOR[1].store(code.len(), Ordering::Relaxed);
    }
}
