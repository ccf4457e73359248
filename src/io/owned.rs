//! Descriptors of the library's own that one call waits for: a pidfd, a signal or a timer descriptor. They go when the
//! call ends, and when its coroutine is released meanwhile.

use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr;
use std::io;

use super::error;
use crate::reactor::{adopt, registry};
use crate::scheduler::{self, Scheduler};
use crate::waiter::{Exit, Waiter, Wake};
use crate::{heap, sys};

/// What `wait` gives for a fresh descriptor, which it gets out of the program's sight. EMFILE or ENOMEM when there is no
/// place for it.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; not inside libc (invariant 3).
pub(super) unsafe fn while_parked<T>(
    scheduler: *mut Scheduler, fresh: c_int, wait: impl FnOnce(c_int) -> T,
) -> io::Result<T> {
    let fd = adopt(fresh)?;
    let Some(owned) = heap::boxed(Owned { exit: Exit { leave: Owned::leave }, fd }) else {
        discard(fd);
        return Err(error(libc::ENOMEM));
    };
    // The frame owns nothing while it is parked (invariant 3).
    let owned = Box::into_raw(owned);
    // SAFETY: by contract; a coroutine that is released meanwhile does not come back here.
    unsafe {
        let waiter = &raw const (*Scheduler::current(scheduler)).waiter;
        (*waiter).exit.set(&raw const (*owned).exit);
        let result = wait(fd);
        (*waiter).exit.set(ptr::null());
        drop(Box::from_raw(owned));
        discard(fd);
        Ok(result)
    }
}

/// A descriptor that goes when its coroutine is released while it waits.
struct Owned {
    exit: Exit,
    fd: c_int,
}

impl Owned {
    unsafe fn leave(exit: *const Exit, _: *const Waiter, _: Option<Wake>) -> Option<Wake> {
        let owned = exit.wrapping_byte_sub(offset_of!(Owned, exit)).cast_mut().cast::<Owned>();
        // SAFETY: `while_parked` took it out of its box.
        let owned = unsafe { Box::from_raw(owned) };
        discard(owned.fd);
        None
    }
}

/// Closes a descriptor that was adopted, unless the program has put something of its own there.
pub(super) fn discard(fd: c_int) {
    if registry::is_own(fd) {
        scheduler::closing(fd);
        registry::set_own(fd, false);
        sys::close(fd);
    }
}
