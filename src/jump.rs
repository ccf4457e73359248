//! What libc keeps in a `jmp_buf`: the stack pointer and the address, mangled with the process's pointer guard. Nothing here jumps.
//!
//! The guard was a word of each thread's control block (`%fs:0x30`) up to glibc 2.43, and is a variable of the loader's since
//! 2.44, so it is found by having libc mangle an address that is known.

use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

/// The words of glibc's `jmp_buf` that [`setjmp`] fills: eight registers.
const REGISTERS: usize = 8;
/// The word that holds the stack pointer.
pub const STACK_POINTER: usize = 6;
/// The word that holds the address.
pub const ADDRESS: usize = 7;
/// By how much glibc rotates a word, in bits.
pub const ROTATION: u32 = 0x11;

/// The guard of all threads, once it is known.
static GUARD: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    fn _setjmp(buffer: *mut c_void) -> c_int;
}

#[unsafe(naked)]
unsafe extern "C" fn setjmp(buffer: *mut c_void) -> usize {
    naked_asm!(include_str!("../asm/x86_64/setjmp.S"), libc = sym _setjmp, options(att_syntax))
}

/// The process's pointer guard.
pub fn guard() -> usize {
    let known = GUARD.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    // Room for a mask of signals, which is not asked for.
    let mut buffer = [0_usize; REGISTERS + 17];
    // SAFETY: the buffer is as large as glibc's, and nobody jumps there.
    let stack_pointer = unsafe { setjmp(buffer.as_mut_ptr().cast()) };
    let guard = buffer[STACK_POINTER].rotate_right(ROTATION) ^ stack_pointer;
    GUARD.store(guard, Ordering::Relaxed);
    guard
}

/// A word as libc keeps it in a `jmp_buf`.
pub fn mangled(word: usize) -> usize {
    (word ^ guard()).rotate_left(ROTATION)
}

/// The word that libc keeps so.
pub fn plain(word: usize) -> usize {
    word.rotate_right(ROTATION) ^ guard()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libc_keeps_is_what_is_found() {
        let mut buffer = [0_usize; REGISTERS + 17];
        // SAFETY: as in `guard`.
        let stack_pointer = unsafe { setjmp(buffer.as_mut_ptr().cast()) };
        assert_eq!(plain(buffer[STACK_POINTER]), stack_pointer);
        assert_eq!(mangled(stack_pointer), buffer[STACK_POINTER]);
        let (start, place) = (setjmp as *const () as usize, plain(buffer[ADDRESS]));
        assert!((start..start + 64).contains(&place), "it was called from there");
    }
}
