//! The lot while the process forks: nobody moves in it, and the child finds only its own thread's coroutines there.

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{ACTIVE, Bucket, LOT, Place, Queue};
use crate::coroutine::Coroutine;
use crate::list::Link;
use crate::scheduler::Scheduler;
use crate::tls;

/// Whether somebody released a lock while his own thread held the lot.
static MISSED: AtomicBool = AtomicBool::new(false);
/// The hook word of the thread that forks: nothing may park meanwhile.
static WORD: AtomicUsize = AtomicUsize::new(0);

/// Handlers of other parts of the program run while we hold the lot, and may release locks: that is made up for
/// at the end.
pub(super) fn miss() {
    MISSED.store(true, Ordering::Relaxed);
}

pub(super) fn prepare() {
    // SAFETY: the handlers live for ever. They run around those of the scheduler, which came first.
    unsafe { libc::pthread_atfork(Some(before_fork), Some(parent_forked), Some(child_forked)) };
}

unsafe extern "C" fn before_fork() {
    let word = tls::hook_word();
    tls::set_hook_word(0);
    LOT.iter().for_each(|bucket| bucket.latch.close());
    tls::set_in_lot(true);
    WORD.store(word, Ordering::Relaxed);
    MISSED.store(false, Ordering::Relaxed);
}

unsafe extern "C" fn parent_forked() {
    end();
}

unsafe extern "C" fn child_forked() {
    // Its home is a thread that does not exist here: nothing may be sent there.
    let here = Scheduler::get();
    for bucket in &LOT {
        // SAFETY: `before_fork` closed the latches on this thread, the only one of the child.
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
    miss();
    end();
}

fn end() {
    if MISSED.swap(false, Ordering::Relaxed) {
        // Everybody looks again. A condition may wake for no reason.
        for bucket in &LOT {
            // SAFETY: the latches are still closed, and who stands there stays in place.
            for_each(bucket, |place| unsafe {
                (*place).poked.store(true, Ordering::Relaxed);
                super::rouse((*place).waiter);
            });
        }
    }
    tls::set_in_lot(false);
    LOT.iter().for_each(|bucket| bucket.latch.open());
    tls::set_hook_word(WORD.load(Ordering::Relaxed));
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
