//! A signal handler that exits. What the program has registered for its end may wait for other threads, which a handler
//! keeps from running: hooks are off in it, and what it interrupted stands still. On a thread the others would run.
//!
//! `exit` does not return, so the handler is left behind, and a thread exits instead: the one that the kernel would have
//! chosen. For a signal to the process that is the main thread, as a rule: the oldest of the worker that does not block
//! it. What that one waited for, it waits for no more. Where it does not run itself, the loop must come first.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use super::Threads;
use super::thread::Thread;
use crate::scheduler::{self, Scheduler};
use crate::signal::{self, Interruption};
use crate::tls;

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
        let Some(Interruption { of_program, is_own, signal }) = signal::interruption() else { return };
        if Scheduler::kernel_base() == 0 {
            return;
        }
        // Who never lets the loop come ends the process when he is interrupted again.
        let again = WHERE.load(Ordering::Relaxed) == this;
        let is_first = tls::base() == self.first.load(Ordering::Relaxed);
        // SAFETY: by contract.
        unsafe {
            if of_program && (is_own || is_first || again) {
                signal::leave_for(exits, status);
            }
            STATUS.store(status, Ordering::Relaxed);
            SIGNAL.store(signal, Ordering::Relaxed);
            WHERE.store(this, Ordering::Release);
            scheduler::have_loop_do(exit_in_loop);
            signal::leave();
        }
    }

    /// The running thread has sent `target`, of this worker, a signal. If the handler exited, that one exits.
    ///
    /// # Safety
    /// As for [`Threads::create`]; `target` has not ended.
    pub(super) unsafe fn exit_if_handler_did(&self, target: &Thread) {
        let this = Scheduler::get();
        if !is_due(this) {
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

/// Whether a thread of this worker is to exit, which the caller sees to.
fn is_due(this: *mut Scheduler) -> bool {
    WHERE.compare_exchange(this, ptr::null_mut(), Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Lets a thread of this worker exit, if one is to. No thread runs.
unsafe fn exit_in_loop(this: *mut Scheduler) {
    if is_due(this) {
        // SAFETY: the loop runs.
        unsafe {
            let oldest = Scheduler::oldest_for(this, SIGNAL.load(Ordering::Relaxed));
            if oldest.is_null() {
                exits(STATUS.load(Ordering::Relaxed));
            }
            Scheduler::divert(this, oldest, parked_exits);
        }
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
    tls::set_hook_word(tls::HOOKED | tls::THREAD);
    // SAFETY: as the program asked for.
    unsafe { exits(STATUS.load(Ordering::Relaxed)) }
}

/// What the program registered may wait: nothing on this frame needs dropping.
unsafe extern "C" fn exits(status: c_int) -> ! {
    // SAFETY: as the program asked for.
    unsafe { libc::exit(status) }
}
