//! A loop with a context of its own, so that the thread's own computation is a coroutine among others.
//!
//! For programs whose threads are coroutines (`threads`): there the program never calls the loop. What ran on the
//! thread when it was adopted goes on as a coroutine, on the stack that it has; whenever it parks, the loop runs.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::io;

use super::{Scheduler, interrupt, thread};
use crate::clock::NEVER;
use crate::context::{Context, Control, Entry};
use crate::coroutine::{Coroutine, Ground, Routine, State, Storage};
use crate::stack::MAX_SIZE;
use crate::tls;
use crate::waiter::{Waiter, Wake};

/// The most threads that are [adopted](Scheduler::adopt) or [devoted](Scheduler::devote), whose schedulers never end.
pub const MOST: usize = 64;
pub(super) static LASTING: [AtomicPtr<Scheduler>; MOST] = [const { AtomicPtr::new(ptr::null_mut()) }; MOST];

fn lasts(this: *mut Scheduler) {
    thread::outlives_thread();
    let none = ptr::null_mut();
    let place =
        LASTING.iter().find(|p| p.compare_exchange(none, this, Ordering::AcqRel, Ordering::Relaxed).is_ok());
    debug_assert!(place.is_some());
}

impl Scheduler {
    /// Makes what runs on the thread a coroutine, and gives the loop a stack of its own and the thread-local storage
    /// at `loop_base`.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler, outside any coroutine; `base` is the thread's own base. Every
    /// coroutine that is made from now on has a base, set before it is [started](Scheduler::start).
    pub unsafe fn adopt(this: *mut Scheduler, loop_base: usize, base: usize) -> io::Result<*mut Coroutine> {
        // SAFETY: by contract.
        unsafe {
            // Handlers of the program run on it too, when they interrupt the loop.
            let stack = (*this).pool.allocate(MAX_SIZE)?;
            let co = (*this).blocks.allocate();
            if co.is_null() {
                (*this).pool.free(stack);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            co.write(Coroutine::new(None, ptr::null_mut(), Ground::Thread));
            let (own, of_loop) =
                ((*co).set_base(base, Storage::Thread), (*this).main.set_base(loop_base, Storage::Thread));
            if own.and(of_loop).is_none() {
                co.drop_in_place();
                (*this).blocks.free(co);
                (*this).pool.free(stack);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            (*co).is_main = false;
            (*co).hooked = true;
            (*co).started = true;
            (*co).set_active();
            (*co).home.store(this.cast(), Ordering::Relaxed);
            (*co).set_resumer(&raw mut (*this).main, false);
            (*co).age = (*this).blocks.next_age();
            (*this).main.set_active();
            (*this).main.context =
                Context::new(stack.top(), Control::current(), turn_for_ever, this.cast(), ptr::null_mut());
            // The stack is never given back: the loop never ends.
            (*this).current = co;
            ((*this).kernel_base, (*this).common_base) = (base, loop_base);
            if (*this).asks {
                (*this).exceptions = tls::exceptions(loop_base);
            }
            lasts(this);
            Ok(co)
        }
    }

    /// Lets the calling thread do nothing but run coroutines from now on: its own computation is the loop, with the
    /// thread-local storage that the thread has. `None` without memory.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler, outside any coroutine, and `base` the thread's own base. The thread
    /// never ends, and every coroutine that it gets has a base.
    pub unsafe fn devote(this: *mut Scheduler, base: usize) -> Option<()> {
        // SAFETY: by contract.
        unsafe {
            (*this).main.set_base(base, Storage::Thread)?;
            ((*this).kernel_base, (*this).common_base) = (base, base);
        }
        lasts(this);
        Some(())
    }

    /// The loop of a [devoted](Scheduler::devote) thread.
    ///
    /// # Safety
    /// As for [`Scheduler::devote`].
    pub unsafe fn serve(this: *mut Scheduler) -> ! {
        // SAFETY: by contract; the scheduler is never freed.
        unsafe { turn_for_ever(this.cast(), ptr::null_mut()) }
    }

    /// A new coroutine with thread-local storage of its own, which runs when the loop comes to it.
    ///
    /// # Safety
    /// As for [`Scheduler::create`]; `this` has [adopted](Scheduler::adopt) its thread; `base` ends a block of
    /// thread-local storage that the coroutine has for itself; the routine begins with [`Scheduler::begun`].
    pub unsafe fn start(
        this: *mut Scheduler, routine: Routine, argument: *mut core::ffi::c_void, size: usize, base: usize,
    ) -> io::Result<*mut Coroutine> {
        // SAFETY: by contract.
        unsafe {
            let co = Self::create(this, Some(routine), argument, size, ptr::null_mut())?;
            if (*co).set_base(base, Storage::Thread).is_none() {
                Self::release(this, co);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            Self::make_ready(this, co);
            Ok(co)
        }
    }

    /// Lets a new coroutine run when the loop comes to it.
    pub(super) unsafe fn make_ready(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract of the callers.
        unsafe {
            (*co).hooked = true;
            (*co).waiter.arm();
            Waiter::wake(&raw const (*co).waiter, Wake::Ready, &(*this).ready);
        }
    }

    /// The first thing that a [started](Scheduler::start) coroutine does.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler, and a coroutine runs.
    pub unsafe fn begun(this: *mut Scheduler) {
        // SAFETY: by contract.
        unsafe { (*(*this).current).waiter.disarm() };
    }

    /// Lets a parked coroutine run `entry`, on its own stack and thread-local storage, above what it did: that does not go
    /// on, and what it waited for is given up.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler; `co` is one of its coroutines that has begun, and does not run. `entry`
    /// begins with [`Scheduler::begun`], and never returns.
    pub unsafe fn divert(this: *mut Scheduler, co: *mut Coroutine, entry: Entry) {
        // SAFETY: by contract; below a parked coroutine's stack pointer nothing is live, and its stack has room for what
        // its own calls need.
        unsafe {
            Self::give_up_wait(this, co);
            let none = ptr::null_mut();
            (*co).context = Context::new((*co).context.sp(), Control::current(), entry, none, none);
            Self::make_ready(this, co);
        }
    }

    /// The oldest of the thread's parked coroutines that has begun and does not block `signal`, as a thread; null for none.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler.
    pub unsafe fn oldest_for(this: *mut Scheduler, signal: c_int) -> *mut Coroutine {
        let mut oldest: *mut Coroutine = ptr::null_mut();
        // SAFETY: by contract.
        unsafe {
            Self::for_each(this, |co| {
                let parked = (*co).started && matches!((*co).state(), State::Suspended | State::Open);
                let suits = parked && (*co).is_thread() && interrupt::lets(co, signal);
                if suits && (oldest.is_null() || (*co).age < (*oldest).age) {
                    oldest = co;
                }
                if oldest.is_null() { u32::MAX } else { (*oldest).age }
            });
        }
        oldest
    }

    /// The thread-local storage of the loop. The running coroutine goes over to it when its own is to be given up,
    /// and returns from its routine then.
    ///
    /// # Safety
    /// As for [`Scheduler::begun`].
    pub unsafe fn base_of_loop(this: *mut Scheduler) -> usize {
        // SAFETY: by contract.
        unsafe { (*this).common_base }
    }

    /// Frees all coroutines but the running one, without a trace: a child of fork does not have them.
    ///
    /// # Safety
    /// As for [`Scheduler::begun`].
    pub unsafe fn dispose_of_others(this: *mut Scheduler) {
        // SAFETY: by contract; they do not run.
        unsafe {
            LASTING.iter().for_each(|thread| thread.store(ptr::null_mut(), Ordering::Relaxed));
            LASTING[0].store(this, Ordering::Relaxed);
            Self::reap(this);
            // What others asked for concerned those who are not there any more.
            (*this).reactor.remote().try_take();
            Self::for_each(this, |co| {
                if co != (*this).current {
                    Self::dispose(this, co);
                }
                u32::MAX
            });
        }
    }
}

/// The loop, as a context.
unsafe extern "C" fn turn_for_ever(this: *mut u8, _: *mut u8) -> ! {
    loop {
        // SAFETY: the scheduler of an adopted thread is never freed.
        unsafe { Scheduler::turn(this.cast(), NEVER) };
    }
}
