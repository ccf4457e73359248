//! What the program does to descriptors, as those learn it who wait.

use core::ffi::c_int;

use super::Scheduler;
use crate::reactor::registry;
use crate::tls;

/// The program is about to close `fd`: whoever waits for it on any thread learns it. A signal handler takes
/// the way without locks.
pub fn closing(fd: c_int) {
    closing_as(fd, registry::Closing::Now);
}

/// The program has closed `fd`, or put something else there, which [`closing`] was told of before.
pub fn closed(fd: c_int) {
    if tls::handlers() > 0 {
        registry::closed_in_handler(fd);
    } else {
        registry::closed(fd);
    }
}

fn closing_as(fd: c_int, closing: registry::Closing) {
    if tls::handlers() > 0 {
        registry::closing_in_handler(fd);
        return;
    }
    let this = Scheduler::get();
    // SAFETY: the calling thread's scheduler is valid; no borrow of it stands.
    unsafe {
        let own = if this.is_null() { None } else { Some((*this).reactor.remote()) };
        if registry::closing(fd, own, closing) {
            (*this).reactor.closed(fd, &(*this).ready);
        }
    }
}

/// The program shut `fd` down: those of this thread who wait for it look again. The kernel tells the others.
pub fn nudge(fd: c_int) {
    let this = Scheduler::get();
    if !this.is_null() && tls::handlers() == 0 {
        // SAFETY: as above.
        unsafe { (*this).reactor.nudge(fd, &(*this).ready) };
    }
}

/// The kernel has just given out the number `fd`: whatever was registered under it was closed unseen.
pub fn opened(fd: c_int) {
    closing_as(fd, registry::Closing::Unseen);
}

/// [`opened`] for a number that this process alone has, made by a call before which [`registry::forks`] gave `forks`:
/// accepted from `listener`, if from any.
pub fn made_here(fd: c_int, listener: Option<c_int>, forks: u32) {
    opened(fd);
    registry::made_here(fd, listener, forks);
}

impl Scheduler {
    /// [`made_here`] for what the running coroutine accepted with `flags`.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    pub unsafe fn accepted(this: *mut Scheduler, fd: c_int, listener: c_int, flags: c_int, forks: u32) {
        made_here(fd, Some(listener), forks);
        // SAFETY: by contract; no borrow of the scheduler stands.
        unsafe { (*this).reactor.accepted(fd, listener, flags, &(*this).ready) };
    }
}
