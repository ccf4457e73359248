//! Inputs that were shut down: a blocking call is told, and a non-blocking one only that it would block.
//!
//! Datagram sockets and unix listeners are like that. Whoever waits for one must find out for himself.

use core::ffi::c_int;
use std::io;

use super::would_block;
use crate::sys;

/// Attempts of one call that takes something in.
pub(super) struct Ending<T> {
    fd: c_int,
    /// What a blocking call gives on an input that was shut down.
    end: fn() -> io::Result<T>,
    waited: bool,
}

impl<T> Ending<T> {
    pub(super) fn new(fd: c_int, end: fn() -> io::Result<T>) -> Self {
        Ending { fd, end, waited: false }
    }

    /// One attempt. Only from the second on, after a wait, is the end asked for.
    pub(super) fn attempt(&mut self, mut receive: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let result = receive();
        if !would_block(&result) || !core::mem::replace(&mut self.waited, true) {
            return result;
        }
        if sys::readiness(self.fd, libc::POLLRDHUP) & libc::POLLRDHUP == 0 {
            return result;
        }
        // Nothing can arrive any more; what came before the end comes first.
        let last = receive();
        if would_block(&last) { (self.end)() } else { last }
    }
}
