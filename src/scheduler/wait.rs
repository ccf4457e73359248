//! Waits: the running coroutine parks until a descriptor is ready, a deadline passes, or somebody wakes it.

use core::ffi::c_int;

use super::Scheduler;
use crate::clock::{self, Nanos};
use crate::coroutine::Coroutine;
use crate::heap;
use crate::waiter::{Interest, Wake};

/// What to wait for: a descriptor and the `EPOLL*` events that end the wait.
pub type Want = (c_int, u32);

/// How long to wait when readiness says that a call would go through and the call says it would not.
pub const NAP: core::time::Duration = core::time::Duration::from_millis(1);

impl Scheduler {
    /// Parks the running coroutine until `deadline`, or until something wakes its waiter.
    ///
    /// # Safety
    /// A coroutine runs, and not inside libc (invariant 3).
    pub unsafe fn sleep(this: *mut Scheduler, deadline: Nanos) -> Wake {
        // SAFETY: by contract; the waiter is in the coroutine, which stays in place.
        unsafe { Self::wait(this, core::iter::empty(), deadline, |_| ()) }
    }

    /// Parks the running coroutine until one descriptor is ready or closed, or `deadline` passes.
    ///
    /// # Safety
    /// As for [`Scheduler::sleep`].
    pub unsafe fn wait_for(this: *mut Scheduler, want: Want, deadline: Nanos) -> Wake {
        // SAFETY: by contract.
        unsafe {
            // Whatever woke it first: once it is closed, the number may mean something else.
            let mut closed = false;
            let wake = Self::wait(this, core::iter::once(want), deadline, |_| closed = true);
            if closed { Wake::Closed } else { wake }
        }
    }

    /// Parks the running coroutine until one of `wants` is ready or closed, or `deadline` passes. `closed`
    /// is told the places of the wants whose descriptors were closed meanwhile.
    ///
    /// The answer is a hint: whoever waits looks again for himself. Where readiness cannot be waited for,
    /// the wait is a short nap, so that the caller's next look finds out.
    ///
    /// # Safety
    /// As for [`Scheduler::sleep`].
    pub unsafe fn wait(
        this: *mut Scheduler, wants: impl ExactSizeIterator<Item = Want>, deadline: Nanos,
        mut closed: impl FnMut(usize),
    ) -> Wake {
        // SAFETY: by contract; the coroutine stays in place while it is parked.
        unsafe {
            let me = (*this).current;
            (*me).waiter.arm();
            let watched = Self::watch(this, me, wants);
            let until = if watched { deadline } else { deadline.min(clock::after(NAP)) };
            let timed = (*this).timers.add(&raw const (*me).waiter, until);
            Self::park_interruptible(this, timed);
            (*this).timers.leave(&(*me).waiter);
            let wake = (*me).waiter.disarm();
            if let Some(more) = (*me).more.as_deref() {
                for (place, interest) in more.all().enumerate() {
                    interest.unlink();
                    (*this).reactor.left(interest);
                    if interest.was_closed() {
                        closed(place);
                        interest.events.set(0);
                    }
                }
            }
            if let Some(more) = (*me).more.as_deref_mut() {
                more.interests = Box::default();
            }
            match wake {
                Wake::TimedOut if until < deadline => Wake::Ready,
                wake => wake,
            }
        }
    }

    /// Registers the wants; `false` when one of them cannot be waited for. A negative number waits for nothing.
    unsafe fn watch(
        this: *mut Scheduler, me: *mut Coroutine, mut wants: impl ExactSizeIterator<Item = Want>,
    ) -> bool {
        // SAFETY: by contract of `wait`; interests live in the coroutine until they are unlinked there.
        unsafe {
            let waiter = &raw const (*me).waiter;
            // Only the loop resumes those that are threads: nobody's `co_resume` could come meanwhile, and be taken for it.
            let crowded = (*me).is_thread() && Self::has_ready(this);
            if wants.len() <= 1 {
                let Some((fd, events)) = wants.next().filter(|&(fd, _)| fd >= 0) else { return true };
                let Some(more) = (*me).make_more() else { return false };
                more.interest = Interest::new(waiter, fd, events);
                return (*this).reactor.watch(&raw const more.interest, crowded, &(*this).ready).is_ok();
            }
            let Some(more) = (*me).make_more() else { return false };
            let Some(mut interests) = heap::room(wants.len()) else { return false };
            interests.extend(wants.map(|(fd, events)| Interest::new(waiter, fd, events)));
            // Its room is exact, so it stays where it is.
            more.interests = interests.into_boxed_slice();
            let mut all = true;
            for interest in more.interests.iter().filter(|interest| interest.fd >= 0) {
                all &= (*this).reactor.watch(interest, crowded, &(*this).ready).is_ok();
            }
            all
        }
    }

    /// Parks the running coroutine until another thread posts its waiter's wake-up. If the wait ends otherwise, the
    /// waiter may still stand in the place where the other thread found it: the caller takes it out.
    ///
    /// # Safety
    /// As for [`Scheduler::sleep`]. The waiter was armed before it was shown to other threads.
    pub unsafe fn wait_shown(this: *mut Scheduler, deadline: Nanos) -> Wake {
        // SAFETY: by contract.
        unsafe {
            let me = (*this).current;
            let timed = (*this).timers.add(&raw const (*me).waiter, deadline);
            Self::park_interruptible(this, timed);
            (*this).timers.leave(&(*me).waiter);
            (*me).waiter.disarm()
        }
    }
}
