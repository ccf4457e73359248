//! Which coroutine has a stream: one at a time, in the order of asking, whichever their threads.
//!
//! libc's own lock cannot do that. It belongs to a thread, so it would let all coroutines of a thread in, and
//! one that waited with it would stop other threads. It is taken for moments only, never across a wait.
//!
//! What a coroutine has while it is in a call on a stream, the streams themselves and some memory, hangs on it
//! as the library's own among its values, so that it is given back when the coroutine is released meanwhile.

mod fork;

pub use fork::FORK;

use core::ffi::{c_char, c_void};
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::stream::Stream;
use crate::clock::NEVER;
use crate::coroutine::Coroutine;
use crate::heap;
use crate::latch::{Latch, Mutex};
use crate::list::List;
use crate::scheduler::Scheduler;
use crate::waiter::{Exit, Waiter, Wake};
use crate::{sync, sys, tls};
use parking_lot::lock_api::MutexGuard;

const BUCKETS: usize = 1024;

/// A stream that some coroutine has.
struct Entry {
    stream: *mut Stream,
    owner: *mut Coroutine,
    /// How many times over.
    depth: u32,
    /// Somebody has closed it meanwhile, outside any coroutine: the owner must not touch it any more.
    closed: bool,
    /// Who waits for it; made with the first who does, and never moved.
    queue: Option<Box<Queue>>,
}

/// Those who wait for a stream.
struct Queue {
    waiters: List,
    stream: *const Stream,
    exit: Exit,
}

struct Table([Vec<Entry>; BUCKETS]);
// SAFETY: the pointers are compared, and followed only where `Condition` does the same.
unsafe impl Send for Table {}

static TABLE: Mutex<Table> = Mutex::new(Table([const { Vec::new() }; BUCKETS]));
/// How many streams of each bucket some coroutine has.
static TAKEN: [AtomicU32; BUCKETS] = [const { AtomicU32::new(0) }; BUCKETS];

type Guard = MutexGuard<'static, Latch, Table>;

fn table() -> Guard {
    TABLE.lock()
}

fn bucket(stream: *const Stream) -> usize {
    // Streams are 552 bytes of the heap or more.
    let address = stream as usize;
    (address >> 4 ^ address >> 12) % BUCKETS
}

impl Table {
    fn find(&mut self, stream: *const Stream) -> Option<&mut Entry> {
        self.0[bucket(stream)].iter_mut().find(|entry| ptr::eq(entry.stream, stream) && !entry.closed)
    }

    /// The entry of an owner, closed or not.
    fn of_owner(&mut self, stream: *const Stream, owner: *const Coroutine) -> Option<&mut Entry> {
        self.0[bucket(stream)]
            .iter_mut()
            .find(|entry| ptr::eq(entry.stream, stream) && ptr::eq(entry.owner, owner))
    }

    /// Gives a stream up, whatever its depth: to who has waited longest, or to nobody.
    fn pass_on(&mut self, stream: *const Stream, owner: *const Coroutine) {
        let Some(entry) = self.of_owner(stream, owner) else { return };
        let next = entry.queue.as_ref().map_or(ptr::null(), |queue| queue.waiters.pop_front());
        if next.is_null() {
            let entries = &mut self.0[bucket(stream)];
            entries.retain(|entry| !(ptr::eq(entry.stream, stream) && ptr::eq(entry.owner, owner)));
            TAKEN[bucket(stream)].fetch_sub(1, Ordering::Release);
            return;
        }
        let waiter = Waiter::of(next);
        entry.owner = Coroutine::of_waiter(waiter);
        entry.depth = 1;
        // SAFETY: as in `Condition::signal`: who stands in the queue is in place, and its thread cannot end
        // before it has taken the coroutine out, for which it needs the lock held here.
        unsafe {
            if Scheduler::is_home_of(waiter) {
                (*waiter).was_taken_out();
            }
            sync::rouse(waiter, &sync::Bell::new());
        }
    }
}

/// What a coroutine's call on a stream holds.
pub struct Holding {
    coroutine: *mut Coroutine,
    /// How many streams the coroutine has.
    streams: usize,
    /// Bytes that are being written and no longer in the stream.
    pub pending: Vec<u8>,
    /// That stream, while they are.
    pub writes_to: *const Stream,
    /// Text that is to be put, `malloc`'s.
    pub text: *mut c_char,
    /// The stream that `scanf` reads from.
    pub source: *mut libc::FILE,
}

