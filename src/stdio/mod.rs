//! libc's streams, for coroutines: calls on slow ones park.
//!
//! libc makes a stream's reads and writes inside itself, where no hook sees them. So what moves data between a
//! stream's buffer and a slow descriptor is done here instead, in the steps in which glibc does it, with transfers
//! that park (`io`). All else, and every stream of a file on disk, of memory or without blocking, is libc's own.
//!
//! Functions are called with hooks off and answer as libc does, with `errno`.
//!
//! - `stream`: glibc's structure, and what can be told from it
//! - `owner`: which coroutine has a stream
//! - `call`: one call on a stream; filling and emptying its buffer
//! - `input`, `line`, `scan`: bytes, lines and formatted input
//! - `output`, `format`: bytes and formatted output
//! - `diagnostics`: what libc's functions say on standard error
//! - `syslog`: the system log
//! - `helped`: calls that a helper makes as if it were the coroutine's thread
//! - `whole`: opening, closing, locking

mod call;
mod diagnostics;
mod format;
mod helped;
mod input;
mod line;
mod output;
mod owner;
mod scan;
mod stream;
pub mod syslog;
mod whole;

pub use diagnostics::{Report, print_error, print_signal, print_signal_info, report, warn};
pub use format::{Arguments, Format, print, print_to};
pub use input::{EOF, fread, getc, getdelim, peek};
pub use line::{fgets, gets};
pub use output::{fflush, fflush_all, fputs, fwrite, overflow, putc, puts};
pub use owner::{FORK, closing};
pub use scan::{Scan, scan};
pub use stream::Stream;
pub use whole::{fclose, flockfile, fopen, freopen, ftrylockfile, funlockfile, write_out};

/// The program's standard input.
pub fn standard_input() -> *mut Stream {
    // SAFETY: a word of libc's.
    unsafe { stream::stdin }
}

/// The program's standard output.
pub fn standard_output() -> *mut Stream {
    // SAFETY: a word of libc's.
    unsafe { stream::stdout }
}

/// The stream's descriptor, negative for none; `errno` stays as it is.
///
/// # Safety
/// The stream is open.
pub unsafe fn descriptor(stream: *const Stream) -> core::ffi::c_int {
    // SAFETY: by contract.
    unsafe { Stream::descriptor(stream) }
}
