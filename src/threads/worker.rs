//! The kernel's threads that coroutines run on, and who gets a new thread.
//!
//! The first is the one that the process began with. The others are made when they are first needed, by libc, so that
//! it counts them, on memory of ours that is never given back: in a child of fork one of them may be the only thread,
//! and libc would hand the stacks of all others out again.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use super::mask::Masks;
use crate::latch::Latch;
use crate::scheduler::Scheduler;
use crate::stack::{GUARD, MAX_SIZE};
use crate::{alone, signal, sys, tls};

/// The most there can be. More than CPUs make no sense.
pub const MOST: usize = 64;

const BEGINS: u32 = 0;
const RUNS: u32 = 1;
const FAILED: u32 = 2;

/// A kernel thread that runs coroutines.
pub struct Worker {
    /// Its scheduler; null before it runs.
    scheduler: AtomicPtr<Scheduler>,
    /// The base that libc gave it, by which libc knows it.
    base: AtomicUsize,
    /// How far it is: whoever makes it waits for this.
    state: AtomicU32,
    /// The threads that were dealt to it and have not ended.
    load: AtomicUsize,
    /// What the threads block that it has taken in. Its own.
    pub(super) masks: Masks,
}

// SAFETY: of what is not atomic each says that only the worker's own kernel thread touches it.
unsafe impl Sync for Worker {}

impl Worker {
    fn new() -> Self {
        Worker {
            scheduler: AtomicPtr::new(ptr::null_mut()),
            base: AtomicUsize::new(0),
            state: AtomicU32::new(BEGINS),
            load: AtomicUsize::new(0),
            masks: Masks::of_none(),
        }
    }

    /// Its scheduler.
    pub fn scheduler(&self) -> *mut Scheduler {
        self.scheduler.load(Ordering::Acquire)
    }

    /// By which libc knows it.
    pub fn base(&self) -> usize {
        self.base.load(Ordering::Relaxed)
    }

    /// Whether it is the kernel thread that calls.
    pub fn is_here(&self) -> bool {
        ptr::eq(self.scheduler(), Scheduler::get())
    }

    /// One of its threads has ended, or has not come to life.
    pub fn relieve(&self) {
        self.load.fetch_sub(1, Ordering::Relaxed);
    }

    fn runs_on(&self, scheduler: *mut Scheduler, base: usize) {
        self.base.store(base, Ordering::Relaxed);
        self.scheduler.store(scheduler, Ordering::Release);
        self.says(RUNS);
    }

    fn says(&self, state: u32) {
        self.state.store(state, Ordering::Release);
        sys::futex_wake(&self.state, 1, false);
    }

    /// Makes the kernel thread, and waits until it runs.
    fn start(&self) -> bool {
        alone::expect_company();
        let Ok(low) = sys::map(GUARD + MAX_SIZE) else { return false };
        // Handlers wait until the thread knows what it is.
        let Ok(before) = sys::signal_mask(Some(super::mask::ALL)) else { return false };
        // SAFETY: fresh memory; the attributes are initialised before they are used. Hooks are off: the call is libc's.
        let made = unsafe {
            let _ = sys::forbid(low, GUARD);
            let (mut attributes, mut thread) = (core::mem::zeroed(), 0);
            libc::pthread_attr_init(&mut attributes);
            libc::pthread_attr_setstack(&mut attributes, low.add(GUARD).cast(), MAX_SIZE);
            let made =
                libc::pthread_create(&mut thread, &attributes, work, ptr::from_ref(self).cast_mut().cast());
            libc::pthread_attr_destroy(&mut attributes);
            made == 0
        };
        let _ = sys::signal_mask(Some(before));
        if made {
            while self.state.load(Ordering::Acquire) == BEGINS {
                sys::futex_wait(&self.state, BEGINS);
            }
            signal::heed_identity();
        } else {
            // SAFETY: nobody else knows of it.
            unsafe { sys::unmap(low, GUARD + MAX_SIZE) };
        }
        made && self.state.load(Ordering::Relaxed) == RUNS
    }
}

/// libc has made a thread in this process, or in the one that it was forked from.
static PREPARED: AtomicBool = AtomicBool::new(false);

/// Gets libc ready for threads, before there is the first one that is a coroutine: with the first that it makes itself it
/// installs the handlers of its own signals, without which `setuid` would end the process. A child of fork has them.
pub fn prepare_libc() {
    extern "C" fn nothing(unused: *mut c_void) -> *mut c_void {
        unused
    }
    if !PREPARED.load(Ordering::Relaxed) {
        let before = sys::signal_mask(Some(super::mask::ALL));
        let mut thread = 0;
        // SAFETY: hooks are off, so the calls are libc's; the thread does nothing, and is joined.
        unsafe {
            if libc::pthread_create(&mut thread, ptr::null(), nothing, ptr::null_mut()) == 0 {
                libc::pthread_join(thread, ptr::null_mut());
                signal::heed_identity();
                PREPARED.store(true, Ordering::Relaxed);
            }
        }
        if let Ok(before) = before {
            let _ = sys::signal_mask(Some(before));
        }
    }
    alone::have_threads();
}

