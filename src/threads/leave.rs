//! Handlers of signals to the process, as the main thread's: the kernel chooses that one if it does not block the signal.
//!
//! They run on its thread-local storage if no thread runs, and may leave for its frames by `longjmp` then.
//!
//! One may exit. What the program has registered for its end may wait for other threads, which a handler
//! keeps from running: hooks are off in it, and what it interrupted stands still. On a thread the others would run.
//!
//! `exit` does not return, so the handler is left behind, and a thread exits instead: the one that the kernel would have
//! chosen. For a signal to the process that is the main thread, as a rule: the oldest of the worker that does not block
//! it. What that one waited for, it waits for no more. Where it does not run itself, the loop must come first.

use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use super::Threads;
use super::thread::Thread;
use crate::scheduler::{self, Scheduler};
use crate::signal::{self, Interruption};
use crate::{sys, tls};

/// The scheduler of the worker on which a handler has jumped out of itself, and its main thread has not yet; null for none.
static JUMPS: AtomicPtr<Scheduler> = AtomicPtr::new(ptr::null_mut());
/// Where to, and what `setjmp` gives there.
static BUFFER: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static VALUE: AtomicI32 = AtomicI32::new(0);

unsafe extern "C" {
    fn siglongjmp(buffer: *mut c_void, value: c_int) -> !;
}

/// The scheduler of the worker on which a handler has exited, and no thread in its stead yet; null for none.
static WHERE: AtomicPtr<Scheduler> = AtomicPtr::new(ptr::null_mut());
/// With what status, and for what signal.
static STATUS: AtomicI32 = AtomicI32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);

impl Threads {
    /// A signal handler of the program's calls `exit`. Returns where libc's own is as good: on threads that are none of
    /// the workers.
    ///
    /// # Safety
    /// A handler of the program runs on the calling thread, whose frames nobody needs any more.
    pub unsafe fn exit_from_handler(&self, status: c_int) {
        let this = Scheduler::get();
        let Some(Interruption { of_program, is_own, signal, base }) = signal::interruption() else { return };
        if !Scheduler::serves_threads() {
            return;
        }
        // Who never lets the loop come ends the process when he is interrupted again.
        let again = WHERE.load(Ordering::Relaxed) == this;
        let is_first = base == self.first.load(Ordering::Relaxed);
        // SAFETY: by contract.
        unsafe {
            if of_program && (is_own || is_first || again) {
                signal::leave_for(exits, status);
            }
            STATUS.store(status, Ordering::Relaxed);
            SIGNAL.store(signal, Ordering::Relaxed);
            WHERE.store(this, Ordering::Release);
            scheduler::have_loop_do(do_in_loop);
            signal::leave();
        }
    }

    /// The process's first thread, if it is one of this worker's and has not ended.
    fn first_here(&self) -> Option<&Thread> {
        // SAFETY: the block of the first thread stays until that is joined, and its fate and worker in any case.
        let thread = unsafe { self.find(self.first.load(Ordering::Relaxed) as libc::pthread_t) }?;
        (thread.worker.get().is_here() && !thread.fate.has_ended()).then_some(thread)
    }

    /// A signal handler of the program's calls `longjmp` or one of its kind. Returns where that can be done at once: when
    /// the target is a frame of a handler, or of what was interrupted, and that was not the library.
    ///
    /// # Safety
    /// A handler of the program runs on the calling thread; `buffer` was filled by `setjmp`, on a frame that is still
    /// there.
    pub unsafe fn jump_from_handler(&self, buffer: *mut c_void, value: c_int) {
        let Some(Interruption { of_program, is_own: false, base, .. }) = signal::interruption() else {
            return;
        };
        let Some(first) = self.first_here().filter(|first| first.number == 0) else { return };
        if of_program && base == first.base {
            return;
        }
        // SAFETY: by contract; who runs is valid.
        unsafe {
            let target = signal::target_of(buffer);
            let running = Scheduler::running();
            let is_here =
                !running.is_null() && (*running).has_on_stack(ptr::with_exposed_provenance(target), 0);
            if is_here || !signal::leaves_all(target) || tls::base() != first.base {
                return;
            }
            BUFFER.store(buffer, Ordering::Relaxed);
            VALUE.store(value, Ordering::Relaxed);
            JUMPS.store(Scheduler::get(), Ordering::Release);
            scheduler::have_loop_do(do_in_loop);
            signal::leave();
        }
    }

