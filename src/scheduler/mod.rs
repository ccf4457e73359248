//! The coroutines of one thread: who runs, who resumed whom, who is ready.
//!
//! The only module that switches contexts. A coroutine that leaves, for whatever reason, gives control to
//! the one that resumed it; the loop (`turn`) resumes what has become ready.
//!
//! - `switch`: resume, yield, park, and what changes hands at a switch
//! - `body`: how the body of a coroutine begins and ends
//! - `wait`: parking until something comes
//! - `turn`: one round of the loop; `fetch`: what is fetched into the cache for it
//! - `fairness`: who lets others run though none of his calls has to wait
//! - `hints`: who is resumed soon after whom
//! - `descriptor`: what the program does to descriptors
//! - `interrupt`: whose call a signal handler ends
//! - `life`: creating, resetting and releasing coroutines
//! - `adopt`: a loop with a context of its own, for programs whose threads are coroutines
//! - `deal`: coroutines that are made for another thread
//! - `blocks`: where the control blocks are
//! - `storage`: coroutines that have thread-local storage for themselves
//! - `spare`: released coroutines that are kept for the next
//! - `taken`: which locks they took last
//! - `debugger`: what debuggers are told
//! - `thread`: the scheduler's own beginning and end, and what a fork leaves of it

mod adopt;
mod blocks;
mod body;
mod deal;
mod debugger;
mod descriptor;
mod fairness;
mod fetch;
mod hints;
mod interrupt;
mod life;
mod spare;
mod storage;
mod switch;
mod taken;
mod thread;
mod turn;
mod wait;

pub use descriptor::{closed, closing, made_here, nudge, opened};
pub use interrupt::{
    Since, expect_handler, expected_handler, handler_ran, handlers_run, have_done, have_loop_do, have_masks,
};
pub use storage::Keeper;
pub use switch::{prepare_resume, prepare_yield};
pub use thread::{EVER, FORK, count_of_threads};
pub use wait::{NAP, Want};

use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::Ordering;
use std::io;
use std::sync::Arc;

use crate::context::Context;
use crate::coroutine::Coroutine;
use crate::list::{Link, List};
use crate::reactor::{Message, Reactor, Remote};
use crate::stack::{Alternate, Areas, Pool, Stack};
use crate::timer::Timers;
use crate::tls::Record;
use crate::waiter::{Waiter, Wake};
use crate::{sys, tls};

/// The scheduler of one thread. Made by [`Scheduler::get_or_new`], freed when the thread ends.
///
/// Always handled by raw pointer: a switch in the middle of a method brings other methods to life, so no
/// borrow of the whole may stand across one (invariant 3).
#[repr(C, align(64))]
pub struct Scheduler {
    // What each switch needs stands together in a cache line.
    current: *mut Coroutine,
    /// libc's `errno` of this thread.
    errno: *mut c_int,
    /// The C++ runtime's record of the exceptions in flight, for all coroutines without thread-local storage of their own.
    exceptions: *mut Record,
    /// The runtime asks the library for it before it changes it (`exceptions`).
    asks: bool,
    hints: hints::Hints,
    main: Coroutine,
    /// Waiters that were woken, in the order of waking.
    ready: Box<List>,
    /// Those of them whose turn has come.
    batch: Box<List>,
    /// Room for messages, in exchange for those in the inbox.
    mail: Vec<Message>,
    timers: Timers,
    glances: turn::Glances,
    /// The innermost loop that runs coroutines.
    looping: turn::Loop,
    /// How many of the batch run before the next stacks are fetched.
    fetched: u32,
    /// How many calls the coroutine that the loop resumed may still make before it gives way.
    allowance: u32,
    /// Calls beyond that of one that the program resumed, in a row.
    overrun: u32,
    /// Calls that did not wait, in a row.
    passes: u32,
    /// The coroutine that the loop resumed last.
    resumed: *mut Coroutine,
    reactor: Reactor,
    pool: Pool,
    spares: spare::Spares,
    blocks: blocks::Blocks,
    /// Those that were made for this thread and are not in its blocks, the oldest first.
    dealt: Box<List>,
    /// The shared stacks that its coroutines use.
    shared: Box<List>,
    /// Where the bytes of those are kept that do not run.
    areas: Areas,
    /// How many wait in a call that a signal handler ends, by [`crate::waiter::Interrupt`].
    interruptible: interrupt::Counts,
    handled: interrupt::Handled,
    /// Released while they ran, and no longer running: chained by `resumer`.
    doomed: *mut Coroutine,
    /// Where the contents of a shared stack are changed when the coroutine that leaves runs on it.
    mover: Option<Mover>,
    taken: taken::Taken,
    /// The base of the kernel thread's own thread-local storage, where coroutines have others; else zero.
    kernel_base: usize,
    /// That of the storage which the loop has, and all coroutines without one of their own; zero as above.
    common_base: usize,
    /// The bounds of the thread's own stack, for the sanitizer; asked for only when it runs.
    bounds: (*mut u8, usize),
    /// Where the report of an overflown stack runs.
    alternate: Option<Alternate>,
    /// Among those of all threads, for debuggers.
    link: Link,
    /// The kernel's number of the thread, for debuggers.
    thread: c_int,
}

/// A context of the scheduler's own.
struct Mover {
    context: Context,
    stack: Stack,
    /// Who goes on once its bytes are in place.
    next: *mut Coroutine,
}

impl Scheduler {
    /// Where the assembly of the switches finds what it needs.
    pub const CURRENT: usize = offset_of!(Scheduler, current);
    /// See [`Scheduler::CURRENT`].
    pub const RECENT: usize = offset_of!(Scheduler, hints) + hints::Hints::RECENT;
    /// See [`Scheduler::CURRENT`].
    pub const LESSONS: usize = offset_of!(Scheduler, hints) + hints::Hints::LESSONS;
    /// See [`Scheduler::CURRENT`].
    pub const ERRNO: usize = offset_of!(Scheduler, errno);

