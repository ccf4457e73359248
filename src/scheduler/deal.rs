//! Coroutines that one thread makes for another, where threads are coroutines of several kernel threads.
//!
//! What they consist of belongs to the process, behind a latch: the one who makes it must know at once whether there
//! is memory, and the one who runs it gives it back. Nothing of the other thread's scheduler is touched but its inbox.

use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering;
use std::io;

use super::Scheduler;
use super::blocks::Blocks;
use super::spare::Spares;
use crate::coroutine::{Coroutine, Dealt, Ground, Routine, Storage};
use crate::latch::Mutex;
use crate::list::Link;
use crate::reactor::{Errand, Message};
use crate::stack::Pool;

/// Stacks and control blocks.
struct Store {
    /// Counts the stores of this process and its ancestors.
    number: u32,
    pool: Pool,
    spares: Spares,
    blocks: Blocks,
}

// SAFETY: all of it is free, or belongs to a coroutine that some thread has; who has the latch may touch it.
unsafe impl Send for Store {}

static STORE: Mutex<Store> = Mutex::new(Store::new());

impl Store {
    const fn new() -> Self {
        Store { number: 1, pool: Pool::new(), spares: Spares::new(), blocks: Blocks::new() }
    }

    /// A coroutine on a stack of `size` bytes, which has not begun.
    unsafe fn make(
        &mut self, routine: Routine, argument: *mut core::ffi::c_void, size: usize,
    ) -> io::Result<*mut Coroutine> {
        let co = self.spares.take(size);
        // SAFETY: spares are whole coroutines that nobody else knows of; a fresh block is room for one.
        unsafe {
            if !co.is_null() {
                (*co).renew(Some(routine), argument);
                return Ok(co);
            }
            let stack = self.pool.allocate(size)?;
            let co = self.blocks.allocate();
            if co.is_null() {
                self.pool.free(stack);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            co.write(Coroutine::new(Some(routine), argument, Ground::Private(stack)));
            Ok(co)
        }
    }

    /// Takes a coroutine back.
    unsafe fn take_back(&mut self, co: *mut Coroutine) {
        // SAFETY: by contract of `give_back`.
        unsafe {
            if self.spares.keep(co) {
                return;
            }
            if let Ground::Private(stack) = ptr::replace(&raw mut (*co).ground, Ground::Thread) {
                self.pool.free(stack);
            }
            ptr::drop_in_place(co);
            self.blocks.free(co);
        }
    }
}

impl Scheduler {
    /// A new coroutine for the thread whose scheduler `home` is, with thread-local storage of its own. It runs once
    /// that thread has [taken it in](Scheduler::take_in).
    ///
    /// # Safety
    /// As for [`Scheduler::start`]; `home` never ends.
    pub unsafe fn deal(
        home: *mut Scheduler, routine: Routine, argument: *mut core::ffi::c_void, size: usize, base: usize,
    ) -> io::Result<*mut Coroutine> {
        // SAFETY: by contract; nobody else knows of the coroutine.
        unsafe {
            let mut store = STORE.lock();
            let (co, number) = (store.make(routine, argument, size)?, store.number);
            drop(store);
            let rare = (*co).set_base(base, Storage::Thread).and_then(|()| (*co).make_rare());
            let Some(rare) = rare else {
                give_back(co, number);
                return Err(io::ErrorKind::OutOfMemory.into());
            };
            let coroutine = NonNull::new_unchecked(co);
            rare.dealt = Some(Dealt { store: number, link: Link::new(), coroutine });
            (*co).home.store(home.cast(), Ordering::Relaxed);
            Self::begin_anew(co);
            Ok(co)
        }
    }

    /// A coroutine that was [dealt](Scheduler::deal) to the calling thread runs when the loop comes to it.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler; called once for a coroutine.
    pub unsafe fn take_in(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract.
        unsafe {
            Self::note(this, co);
            Self::make_ready(this, co);
        }
    }

    unsafe fn note(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: by contract of `take_in`.
        unsafe {
            (*co).age = (*this).blocks.next_age();
            if let Some(dealt) = (*co).dealt() {
                (*this).dealt.push_back(&dealt.link);
            }
        }
    }

    /// Has the thread whose scheduler `home` is do something.
    ///
    /// # Safety
    /// `home` never ends; the errand's work holds there, and in any order with what else happens.
    pub unsafe fn send(home: *mut Scheduler, errand: Errand) {
        // SAFETY: by contract; the remote side is made for being shared.
        unsafe { (*home).reactor.remote().post(Message::Run(errand)) };
    }

    /// Leaves a message for the thread whose scheduler `home` is. `true` when it is still to be [rung](Scheduler::ring)
    /// for it, which only threads that never end are.
    ///
    /// # Safety
    /// `home` cannot end meanwhile.
    pub unsafe fn leave_message(home: *mut Scheduler, message: Message) -> bool {
        // SAFETY: by contract; the remote side is made for being shared. The base was set before others knew the thread.
        unsafe {
            let (remote, lasts) = ((*home).reactor.remote(), (*home).main.is_thread());
            remote.put(message);
            if !lasts {
                remote.ring();
            }
            lasts
        }
    }

    /// Ends the sleep of the thread whose scheduler `home` is.
    ///
    /// # Safety
    /// `home` never ends.
    pub unsafe fn ring(home: *mut Scheduler) {
        // SAFETY: by contract.
        unsafe { (*home).reactor.remote().ring() };
    }
}

/// Frees what a dealt coroutine from that store consists of.
///
/// # Safety
/// It was abandoned, stands in no list, and nothing refers to it.
pub(super) unsafe fn give_back(co: *mut Coroutine, store: u32) {
    let mut there = STORE.lock();
    if there.number == store {
        // SAFETY: by contract.
        unsafe { there.take_back(co) };
    }
}

/// In a child of fork, another thread may have been in the middle of changing the store: it is left alone with all that
/// came from it, and the next one is empty. Not made to stand still for the fork, because whoever has it allocates.
///
/// # Safety
/// The child has this one thread.
pub(super) unsafe fn begin_anew() {
    // SAFETY: by contract, nobody has it any more. What was there is not dropped.
    unsafe {
        let number = (*STORE.data_ptr()).number + 1;
        STORE.data_ptr().write(Store { number, ..Store::new() });
        STORE.raw().open();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiter::Wake;

    unsafe extern "C" fn never_begins(_: *mut core::ffi::c_void) -> *mut core::ffi::c_void {
        ptr::null_mut()
    }

    #[test]
    fn messages_for_an_earlier_life_wake_nobody() {
        let this = Scheduler::get_or_new();
        // SAFETY: the thread's own scheduler; the coroutines never run.
        unsafe {
            let make = || Scheduler::deal(this, never_begins, ptr::null_mut(), 1 << 16, 64).unwrap();
            let first = make();
            Scheduler::note(this, first);
            (*this).reactor.remote().post(Message::Wake(&raw const (*first).waiter, Wake::Ready));
            Scheduler::dispose(this, first);
            let second = make();
            assert_eq!(first, second, "a spare one lives again");
            // As the thread does that has it now.
            (*second).waiter.arm();
            Scheduler::read_mail(this);
            assert!((*this).ready.is_empty());
            (*second).waiter.disarm();
            Scheduler::note(this, second);
            Scheduler::dispose(this, second);
        }
    }
}
