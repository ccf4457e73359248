//! Creating, resetting and releasing coroutines.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::Ordering;
use std::io;

use super::blocks::Place;
use super::{Scheduler, deal, thread};
use crate::annotate::Fiber;
use crate::coroutine::{Coroutine, Dealt, Ground, Routine, State};
use crate::local;
use crate::stack::SharedStacks;
use crate::waiter::Waiter;

impl Scheduler {
    /// A new coroutine on a stack of `size` bytes of its own, or on one of `shared`.
    ///
    /// Errors: ENOMEM; EINVAL when `shared` serves another thread's coroutines.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler; `shared` is null or valid, and outlives the coroutine.
    #[inline(always)]
    pub unsafe fn create(
        this: *mut Scheduler, routine: Option<Routine>, argument: *mut c_void, size: usize,
        shared: *mut SharedStacks,
    ) -> io::Result<*mut Coroutine> {
        // SAFETY: by contract.
        unsafe {
            Self::reap(this);
            if !shared.is_null() {
                return Self::create_sharing(this, routine, argument, shared);
            }
            let co = (*this).spares.take(size);
            if co.is_null() {
                return Self::create_private(this, routine, argument, size);
            }
            (*co).renew(routine, argument);
            Self::admit(this, co);
            Ok(co)
        }
    }

    #[inline(never)]
    unsafe fn create_private(
        this: *mut Scheduler, routine: Option<Routine>, argument: *mut c_void, size: usize,
    ) -> io::Result<*mut Coroutine> {
        // SAFETY: by contract of `create`.
        unsafe {
            let stack = (*this).pool.allocate(size)?;
            Self::create_on(this, routine, argument, Ground::Private(stack))
        }
    }

    #[cold]
    unsafe fn create_sharing(
        this: *mut Scheduler, routine: Option<Routine>, argument: *mut c_void, shared: *mut SharedStacks,
    ) -> io::Result<*mut Coroutine> {
        // SAFETY: by contract of `create`.
        unsafe {
            let owner = this.addr();
            if (*shared).owner != 0 && (*shared).owner != owner && (*shared).in_use() {
                return Err(io::Error::from_raw_os_error(libc::EINVAL));
            }
            Self::provide_mover(this)?;
            (*shared).owner = owner;
            Self::create_on(
                this,
                routine,
                argument,
                Ground::Shared(SharedStacks::admit(shared, &(*this).shared)),
            )
        }
    }

