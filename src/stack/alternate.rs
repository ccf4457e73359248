//! The stack that a thread's signal handlers run on when the coroutine's own has overflown.

use core::ptr;

use crate::sys;

/// Room for the frame of a signal on CPUs with the largest register files, and for a handler.
const SIZE: usize = 64 * 1024;

/// The alternate signal stack of a thread that had none.
#[derive(Debug)]
pub struct Alternate {
    base: *mut u8,
}

impl Alternate {
    /// Installs one, unless the thread has its own already or there is no memory.
    pub fn install() -> Option<Self> {
        let mut old = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: 0, ss_size: 0 };
        // SAFETY: `old` is writable.
        unsafe { libc::sigaltstack(ptr::null(), &mut old) };
        if old.ss_flags & libc::SS_DISABLE == 0 {
            return None;
        }
        let base = sys::map(SIZE).ok()?;
        let new = libc::stack_t { ss_sp: base.cast(), ss_flags: 0, ss_size: SIZE };
        // SAFETY: the memory stays mapped until the stack is removed.
        unsafe { libc::sigaltstack(&new, ptr::null_mut()) };
        Some(Alternate { base })
    }
}

impl Drop for Alternate {
    fn drop(&mut self) {
        let mut now = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: 0, ss_size: 0 };
        let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: called by the thread that installed it, on its ordinary stack.
        unsafe {
            libc::sigaltstack(ptr::null(), &mut now);
            if now.ss_sp == self.base.cast() {
                libc::sigaltstack(&none, ptr::null_mut());
            }
            sys::unmap(self.base, SIZE);
        }
    }
}
