//! The library's only voice: one line on standard error, written with one raw system call.
//!
//! Formats into a buffer on the stack, allocates nothing and takes no lock, so it works in a signal
//! handler and on an overflown stack's alternate stack.

use core::fmt::{self, Write};

use crate::sys;

/// A line being built; what does not fit is cut off.
pub struct Line {
    text: [u8; 512],
    used: usize,
}

impl Line {
    /// Appends raw bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = self.text.len() - self.used;
        let taken = bytes.len().min(room);
        self.text[self.used..self.used + taken].copy_from_slice(&bytes[..taken]);
        self.used += taken;
    }
}

impl Write for Line {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push(s.as_bytes());
        Ok(())
    }
}

/// Writes `colib: ` and the message as one line to standard error.
#[cold]
#[inline(never)]
pub fn error(message: fmt::Arguments<'_>) {
    let mut line = Line { text: [0; 512], used: 0 };
    // A `Line` never fails to be written to.
    let _ = write!(line, "colib: {message}");
    line.used = line.used.min(line.text.len() - 1);
    line.push(b"\n");
    // There is nobody left to tell when standard error itself fails.
    let _ = sys::write(2, &line.text[..line.used]);
}

/// Says what a caller did wrong, in the manner of `format!`.
#[macro_export]
macro_rules! complain {
    ($($argument:tt)*) => { $crate::log::error(format_args!($($argument)*)) };
}
