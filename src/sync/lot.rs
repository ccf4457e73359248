//! Where coroutines stand while they wait for a lock: queues by the lock's address, outside the lock.
//!
//! There are two ways out. Whoever waits for a lock is told to look again ([`poke`]) and leaves once he has it: the
//! lock's own words decide, so a poke too many does no harm, and one too few is made good by looking again after a
//! while. Whoever waits for a condition is taken out by the one who signals ([`call`]), and gets exactly that signal.
//!
//! No wake-up is missed that a hook sees: who waits stands here first and tries then; who releases a lock does so
//! first and looks here then. Releases that no hook sees (by libc inside its own functions, by other processes) are found
//! by looking again.
//!
//! Nothing here allocates or frees while it holds a latch: an allocator may use locks itself.

use core::cell::Cell;
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Bell, rouse};
use crate::clock::{self, Nanos};
use crate::coroutine::Coroutine;
use crate::heap;
use crate::latch::Latch;
use crate::list::{Link, List};
use crate::scheduler::Scheduler;
use crate::tls;
use crate::waiter::{Exit, Waiter, Wake};

pub mod fork;
mod handler;
mod linger;
mod wait;

use handler::Note;
pub use handler::wake;
pub use wait::{Ended, Manner, is_still_awaited, persist, until_called};

/// How many stand in the lot, and how many locks bear a coroutine's mark: nonzero sends every release of a lock
/// through the hooks.
pub static ACTIVE: AtomicUsize = AtomicUsize::new(0);

/// A part of the lot: the queues of those addresses that share a hash.
struct Bucket {
    latch: Latch,
    queues: List,
    /// How many stand here: changed under the latch, read without it.
    standing: AtomicUsize,
}

// SAFETY: the lists are touched under the latch only, and what stands in them stays in place until it is out.
unsafe impl Sync for Bucket {}

const BUCKETS: usize = 256;
static LOT: [Bucket; BUCKETS] =
    [const { Bucket { latch: Latch::new(), queues: List::new(), standing: AtomicUsize::new(0) } }; BUCKETS];

/// Those who wait at one address, in the order they came. In the heap as long as there are any.
#[repr(C)]
struct Queue {
    /// In its bucket. First field: a link of a bucket is its queue.
    link: Link,
    address: usize,
    places: List,
}

/// Somebody's place in a queue. In the heap; the waiter's `exit` owns it.
#[repr(C)]
pub struct Place {
    /// In its queue. First field: a link of a queue is its place.
    link: Link,
    /// Null once it was taken out.
    queue: Cell<*const Queue>,
    waiter: *const Waiter,
    exit: Exit,
    address: usize,
    /// What the address means to the one who stands here: his turn, for a barrier.
    pub ticket: u32,
    /// Since when.
    since: Nanos,
    /// He was told to look again, and has not looked yet.
    poked: AtomicBool,
    /// He was told so at some time. His own.
    told: Cell<bool>,
    /// A signal handler has called him, which he is to hear soon. Changed under the latch.
    promised: Cell<bool>,
    /// He tries, and may have what he waits for.
    tries: AtomicBool,
}

fn bucket(address: usize) -> &'static Bucket {
    // Fibonacci hashing: the upper bits of the product depend on all of the address.
    let hash = (address >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - BUCKETS.ilog2());
    &LOT[hash]
}

/// A bucket whose latch this thread has closed.
struct Held {
    bucket: &'static Bucket,
    /// The thread held all of the lot before: it forks.
    nested: bool,
    /// Who is rung when the latch is open: a thread that wakes needs it at once.
    bell: Bell,
}

impl Held {
    fn new(bucket: &'static Bucket) -> Self {
        let nested = tls::in_lot();
        if !nested {
            // What runs inside may release a lock of its own (malloc): that must not come back here.
            tls::set_in_lot(true);
            bucket.latch.close();
        }
        Held { bucket, nested, bell: Bell::new() }
    }

    /// For one who released a lock and may have others: none of them may be what a thread waits for that forks.
    /// Nor for a signal handler, which may have interrupted anything (`handler`), nor for one who is in the lot already.
    fn to_tell(bucket: &'static Bucket) -> Option<Self> {
        if bucket.standing.load(Ordering::SeqCst) == 0 || tls::handlers() > 0 {
            return None;
        }
        if tls::in_lot() {
            fork::miss();
            return None;
        }
        tls::set_in_lot(true);
        while !bucket.latch.close_unless(&fork::FORKS) {
            if fork::miss() {
                tls::set_in_lot(false);
                return None;
            }
        }
        Some(Held { bucket, nested: false, bell: Bell::new() })
    }

