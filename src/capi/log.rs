use core::arch::naked_asm;
use core::ffi::{c_char, c_int, c_void};

use crate::sys;

unsafe extern "C" {
    /// cbindgen:ignore
    fn vsnprintf(buffer: *mut c_char, size: usize, format: *const c_char, arguments: *mut c_void) -> c_int;
}

/// The longest message that co_log_err writes.
/// cbindgen:ignore
const LONGEST: usize = 1024;

/// Writes a message to standard error with one system call. The header declares it by hand, because its
/// arguments are variadic.
/// cbindgen:ignore
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn co_log_err(fmt: *const c_char) {
    naked_asm!(include_str!("../../asm/x86_64/variadic.S"), named = const 1, function = sym log, options(att_syntax))
}

unsafe extern "C" fn log(format: *const c_char, arguments: *mut c_void) {
    let mut text = [0u8; LONGEST];
    // SAFETY: the buffer holds LONGEST bytes; format and arguments are the program's.
    let length = unsafe { vsnprintf(text.as_mut_ptr().cast(), LONGEST, format, arguments) };
    let length = (length.max(0) as usize).min(LONGEST - 1);
    // There is nobody left to tell when standard error itself fails.
    let _ = sys::write(2, &text[..length]);
}
