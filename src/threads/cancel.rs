//! Cancellation. libc keeps who is to be cancelled, and unwinds; a thread that waits must be woken for it.

use super::Threads;
use crate::scheduler::Scheduler;
use crate::tls;

/// Bits of libc's word, the same in all versions that the table knows.
const DISABLED: u32 = 1;
const CANCELLED: u32 = 8;
const EXITING: u32 = 16;

impl Threads {
    /// Whether the thread at `base` is to end at its next cancellation point.
    fn is_cancelled_at(&self, base: usize) -> bool {
        self.blocks.cancellation(base) & (DISABLED | CANCELLED | EXITING) == CANCELLED
    }

    /// Whether the running thread is to end at its next cancellation point.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled_at(tls::base())
    }

    /// `pthread_cancel` of a thread of ours, for which `real` is libc's: a wait that is a cancellation point ends.
    /// `None` when the thread is a real one, or the running one: libc may end that at once, in the program's name.
    ///
    /// # Safety
    /// As for [`Threads::create`].
    pub unsafe fn cancel(&self, thread: libc::pthread_t, real: impl FnOnce() -> i32) -> Option<i32> {
        // SAFETY: by contract.
        unsafe {
            let target = self.find(thread)?;
            if target.base == self.main.base {
                self.divert_exit_of_main();
            }
            if target.base == tls::base() {
                return None;
            }
            if target.ended.get() {
                return Some(0);
            }
            let result = self.as_kernel_thread(thread, real);
            if self.is_cancelled_at(target.base) {
                Scheduler::cancel(Scheduler::get(), target.co.get());
            }
            Some(result)
        }
    }
}