    fn find(&self, address: usize) -> Option<&Queue> {
        let mut link = self.bucket.queues.first();
        while !link.is_null() {
            // SAFETY: a link of a bucket is its queue's first field, and stays while the latch is closed.
            let queue = unsafe { &*link.cast::<Queue>() };
            if queue.address == address {
                return Some(queue);
            }
            // SAFETY: as above.
            link = unsafe { self.bucket.queues.after(link) };
        }
        None
    }

    /// Gives each place at `address` to `work`, which may take it out.
    fn for_each_at(&self, address: usize, mut work: impl FnMut(&Place)) {
        let mut link = self.find(address).map_or(ptr::null(), |queue| queue.places.first());
        while !link.is_null() {
            // SAFETY: as in `Queue::first`; the queue is there until its last place is out.
            unsafe {
                let place = &*link.cast::<Place>();
                link = (*place.queue.get()).places.after(link);
                work(place);
            }
        }
    }

    /// Takes a place out of its queue; gives the queue when it is empty now, to be freed without the latch.
    fn take_out(&self, place: &Place) -> Option<Box<Queue>> {
        let queue = place.queue.replace(ptr::null());
        place.link.unlink();
        self.bucket.standing.fetch_sub(1, Ordering::SeqCst);
        ACTIVE.fetch_sub(1, Ordering::SeqCst);
        // SAFETY: it stood in this queue, which was boxed by `stand` and is freed by nobody else.
        unsafe {
            (*queue).places.is_empty().then(|| {
                (*queue).link.unlink();
                Box::from_raw(queue.cast_mut())
            })
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.nested {
            self.bucket.latch.open();
            tls::set_in_lot(false);
        }
        self.bell.ring();
    }
}

impl Place {
    /// Whether the coroutine that stands here is one of this thread.
    fn is_at_home(&self, scheduler: *mut Scheduler) -> bool {
        // SAFETY: who stands here is a coroutine in place.
        unsafe { (*Coroutine::of_waiter(self.waiter)).home.load(Ordering::Relaxed) == scheduler.cast() }
    }
}

impl Queue {
    fn first(&self) -> Option<&Place> {
        // SAFETY: a link of a queue is its place's first field, in place while the latch is closed.
        unsafe { self.places.first().cast::<Place>().as_ref() }
    }