/// See `fork` on what is done once for a process.
fn prepare() {
    static PREPARED: AtomicBool = AtomicBool::new(false);
    if !PREPARED.load(Ordering::Acquire) {
        // SAFETY: the handler lives for ever, and the second of two finds nothing to do.
        unsafe { libc::atexit(write_pending) };
        PREPARED.store(true, Ordering::Release);
    }
}

/// The running coroutine's holding; null without memory.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs. The same holds for every function here that takes one.
pub unsafe fn holding(scheduler: *mut Scheduler) -> *mut Holding {
    prepare();
    // SAFETY: by contract.
    unsafe {
        let coroutine = Scheduler::current(scheduler);
        let Some(rare) = (*coroutine).make_rare() else { return ptr::null_mut() };
        if let Some((_, held)) = rare.locals.own {
            return held.cast();
        }
        let new = Holding {
            coroutine,
            streams: 0,
            pending: Vec::new(),
            writes_to: ptr::null(),
            text: ptr::null_mut(),
            source: ptr::null_mut(),
        };
        let held = heap::boxed(new).map_or(ptr::null_mut(), Box::into_raw);
        if !held.is_null() {
            rare.locals.own = Some((give_back, held.cast()));
        }
        held
    }
}

/// The coroutine ends, or is released: others get the streams that it had.
unsafe extern "C" fn give_back(held: *mut c_void) {
    // SAFETY: `holding` made it, and the coroutine calls nothing any more.
    tls::unhooked(|| unsafe {
        let held = Box::from_raw(held.cast::<Holding>());
        if held.streams > 0 {
            let mut table = table();
            for number in 0..BUCKETS {
                let of = |table: &Table| {
                    let mine = table.0[number].iter().find(|entry| ptr::eq(entry.owner, held.coroutine));
                    mine.map(|entry| entry.stream)
                };
                while let Some(stream) = of(&table) {
                    table.pass_on(stream, held.coroutine);
                }
            }
        }
        libc::free(held.text.cast());
        if !held.source.is_null() {
            libc::fclose(held.source);
        }
    });
}

/// Whether surely no coroutine has the stream.
#[inline(always)]
pub fn is_free(stream: *const Stream) -> bool {
    TAKEN[bucket(stream)].load(Ordering::Acquire) == 0
}

/// Whether the running coroutine has the stream, or none has: a closer look than [`is_free`].
#[cold]
pub unsafe fn is_free_for(scheduler: *mut Scheduler, stream: *const Stream) -> bool {
    // SAFETY: by contract.
    let me = unsafe { Scheduler::current(scheduler) };
    table().find(stream).is_none_or(|entry| ptr::eq(entry.owner, me))
}

/// Makes the running coroutine the stream's owner, once more if it is already; parks while another one is.
/// `false` without memory.
pub unsafe fn acquire(scheduler: *mut Scheduler, stream: *mut Stream) -> bool {
    // SAFETY: by contract.
    unsafe {
        match try_acquire(scheduler, stream) {
            Some(true) => return true,
            Some(false) => {}
            None => return false,
        }
        let me = Scheduler::current(scheduler);
        let waiter = &raw const (*me).waiter;
        {
            let mut table = table();
            let Some(entry) = table.find(stream) else {
                drop(table);
                return acquire(scheduler, stream);
            };
            if entry.queue.is_none() {
                entry.queue = heap::boxed(Queue { waiters: List::new(), stream, exit: Exit { leave } });
            }
            let Some(queue) = &entry.queue else { return false };
            Waiter::enqueue(waiter, &queue.waiters, &raw const queue.exit);
        }
        loop {
            Scheduler::wait_shown(scheduler, NEVER);
            if !(*waiter).is_queued() {
                break;
            }
            // Somebody's `co_resume`.
            let table = table();
            if !(*waiter).stands() {
                (*waiter).was_taken_out();
                (*waiter).disarm();
                drop(table);
                Scheduler::remote(scheduler).forget(waiter);
                break;
            }
        }
        (*waiter).exit.set(ptr::null());
        let held = holding(scheduler);
        (*held).streams += 1;
        true
    }
}

