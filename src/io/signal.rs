//! Waiting for signals: `pause`, `sigsuspend`, `sigtimedwait`.
//!
//! Whether a signal is pending is the kernel's to say, and to whom it goes: nothing is taken that nobody asked
//! for, and not before. A signal descriptor, which is never read, tells when asking again makes sense.

use core::ffi::c_int;
use core::ptr;
use core::time::Duration;
use std::io;

use super::{error, owned, would_block};
use crate::clock::{self, NEVER, Nanos};
use crate::scheduler::{self, Scheduler, Since};
use crate::sys;
use crate::waiter::{Interrupt, Wake};

/// After so long, and where there is no signal descriptor every so often, a wait with a signal mask of its own asks the kernel
/// whether a signal came in.
const MASKED: Duration = Duration::from_millis(10);

/// `pause`: parks until a handler of the program has run on this thread.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub unsafe fn pause(scheduler: *mut Scheduler) -> io::Error {
    // SAFETY: by contract.
    let admitted = Admitted::from_now_on(unsafe { Scheduler::blocked(scheduler) });
    // SAFETY: as above.
    let since = unsafe { Scheduler::moment(scheduler) };
    loop {
        // SAFETY: by contract.
        let wake = unsafe {
            Scheduler::interruptible(scheduler, Interrupt::Awaited, since);
            Scheduler::sleep(scheduler, NEVER)
        };
        if wake == Wake::Interrupted && admitted.ran() {
            return error(libc::EINTR);
        }
    }
}

/// `sigsuspend`: parks until a handler of the program has run that `mask` admits. Signals that the thread blocks
/// and the mask admits are let through as soon as they are pending.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `mask` is the program's.
pub unsafe fn suspend(scheduler: *mut Scheduler, mask: *const libc::sigset_t) -> io::Error {
    // SAFETY: by contract; any bytes are a set.
    unsafe {
        let (mask, admitted) = match (sys::read_in(mask.cast::<u64>()), Admitted::by(mask)) {
            (Ok(mask), Ok(admitted)) => (mask, admitted),
            (Err(error), _) | (_, Err(error)) => return error,
        };
        loop {
            if let Err(interrupted) = sys::poll_now(ptr::null_mut(), 0, (&raw const mask).cast()) {
                return interrupted;
            }
            // Handlers that the mask keeps out have ended no wait when they ran before this.
            let since = Scheduler::moment(scheduler);
            // The signal descriptor may have told of the signal before its handler ran.
            if admitted.ran() {
                return error(libc::EINTR);
            }
            park_on(scheduler, !mask, NEVER, (Interrupt::Awaited, since));
            if admitted.ran() {
                return error(libc::EINTR);
            }
        }
    }
}

/// `sigtimedwait`: takes a signal of `set`, and tells about it in `info` unless that is null. EAGAIN at
/// `deadline`, EINTR when a signal handler that `by` names ends the call.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `info` is the program's.
pub unsafe fn wait_for_signal(
    scheduler: *mut Scheduler, set: u64, info: *mut libc::siginfo_t, deadline: Nanos, by: Interrupt,
) -> io::Result<c_int> {
    // SAFETY: by contract.
    let since = unsafe { Scheduler::moment(scheduler) };
    let mut wake = Wake::Ready;
    loop {
        // SAFETY: by contract.
        let taken = unsafe { sys::take_signal(set, info) };
        if !would_block(&taken) {
            return taken;
        }
        if wake == Wake::Interrupted {
            return Err(error(libc::EINTR));
        }
        if clock::now() >= deadline {
            return taken;
        }
        // SAFETY: by contract.
        wake = unsafe { park_on(scheduler, set, deadline, (by, since)) };
    }
}

/// Which signal handlers end a call: those that its own mask lets through, all when it has none.
pub(super) struct Admitted(Option<(u64, usize)>);

impl Admitted {
    /// From the beginning of a call on, whose mask may be null; EFAULT when it cannot be read.
    pub(super) unsafe fn by(mask: *const libc::sigset_t) -> io::Result<Self> {
        if mask.is_null() {
            return Ok(Admitted(None));
        }
        // SAFETY: any bytes are a set.
        let mask = unsafe { sys::read_in(mask.cast::<u64>()) }?;
        Ok(Admitted::from_now_on(mask))
    }

