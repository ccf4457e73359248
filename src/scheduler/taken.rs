//! Which locks the coroutines of a thread took last. By this another thread sees whether the owner of a lock runs.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use super::Scheduler;
use crate::coroutine::Coroutine;
use crate::reactor::registry;
use crate::sys;

/// Locks that are remembered, each in the place that its address gives.
const PLACES: usize = 16;

/// What a thread shows to those who wait for locks that it may have.
#[derive(Default)]
pub(super) struct Taken {
    /// The kernel's number of the thread.
    thread: AtomicI32,
    places: [Place; PLACES],
}

#[derive(Default)]
struct Place {
    lock: AtomicUsize,
    by: AtomicPtr<Coroutine>,
}

impl Place {
    /// Who reads it meanwhile finds no lock, or the new one with the new taker.
    fn set(&self, lock: usize, by: *mut Coroutine) {
        self.lock.store(0, Ordering::Release);
        self.by.store(by, Ordering::Release);
        self.lock.store(lock, Ordering::Release);
    }
}

impl Taken {
    fn place(&self, lock: usize) -> &Place {
        // Locks stand in structures of like sizes.
        &self.places[(lock >> 3 ^ lock >> 8) % PLACES]
    }
}

impl Scheduler {
    /// The thread begins to run coroutines, or goes on with them in a child of fork: others may see it.
    ///
    /// # Safety
    /// `this` is the calling thread's, and in no registry.
    pub(super) unsafe fn show(this: *mut Scheduler) {
        // SAFETY: by contract.
        unsafe {
            (*this).taken.thread.store(sys::thread_id(), Ordering::Relaxed);
            let remote = (*this).reactor.remote();
            remote.scheduler.store(this.cast(), Ordering::Relaxed);
            registry::enter(remote);
        }
    }

    /// Makes an attempt to take the lock at that address, for the running coroutine, or the thread outside any, and gives
    /// what it gave. While it is made the lock may have been taken already. One that finds the lock taken (EBUSY) leaves
    /// no trace: who waits is not the owner, and two threads that took each other's for it would wait for nobody.
    #[inline]
    pub fn tries(lock: usize, attempt: impl FnOnce() -> c_int) -> c_int {
        let this = Self::get();
        if this.is_null() {
            return attempt();
        }
        // SAFETY: the calling thread's.
        let (place, me) = unsafe { ((*this).taken.place(lock), (*this).current) };
        let (last, by) = (place.lock.load(Ordering::Relaxed), place.by.load(Ordering::Relaxed));
        place.set(lock, me);
        let result = attempt();
        if result == libc::EBUSY {
            // What it has taken before it has released since.
            let is_over = last == lock && ptr::eq(by, me);
            place.set(if is_over { 0 } else { last }, by);
        }
        result
    }

    /// Tells `look` of each thread that runs coroutines: its number, and of another thread the number of the coroutine that
    /// runs there, if nobody on that thread took `lock` later.
    pub fn for_each_thread(lock: usize, mut look: impl FnMut(i32, Option<u32>)) {
        registry::for_each(|remote| {
            let that: *mut Scheduler = remote.scheduler.load(Ordering::Relaxed).cast();
            // SAFETY: a thread leaves the registry before its scheduler goes, and its control blocks with it. All that is
            // read here is atomic; the assembly, too, stores `current` as one word.
            unsafe {
                let taken = &(*that).taken;
                let thread = taken.thread.load(Ordering::Relaxed);
                if that == Self::get() {
                    return look(thread, None);
                }
                let runs = AtomicPtr::from_ptr(&raw mut (*that).current).load(Ordering::Acquire);
                let place = taken.place(lock);
                let is_last = place.lock.load(Ordering::Acquire) == lock
                    && ptr::eq(place.by.load(Ordering::Acquire), runs);
                let number = is_last.then(|| (*runs).number.load(Ordering::Relaxed));
                look(thread, number);
            }
        });
    }
}
