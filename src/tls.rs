//! The words that belong to a thread, and how to reach them in one instruction.
//!
//! They live in assembly (`asm/x86_64/tls.S`) because a Rust `thread_local!` costs a call in a shared
//! object and its destructor would leave late hooks with a dead value. Nothing here is ever freed.

use core::arch::{asm, global_asm};

global_asm!(include_str!("../asm/x86_64/tls.S"), options(att_syntax));

/// Offset of the word that trampolines test: nonzero while hooked calls belong to a coroutine.
const HOOK: usize = 0;
/// Offset of the pointer to the thread's scheduler.
pub const SCHEDULER: usize = 8;
/// Offset of the address of the innermost signal handler of the program's that runs on this thread.
const HANDLERS: usize = 16;
/// Offset of the word that tells whether this thread holds a part of the lot (`sync::lot`).
const IN_LOT: usize = 24;
/// Offset of the thread's gate, for assembly elsewhere.
pub const GATE: usize = 32;

#[inline(always)]
fn load<const OFFSET: usize>() -> usize {
    let value: usize;
    // SAFETY: the symbol is an initial-exec thread-local of 40 bytes; OFFSET stays inside it.
    unsafe {
        asm!(
            "mov {v}, qword ptr [rip + colib_thread@GOTTPOFF]",
            "mov {v}, qword ptr fs:[{v} + {offset}]",
            v = out(reg) value, offset = const OFFSET,
            options(nostack, readonly, preserves_flags),
        );
    }
    value
}

#[inline(always)]
fn store<const OFFSET: usize>(value: usize) {
    // SAFETY: as for `load`.
    unsafe {
        asm!(
            "mov {t}, qword ptr [rip + colib_thread@GOTTPOFF]",
            "mov qword ptr fs:[{t} + {offset}], {v}",
            t = out(reg) _, v = in(reg) value, offset = const OFFSET,
            options(nostack, preserves_flags),
        );
    }
}

/// The hook word.
#[inline(always)]
pub fn hook_word() -> usize {
    load::<HOOK>()
}

/// Sets the hook word. Zero while the library's own code runs (invariant 7).
#[inline(always)]
pub fn set_hook_word(word: usize) {
    store::<HOOK>(word);
}

/// The address of the thread's scheduler, or zero.
#[inline(always)]
pub fn scheduler() -> usize {
    load::<SCHEDULER>()
}

/// Sets the address of the thread's scheduler.
#[inline(always)]
pub fn set_scheduler(address: usize) {
    store::<SCHEDULER>(address);
}

/// The innermost of the program's signal handlers that are running on this thread (`signal`), or zero.
#[inline(always)]
pub fn handlers() -> usize {
    load::<HANDLERS>()
}

/// Sets what [`handlers`] gives.
#[inline(always)]
pub fn set_handlers(innermost: usize) {
    store::<HANDLERS>(innermost);
}

/// Whether this thread holds a part of the lot in which coroutines wait for locks.
#[inline(always)]
pub fn in_lot() -> bool {
    load::<IN_LOT>() != 0
}

/// Sets what [`in_lot`] gives.
#[inline(always)]
pub fn set_in_lot(inside: bool) {
    store::<IN_LOT>(usize::from(inside));
}

/// Sets the gate: the scheduler's address while the running coroutine may resume others by a mere switch.
#[inline(always)]
pub fn set_gate(address: usize) {
    store::<GATE>(address);
}