    fn from_now_on(mask: u64) -> Self {
        Admitted(Some((mask, scheduler::handlers_run(mask))))
    }

    /// Whether one of them has run since, when some handler has.
    pub(super) fn ran(&self) -> bool {
        self.0.is_none_or(|(mask, before)| scheduler::handlers_run(mask) != before)
    }
}

/// A call that may have a signal mask of its own, and parks until something else wakes it than such signals.
pub(super) struct Masked {
    admitted: Admitted,
    since: Since,
    /// It has parked before: short waits are spared a signal descriptor.
    again: bool,
}

impl Masked {
    /// From the beginning of the call on.
    ///
    /// # Safety
    /// A coroutine of `scheduler`, the calling thread's, runs.
    pub(super) unsafe fn new(scheduler: *mut Scheduler, admitted: Admitted) -> Self {
        // SAFETY: by contract.
        Masked { admitted, since: unsafe { Scheduler::moment(scheduler) }, again: false }
    }

    /// Whether a handler that ends the call has run, when the wait was interrupted.
    pub(super) fn ends(&self, wake: Wake) -> bool {
        wake == Wake::Interrupted && self.admitted.ran()
    }

    /// Parks by `wait`, which gets a descriptor to wait for beside its own, or none, and until when. The wait is over when a
    /// signal may be pending that only the mask admits: the kernel notices when it is asked with the mask.
    ///
    /// # Safety
    /// As for [`Masked::new`].
    #[inline(always)]
    pub(super) unsafe fn park(
        &mut self, scheduler: *mut Scheduler, deadline: Nanos,
        mut wait: impl FnMut(Option<c_int>, Nanos) -> Wake,
    ) -> Wake {
        // SAFETY: by contract.
        unsafe {
            match self.admitted.0 {
                None => {
                    Scheduler::interruptible(scheduler, Interrupt::Any, self.since);
                    wait(None, deadline)
                }
                Some((mask, _)) => self.park_with_signals(scheduler, !mask, deadline, &mut wait),
            }
        }
    }

    #[inline(never)]
    unsafe fn park_with_signals(
        &mut self, scheduler: *mut Scheduler, set: u64, deadline: Nanos,
        wait: &mut dyn FnMut(Option<c_int>, Nanos) -> Wake,
    ) -> Wake {
        let since = self.since;
        let mut wait = |fd, until| {
            // SAFETY: by contract.
            unsafe { Scheduler::interruptible(scheduler, Interrupt::Masked, since) };
            wait(fd, until)
        };
        if core::mem::replace(&mut self.again, true) {
            // SAFETY: by contract.
            let told = sys::signalfd(set).and_then(|fresh| unsafe {
                owned::while_parked(scheduler, fresh, |fd| wait(Some(fd), deadline))
            });
            if let Ok(wake) = told {
                return wake;
            }
        }
        let until = deadline.min(clock::after(MASKED));
        match wait(None, until) {
            Wake::TimedOut if until < deadline => Wake::Ready,
            wake => wake,
        }
    }
}

/// Parks until a signal of `set` may be pending for this thread.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
unsafe fn park_on(
    scheduler: *mut Scheduler, set: u64, deadline: Nanos, (by, since): (Interrupt, Since),
) -> Wake {
    let wait = |fd| {
        // SAFETY: by contract. The waiter stays in place.
        unsafe {
            Scheduler::interruptible(scheduler, by, since);
            Scheduler::wait_for(scheduler, (fd, libc::EPOLLIN as u32), deadline)
        }
    };
    // SAFETY: by contract.
    unsafe {
        let told = sys::signalfd(set).and_then(|fresh| owned::while_parked(scheduler, fresh, wait));
        told.unwrap_or_else(|_| {
            // Without a descriptor it is asked again and again.
            Scheduler::interruptible(scheduler, by, since);
            Scheduler::sleep(scheduler, deadline.min(clock::after(MASKED)))
        })
    }
}
