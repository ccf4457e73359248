//! What one thread has registered: a growing table by descriptor number.

use core::cell::Cell;
use core::ffi::c_int;
use std::alloc::{Layout, alloc};

use super::terms::Settings;
use crate::clock::Nanos;
use crate::list::{Link, List};
use crate::waiter::{Interest, Waiter, Wake};

/// Events that end any wait.
const ALWAYS: u32 = (libc::EPOLLERR | libc::EPOLLHUP) as u32;

/// All ways to say that something can be written.
pub const OUTPUT: u32 = (libc::EPOLLOUT | libc::EPOLLWRNORM | libc::EPOLLWRBAND) as u32;

/// What this thread's epoll instance knows of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Nothing.
    None,
    /// It is registered for everything, as far as we know.
    Made,
    /// It is registered for input, and nobody has waited for output yet. Who writes to a unix or datagram socket would be
    /// woken each time that the other end reads.
    Input,
    /// It is registered for input, and events come to one of all who have it so. It must go with the last who waits: a
    /// thread that nobody waits in would keep the events from the others.
    Exclusive,
}

/// What was seen of a descriptor since its number was last made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Nothing.
    New,
    /// Somebody has waited for it before it was registered, for as long as others ran.
    Tried,
    /// Somebody has waited for it for long, and all was still as it should be (`doubt`).
    Confirmed,
}

/// One descriptor number.
///
/// Used through shared references only: links in lists write to each other behind any reference, and an
/// exclusive one would promise the compiler that they do not. What each wait and each event needs stands first, in one
/// cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Entry {
    /// Among the registrations to be confirmed. First field: a link of that list is its entry.
    pub doubt: Link,
    /// The interests that wait for it.
    pub waiters: List,
    /// Since when somebody relies on its registration unconfirmed.
    pub since: Cell<Nanos>,
    /// The generation the registration was made in, or the stream that is known without one.
    pub generation: Cell<u32>,
    /// The descriptor.
    pub fd: c_int,
    /// Whether it is registered.
    pub registration: Cell<Registration>,
    /// What was seen of it since.
    pub history: Cell<History>,
    /// The receiving side was seen to be shut down: that edge comes once, and later waits must know.
    pub hung_up: Cell<bool>,
    /// A stream whose short reads mean that nothing is left, of which no other process has a part.
    pub private_stream: Cell<bool>,
    /// The last read took all there was, and no event has told of more.
    pub drained: Cell<bool>,
    /// An event told of an end, an error or urgent data: reads that come short mean nothing any more.
    pub marked: Cell<bool>,
    /// The last event, unless a poll or a short read began anew since.
    pub told: Cell<u16>,
    /// The first look for events whose events are told: earlier ones were before the poll or the short read.
    pub listens_from: Cell<u64>,
    /// What the kernel said of its flags and time-outs.
    pub settings: Settings,
    /// When it was put among the doubted.
    pub queued: Cell<Nanos>,
}

impl Entry {
    /// Whether it is registered so that a wait for `events` hears of them, whoever else waits.
    #[inline(always)]
    pub fn tells_of(&self, events: u32) -> bool {
        match self.registration.get() {
            Registration::Made => true,
            Registration::Input => events & OUTPUT == 0,
            Registration::None | Registration::Exclusive => false,
        }
    }

    /// Wakes those who wait for it whom `events` concern.
    pub fn wake(&self, events: u32, ready: &List) {
        let mut link = self.waiters.first();
        while !link.is_null() {
            // SAFETY: the list holds interests whose waiters are in place until they are unlinked.
            unsafe {
                let interest = &*link.cast::<Interest>();
                link = self.waiters.after(link);
                if events & (interest.events.get() | ALWAYS) != 0 {
                    Waiter::wake(interest.waiter, Wake::Ready, ready);
                }
            }
        }
    }
}

const _: () = assert!(core::mem::offset_of!(Entry, settings) == 64 && size_of::<Entry>() == 128);

const CHUNK: usize = 64;
type Chunk = [Entry; CHUNK];

/// Entries by descriptor; chunks never move.
#[derive(Default)]
pub struct Table {
    chunks: Vec<Option<Box<Chunk>>>,
}

impl Table {
    /// An empty table.
    pub const fn new() -> Self {
        Table { chunks: Vec::new() }
    }

    /// The entry of `fd`, if it was ever asked for with [`Table::entry`].
    #[inline(always)]
    pub fn get(&self, fd: c_int) -> Option<&Entry> {
        // A negative number is beyond all chunks.
        let fd = fd as u32 as usize;
        let chunk = self.chunks.get(fd / CHUNK)?.as_ref()?;
        Some(&chunk[fd % CHUNK])
    }

    /// The entry of `fd`; `None` for a negative number or when memory is out.
    #[inline(always)]
    pub fn entry(&mut self, fd: c_int) -> Option<&Entry> {
        if self.get(fd).is_some() { self.get(fd) } else { self.new_entry(fd) }
    }

    #[cold]
    fn new_entry(&mut self, fd: c_int) -> Option<&Entry> {
        let number = usize::try_from(fd).ok()? / CHUNK;
        if number >= self.chunks.len() {
            self.chunks.try_reserve(number + 1 - self.chunks.len()).ok()?;
            self.chunks.resize_with(number + 1, || None);
        }
        if self.chunks[number].is_none() {
            self.chunks[number] = Some(new_chunk(number * CHUNK)?);
        }
        self.get(fd)
    }

    /// Every entry that exists.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.chunks.iter().flatten().flat_map(|chunk| chunk.iter())
    }
}

fn new_chunk(first: usize) -> Option<Box<Chunk>> {
    // SAFETY: the layout is not empty; every entry is written before the box exists.
    unsafe {
        let chunk = alloc(Layout::new::<Chunk>()).cast::<Entry>();
        if chunk.is_null() {
            return None;
        }
        for i in 0..CHUNK {
            chunk.add(i).write(Entry {
                doubt: Link::new(),
                waiters: List::new(),
                since: Cell::new(0),
                generation: Cell::new(0),
                fd: (first + i) as c_int,
                registration: Cell::new(Registration::None),
                history: Cell::new(History::New),
                hung_up: Cell::new(false),
                private_stream: Cell::new(false),
                drained: Cell::new(false),
                told: Cell::new(0),
                listens_from: Cell::new(0),
                marked: Cell::new(false),
                settings: Settings::new(),
                queued: Cell::new(0),
            });
        }
        Some(Box::from_raw(chunk.cast()))
    }
}