/// What a worker runs, from its beginning on.
extern "C" fn work(worker: *mut c_void) -> *mut c_void {
    let (this, base) = (Scheduler::get_or_new(), tls::base());
    // SAFETY: workers live for ever; the thread runs nothing else, and has no coroutine yet.
    unsafe {
        let worker = &*worker.cast_const().cast::<Worker>();
        if Scheduler::devote(this, base).is_none() {
            worker.says(FAILED);
            return ptr::null_mut();
        }
        worker.runs_on(this, base);
        Scheduler::serve(this)
    }
}

/// All workers, the one of the kernel's first thread first.
pub struct Workers {
    all: Box<[AtomicPtr<Worker>]>,
    /// How many run.
    running: AtomicUsize,
    /// Closed by the one who makes another.
    growing: Latch,
    /// There is no memory for more, or no room in the process.
    limited: AtomicBool,
    /// Who had the last new thread, of those with equal loads.
    last: AtomicUsize,
}

impl Workers {
    /// Up to `count`, of which only the first runs: the calling thread, with one thread of the program's.
    pub fn new(count: usize, scheduler: *mut Scheduler, base: usize, mask: u64) -> Self {
        let all: Box<[_]> =
            (0..count).map(|_| AtomicPtr::new(Box::into_raw(Box::new(Worker::new())))).collect();
        let workers = Workers {
            all,
            running: AtomicUsize::new(1),
            growing: Latch::new(),
            limited: AtomicBool::new(false),
            last: AtomicUsize::new(0),
        };
        let first = workers.at(0);
        first.runs_on(scheduler, base);
        first.load.store(1, Ordering::Relaxed);
        first.masks.are_of_one(mask);
        workers
    }

    fn at(&self, place: usize) -> &'static Worker {
        // SAFETY: workers are boxes that are never freed.
        unsafe { &*self.all[place].load(Ordering::Relaxed) }
    }

    /// The first.
    pub fn first(&self) -> &'static Worker {
        self.at(0)
    }

    /// Who gets a new thread: one that has the fewest. In turn among equals, so that threads that live as long as each
    /// other are spread as dealing in turn would, and those who live longer do not gather. Another worker is made
    /// while all have threads.
    pub fn deal(&self, before: impl FnOnce()) -> &'static Worker {
        let worker = match self.all.len() {
            1 => self.at(0),
            _ => self.least_loaded(before),
        };
        worker.load.fetch_add(1, Ordering::Relaxed);
        worker
    }

    fn least_loaded(&self, before: impl FnOnce()) -> &'static Worker {
        let running = self.running.load(Ordering::Acquire);
        let start = self.last.load(Ordering::Relaxed) + 1;
        let places = (start..start + running).map(|place| place % running);
        let least = places.min_by_key(|&place| self.at(place).load.load(Ordering::Relaxed)).unwrap_or(0);
        let is_enough = self.at(least).load.load(Ordering::Relaxed) == 0
            || running == self.all.len()
            || self.limited.load(Ordering::Relaxed);
        let place = if is_enough { least } else { self.grow(running, before).unwrap_or(least) };
        self.last.store(place, Ordering::Relaxed);
        self.at(place)
    }

    /// Makes the worker at that place, if nobody else does.
    #[cold]
    fn grow(&self, running: usize, before: impl FnOnce()) -> Option<usize> {
        self.growing.close();
        let made = if self.running.load(Ordering::Relaxed) == running {
            before();
            let made = self.at(running).start();
            if made {
                self.running.store(running + 1, Ordering::Release);
            } else {
                complain!("COLIB_THREADS: no more than {running} kernel threads can be made");
                self.limited.store(true, Ordering::Relaxed);
            }
            made.then_some(running)
        } else {
            None
        };
        self.growing.open();
        made
    }

    /// In a child of fork: `me` runs alone, with one thread.
    pub fn only(&self, me: &'static Worker) {
        let place = (0..self.all.len()).find(|&place| ptr::eq(self.at(place), me)).unwrap_or(0);
        let first = self.all[0].swap(ptr::from_ref(me).cast_mut(), Ordering::Relaxed);
        self.all[place].store(first, Ordering::Relaxed);
        for other in &self.all[1..] {
            // What other threads had is left alone: they are made anew.
            other.store(Box::into_raw(Box::new(Worker::new())), Ordering::Relaxed);
        }
        self.running.store(1, Ordering::Relaxed);
        self.limited.store(false, Ordering::Relaxed);
        // Another thread may have been making one.
        self.growing.open();
        me.load.store(1, Ordering::Relaxed);
    }
}
