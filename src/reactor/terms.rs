//! The terms of blocking calls on a descriptor: its flags and time-outs, and since when they are known.

use core::cell::Cell;
use core::ffi::c_int;
use core::time::Duration;
use std::io;

use crate::clock::{NEVER, Nanos};
use crate::sys;

/// What a blocking call on a description needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long it waits; [`NEVER`] for one without end.
    pub timeout: Nanos,
    /// It is a unix socket, which is asked for when sending only.
    pub unix: bool,
}

impl Terms {
    /// Receiving blocks without end.
    pub(super) const ENDLESS: Terms = Terms { timeout: NEVER, unix: false };

    /// Asks the kernel; `None` for a description that does not block. `option` is the time-out's.
    pub(super) fn ask(fd: c_int, option: c_int) -> io::Result<Option<Terms>> {
        if sys::fcntl(fd, libc::F_GETFL, 0)? & libc::O_NONBLOCK != 0 {
            return Ok(None);
        }
        let timeout = match sys::getsockopt::<libc::timeval>(fd, libc::SOL_SOCKET, option) {
            // No socket, or {0, 0}: no time-out.
            Err(_) | Ok(libc::timeval { tv_sec: 0, tv_usec: 0 }) => NEVER,
            Ok(t) => {
                let wait = Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
                Nanos::try_from(wait.as_nanos()).unwrap_or(NEVER)
            }
        };
        let domain = || sys::getsockopt::<c_int>(fd, libc::SOL_SOCKET, libc::SO_DOMAIN);
        let unix = option == libc::SO_SNDTIMEO && domain().is_ok_and(|domain| domain == libc::AF_UNIX);
        Ok(Some(Terms { timeout, unix }))
    }
}

/// When settings were asked for; what is remembered is worth nothing after a change since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub(super) generation: u32,
    pub(super) changes: u32,
}

/// A blocking stream that was read empty: what a receive needs to know that begins with the wait.
#[derive(Clone, Copy, Debug)]
pub struct Drained {
    /// How long it waits.
    pub timeout: Nanos,
    /// When that was asked for.
    pub stamp: Stamp,
}

/// The terms of receiving and of sending, each with its stamp.
#[derive(Debug)]
pub struct Settings {
    known: [Cell<Option<(Stamp, Terms)>>; 2],
}

/// The time-outs' options.
pub(super) const OPTIONS: [c_int; 2] = [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO];

impl Settings {
    /// Nothing is known yet.
    pub(super) const fn new() -> Self {
        Settings { known: [const { Cell::new(None) }; 2] }
    }

    /// What is known of `option`'s direction.
    pub(super) fn of(&self, option: c_int) -> &Cell<Option<(Stamp, Terms)>> {
        &self.known[usize::from(option == libc::SO_SNDTIMEO)]
    }
}