/// The same without waiting: `Some(false)` while another coroutine has the stream.
pub unsafe fn try_acquire(scheduler: *mut Scheduler, stream: *mut Stream) -> Option<bool> {
    // SAFETY: by contract.
    unsafe {
        let held = holding(scheduler);
        if held.is_null() {
            return None;
        }
        let owner = Scheduler::current(scheduler);
        let mut table = table();
        if let Some(entry) = table.find(stream) {
            let mine = ptr::eq(entry.owner, owner);
            entry.depth += u32::from(mine);
            return Some(mine);
        }
        let entries = &mut table.0[bucket(stream)];
        entries.try_reserve(1).ok()?;
        entries.push(Entry { stream, owner, depth: 1, closed: false, queue: None });
        TAKEN[bucket(stream)].fetch_add(1, Ordering::Release);
        (*held).streams += 1;
        Some(true)
    }
}

/// Undoes one [`acquire`]; `false` when the running coroutine does not have the stream.
pub unsafe fn release(scheduler: *mut Scheduler, stream: *const Stream) -> bool {
    // SAFETY: by contract.
    unsafe {
        let owner = Scheduler::current(scheduler);
        let mut table = table();
        let Some(entry) = table.of_owner(stream, owner) else { return false };
        entry.depth -= 1;
        if entry.depth == 0 {
            table.pass_on(stream, owner);
            let held = holding(scheduler);
            (*held).streams -= 1;
        }
        true
    }
}

/// Whether the stream that the running coroutine has was closed behind its back.
pub unsafe fn was_closed(scheduler: *mut Scheduler, stream: *const Stream) -> bool {
    // SAFETY: by contract.
    let owner = unsafe { Scheduler::current(scheduler) };
    table().of_owner(stream, owner).is_some_and(|entry| entry.closed)
}

/// The stream is about to be closed by the calling thread, which may have nothing to do with its owner.
pub fn closing(stream: *const Stream) {
    if is_free(stream) || tls::handlers() > 0 {
        return;
    }
    let running = Scheduler::running();
    if let Some(entry) = table().find(stream)
        && (running.is_null() || !ptr::eq(entry.owner, running))
    {
        entry.closed = true;
    }
}

/// A coroutine that waited for a stream is told that it has it, or is released, reset, or loses its thread.
unsafe fn leave(exit: *const Exit, waiter: *const Waiter, reason: Option<Wake>) -> Option<Wake> {
    // SAFETY: the waiter is in place. The queue is as long as somebody stands in it or does not know of having the
    // stream.
    unsafe {
        let mut table = table();
        if let Some(reason) = reason {
            return (*waiter).step_out(reason);
        }
        let stands = (*waiter).is_queued() && (*waiter).stands();
        (*waiter).drop_out();
        if !stands {
            // It has got the stream and never learned of it.
            let queue = exit.wrapping_byte_sub(offset_of!(Queue, exit)).cast::<Queue>();
            table.pass_on((*queue).stream, Coroutine::of_waiter(waiter));
        }
        None
    }
}

/// The process ends while coroutines of this thread wait to write what was in their streams. libc writes what it
/// finds in streams then, and would have found it there: so it is written here, however long that takes.
extern "C" fn write_pending() {
    let here = Scheduler::get();
    if here.is_null() {
        return;
    }
    let mut waiting = Vec::new();
    {
        let table = table();
        for entry in table.0.iter().flatten().filter(|entry| !entry.closed) {
            // SAFETY: owners are in place; this thread's do not run, but for the one that calls `exit`.
            unsafe {
                if (*entry.owner).home.load(Ordering::Relaxed) == here.cast()
                    && let Some(rare) = (*entry.owner).rare()
                    && let Some((_, held)) = rare.locals.own
                    && ptr::eq((*held.cast::<Holding>()).writes_to, entry.stream)
                    && waiting.try_reserve(1).is_ok()
                {
                    let pending = &(*held.cast::<Holding>()).pending;
                    waiting.push((Stream::descriptor(entry.stream), pending.as_ptr(), pending.len()));
                }
            }
        }
    }
    for (fd, mut from, mut count) in waiting {
        while count > 0 {
            match sys::write_from(fd, from.cast(), count) {
                Ok(written) => (from, count) = (from.wrapping_add(written), count - written),
                Err(_) => break,
            }
        }
    }
}
