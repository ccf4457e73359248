//! The beginning and the end of a thread's scheduler, and what a fork leaves of it.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::blocks::{Blocks, Orphans, Place};
use super::hints::Hints;
use super::spare::Spares;
use super::{Scheduler, debugger};
use crate::coroutine::{Coroutine, Ground};
use crate::fork::{self, Handlers, Side};
use crate::latch::Mutex;
use crate::list::Link;
use crate::reactor::{Message, Reactor, descriptor, registry};
use crate::stack::{Alternate, Areas, Pool};
use crate::timer::Timers;
use crate::{alone, annotate, exceptions, sys, tls};

/// Held while a coroutine is sent home and while a home ceases to exist.
static HOMES: Mutex<Orphans> = Mutex::new(Orphans::new());

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Nonzero from the moment that a first thread has a scheduler: until then no coroutine waits for a lock or has one.
pub static EVER: AtomicUsize = AtomicUsize::new(0);

/// How many threads have a scheduler now.
pub fn count_of_threads() -> usize {
    THREADS.load(Ordering::Relaxed)
}

fn stack_bounds() -> (*mut u8, usize) {
    let mut bounds = (ptr::null_mut(), 0);
    // SAFETY: the attribute object is initialised by the first call and destroyed by the last.
    unsafe {
        let mut attributes = core::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) == 0 {
            let mut low = ptr::null_mut();
            libc::pthread_attr_getstack(&attributes, &mut low, &mut bounds.1);
            libc::pthread_attr_destroy(&mut attributes);
            bounds.0 = low.cast();
        }
    }
    bounds
}

impl Scheduler {
    /// The calling thread's scheduler, made when there is none yet.
    #[inline(always)]
    pub fn get_or_new() -> *mut Scheduler {
        let this = Self::get();
        if this.is_null() { Self::new() } else { this }
    }

    #[cold]
    fn new() -> *mut Scheduler {
        fork::look_after();
        annotate::look();
        // SAFETY: always succeeds; valid as long as the thread lives.
        let errno = unsafe { libc::__errno_location() };
        let (exceptions, asks) = exceptions::look();
        let this = Box::into_raw(Box::new(Scheduler {
            current: ptr::null_mut(),
            main: Coroutine::new(None, ptr::null_mut(), Ground::Thread),
            ready: Box::default(),
            batch: Box::default(),
            mail: Vec::with_capacity(64),
            timers: Timers::new(),
            glances: Default::default(),
            looping: super::turn::Loop { runner: ptr::null_mut(), endless: false },
            fetched: 0,
            allowance: 0,
            overrun: 0,
            passes: 0,
            resumed: ptr::null_mut(),
            reactor: Reactor::new(),
            pool: Pool::new(),
            spares: Spares::new(),
            blocks: Blocks::new(),
            dealt: Box::default(),
            shared: Box::default(),
            areas: Areas::new(),
            interruptible: Default::default(),
            handled: Default::default(),
            doomed: ptr::null_mut(),
            mover: None,
            taken: Default::default(),
            errno,
            exceptions,
            asks,
            kernel_base: 0,
            common_base: 0,
            hints: Hints::new(),
            bounds: if annotate::sanitized() { stack_bounds() } else { (ptr::null_mut(), 0) },
            alternate: Alternate::install(),
            link: Link::new(),
            thread: sys::thread_id(),
        }));
        // SAFETY: just made, and never moved again.
        unsafe {
            (*this).current = &raw mut (*this).main;
            (*this).hints.begin((*this).current);
            (*this).main.set_active();
            (*this).main.started = true;
            (*this).main.home = AtomicPtr::new(this.cast());
            Self::show(this);
            let _homes = HOMES.lock();
            debugger::colib_debugger.threads.push_back(&raw const (*this).link);
        }
        THREADS.fetch_add(1, Ordering::Relaxed);
        EVER.store(1, Ordering::SeqCst);
        tls::set_scheduler(this.expose_provenance());
        // SAFETY: as above.
        unsafe { Self::set_gate(this) };
        at_thread_end(this);
        this
    }

