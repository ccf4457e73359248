//! Descriptors of the library's own that one call waits for: a pidfd, a signal descriptor. They go when the call
//! ends, and when its coroutine is released meanwhile.

use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr;
use std::io;

use super::error;
use crate::reactor::{duplicate_high, registry};
use crate::scheduler::{self, Scheduler};
use crate::waiter::{Exit, Waiter, Wake};
use crate::{heap, sys};

/// A descriptor of the library's own that a coroutine waits for, and that goes when it is released meanwhile.
pub(super) struct Owned {
    exit: Exit,
    fd: c_int,
    discard: fn(c_int),
}

impl Owned {
    /// `None` without memory.
    pub(super) fn new(fd: c_int, discard: fn(c_int)) -> Option<Box<Owned>> {
        heap::boxed(Owned { exit: Exit { leave: Owned::leave }, fd, discard })
    }

    /// What `wait` gives, which may park.
    ///
    /// # Safety
    /// A coroutine of `scheduler`, the calling thread's, runs.
    pub(super) unsafe fn while_parked<T>(
        self: Box<Self>, scheduler: *mut Scheduler, wait: impl FnOnce() -> T,
    ) -> T {
        // The frame owns nothing while it is parked (invariant 3).
        let owned = Box::into_raw(self);
        // SAFETY: by contract; a coroutine that is released meanwhile does not come back here.
        unsafe {
            let waiter = &raw const (*Scheduler::current(scheduler)).waiter;
            (*waiter).exit.set(&raw const (*owned).exit);
            let result = wait();
            (*waiter).exit.set(ptr::null());
            drop(Box::from_raw(owned));
            result
        }
    }

    unsafe fn leave(exit: *const Exit, _: *const Waiter, _: Option<Wake>) -> Option<Wake> {
        let owned = exit.wrapping_byte_sub(offset_of!(Owned, exit)).cast_mut().cast::<Owned>();
        // SAFETY: `while_parked` took it out of its box.
        let owned = unsafe { Box::from_raw(owned) };
        (owned.discard)(owned.fd);
        None
    }
}

/// Moves a fresh descriptor to a number that the program hardly meets.
pub(super) fn move_high(fresh: c_int) -> io::Result<c_int> {
    let high = duplicate_high(fresh);
    sys::close(fresh);
    high
}

/// Moves a fresh descriptor out of the program's sight: for it, the number is not open.
pub(super) fn hide(fresh: c_int) -> io::Result<c_int> {
    let fd = move_high(fresh)?;
    if registry::set_own(fd, true) {
        return Ok(fd);
    }
    sys::close(fd);
    Err(error(libc::ENOMEM))
}

/// Closes a descriptor that was hidden, unless the program has put something of its own there.
pub(super) fn discard(fd: c_int) {
    if registry::is_own(fd) {
        scheduler::closing(fd);
        registry::set_own(fd, false);
        sys::close(fd);
    }
}
