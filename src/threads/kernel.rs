//! What the kernel is asked about a thread, and signals that are sent to one. The kernel knows one thread only, on
//! which all of them run.

use core::ffi::{CStr, c_int};

use super::Threads;
use super::thread::NAME;
use crate::scheduler::Scheduler;
use crate::{sys, tls};

impl Threads {
    /// Lets libc ask the kernel about a thread: about its own thread, when ours is meant.
    ///
    /// # Safety
    /// `thread` is some thread's, or was; `work` does not wait.
    pub unsafe fn as_kernel_thread<T>(&self, thread: libc::pthread_t, work: impl FnOnce() -> T) -> T {
        // SAFETY: by contract. Nobody else looks at the number meanwhile.
        unsafe {
            let Some(thread) = self.find(thread).filter(|thread| thread.number != 0) else { return work() };
            let number = self.blocks.number(thread.base);
            // It is the first thread of its process, in a child of fork too. Zero is the number of one that has ended.
            number.write(if thread.ended.get() { 0 } else { sys::process_id() });
            let result = work();
            number.write(thread.number);
            result
        }
    }

    /// Lets libc change what the kernel keeps for each of its threads, as `setuid` does: libc would have the main thread
    /// do it too, which is the one that runs, and wait until that one has, which it never sees.
    pub fn as_main<T>(&self, work: impl FnOnce() -> T) -> T {
        if tls::base() == self.main.base {
            return work();
        }
        let number = self.blocks.number(self.main.base);
        // SAFETY: nobody else looks at the number meanwhile. The kernel has no thread of this one.
        unsafe {
            number.write(-1);
            let result = work();
            number.write(sys::process_id());
            result
        }
    }

    /// `pthread_kill`, which `real` does for the kernel's thread. A handler runs there at once, wherever that is, and
    /// ends a call of the thread that was meant.
    ///
    /// # Safety
    /// As for [`Threads::as_kernel_thread`].
    pub unsafe fn kill(&self, thread: libc::pthread_t, signal: c_int, real: impl FnOnce() -> c_int) -> c_int {
        // SAFETY: by contract; a handler may have interrupted anything, and does not touch the scheduler.
        unsafe {
            let Some(target) = self.find(thread) else { return real() };
            if target.ended.get() {
                // The kernel would send it to another; two signals are libc's own.
                return if (32..34).contains(&signal) { libc::EINVAL } else { 0 };
            }
            let result = self.as_kernel_thread(thread, real);
            if tls::handlers() == 0 && !Scheduler::running().is_null() {
                Scheduler::interrupt_alone(Scheduler::get(), target.co.get());
            }
            result
        }
    }

    /// `pthread_setname_np`; `None` for the main thread, whose name is the process's, and for real ones.
    ///
    /// # Safety
    /// As for [`Threads::as_kernel_thread`].
    pub unsafe fn set_name(&self, thread: libc::pthread_t, name: &CStr) -> Option<c_int> {
        // SAFETY: by contract.
        let thread = unsafe { self.find(thread) }.filter(|thread| thread.number != 0)?;
        let bytes = name.to_bytes();
        if bytes.len() >= NAME {
            return Some(libc::ERANGE);
        }
        let mut own = [0; NAME];
        own[..bytes.len()].copy_from_slice(bytes);
        thread.name.set(own);
        Some(0)
    }

    /// The name of a thread, ended by a zero; `None` when the kernel knows it.
    ///
    /// # Safety
    /// As for [`Threads::as_kernel_thread`].
    pub unsafe fn name(&self, thread: libc::pthread_t) -> Option<[u8; NAME]> {
        // SAFETY: by contract.
        let thread = unsafe { self.find(thread) }?;
        Some(thread.name.get()).filter(|name| name[0] != 0)
    }
}
