//! What debuggers are told: where the coroutines of all threads are, and how to read them.
//!
//! One exported object, [`colib_debugger`], which `scripts/gdb/colib_state.py` reads from a process or from its core file. It
//! is there without debug information, which installed libraries rarely have, and costs nothing while nobody looks.

use core::mem::{offset_of, size_of};

use super::Scheduler;
use super::blocks::{Blocks, Slab};
use crate::context::Context;
use crate::coroutine::{Coroutine, Dealt, More};
use crate::list::List;
use crate::stack::{SAVED_STEP, Slot, Tenant};
use crate::waiter::{Interest, Waiter};

/// Changes whenever the meaning of a word does.
const VERSION: usize = 1;

/// Words for debuggers. All but the first and the last say where something is in something else, or how large that is,
/// in bytes.
#[repr(C)]
pub struct Layout {
    version: usize,
    scheduler_link: usize,
    scheduler_thread: usize,
    scheduler_current: usize,
    scheduler_main: usize,
    scheduler_slabs: usize,
    scheduler_slab_count: usize,
    scheduler_fresh: usize,
    scheduler_fresh_count: usize,
    scheduler_dealt: usize,
    dealt_link: usize,
    dealt_coroutine: usize,
    slab_size: usize,
    slab_base: usize,
    slab_count: usize,
    coroutine_size: usize,
    coroutine_started: usize,
    coroutine_ended: usize,
    coroutine_shares_stack: usize,
    coroutine_state: usize,
    coroutine_apart: usize,
    coroutine_home: usize,
    coroutine_stack_pointer: usize,
    coroutine_resumer: usize,
    coroutine_routine: usize,
    coroutine_waiter: usize,
    coroutine_tenant: usize,
    coroutine_more: usize,
    waiter_exit: usize,
    waiter_timer: usize,
    waiter_state: usize,
    more_interest: usize,
    more_interests: usize,
    more_base: usize,
    interest_link: usize,
    interest_fd: usize,
    interest_events: usize,
    tenant_saved: usize,
    tenant_slot: usize,
    slot_low: usize,
    slot_size: usize,
    slot_occupant: usize,
    saved_step: usize,
    /// All threads that have coroutines, by [`Scheduler::link`]. Guarded by the lock on homes.
    pub(super) threads: List,
}

// SAFETY: nothing but the list ever changes, and whoever touches that has the lock on homes.
unsafe impl Sync for Layout {}

/// For debuggers only: programs have nothing to do with it.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "a symbol like the library's others")]
pub static colib_debugger: Layout = Layout {
    version: VERSION,
    scheduler_link: offset_of!(Scheduler, link),
    scheduler_thread: offset_of!(Scheduler, thread),
    scheduler_current: Scheduler::CURRENT,
    scheduler_main: offset_of!(Scheduler, main),
    scheduler_slabs: offset_of!(Scheduler, blocks) + Blocks::SLABS,
    scheduler_slab_count: offset_of!(Scheduler, blocks) + Blocks::SLAB_COUNT,
    scheduler_fresh: offset_of!(Scheduler, blocks) + Blocks::FRESH,
    scheduler_fresh_count: offset_of!(Scheduler, blocks) + Blocks::LEFT,
    scheduler_dealt: offset_of!(Scheduler, dealt),
    dealt_link: offset_of!(Dealt, link),
    dealt_coroutine: offset_of!(Dealt, coroutine),
    slab_size: size_of::<Slab>(),
    slab_base: Slab::BASE,
    slab_count: Slab::COUNT,
    coroutine_size: size_of::<Coroutine>(),
    coroutine_started: offset_of!(Coroutine, started),
    coroutine_ended: offset_of!(Coroutine, ended),
    coroutine_shares_stack: offset_of!(Coroutine, shares_stack),
    coroutine_state: Coroutine::STATE,
    coroutine_apart: Coroutine::APART,
    coroutine_home: Coroutine::HOME,
    coroutine_stack_pointer: Coroutine::CONTEXT + Context::SP,
    coroutine_resumer: Coroutine::RESUMER,
    coroutine_routine: offset_of!(Coroutine, routine),
    coroutine_waiter: offset_of!(Coroutine, waiter),
    coroutine_tenant: offset_of!(Coroutine, ground),
    coroutine_more: offset_of!(Coroutine, more),
    waiter_exit: offset_of!(Waiter, exit),
    waiter_timer: offset_of!(Waiter, timer),
    waiter_state: Waiter::STATE,
    more_interest: offset_of!(More, interest),
    more_interests: offset_of!(More, interests),
    more_base: More::BASE,
    interest_link: Interest::LINK,
    interest_fd: offset_of!(Interest, fd),
    interest_events: offset_of!(Interest, events),
    tenant_saved: Tenant::SAVED,
    tenant_slot: Tenant::SLOT,
    slot_low: Slot::LOW,
    slot_size: Slot::SIZE,
    slot_occupant: Slot::OCCUPANT,
    saved_step: SAVED_STEP,
    threads: List::new(),
};
