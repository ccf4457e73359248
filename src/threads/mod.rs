//! Threads as coroutines: with `COLIB_THREADS=N` in the environment, what a program makes by `pthread_create` are
//! coroutines of N kernel threads, the workers.
//!
//! Each of them is a whole thread to libc and to every library: it has thread-local storage and a thread control
//! block of its own, and `%fs` points there while it runs. The main thread is the first of them, on its own stack.
//! They change places inside the calls that the hooks make, never inside libc. Each stays on the worker that it was
//! dealt to when it was made.
//!
//! - `layout`: what is known of libc's threads, and whether it is true here
//! - `block`: thread-local storage and control blocks
//! - `fields`: what libc notes about each thread
//! - `thread`: a thread's life
//! - `cancel`: cancellation
//! - `exit`: who ends the process
//! - `fate`: who may join a thread, and who disposes of it
//! - `join`: joining and detaching
//! - `kernel`: what the kernel is asked about a thread, and signals sent to one
//! - `landing`: where a thread that exits goes
//! - `leave`: signal handlers as the main thread's, and their ways out
//! - `mask`: signals that threads block
//! - `number`: the numbers that `gettid` gives
//! - `real`: threads that are none
//! - `storage`: of such a thread only its thread-local storage, for a coroutine of the interface
//! - `worker`: the kernel's threads, and who gets a new thread
//!
//! Of a thread, others than its worker touch what is atomic, what is under a latch, and what its `fate` gives them;
//! for all else they send the worker an errand.

mod block;
mod cancel;
mod exit;
mod fate;
mod fields;
mod join;
mod kernel;
mod landing;
mod layout;
mod leave;
mod mask;
mod number;
pub mod real;
pub mod storage;
mod thread;
mod worker;

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::num::IntErrorKind;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use block::Blocks;
use layout::Layout;
use thread::{Thread, Wishes};
use worker::Workers;

use crate::coroutine::Routine;
use crate::fork::{Handlers, Side};
use crate::latch::Latch;
use crate::scheduler::Scheduler;
use crate::sync::Limit;
use crate::{annotate, heap, io, scheduler, signal, sys, tls};

/// The threads of the process that are coroutines.
pub struct Threads {
    blocks: Blocks,
    main: Thread,
    /// The base of the process's first thread: the main thread, or in a child the one that forked.
    first: AtomicUsize,
    /// How many threads have not ended.
    living: AtomicUsize,
    workers: Workers,
    /// Closed by whoever looks at a thread's name.
    names: Latch,
    /// The main thread ends as all others do, however it exits. For its worker.
    diverted: Cell<bool>,
}

// SAFETY: the cells here and in each `Thread` say who touches them.
unsafe impl Sync for Threads {}

static THREADS: AtomicPtr<Threads> = AtomicPtr::new(ptr::null_mut());

/// The threads, when they are coroutines.
pub fn on() -> Option<&'static Threads> {
    // SAFETY: null, or threads that live for ever.
    unsafe { THREADS.load(Ordering::Acquire).as_ref() }
}

/// Looks at the environment, from the library's constructor: what runs on the main thread becomes a coroutine if the
/// user wants it and everything is as it must be.
pub fn begin() {
    storage::note_main();
    let Some(value) = std::env::var_os("COLIB_THREADS") else { return };
    let wanted = match value.to_str().map(str::parse::<usize>) {
        Some(Ok(count)) => count,
        Some(Err(why)) if *why.kind() == IntErrorKind::PosOverflow => usize::MAX,
        _ if value.is_empty() => 0,
        _ => {
            complain!("COLIB_THREADS must be a number: threads stay threads");
            return;
        }
    };
    if wanted == 0 || real::program_is_of_go() {
        return;
    }
    let count = wanted.min(worker::MOST);
    if count < wanted {
        complain!("COLIB_THREADS={}: {count} kernel threads are the most there can be", value.display());
    }
    if let Err(reason) = turn_on(count) {
        complain!("COLIB_THREADS: {reason}: threads stay threads");
    }
}

