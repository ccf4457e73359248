//! The numbers of threads: each has one of its own, which `gettid` gives and libc knows it by, outside the kernel's
//! range. The main thread's is the process's. What the kernel is asked by such a number concerns its own thread.

use core::ffi::c_int;
use core::sync::atomic::Ordering;

use super::Threads;
use super::thread::Thread;
use crate::{sys, tls};

impl Threads {
    /// The number of the running thread; `None` where the kernel knows it: on the first thread of the process, on the
    /// loop, and on real threads.
    pub fn number(&self) -> Option<c_int> {
        let base = tls::base();
        // SAFETY: some thread runs there; the part of a block that is ours names its base once a thread has begun.
        let ours = unsafe { base != self.first.load(Ordering::Relaxed) && self.blocks.holds(base) };
        let thread = self.blocks.thread(base);
        // SAFETY: as above.
        unsafe { (ours && (*thread).base == base).then(|| (*thread).number) }
    }

    /// The thread that has a number, if it is one of ours and has not ended.
    fn with_number(&self, number: c_int) -> Option<&Thread> {
        let base = if number == sys::process_id() {
            self.first.load(Ordering::Relaxed)
        } else if self.number() == Some(number) {
            tls::base()
        } else {
            self.blocks.with_number(number)?
        };
        if base == self.main.base {
            return Some(&self.main).filter(|main| !main.fate.has_ended());
        }
        // SAFETY: a block in use has a thread; the loop's is zero, and names no base.
        Some(unsafe { &*self.blocks.thread(base) })
            .filter(|thread| thread.base == base && !thread.fate.has_ended())
    }

    /// What to ask the kernel by instead of a number: by its own thread's, where that is of a thread of ours.
    pub fn kernel_number(&self, number: c_int) -> c_int {
        self.with_number(number).map_or(number, |thread| self.number_of_worker(thread.worker.get().base()))
    }

    /// The kernel's number of a worker.
    fn number_of_worker(&self, base: usize) -> c_int {
        // SAFETY: libc's structure, where it keeps the number.
        unsafe { self.blocks.number(base).read() }
    }

    /// Sends a signal to the thread of a number by `real`, which gets the number to send it to: as `pthread_kill`.
    ///
    /// # Safety
    /// As for [`Threads::kernel_thread`].
    pub unsafe fn send(&self, number: c_int, signal: c_int, real: impl FnOnce(c_int) -> c_int) -> c_int {
        match self.with_number(number) {
            // SAFETY: by contract.
            Some(thread) => unsafe {
                let real = |kernel| real(self.number_of_worker(kernel as usize));
                self.kill(thread.base as libc::pthread_t, signal, false, real)
            },
            None => real(number),
        }
    }
}
