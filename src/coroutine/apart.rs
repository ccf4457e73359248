//! What sets a coroutine apart from those that have a stack of their own and the thread's thread-local storage: bits of one
//! byte, so that a switch looks once.

use super::{Coroutine, Dealt, Ground};

/// The bits.
#[derive(Clone, Copy)]
pub(super) struct Apart(u8);

/// It runs on a shared stack.
const SHARES_STACK: u8 = 1;
/// It has thread-local storage of its own, which the program asked for.
const OWNS_STORAGE: u8 = 2;
/// It has thread-local storage of its own, as it is a thread to the program (`threads`).
const THREAD: u8 = 4;
/// The destructors of what is in the storage that it owns have begun to run.
const DESTROYS: u8 = 8;

/// Why a coroutine has thread-local storage of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Storage {
    /// The program asked for it.
    Asked = OWNS_STORAGE,
    /// It is a thread to the program.
    Thread = THREAD,
}

impl Apart {
    /// Nothing does.
    pub(super) const NOT: Apart = Apart(0);

    /// That of a new one.
    pub(super) fn on(ground: &Ground) -> Apart {
        if matches!(ground, Ground::Shared(_)) { Apart(SHARES_STACK) } else { Self::NOT }
    }
}

impl Coroutine {
    /// What it has if it was made for another thread.
    pub fn dealt(&self) -> Option<&Dealt> {
        if self.is_thread() { self.rare()?.dealt.as_ref() } else { None }
    }

    /// The base of its own thread-local storage; zero when it has none.
    #[inline(always)]
    pub fn base(&self) -> usize {
        if self.has_storage() { self.more.as_ref().map_or(0, |more| more.base) } else { 0 }
    }

    /// Lets its next wait that a cancellation ends end at once.
    pub fn cancel(&mut self) {
        if let Some(more) = &mut self.more {
            more.cancelled = true;
        }
    }

    /// Whether [`Coroutine::cancel`] was called since the last time.
    #[inline(always)]
    pub fn take_cancelled(&mut self) -> bool {
        self.is_thread() && self.more.as_mut().is_some_and(|more| core::mem::take(&mut more.cancelled))
    }

    /// Whether it is a thread to the program.
    #[inline(always)]
    pub fn is_thread(&self) -> bool {
        self.apart.0 & THREAD != 0
    }

    /// Whether it has thread-local storage of its own, which the program asked for.
    #[inline(always)]
    pub fn asked_for_storage(&self) -> bool {
        self.apart.0 & OWNS_STORAGE != 0
    }

    /// Whether it has thread-local storage of its own.
    #[inline(always)]
    pub fn has_storage(&self) -> bool {
        self.apart.0 & (OWNS_STORAGE | THREAD) != 0
    }

    /// Whether more than a switch is needed to go on with it, or to leave it, for the interface's functions.
    #[inline(always)]
    pub fn is_apart(&self) -> bool {
        self.apart.0 & (SHARES_STACK | OWNS_STORAGE) != 0
    }

    /// Gives it thread-local storage of its own. `None` without memory.
    pub fn set_base(&mut self, base: usize, storage: Storage) -> Option<()> {
        let more = self.make_more()?;
        (more.base, more.cancelled) = (base, false);
        self.apart.0 |= storage as u8;
        Some(())
    }

    /// The destructors of what is in the storage that it asked for are about to run. `false` when there is none, or they have
    /// begun before.
    pub fn begins_to_destroy(&mut self) -> bool {
        let begins = self.apart.0 & (OWNS_STORAGE | DESTROYS) == OWNS_STORAGE;
        self.apart.0 |= if begins { DESTROYS } else { 0 };
        begins
    }

    /// It goes on with that of the kernel's thread. Gives the base of the storage that it had for itself.
    pub fn take_base(&mut self) -> usize {
        let base = self.base();
        self.apart.0 &= SHARES_STACK;
        base
    }
}
