//! The streams that coroutines have, while the process forks.

use core::sync::atomic::Ordering;

use super::{BUCKETS, TABLE, Table, table};
use crate::coroutine::Coroutine;
use crate::fork::{Handlers, Side};
use crate::scheduler::Scheduler;
use crate::waiter::Waiter;

/// What this part of the library does around a fork.
pub static FORK: Handlers = Handlers { stop, go_on, later };

fn stop() {
    core::mem::forget(table());
}

unsafe fn go_on(_: Side) {
    // SAFETY: `stop` ran on this thread.
    unsafe { TABLE.force_unlock() };
}

/// The child has none of the other threads: what their coroutines had is free, and they wait for nothing.
fn later(side: Side) {
    if side == Side::Parent {
        return;
    }
    // SAFETY: the coroutines are in the child's memory as they were, and never run.
    unsafe {
        let mut table = table();
        let here = Scheduler::get();
        let elsewhere = |co: *const Coroutine| (*co).home.load(Ordering::Relaxed) != here.cast();
        for number in 0..BUCKETS {
            for entry in &table.0[number] {
                let Some(queue) = &entry.queue else { continue };
                let mut link = queue.waiters.first();
                while !link.is_null() {
                    let next = queue.waiters.after(link);
                    if elsewhere(Coroutine::of_waiter(Waiter::of(link))) {
                        (*link).unlink();
                    }
                    link = next;
                }
            }
            let of = |table: &Table| {
                let gone = table.0[number].iter().find(|entry| elsewhere(entry.owner));
                gone.map(|entry| (entry.stream, entry.owner))
            };
            while let Some((stream, owner)) = of(&table) {
                table.pass_on(stream, owner);
            }
        }
    }
}
