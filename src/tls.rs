//! The words that belong to a thread, and how to reach them in one instruction.
//!
//! They live in assembly (`asm/x86_64/tls.S`) because a Rust `thread_local!` costs a call in a shared
//! object and its destructor would leave late hooks with a dead value. Nothing here is ever freed.

use core::arch::{asm, global_asm};

global_asm!(include_str!("../asm/x86_64/tls.S"), size = const SIZE, options(att_syntax));

/// Offset of the word that trampolines test: nonzero while hooked calls belong to a coroutine.
const HOOK: usize = 0;
/// A bit of the hook word: hooks are on.
pub const HOOKED: usize = 2;
/// Another: the coroutine is a thread (`threads`).
pub const THREAD: usize = 1;
/// Offset of the pointer to the thread's scheduler.
pub const SCHEDULER: usize = 8;
/// Offset of the address of the innermost signal handler of the program's that runs on this thread.
const HANDLERS: usize = 16;
/// Offset of the word that tells whether this thread holds a part of the lot (`sync::lot`).
const IN_LOT: usize = 24;
/// Offset of the thread's gate, for assembly elsewhere.
pub const GATE: usize = 32;
/// Offset of the gate while it is near, for assembly elsewhere.
pub const NEAR_GATE: usize = 40;
/// Offset of the record of exceptions in flight.
const EXCEPTIONS: usize = 48;
/// Bytes of all the words.
const SIZE: usize = EXCEPTIONS + size_of::<Record>();

/// `__cxa_eh_globals` of the Itanium C++ ABI: the exceptions caught, and how many are thrown and not yet caught.
pub type Record = [usize; 2];

/// Where this thread's words lie, as a distance from the thread's base: the same for all threads.
#[inline(always)]
pub fn place() -> isize {
    let distance: isize;
    // SAFETY: reads one slot of the global offset table, which never changes once the library is loaded.
    unsafe {
        asm!("mov {}, qword ptr [rip + colib_thread@GOTTPOFF]", out(reg) distance,
             options(pure, nomem, nostack, preserves_flags));
    }
    distance
}

#[inline(always)]
fn load<const OFFSET: usize>() -> usize {
    let value: usize;
    // SAFETY: the symbol is an initial-exec thread-local of SIZE bytes; OFFSET stays inside it.
    unsafe {
        asm!("mov {v}, qword ptr fs:[{place} + {offset}]", v = lateout(reg) value, place = in(reg) place(),
             offset = const OFFSET, options(nostack, readonly, preserves_flags));
    }
    value
}

#[inline(always)]
fn store<const OFFSET: usize>(value: usize) {
    // SAFETY: as for `load`.
    unsafe {
        asm!("mov qword ptr fs:[{place} + {offset}], {v}", place = in(reg) place(), v = in(reg) value,
             offset = const OFFSET, options(nostack, preserves_flags));
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

/// Does the library's own work, with hooks off meanwhile (invariant 7).
#[inline(always)]
pub fn unhooked<T>(work: impl FnOnce() -> T) -> T {
    let word = hook_word();
    set_hook_word(0);
    let result = work();
    set_hook_word(word);
    result
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

/// What [`scheduler`] gives on the thread of that base.
///
/// # Safety
/// There is a thread, or a block whose words are [filled in](provide).
pub unsafe fn scheduler_at(base: usize) -> usize {
    let words = core::ptr::with_exposed_provenance::<u8>(base).wrapping_offset(place());
    // SAFETY: by contract.
    unsafe { words.add(SCHEDULER).cast::<usize>().read() }
}

/// Fills in the words of a block of thread-local storage that nobody runs on yet.
///
/// # Safety
/// `base` ends a block that libc has laid out like any thread's.
pub unsafe fn provide(base: usize, scheduler: usize) {
    let words = core::ptr::with_exposed_provenance_mut::<u8>(base).wrapping_offset(place());
    // SAFETY: by contract; there is as much room there as here.
    unsafe {
        words.write_bytes(0, SIZE);
        words.add(SCHEDULER).cast::<usize>().write(scheduler);
    }
}

/// The base of the thread-local storage in force: the address of libc's thread control block.
#[inline(always)]
pub fn base() -> usize {
    let base: usize;
    // SAFETY: the control block's third word is its own address, by the ABI.
    unsafe {
        asm!("mov {}, qword ptr fs:[0x10]", out(reg) base, options(nostack, readonly, preserves_flags))
    };
    base
}

/// Goes over to another block of thread-local storage.
///
/// # Safety
/// The CPU and the kernel have FSGSBASE; `base` ends a block that is laid out like any thread's; a frame that has
/// taken the address of a thread-local does not go on with it.
#[inline(always)]
pub unsafe fn set_base(base: usize) {
    // SAFETY: by contract. Not `nomem`: all thread-locals change.
    unsafe { asm!("wrfsbase {}", in(reg) base, options(nostack, preserves_flags)) };
}

/// Does work on another block of thread-local storage. Not inlined: what the caller knows of its own thread-locals does not
/// hold there.
///
/// # Safety
/// As for [`set_base`]; nobody else runs on that block meanwhile.
#[inline(never)]
pub unsafe fn on_base<T>(other: usize, work: impl FnOnce() -> T) -> T {
    let before = base();
    // SAFETY: by contract; what was in force is in force again afterwards.
    unsafe {
        set_base(other);
        let result = work();
        set_base(before);
        result
    }
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

/// Sets the gate: the scheduler's address while the running coroutine may resume others, and leave, by a mere switch.
/// `near`: no hints are learned (hint.S).
#[inline(always)]
pub fn set_gate(address: usize, near: bool) {
    store::<GATE>(address);
    store::<NEAR_GATE>(if near { address } else { 0 });
}

/// Where the C++ runtime keeps its record of exceptions in flight, in the thread-local storage of that base.
pub fn exceptions(base: usize) -> *mut Record {
    let words = core::ptr::with_exposed_provenance_mut::<u8>(base).wrapping_offset(place());
    words.wrapping_add(EXCEPTIONS).cast()
}