    unsafe fn create_on(
        this: *mut Scheduler, routine: Option<Routine>, argument: *mut c_void, ground: Ground,
    ) -> io::Result<*mut Coroutine> {
        // SAFETY: by contract of `create`.
        unsafe {
            let co = (*this).blocks.allocate();
            if co.is_null() {
                Self::vacate(this, co, ground);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            co.write(Coroutine::new(routine, argument, ground));
            Self::admit(this, co);
            (*this).hints.learn(&(*this).blocks);
            Self::set_gate(this);
            Ok(co)
        }
    }

    /// Makes a new coroutine this thread's.
    #[inline(always)]
    unsafe fn admit(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract of `create`.
        unsafe {
            (*co).home.store(this.cast(), Ordering::Relaxed);
            (*co).age = (*this).blocks.next_age();
            Self::begin_anew(co);
        }
    }

    /// Lets a coroutine begin anew at the next resume. What it waits for forgets it; its values' destructors
    /// run unless they have. One that runs, or is another thread's, is left alone.
    ///
    /// # Safety
    /// `co` was not released.
    pub unsafe fn reset(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract.
        unsafe {
            if this.is_null() || (*co).home.load(Ordering::Relaxed) != this.cast() {
                complain!("co_reset({co:p}): the coroutine belongs to another thread");
                return;
            }
            if (*co).state() == State::Active {
                complain!("co_reset({co:p}): the coroutine is running");
                return;
            }
            Self::abandon(this, co);
            if let Some(tenant) = (*co).tenant() {
                tenant.clear(co.cast());
            }
            (*co).started = false;
            (*co).ended = false;
            (*co).errno = 0;
            Self::begin_anew(co);
        }
    }

    /// Frees a coroutine: at once when it does not run, when it next leaves when it does, in its own
    /// thread's next turn when that is another.
    ///
    /// # Safety
    /// `co` was not released before and is not used after.
    #[inline(always)]
    pub unsafe fn release(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract.
        unsafe {
            if (*co).is_main {
                complain!("co_release({co:p}): it stands for the thread itself");
            } else if (*co).home.load(Ordering::Acquire) != this.cast() || this.is_null() {
                thread::release_elsewhere(co);
            } else if (*co).state() == State::Active {
                (*co).doomed = true;
                (*co).return_indirectly();
            } else if !(*co).doomed {
                Self::dispose(this, co);
            }
        }
    }

    /// Frees those of the calling thread's coroutines that were released while they ran and have left since.
    pub fn reap_own() {
        let this = Self::get();
        if !this.is_null() {
            // SAFETY: the calling thread's scheduler.
            unsafe { Self::reap(this) };
        }
    }

    /// Frees the coroutines that were released while they ran and have left since.
    #[inline(always)]
    pub(super) unsafe fn reap(this: *mut Scheduler) {
        // SAFETY: by contract of the callers: the calling thread's scheduler.
        unsafe {
            if !(*this).doomed.is_null() {
                Self::reap_all(this);
            }
        }
    }

    #[cold]
    unsafe fn reap_all(this: *mut Scheduler) {
        // SAFETY: the doomed do not run: `leave` put them there.
        unsafe {
            while !(*this).doomed.is_null() {
                let co = (*this).doomed;
                (*this).doomed = (*co).resumer();
                Self::dispose(this, co);
            }
            Self::set_gate(this);
        }
    }

    /// Frees a coroutine that does not run.
    #[inline(always)]
    pub(super) unsafe fn dispose(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract of `release`; nothing refers to one that is bare.
        unsafe {
            if !(*co).is_bare() {
                return Self::dispose_busy(this, co);
            }
            // So that it is none of the thread's any more (`Blocks::next`).
            (*co).leave_home();
            if !(*this).spares.keep(co) {
                Self::give_back(this, co);
            }
        }
    }

    #[inline(never)]
    unsafe fn dispose_busy(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract of `release`; nothing refers to it after `abandon`.
        unsafe {
            Self::abandon(this, co);
            let store = (*co).dealt().map_or(0, |dealt| {
                dealt.link.unlink();
                dealt.store
            });
            (*co).drop_rare();
            // As in `dispose`.
            (*co).leave_home();
            if store != 0 {
                Self::forget_recent(this, co);
                // It may begin anew on another thread: a message for an earlier wait must not find it there.
                (*this).reactor.remote().forget(&raw const (*co).waiter);
                deal::give_back(co, store);
            } else if !(*this).spares.keep(co) {
                Self::give_back(this, co);
            }
        }
    }

    /// Visits all coroutines of the thread but `main`, in no particular order. What the visit gives is a limit: none that
    /// is younger need be visited from then on. The one that is visited may be released.
    pub(super) unsafe fn for_each(this: *mut Scheduler, mut visit: impl FnMut(*mut Coroutine) -> u32) {
        // SAFETY: by contract of the callers: the thread's scheduler. Those in its blocks with it as their home are in
        // place, and those in the list until they are unlinked.
        unsafe {
            let (mut place, mut limit) = (Place::default(), u32::MAX);
            loop {
                let co = (*this).blocks.next(&mut place, this, limit);
                if co.is_null() {
                    break;
                }
                limit = visit(co);
            }
            let mut link = (*this).dealt.first();
            while !link.is_null() {
                let co = Dealt::of(link);
                if (*co).age > limit {
                    break;
                }
                link = (*this).dealt.after(link);
                limit = visit(co);
            }
        }
    }

    /// Frees what a coroutine consists of.
    #[inline(never)]
    pub(super) unsafe fn give_back(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract of `dispose`.
        unsafe {
            Self::forget_recent(this, co);
            let ground = ptr::replace(&raw mut (*co).ground, Ground::Thread);
            Self::vacate(this, co, ground);
            ptr::drop_in_place(co);
            (*this).blocks.free(co);
        }
    }

    /// Gives back what a coroutine ran on.
    pub(super) unsafe fn vacate(this: *mut Scheduler, co: *mut Coroutine, ground: Ground) {
        match ground {
            Ground::Thread => {}
            // SAFETY: the stack came from this pool and nothing runs on it.
            Ground::Private(stack) => unsafe { (*this).pool.free(stack) },
            // SAFETY: by contract of the callers: the thread's scheduler.
            Ground::Shared(mut tenant) => tenant.depart(co.cast(), unsafe { &mut (*this).areas }),
        }
    }

    /// Ends whatever a coroutine was doing: everything it waited in forgets it, what its call in progress
    /// held is freed, and the destructors of its values run.
    pub(super) unsafe fn abandon(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract of the callers.
        unsafe {
            Self::give_up_wait(this, co);
            if let Some(rare) = (*co).rare_mut() {
                local::destroy(&raw mut rare.locals);
                // Its frames have ended, though none has returned.
                rare.fiber = Fiber::default();
            }
            Self::end_storage(co);
        }
    }

    /// Ends what a parked coroutine waits for, of which it is not told, and frees what its call in progress held.
    pub(super) unsafe fn give_up_wait(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract of the callers.
        unsafe {
            let exit = (*co).waiter.exit.replace(ptr::null());
            if !exit.is_null() {
                ((*exit).leave)(exit, &raw const (*co).waiter, None);
                (*this).reactor.remote().forget(&raw const (*co).waiter);
            }
            if (*co).waiter.timer.get() != Waiter::NO_TIMER {
                (*this).timers.remove(&(*co).waiter);
            }
            if let Some(more) = (*co).more.as_deref() {
                for interest in more.all() {
                    interest.unlink();
                    (*this).reactor.left(interest);
                }
            }
            if let Some(more) = (*co).more.as_deref_mut() {
                more.end_call();
            }
            Self::end_interruptible(this, &raw const (*co).waiter);
            (*co).waiter.disarm();
        }
    }
}