    /// The running thread has sent `target`, of this worker, a signal. If the handler exited, that one exits.
    ///
    /// # Safety
    /// As for [`Threads::create`]; `target` has not ended.
    pub(super) unsafe fn exit_if_handler_did(&self, target: &Thread) {
        let this = Scheduler::get();
        if !is_due(&WHERE, this) {
            return;
        }
        // SAFETY: by contract; one that has not begun cannot be diverted.
        unsafe {
            if target.base == tls::base() {
                exits_as_thread();
            } else if (*target.co.get()).started {
                Scheduler::divert(this, target.co.get(), parked_exits);
            } else {
                WHERE.store(this, Ordering::Release);
            }
        }
    }
}

/// Whose thread-local storage the handler of a signal to the process gets; zero for that of what it interrupts: of a thread
/// that runs, and may have taken what a handler of the main thread's asks others to give up, as Python's lock. It would not
/// give that up before it waits.
pub(super) fn base_for(signal: c_int) -> usize {
    if !Scheduler::running().is_null() {
        return 0;
    }
    let first = super::on().and_then(Threads::first_here);
    let lets = |thread: &&Thread| thread.mask.get() & sys::signal_bit(signal) == 0;
    first.filter(lets).map_or(0, |thread| thread.base)
}

/// Whether a thread of this worker is to do that, which the caller sees to.
fn is_due(what: &AtomicPtr<Scheduler>, this: *mut Scheduler) -> bool {
    what.compare_exchange(this, ptr::null_mut(), Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Lets a thread of this worker exit or jump, if one is to. No thread runs.
unsafe fn do_in_loop(this: *mut Scheduler) -> bool {
    // SAFETY: the loop runs. A main thread that is to jump has begun, and does not run.
    unsafe {
        if is_due(&WHERE, this) {
            let oldest = Scheduler::oldest_for(this, SIGNAL.load(Ordering::Relaxed));
            if oldest.is_null() {
                exits(STATUS.load(Ordering::Relaxed));
            }
            Scheduler::divert(this, oldest, parked_exits);
            return true;
        }
        if is_due(&JUMPS, this)
            && let Some(first) = Threads::get().first_here()
        {
            Scheduler::divert(this, first.co.get(), parked_jumps);
            return true;
        }
    }
    false
}

/// The main thread, which was parked, goes on here.
unsafe extern "C" fn parked_jumps(_: *mut u8, _: *mut u8) -> ! {
    // SAFETY: the thread runs, and goes over to the program's own code. All functions of that name and kind are the same
    // one in libc, which no handler calls here.
    unsafe {
        Scheduler::begun(Scheduler::get());
        Scheduler::go_over(tls::HOOKED | tls::THREAD);
        siglongjmp(BUFFER.load(Ordering::Relaxed), VALUE.load(Ordering::Relaxed));
    }
}

/// A thread that was parked goes on here.
unsafe extern "C" fn parked_exits(_: *mut u8, _: *mut u8) -> ! {
    // SAFETY: the thread runs.
    unsafe {
        Scheduler::begun(Scheduler::get());
        exits_as_thread();
    }
}

/// The running thread goes over to the program's own code.
unsafe fn exits_as_thread() -> ! {
    Scheduler::go_over(tls::HOOKED | tls::THREAD);
    // SAFETY: as the program asked for.
    unsafe { exits(STATUS.load(Ordering::Relaxed)) }
}

/// What the program registered may wait: nothing on this frame needs dropping.
unsafe extern "C" fn exits(status: c_int) -> ! {
    // SAFETY: as the program asked for.
    unsafe { libc::exit(status) }
}