    /// Frees all that the thread had. Coroutines nobody released keep their control block, so that a late
    /// `co_release` from another thread is harmless.
    unsafe fn end(this: *mut Scheduler) {
        // SAFETY: called once, on the thread itself, with nothing running but its end.
        unsafe {
            registry::leave((*this).reactor.remote());
            {
                let _homes = HOMES.lock();
                (*this).link.unlink();
            }
            // Destructors may make others meanwhile, also where it has looked before.
            let mut place = Place::default();
            loop {
                let mut co = (*this).blocks.next(&mut place, this, u32::MAX);
                if co.is_null() {
                    place = Place::default();
                    co = (*this).blocks.next(&mut place, this, u32::MAX);
                }
                if co.is_null() {
                    break;
                }
                // First it leaves every place in which another thread could find it, then it loses its home:
                // as long as it has one, other threads may post to it. Destructors run without the lock.
                Self::abandon(this, co);
                Self::forget_recent(this, co);
                let ground = ptr::replace(&raw mut (*co).ground, Ground::Thread);
                Self::vacate(this, co, ground);
                (*co).set_done();
                if (*co).doomed {
                    Self::give_back(this, co);
                } else {
                    let mut homes = HOMES.lock();
                    homes.add(co, &mut (*this).blocks);
                    (*co).leave_home();
                }
            }
            // Whoever was released from elsewhere before it lost its home.
            let mut mail = Vec::new();
            (*this).reactor.remote().take(&mut mail);
            for message in mail {
                if let Message::Release(co) = message {
                    dispose_orphan(&mut HOMES.lock(), co.cast());
                }
            }
            Self::dispose_spares(this);
            if let Some(mover) = (*this).mover.take() {
                (*this).pool.free(mover.stack);
            }
            (*this).blocks.end(&mut HOMES.lock());
            (*this).reactor.shut_down();
            (*this).alternate = None;
            drop(Box::from_raw(this));
        }
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Frees the control block of a coroutine whose thread has ended.
unsafe fn dispose_orphan(homes: &mut Orphans, co: *mut Coroutine) {
    // SAFETY: by contract of `release`.
    unsafe {
        ptr::drop_in_place(co);
        homes.free(co);
    }
}

/// Releases a coroutine of another thread: that thread does it, or nobody is left to.
///
/// # Safety
/// As for [`Scheduler::release`].
pub(super) unsafe fn release_elsewhere(co: *mut Coroutine) {
    let mut homes = HOMES.lock();
    // SAFETY: by contract; a home does not cease to exist while the lock is held.
    unsafe {
        let home = (*co).home.load(Ordering::Acquire).cast::<Scheduler>();
        if home.is_null() {
            dispose_orphan(&mut homes, co);
        } else {
            (*home).reactor.remote().post(Message::Release(co.cast()));
        }
    }
}

// ---- the thread's end -------------------------------------------------------------------------------
// A pthread key, not a Rust thread-local with a destructor: hooks that run later find the words in `tls`
// empty and pass through (invariant 5).

const NONE: usize = usize::MAX;
static KEY: AtomicUsize = AtomicUsize::new(NONE);

fn key() -> Option<libc::pthread_key_t> {
    if KEY.load(Ordering::Acquire) == NONE {
        let mut key = 0;
        // SAFETY: `key` is writable, and the destructor takes what is stored under it.
        unsafe {
            if libc::pthread_key_create(&mut key, Some(thread_ended)) != 0 {
                return None;
            }
            if KEY.compare_exchange(NONE, key as usize, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // Another thread was first.
                libc::pthread_key_delete(key);
            }
        }
    }
    Some(KEY.load(Ordering::Acquire) as libc::pthread_key_t)
}

fn at_thread_end(this: *mut Scheduler) {
    if let Some(key) = key() {
        // SAFETY: the key exists.
        unsafe { libc::pthread_setspecific(key, this.cast::<c_void>()) };
    }
}

/// The scheduler is for as long as the process lives: it does not end with the thread.
pub(super) fn outlives_thread() {
    if let Some(key) = key() {
        // SAFETY: the key exists.
        unsafe { libc::pthread_setspecific(key, ptr::null()) };
    }
}

unsafe extern "C" fn thread_ended(this: *mut c_void) {
    tls::set_hook_word(0);
    tls::set_gate(0, false);
    if tls::scheduler() == this.addr() {
        // SAFETY: the thread's own scheduler, and libc calls this once for each one that was made.
        unsafe { Scheduler::end(this.cast()) };
        tls::set_scheduler(0);
    }
}

// ---- fork -------------------------------------------------------------------------------------------

/// What this part of the library does around a fork.
pub static FORK: Handlers = Handlers { stop, go_on, later };

fn stop() {
    core::mem::forget(HOMES.lock());
    registry::stop_for_fork();
    descriptor::stop_for_fork();
}

unsafe fn go_on(_: Side) {
    // SAFETY: `stop` ran on this thread.
    unsafe {
        descriptor::go_on_after_fork();
        registry::go_on_after_fork();
        HOMES.force_unlock();
    }
}

fn later(side: Side) {
    if side == Side::Parent {
        return;
    }
    let this = Scheduler::get();
    if !this.is_null() {
        alone::expect_coroutines();
    }
    // SAFETY: the child has this one thread.
    unsafe {
        registry::tidy_after_fork();
        super::deal::begin_anew();
        let threads = &debugger::colib_debugger.threads;
        while !threads.is_empty() {
            (*threads.first()).unlink();
        }
        if !this.is_null() {
            (*this).reactor.forget_registrations(&(*this).ready);
            Scheduler::show(this);
            (*this).thread = sys::thread_id();
            threads.push_back(&raw const (*this).link);
        }
    }
}
