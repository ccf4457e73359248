//! What the kernel is asked about a thread, and signals that are sent to one. The kernel knows its own threads only,
//! the workers: it is asked about the one on which a thread runs.

use core::ffi::{CStr, c_int};

use super::Threads;
use super::thread::{NAME, Thread};
use crate::reactor::Errand;
use crate::scheduler::{Scheduler, expect_handler, expected_handler, handlers_run};
use crate::{signal, sys, tls};

/// The structure of a thread that has ended, as far as libc asks the kernel about one: its number there is zero.
#[repr(C, align(64))]
struct Ended([u8; 4096]);
static ENDED: Ended = Ended([0; 4096]);

impl Threads {
    /// The kernel's thread on which a thread runs, as libc knows it; any other thread is a kernel's itself.
    ///
    /// # Safety
    /// `thread` is some thread's, or was.
    pub unsafe fn kernel_thread(&self, thread: libc::pthread_t) -> libc::pthread_t {
        // SAFETY: by contract.
        match unsafe { self.find(thread) } {
            None => thread,
            Some(found) if found.fate.has_ended() => (&raw const ENDED).addr() as libc::pthread_t,
            Some(found) => found.worker.get().base() as libc::pthread_t,
        }
    }

    /// `pthread_getattr_np` of a thread of ours; `None` for the main thread and real ones, which libc knows.
    ///
    /// # Safety
    /// As for [`Threads::kernel_thread`]; `attributes` is writable.
    pub unsafe fn attributes(
        &self, thread: libc::pthread_t, attributes: *mut libc::pthread_attr_t,
    ) -> Option<c_int> {
        // SAFETY: by contract; the thread's block tells what it was made with.
        unsafe {
            let thread = self.find(thread).filter(|thread| thread.number != 0)?;
            Some(self.blocks.attributes(thread.base, attributes))
        }
    }

    /// `pthread_kill`, or `pthread_sigqueue` when it is `queued`, which `real` does for a kernel's thread. A handler
    /// runs there at once, whatever runs there, and ends a call of the thread that was meant.
    ///
    /// # Safety
    /// As for [`Threads::kernel_thread`].
    pub unsafe fn kill(
        &self, thread: libc::pthread_t, signal: c_int, queued: bool,
        real: impl FnOnce(libc::pthread_t) -> c_int,
    ) -> c_int {
        // SAFETY: by contract; a handler may have interrupted anything, and touches nothing but words.
        unsafe {
            let Some(target) = self.find(thread) else { return real(thread) };
            if target.fate.has_ended() {
                // The kernel would send it to another; two signals are libc's own.
                return if (32..34).contains(&signal) { libc::EINVAL } else { 0 };
            }
            let worker = target.worker.get();
            let before = runs_of(signal);
            let expected = queued && signal::restarts(signal).is_some();
            if expected {
                expect_handler(signal);
            }
            let result = real(worker.base() as libc::pthread_t);
            if result != 0 && expected {
                expected_handler(signal);
            }
            let Some(restarts) = signal::restarts(signal).filter(|_| result == 0) else { return result };
            if tls::handlers() > 0 {
                // Nothing more can be done from here than to let somebody be interrupted.
                Scheduler::interrupt_some(worker.scheduler(), signal, restarts);
            } else if worker.is_here() {
                self.exit_if_handler_did(target);
                self.handled(target, signal, before);
            } else {
                let about = [target.base, signal as usize, before];
                Scheduler::send(worker.scheduler(), Errand { work: has_handled, about });
            }
            result
        }
    }

    /// Ends the call of the thread that a signal was sent to, if its handler has run since.
    unsafe fn handled(&self, target: &Thread, signal: c_int, before: usize) {
        if let Some(restarts) = signal::restarts(signal).filter(|_| runs_of(signal) != before) {
            // SAFETY: by contract of the callers, the thread runs here and has not ended.
            unsafe { Scheduler::interrupt_alone(Scheduler::get(), target.co.get(), signal, restarts) };
        }
    }

    /// The name of a thread; all zeroes when it is the process's.
    pub(super) fn name_of(&self, thread: &Thread) -> [u8; NAME] {
        self.names.close();
        let name = thread.name.get();
        self.names.open();
        name
    }

    /// `pthread_setname_np`; `None` for the main thread, whose name is the process's, and for real ones.
    ///
    /// # Safety
    /// As for [`Threads::kernel_thread`].
    pub unsafe fn set_name(&self, thread: libc::pthread_t, name: &CStr) -> Option<c_int> {
        // SAFETY: by contract.
        let thread = unsafe { self.find(thread) }.filter(|thread| thread.number != 0)?;
        let bytes = name.to_bytes();
        if bytes.len() >= NAME {
            return Some(libc::ERANGE);
        }
        let mut own = [0; NAME];
        own[..bytes.len()].copy_from_slice(bytes);
        self.names.close();
        thread.name.set(own);
        self.names.open();
        Some(0)
    }

    /// The name of a thread, ended by a zero; `None` when the kernel knows it.
    ///
    /// # Safety
    /// As for [`Threads::kernel_thread`].
    pub unsafe fn name(&self, thread: libc::pthread_t) -> Option<[u8; NAME]> {
        // SAFETY: by contract.
        let thread = unsafe { self.find(thread) }?;
        Some(self.name_of(thread)).filter(|name| name[0] != 0)
    }
}

/// How many handlers of that signal have run.
fn runs_of(signal: c_int) -> usize {
    if (1..=64).contains(&signal) { handlers_run(!sys::signal_bit(signal)) } else { 0 }
}

/// A signal was sent to one of this worker's threads, from another worker.
unsafe fn has_handled(_: *mut (), about: [usize; 3]) {
    let [base, signal, before] = about;
    // The kernel lets a handler run that is due before this call comes back.
    crate::sys::thread_id();
    let threads = Threads::get();
    // SAFETY: the block stays mapped; who is found there runs here, and ends nowhere else.
    unsafe {
        if let Some(target) = threads.find(base as libc::pthread_t)
            && target.worker.get().is_here()
            && !target.fate.has_ended()
        {
            threads.handled(target, signal as c_int, before);
        }
    }
}
