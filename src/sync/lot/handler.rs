//! What signal handlers of the program release, and whom they wake.
//!
//! A handler may have interrupted anything, the lot and the loop included: it waits for no latch, and touches no list but
//! with the latch in hand. It notes what is to be done, and rings the threads that run coroutines; the first that looks
//! does it. So whoever waits goes on as soon as his thread can run him.

use core::cell::UnsafeCell;
use core::hint;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::{Held, bucket, call_places, fork, may_be_called, poke};
use crate::scheduler;
use crate::tls;

/// Something to be done.
#[derive(Clone, Copy)]
pub(super) enum Note {
    /// See [`poke`].
    Poke(usize),
    /// So many of those at this address who wait for one of these bits, or whatever they wait for, are called.
    Call(usize, usize, u32),
    /// Those are called who were promised it.
    Promised(usize),
}

const FREE: u32 = 0;
const CHANGES: u32 = 1;
const FULL: u32 = 2;

struct Slot {
    state: AtomicU32,
    note: UnsafeCell<Note>,
}

// SAFETY: who has set the state to `CHANGES` has the note alone.
unsafe impl Sync for Slot {}

impl Slot {
    fn take(&self, from: u32) -> bool {
        self.state.compare_exchange(from, CHANGES, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

/// Notes that nobody has read yet.
static NOTES: [Slot; 64] =
    [const { Slot { state: AtomicU32::new(FREE), note: UnsafeCell::new(Note::Poke(0)) } }; 64];
/// There was no room for some.
static LOST: AtomicBool = AtomicBool::new(false);

/// In a handler notes what it does, if anybody waits there. Gives whether it is a handler.
#[inline(always)]
pub(super) fn notes(address: usize, note: Note) -> bool {
    if tls::handlers() == 0 {
        return false;
    }
    if bucket(address).standing.load(Ordering::SeqCst) != 0 {
        leave(note);
    }
    true
}

fn leave(note: Note) {
    match NOTES.iter().find(|slot| slot.take(FREE)) {
        Some(slot) => {
            // SAFETY: the slot was taken.
            unsafe { slot.note.get().write(note) };
            slot.state.store(FULL, Ordering::Release);
        }
        None => LOST.store(true, Ordering::SeqCst),
    }
    scheduler::have_done(do_noted);
}

/// Does what handlers noted.
fn do_noted() {
    for slot in &NOTES {
        if slot.state.load(Ordering::Relaxed) == FULL && slot.take(FULL) {
            // SAFETY: the slot was taken.
            let note = unsafe { *slot.note.get() };
            slot.state.store(FREE, Ordering::Release);
            match note {
                Note::Poke(address) => poke(address),
                Note::Call(address, most, bits) => _ = wake(address, most, bits),
                Note::Promised(address) => call_places(address, |place| place.promised.get()),
            }
        }
    }
    if LOST.swap(false, Ordering::SeqCst) {
        fork::disturb_all();
    }
}

/// Calls up to `most` of those at `address` who wait for one of `bits`, or all alike when that is zero. Gives how many.
pub fn wake(address: usize, most: usize, bits: u32) -> usize {
    if tls::handlers() > 0 {
        return promise(address, most, bits);
    }
    let mut woken = 0;
    call_places(address, |place| {
        let goes = woken < most && may_be_called(place, bits);
        woken += usize::from(goes);
        goes
    });
    woken
}

/// The same in a handler: those who will be called are chosen now, so that no other call counts them. Where the latch
/// cannot be had, none are counted.
fn promise(address: usize, most: usize, bits: u32) -> usize {
    if bucket(address).standing.load(Ordering::SeqCst) == 0 {
        return 0;
    }
    let Some(held) = Held::at_once(bucket(address)) else {
        leave(Note::Call(address, most, bits));
        return 0;
    };
    let mut promised = 0;
    held.for_each_at(address, |place| {
        if promised < most && may_be_called(place, bits) {
            place.promised.set(true);
            promised += 1;
        }
    });
    drop(held);
    if promised > 0 {
        leave(Note::Promised(address));
    }
    promised
}

impl Held {
    /// For a handler: what it interrupted may have the latch, or wait for it.
    fn at_once(bucket: &'static super::Bucket) -> Option<Self> {
        const LOOKS: u32 = 1000;
        if tls::in_lot() {
            return None;
        }
        tls::set_in_lot(true);
        for _ in 0..LOOKS {
            if bucket.latch.try_close() {
                return Some(Held { bucket, nested: false, bell: crate::sync::Bell::new() });
            }
            hint::spin_loop();
        }
        tls::set_in_lot(false);
        None
    }
}
