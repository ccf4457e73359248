//! Where a thread that exits goes: libc's chain of buffers (`__pthread_unwind_buf_t`), each a jmp_buf and some words of libc's
//! own. Each cleanup handler of the program that is written in C has one, which names the one outside it; the outermost is
//! that of whoever made the thread.

use core::ffi::c_int;
use core::ptr;

/// The words of a buffer: a jmp_buf of eight registers, and room of libc's own.
pub const WORDS: usize = 13;
/// The first of libc's own words: the buffer outside this one.
const OUTSIDE: usize = 9;

/// The outermost of a chain.
///
/// # Safety
/// `buffer` is one of its buffers.
pub unsafe fn outermost(buffer: *const c_int) -> *mut usize {
    let mut buffer = buffer.cast_mut().cast::<usize>();
    // SAFETY: by contract.
    unsafe {
        while buffer.add(OUTSIDE).read() != 0 {
            buffer = ptr::with_exposed_provenance_mut(buffer.add(OUTSIDE).read());
        }
    }
    buffer
}

/// Lets a chain go on with another one.
///
/// # Safety
/// Both are chains, and stay until the thread has exited.
pub unsafe fn append(chain: *const c_int, outside: *const c_int) {
    // SAFETY: by contract.
    unsafe { outermost(chain).add(OUTSIDE).write(outside.expose_provenance()) };
}
