//! The lot while the process forks: nobody moves in it, and the child finds only its own thread's coroutines there.

use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use super::{ACTIVE, Bucket, Held, LOT, Place, Queue};
use crate::coroutine::Coroutine;
use crate::fork::{Handlers, Side};
use crate::list::Link;
use crate::scheduler::Scheduler;
use crate::tls;

/// A thread forks, and has the lot.
pub(super) static FORKS: AtomicBool = AtomicBool::new(false);
/// Somebody released a lock meanwhile, and could not tell who waits for it.
static MISSED: AtomicBool = AtomicBool::new(false);

/// Whoever may not wait for the lot leaves it to the thread that has it to tell everybody. `false` when no thread
/// forks any more: then the lot is open again, or soon.
pub(super) fn miss() -> bool {
    MISSED.store(true, Ordering::SeqCst);
    FORKS.load(Ordering::SeqCst)
}

/// What this part of the library does around a fork.
pub static FORK: Handlers = Handlers { stop, go_on, later };

fn stop() {
    LOT.iter().for_each(|bucket| bucket.latch.close());
    tls::set_in_lot(true);
    FORKS.store(true, Ordering::SeqCst);
    LOT.iter().for_each(|bucket| bucket.latch.disturb());
}

fn go_on(side: Side) {
    if side == Side::Child {
        leave_others_behind();
        miss();
    }
    // Who missed something before this is heard; who comes later waits for the latch.
    FORKS.store(false, Ordering::SeqCst);
    tls::set_in_lot(false);
    LOT.iter().for_each(|bucket| bucket.latch.open());
}

/// Whose home is a thread that does not exist in the child has no place: nothing may be sent there.
fn leave_others_behind() {
    let here = Scheduler::get();
    for bucket in &LOT {
        // SAFETY: `stop` closed the latches on this thread, the only one of the child.
        for_each(bucket, |place| unsafe {
            if (*Coroutine::of_waiter((*place).waiter)).home.load(Ordering::Relaxed) != here.cast() {
                let queue = (*place).queue.replace(ptr::null());
                (*place).link.unlink();
                bucket.standing.fetch_sub(1, Ordering::Relaxed);
                ACTIVE.fetch_sub(1, Ordering::Relaxed);
                // The memory is left alone, as all that other threads had.
                if (*queue).places.is_empty() {
                    (*queue).link.unlink();
                }
            } else {
                (*place).poked.store(false, Ordering::Relaxed);
            }
        });
    }
}

/// Everybody looks again if one was missed.
fn later(_: Side) {
    if MISSED.swap(false, Ordering::SeqCst) {
        disturb_all();
    }
}

/// Everybody looks again. Conditions and futexes may wake for no reason.
pub(super) fn disturb_all() {
    for bucket in &LOT {
        let held = Held::new(bucket);
        // SAFETY: the latch is closed, and who stands there stays in place.
        for_each(bucket, |place| unsafe {
            (*place).poked.store(true, Ordering::Relaxed);
            super::rouse((*place).waiter, &held.bell);
        });
    }
}

/// Calls `work` for each place; it may take that place out.
fn for_each(bucket: &Bucket, mut work: impl FnMut(*const Place)) {
    let mut queue: *const Link = bucket.queues.first();
    while !queue.is_null() {
        // SAFETY: the latch is closed; `work` removes nothing but its place, and a queue with its last.
        unsafe {
            let next = bucket.queues.after(queue);
            let places = &(*queue.cast::<Queue>()).places;
            let mut link = places.first();
            while !link.is_null() {
                let after = places.after(link);
                work(link.cast());
                link = after;
            }
            queue = next;
        }
    }
}