    fn poke_first(&self, bell: &Bell) {
        if let Some(place) = self.first()
            && !place.poked.swap(true, Ordering::SeqCst)
        {
            // SAFETY: who stands here is parked or about to be; his thread ends only after he has left.
            unsafe { rouse(place.waiter, bell) };
        }
    }
}

/// Lets the one who waits longest at `address` look again.
pub fn poke(address: usize) {
    if !handler::notes(address, Note::Poke(address))
        && let Some(held) = Held::to_tell(bucket(address))
        && let Some(queue) = held.find(address)
    {
        queue.poke_first(&held.bell);
    }
}

/// Takes out who waits longest at `address`, and wakes him.
pub fn call(address: usize) {
    if !handler::notes(address, Note::Call(address, 1, 0)) {
        wake(address, 1, 0);
    }
}

/// [`call`]s everybody who waits at `address` now.
pub fn call_all(address: usize) {
    if !handler::notes(address, Note::Call(address, usize::MAX, 0)) {
        wake(address, usize::MAX, 0);
    }
}

/// [`call`]s those at `address` who may go: told by their tickets, under the latch, in the order they came. Not from
/// signal handlers.
pub fn call_those(address: usize, mut may_go: impl FnMut(u32) -> bool) {
    call_places(address, |place| may_go(place.ticket));
}

/// Whether one who waits for one of `bits`, or whatever he waits for when that is zero, may still be called.
fn may_be_called(place: &Place, bits: u32) -> bool {
    !place.promised.get() && (bits == 0 || place.ticket & bits != 0)
}

fn call_places(address: usize, mut may_go: impl FnMut(&Place) -> bool) {
    let Some(held) = Held::to_tell(bucket(address)) else { return };
    let mut spare = None;
    held.for_each_at(address, |place| {
        if may_go(place) {
            spare = held.take_out(place);
            // SAFETY: as in `Queue::first`; who is taken out cannot leave before the latch is open.
            unsafe { rouse(place.waiter, &held.bell) };
        }
    });
    drop(held);
    drop(spare);
}

/// Whether anybody waits at `address`.
pub fn is_awaited(address: usize) -> bool {
    Held::to_tell(bucket(address)).is_some_and(|held| held.find(address).is_some())
}

/// Whether somebody waits at `address` who has a right to be first: a coroutine of this thread, which cannot run
/// before the caller parks, or one that others have kept waiting for long.
fn belongs_to_others(address: usize, scheduler: *mut Scheduler) -> bool {
    /// Coroutines of other threads race for a lock as threads do, but not for ever.
    const LONG: Nanos = 1_000_000;
    let Some(held) = Held::to_tell(bucket(address)) else { return false };
    let Some(first) = held.find(address).and_then(Queue::first) else { return false };
    first.is_at_home(scheduler) || clock::now().saturating_sub(first.since) > LONG
}

/// Whether a coroutine of this thread stands before the one at `place`: it runs when he parks, and is first.
fn is_behind_own(place: &Place, scheduler: *mut Scheduler) -> bool {
    let _held = Held::new(bucket(place.address));
    // SAFETY: the queue is there as long as somebody stands in it.
    let first = unsafe { place.queue.get().as_ref() }.and_then(Queue::first);
    first.is_some_and(|first| !ptr::eq(first, place) && first.is_at_home(scheduler))
}

/// Puts the running coroutine at the end of the queue at `address`, with its waiter armed. `None` without memory.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; its waiter is idle. The place is left by [`leave`] or
/// [`until_called`].
pub unsafe fn stand(scheduler: *mut Scheduler, address: usize, ticket: u32) -> Option<*const Place> {
    // SAFETY: by contract; place and waiter stay until the coroutine leaves.
    unsafe {
        let waiter = &raw const (*Scheduler::current(scheduler)).waiter;
        let queue = heap::boxed(Queue { link: Link::new(), address, places: List::new() })?;
        let place = Box::into_raw(heap::boxed(Place {
            link: Link::new(),
            queue: Cell::new(ptr::null()),
            waiter,
            exit: Exit { leave: abandon },
            address,
            ticket,
            since: clock::now(),
            poked: AtomicBool::new(false),
            told: Cell::new(false),
            promised: Cell::new(false),
            tries: AtomicBool::new(false),
        })?);
        (*waiter).arm();
        (*waiter).exit.set(&raw const (*place).exit);
        let held = Held::new(bucket(address));
        let (queue, spare) = match held.find(address) {
            Some(there) => (ptr::from_ref(there), Some(queue)),
            None => {
                let queue = Box::into_raw(queue).cast_const();
                held.bucket.queues.push_back(&(*queue).link);
                (queue, None)
            }
        };
        (*place).queue.set(queue);
        (*queue).places.push_back(&(*place).link);
        held.bucket.standing.fetch_add(1, Ordering::SeqCst);
        ACTIVE.fetch_add(1, Ordering::SeqCst);
        drop(held);
        drop(spare);
        Some(place)
    }
}

/// Ends the wait at `place`, which is gone then. `hands_on`: whoever is first now must look. Gives whether the one
/// who leaves still stood there; if not, he was called.
///
/// # Safety
/// The running coroutine of `scheduler` stands there.
pub unsafe fn leave(scheduler: *mut Scheduler, place: *const Place, hands_on: bool) -> bool {
    // SAFETY: by contract; the waiter is the coroutine's own.
    unsafe {
        let waiter = (*place).waiter;
        (*waiter).disarm();
        (*waiter).exit.set(ptr::null());
        let stood = step_out(place, hands_on);
        if !stood || (*place).told.get() || (*place).poked.load(Ordering::SeqCst) {
            // The message may still be under way, though something else woke him and he has looked since.
            Scheduler::remote(scheduler).forget(waiter);
        }
        drop(Box::from_raw(place.cast_mut()));
        stood
    }
}

unsafe fn step_out(place: *const Place, hands_on: bool) -> bool {
    // SAFETY: by contract of `leave`.
    let place = unsafe { &*place };
    let held = Held::new(bucket(place.address));
    let queue = place.queue.get();
    if queue.is_null() {
        return false;
    }
    // SAFETY: the queue is there as long as somebody stands in it.
    let was_first = unsafe { ptr::eq((*queue).places.first(), &place.link) };
    let spare = held.take_out(place);
    if spare.is_none() && hands_on && was_first {
        // SAFETY: others stand in it.
        unsafe { (*queue).poke_first(&held.bell) };
    }
    drop(held);
    drop(spare);
    !place.promised.get()
}

fn is_first(place: &Place) -> bool {
    let _held = Held::new(bucket(place.address));
    let queue = place.queue.get();
    // SAFETY: the queue is there as long as somebody stands in it.
    !queue.is_null() && unsafe { ptr::eq((*queue).places.first(), &place.link) }
}

/// Takes a place out whose coroutine is released, reset, or loses its thread. What it was woken for goes to the next.
unsafe fn abandon(exit: *const Exit, _: *const Waiter, _: Option<Wake>) -> Option<Wake> {
    let place = exit.wrapping_byte_sub(offset_of!(Place, exit)).cast::<Place>();
    // SAFETY: `stand` boxed it; the waiter no longer refers to it.
    unsafe {
        if !step_out(place, true) {
            call((*place).address);
        }
        drop(Box::from_raw(place.cast_mut()));
    }
    None
}