fn turn_on(count: usize) -> Result<(), &'static str> {
    if annotate::sanitized() || annotate::on_valgrind() {
        return Err("not under a memory checker");
    }
    let base = tls::base();
    let layout = Layout::find(base, base)?;
    let this = Scheduler::get_or_new();
    let blocks = Blocks::new(layout, base);
    const NO_MEMORY: &str = "out of memory";
    let loop_base = blocks.take(this.expose_provenance()).ok_or(NO_MEMORY)?;
    // Signal handlers that interrupt the loop find what libc has made ready.
    // SAFETY: the block is laid out, and nobody else runs on it.
    unsafe { tls::on_base(loop_base, || blocks.layout.begin()) };
    // SAFETY: the constructor runs on the main thread, outside any coroutine; nothing else has a base.
    unsafe {
        let mask = sys::signal_mask(None).map_err(|_| "no signal mask")?;
        let co = Scheduler::adopt(this, loop_base, base).map_err(|_| NO_MEMORY)?;
        blocks.mind_others(loop_base);
        let workers = Workers::new(count, this, base, mask);
        let threads = Threads {
            blocks,
            main: Thread::of_main(base, co, mask, workers.first()),
            first: AtomicUsize::new(base),
            living: AtomicUsize::new(1),
            workers,
            names: Latch::new(),
            diverted: Cell::new(false),
        };
        let threads = Box::into_raw(heap::boxed(threads).ok_or(NO_MEMORY)?);
        THREADS.store(threads, Ordering::Release);
        signal::wrap_handlers();
    }
    scheduler::have_masks(mask::blocked_at);
    signal::have_bases(leave::base_for);
    real::begin();
    io::wait_on_helpers();
    Scheduler::go_over(tls::HOOKED | tls::THREAD);
    Ok(())
}

unsafe extern "C" {
    fn pthread_attr_getdetachstate(attributes: *const libc::pthread_attr_t, state: *mut c_int) -> c_int;
    fn pthread_getattr_default_np(attributes: *mut libc::pthread_attr_t) -> c_int;
}

type GetMask = unsafe extern "C" fn(*const libc::pthread_attr_t, *mut [u64; 16]) -> c_int;

impl Wishes {
    /// # Safety
    /// `attributes` is null, for the default, or the program's.
    unsafe fn of(attributes: *const libc::pthread_attr_t) -> Self {
        let mut wishes = Wishes { stack: 0, guard: 0, detached: false, mask: None };
        let mut state = libc::PTHREAD_CREATE_JOINABLE;
        // glibc has had masks there since 2.32.
        let get_mask = weak_symbol!("pthread_attr_getsigmask_np" as GetMask);
        // SAFETY: by contract; the default is initialised by the call and destroyed afterwards.
        unsafe {
            let mut default = core::mem::zeroed();
            let given = if attributes.is_null() {
                pthread_getattr_default_np(&mut default);
                &raw const default
            } else {
                attributes
            };
            libc::pthread_attr_getstacksize(given, &mut wishes.stack);
            libc::pthread_attr_getguardsize(given, &mut wishes.guard);
            pthread_attr_getdetachstate(given, &mut state);
            let mut mask = [0; 16];
            if get_mask.is_some_and(|get| get(given, &mut mask) == 0) {
                wishes.mask = Some(mask[0]);
            }
            if attributes.is_null() {
                libc::pthread_attr_destroy(&mut default);
            }
        }
        wishes.detached = state == libc::PTHREAD_CREATE_DETACHED;
        wishes
    }
}

