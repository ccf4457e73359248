//! Guards: ranges where any access faults.
//!
//! `MADV_GUARD_INSTALL` (Linux 6.13) marks pages without splitting the mapping, so their number is not
//! limited. Older kernels split it with `mprotect`, and a process may hold only 65,530 mappings by default
//! (`vm.max_map_count`): guards then come out of a budget, and stacks beyond it go without.

use core::sync::atomic::{AtomicI32, Ordering};

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
