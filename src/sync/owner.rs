//! Marks of coroutines in the words where libc keeps the thread that owns a lock.
//!
//! libc goes by the thread: to it, a recursive mutex that one coroutine has is free for all others of that thread.
//! So once a coroutine has such a lock, its mark takes the thread's place in the lock's own word. No thread has that
//! number, so everybody else waits, libc included; the unlock hook puts the thread's number back before libc unlocks.
//! A lock that is destroyed takes the mark with it.

use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use super::lot::ACTIVE;
use crate::coroutine::Coroutine;
use crate::scheduler::Scheduler;

/// Marks have these upper bits; threads' numbers end below 2^22, and libc's special owners lie above.
const MARK: u32 = 4 << 28;
const BITS: u32 = 0xf << 28;

/// Whether a word bears a coroutine's mark.
pub fn is_mark(owner: i32) -> bool {
    owner as u32 & BITS == MARK
}

/// The mark of a coroutine.
///
/// # Safety
/// The coroutine belongs to this thread.
pub unsafe fn mark_of(co: *mut Coroutine) -> i32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    // SAFETY: by contract.
    unsafe {
        let number = &(*co).number;
        while number.load(Ordering::Relaxed) & !BITS == 0 {
            number.store(LAST.fetch_add(1, Ordering::Relaxed) & !BITS, Ordering::Relaxed);
        }
        mark(number.load(Ordering::Relaxed))
    }
}

fn mark(number: u32) -> i32 {
    (number | MARK) as i32
}

/// Whether the mark is that of the coroutine that runs, with hooks on or off.
pub fn is_own_mark(owner: i32) -> bool {
    let me = Scheduler::running();
    // SAFETY: the coroutine that runs is valid.
    is_mark(owner) && !ptr::eq(me, ptr::null()) && unsafe { mark_of(me) } == owner
}

/// Puts the running coroutine's mark into a lock's word; nothing happens outside any.
pub fn put_mark(word: &AtomicI32) {
    let me = Scheduler::running();
    if !me.is_null() {
        ACTIVE.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the coroutine that runs is valid.
        word.store(unsafe { mark_of(me) }, Ordering::Relaxed);
    }
}

/// Where the owner of a lock is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A coroutine that runs, on another thread.
    Runs,
    /// A thread that runs no coroutines.
    Plain,
    /// None of them, as far as can be told from here.
    Elsewhere,
}

/// Where the owner is of the lock at `address`. Its word says `owner`: the thread, the mark of a coroutine, or zero when
/// it does not tell.
pub fn whereabouts(address: usize, owner: i32) -> Owner {
    let (mut runs, mut is_plain) = (false, owner != 0 && !is_mark(owner));
    Scheduler::for_each_thread(address, |thread, taker| {
        is_plain &= thread != owner;
        runs |= taker.is_some_and(|taker| owner == 0 || owner == thread || owner == mark(taker));
    });
    match (runs, is_plain) {
        (true, _) => Owner::Runs,
        (false, true) => Owner::Plain,
        _ => Owner::Elsewhere,
    }
}

/// Puts the thread's number back.
pub fn take_mark(word: &AtomicI32, thread: i32) {
    word.store(thread, Ordering::Relaxed);
    ACTIVE.fetch_sub(1, Ordering::SeqCst);
}