impl Threads {
    /// The running thread's; hooks are on, so there is one.
    fn get() -> &'static Threads {
        match on() {
            Some(threads) => threads,
            None => unreachable!("a thread that is a coroutine runs"),
        }
    }

    /// One of the threads is about to change for itself alone what the kernel keeps for each of its own threads: so the
    /// others have it too, if there are any.
    pub fn warn_of_shared_attributes(&self) {
        static WARNED: AtomicBool = AtomicBool::new(false);
        if self.living.load(Ordering::Relaxed) > 1 && !WARNED.swap(true, Ordering::Relaxed) {
            complain!(
                "COLIB_THREADS: a thread changes its own rights, namespaces or directories: other threads have them too, \
                 unless COLIB_THREADS_REAL keeps it real"
            );
        }
    }

    fn current(&self) -> &Thread {
        let base = tls::base();
        if base == self.main.base {
            return &self.main;
        }
        // SAFETY: who runs and is not the main thread runs in one of our blocks.
        unsafe { &*self.blocks.thread(base) }
    }

    /// The thread of that name, if it is one of ours.
    ///
    /// # Safety
    /// `thread` is some thread's, or was.
    unsafe fn find(&self, thread: libc::pthread_t) -> Option<&Thread> {
        let base = thread as usize;
        if base == self.main.base {
            return Some(&self.main);
        }
        // SAFETY: by contract.
        unsafe { self.blocks.holds(base).then(|| &*self.blocks.thread(base)) }
    }

    /// `pthread_create`.
    ///
    /// # Safety
    /// The arguments are the program's; a thread runs, with the library's own code. The latter holds for all
    /// functions here.
    pub unsafe fn create(
        &self, thread: *mut libc::pthread_t, attributes: *const libc::pthread_attr_t, routine: Routine,
        argument: *mut c_void,
    ) -> c_int {
        // SAFETY: by contract. The thread does not run before the caller waits.
        unsafe {
            let wishes = Wishes::of(attributes);
            let mut made = self.make(&wishes, routine, argument);
            if made == Err(libc::EAGAIN) {
                // Those who have what is wanting may be about to end.
                Scheduler::give_way(Scheduler::get());
                made = self.make(&wishes, routine, argument);
            }
            match made {
                Ok(base) => {
                    thread.write(base as libc::pthread_t);
                    0
                }
                Err(error) => error,
            }
        }
    }

    /// `pthread_join` and its timed variants; `None` when the thread is a real one.
    ///
    /// # Safety
    /// As for [`Threads::create`].
    pub unsafe fn join_if_ours(
        &self, scheduler: *mut Scheduler, thread: libc::pthread_t, result: *mut *mut c_void,
        limit: impl FnOnce() -> Result<Limit, c_int>,
    ) -> Option<c_int> {
        // SAFETY: by contract.
        unsafe { self.find(thread).map(|thread| self.join(scheduler, thread, result, limit)) }
    }

    /// `pthread_tryjoin_np`; `None` when the thread is a real one.
    ///
    /// # Safety
    /// As for [`Threads::create`].
    pub unsafe fn try_join_if_ours(
        &self, thread: libc::pthread_t, result: *mut *mut c_void,
    ) -> Option<c_int> {
        // SAFETY: by contract.
        unsafe { self.find(thread).map(|thread| self.try_join(thread, result)) }
    }

    /// `pthread_detach`; `None` when the thread is a real one.
    ///
    /// # Safety
    /// As for [`Threads::create`].
    pub unsafe fn detach_if_ours(&self, thread: libc::pthread_t) -> Option<c_int> {
        // SAFETY: by contract.
        unsafe { self.find(thread).map(|thread| self.detach(thread)) }
    }

    /// The running thread is about to exit by libc's own function.
    ///
    /// # Safety
    /// As for [`Threads::create`].
    pub unsafe fn exits(&self) {
        if tls::base() == self.main.base {
            // SAFETY: the main thread runs.
            unsafe { self.divert_exit_of_main() };
        }
    }
}

/// What this part of the library does around a fork.
pub static FORK: Handlers = Handlers { stop, go_on, later };

fn stop() {
    storage::stop_for_fork();
    if let Some(threads) = on() {
        threads.names.close();
        threads.blocks.stop_for_fork();
    }
}

fn go_on(_: Side) {
    storage::go_on_after_fork();
    if let Some(threads) = on() {
        threads.blocks.go_on_after_fork();
        threads.names.open();
    }
}

/// Only the thread that forks lives on in the child, and its worker is the only one.
fn later(side: Side) {
    if side == Side::Child {
        storage::later_in_child();
    }
    let Some(threads) = on().filter(|_| side == Side::Child) else { return };
    if Scheduler::running().is_null() {
        // A helper forked, which has none of them.
        return;
    }
    let me = threads.current();
    let worker = me.worker.get();
    // SAFETY: the child has this one kernel thread, and a coroutine of its scheduler runs. The kernel wrote the child's
    // number where the thread has its own.
    unsafe {
        if me.number != 0 {
            threads.blocks.number(me.base).write(me.number);
        }
        threads.blocks.forget_others(me.base, worker.base());
        threads.living.store(1, Ordering::Relaxed);
        threads.first.store(me.base, Ordering::Relaxed);
        real::forget();
        exit::forget_others(me.base);
        worker.masks.is_alone(me.mask.get());
        threads.workers.only(worker);
        Scheduler::dispose_of_others(Scheduler::get());
    }
}
