//! Guards: ranges where any access faults.
//!
//! `MADV_GUARD_INSTALL` (Linux 6.13) marks pages without splitting the mapping, so their number is not
//! limited. Older kernels split it with `mprotect`, and a process may hold only 65,530 mappings by default
//! (`vm.max_map_count`): guards then come out of a budget, and stacks beyond it go without.

use core::sync::atomic::{AtomicI32, Ordering};
use std::io;

use super::PAGE;
use crate::{annotate, sys};

/// `MADV_GUARD_INSTALL` of linux/mman.h, not yet in the libc crate for every target.
const MADV_GUARD_INSTALL: i32 = 102;

/// How many guards may still be made with `mprotect`; each costs two mappings.
static BUDGET: AtomicI32 = AtomicI32::new(16_000);

/// Makes `size` bytes at `address` inaccessible.
///
/// # Safety
/// The range is mapped, private and unused.
pub unsafe fn install(address: *mut u8, size: usize) {
    // Valgrind takes pages that only the advice guards for readable ones.
    // SAFETY: by contract.
    if !annotate::on_valgrind() && unsafe { sys::advise(address, size, MADV_GUARD_INSTALL) }.is_ok() {
        return;
    }
    match BUDGET.fetch_sub(1, Ordering::Relaxed) {
        // SAFETY: by contract. A stack without a guard still works.
        1.. => drop(unsafe { sys::forbid(address, size) }),
        0 => complain!("no more guard pages: this kernel has no MADV_GUARD_INSTALL and mappings are limited"),
        _ => BUDGET.store(-1, Ordering::Relaxed),
    }
}

/// Maps memory for stacks. Valgrind takes for a new thread's stack all that is mapped without a gap below its first frame,
/// and since 2.42 glibc guards it by the advice alone: so there is a gap above ours, which would be part of it otherwise.
pub fn map(size: usize) -> io::Result<*mut u8> {
    let base = sys::map(size + gap())?;
    if gap() > 0 {
        // SAFETY: fresh memory. Without the gap only Valgrind's reports suffer.
        let _ = unsafe { sys::forbid(base.wrapping_add(size), gap()) };
    }
    Ok(base)
}

/// Unmaps what [`map`] gave.
///
/// # Safety
/// Nothing refers to it.
pub unsafe fn unmap(base: *mut u8, size: usize) {
    // SAFETY: by contract.
    unsafe { sys::unmap(base, size + gap()) };
}

fn gap() -> usize {
    if annotate::on_valgrind() { PAGE } else { 0 }
}