    /// The calling thread's scheduler, or null.
    #[inline(always)]
    pub fn get() -> *mut Scheduler {
        ptr::with_exposed_provenance_mut(tls::scheduler())
    }

    /// The coroutine that runs; the thread's `main` outside any.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler. The same holds for every function here.
    pub unsafe fn current(this: *mut Scheduler) -> *mut Coroutine {
        // SAFETY: by contract.
        unsafe { (*this).current }
    }

    /// Whether the running coroutine is one of the program's threads, with thread-local storage and a number of its own.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    #[inline(always)]
    pub unsafe fn runs_thread(this: *mut Scheduler) -> bool {
        // SAFETY: by contract.
        unsafe { (*(*this).current).is_thread() }
    }

    /// The base by which libc knows the kernel thread that runs, where coroutines have bases of their own; else zero.
    pub fn kernel_base() -> usize {
        let this = Self::get();
        // SAFETY: null, or the calling thread's.
        if this.is_null() { 0 } else { unsafe { (*this).kernel_base } }
    }

    /// Whether the calling thread runs the program's threads as coroutines, and nothing else.
    pub fn serves_threads() -> bool {
        let this = Self::get();
        // SAFETY: null, or the calling thread's.
        !this.is_null() && unsafe { (*this).main.is_thread() }
    }

    /// The coroutine that runs, or null outside any.
    pub fn running() -> *mut Coroutine {
        let this = Self::get();
        if this.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the calling thread's scheduler is valid.
        unsafe { if (*(*this).current).is_main { ptr::null_mut() } else { (*this).current } }
    }

    /// The hook word with which the running coroutine's own code runs (invariant 12); zero before there is any.
    pub fn word() -> u32 {
        let this = Self::get();
        // SAFETY: null, or the calling thread's.
        if this.is_null() { 0 } else { unsafe { (*(*this).current).context.word } }
    }

    /// Sets what [`Scheduler::word`] gives, not the thread's hook word itself.
    pub fn set_word(word: u32) {
        let this = Self::get();
        if !this.is_null() {
            // SAFETY: the calling thread's scheduler is valid.
            unsafe { (*(*this).current).context.word = word };
        }
    }

    /// The running coroutine goes over to the program's code, which runs with that hook word.
    pub fn go_over(word: usize) {
        Self::set_word(word as u32);
        tls::set_hook_word(word);
    }

    /// Whether a waiter belongs to the calling thread.
    ///
    /// # Safety
    /// It belongs to a coroutine that was not released.
    #[inline(always)]
    pub unsafe fn is_home_of(waiter: *const Waiter) -> bool {
        // SAFETY: by contract.
        unsafe { (*Coroutine::of_waiter(waiter)).home.load(Ordering::Relaxed) == Self::get().cast() }
    }

    /// Queues a waiter of this thread.
    ///
    /// # Safety
    /// The waiter belongs to this thread and is in place.
    pub unsafe fn wake(this: *mut Scheduler, waiter: *const Waiter, reason: Wake) {
        // SAFETY: by contract.
        unsafe { Waiter::wake(waiter, reason, &(*this).ready) };
    }

    /// The side of this thread that others may touch.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    pub unsafe fn remote(this: *mut Scheduler) -> Arc<Remote> {
        // SAFETY: by contract.
        unsafe { (*this).reactor.remote().clone() }
    }

    /// What is known of this thread's descriptors. The borrow must end before anything is switched or woken.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    pub unsafe fn reactor<'a>(this: *mut Scheduler) -> &'a mut Reactor {
        // SAFETY: by contract.
        unsafe { &mut (*this).reactor }
    }

    /// [`Reactor::accept_now`].
    ///
    /// # Safety
    /// As for [`Scheduler::current`]; `address` and `length` are the program's.
    pub unsafe fn accept_now(
        this: *mut Scheduler, fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t,
        flags: c_int, told: bool,
    ) -> io::Result<Option<c_int>> {
        // SAFETY: by contract.
        unsafe { (*this).reactor.accept_now(fd, address, length, flags, told) }
    }

    /// The program's `T`, for a call of the running coroutine: EFAULT where it cannot be read. What lies on the
    /// coroutine's own stack can be, so the kernel is not asked.
    ///
    /// # Safety
    /// A coroutine runs; any bytes are a valid `T`.
    pub unsafe fn read_in<T>(this: *mut Scheduler, from: *const T) -> io::Result<T> {
        // SAFETY: by contract; the whole of a stack is mapped and readable.
        unsafe {
            match (*(*this).current).has_on_stack(from.cast(), size_of::<T>()) {
                true => Ok(from.read_unaligned()),
                false => sys::read_in(from),
            }
        }
    }

    /// Scratch memory of `size` zeroed bytes for the call in progress of the running coroutine: freed with
    /// it when it is released meanwhile. The next request replaces it.
    ///
    /// # Safety
    /// A coroutine runs.
    pub unsafe fn scratch(this: *mut Scheduler, size: usize) -> io::Result<*mut u8> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| io::Error::from_raw_os_error(libc::ENOMEM))?;
        bytes.resize(size, 0);
        // SAFETY: by contract.
        unsafe {
            let more = (*(*this).current).make_more().ok_or(io::Error::from_raw_os_error(libc::ENOMEM))?;
            more.scratch = bytes.into_boxed_slice();
            Ok(more.scratch.as_mut_ptr())
        }
    }
}
