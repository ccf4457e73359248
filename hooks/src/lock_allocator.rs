//! Where the program's allocator is, when it is not libc's: its own locks are not for coroutines to park at, whatever it
//! makes them of.

use core::sync::atomic::{AtomicUsize, Ordering};

use colib_core::object;

/// The address and the size of its code. None when it is libc's, whose locks no hook sees, or linked into the program,
/// where it cannot be told from the rest.
pub static ALLOCATOR: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// Looks it up. A program that takes the function's address may have that in its own code, wherever the function is: so `dlsym`
/// does not tell.
pub fn find() {
    let mut is_program = true;
    let code = object::find(|object| {
        let is_library = !core::mem::replace(&mut is_program, false);
        let malloc = object.symbols()?.function(c"malloc")?;
        Some(object.segment_of(malloc.addr()).filter(|_| is_library))
    });
    if let Some(code) = code.flatten()
        && !code.contains(&(libc::gnu_get_libc_version as *const () as usize))
    {
        ALLOCATOR[0].store(code.start, Ordering::Relaxed);
        ALLOCATOR[1].store(code.len(), Ordering::Relaxed);
    }
}
