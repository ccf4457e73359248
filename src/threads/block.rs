//! Blocks: what makes a coroutine a thread to libc and to every library. From low to high addresses:
//!
//! ```text
//!   | Thread: our own | static thread-local storage | struct pthread |
//!                                                   base, which %fs points to
//! ```
//!
//! Blocks are pooled apart from stacks: they are alike whatever the stack's size. libc's own thread-local variables
//! stay as they were, so that the allocator's cache for the thread goes on in the next one, and so does its memory for
//! random numbers; all others begin anew.
//!
//! # The list of threads
//!
//! When a library is loaded, libc fills in its static thread-local storage for all threads that it has in its list of
//! those with stacks of their own, under a lock that is not ours to take. So that blocks can be put there meanwhile:
//!
//! - they stand behind a node, the anchor, that libc never takes out: the main thread's, or in a child of fork that of
//!   the thread that forked. libc puts others at the list's head only, so no word of the list has two writers.
//! - who goes through the list goes forward, and one store puts a node there that is complete.
//! - a block never leaves the list, and its node stays as it is when the block begins anew. It is in the list before
//!   its storage is filled in: a library that is loaded at the same time fills its part in, or is known by then.

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::mem::size_of;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::layout::{Layout, MOST_KEPT};
use super::thread::Thread;
use crate::latch::Latch;
use crate::stack::PAGE;
use crate::{sys, tls};

/// Blocks that are mapped at a time.
const SLAB: usize = 64;

/// Numbers of threads begin here, above all that the kernel gives out and below the marks of coroutines.
const FIRST_NUMBER: c_int = 0x2000_0000;
const LAST_NUMBER: c_int = 0x3fff_ffff;

/// The pool.
pub struct Blocks {
    /// How libc wants them.
    pub layout: Layout,
    /// The main thread's base: the model of all others.
    model: usize,
    /// Behind whose node blocks stand in libc's list.
    anchor: AtomicUsize,
    /// Several kernel threads take blocks: the latch is needed.
    shared: AtomicBool,
    latch: Latch,
    /// Where the slab begins that was mapped last; behind the blocks of each stands where the one before it begins.
    slabs: AtomicUsize,
    /// Whoever has the latch, or is the only kernel thread, may look.
    store: UnsafeCell<Store>,
}

// SAFETY: `store` says who may touch it.
unsafe impl Sync for Blocks {}

/// What there is to give. Nothing is allocated by the one who has it: the allocator may wait for one who forks.
struct Store {
    /// The base of the block that was freed last, whose first word of our own part is the next one's; zero at the end.
    free: usize,
    /// What is left of the last slab: where it begins, and how many blocks it is.
    fresh: (usize, usize),
    last_number: c_int,
}

/// Whether threads have such numbers.
fn is_number(number: c_int) -> bool {
    (FIRST_NUMBER..=LAST_NUMBER).contains(&number)
}

/// A place in a block, or in the main thread's.
pub(super) fn at<T>(base: usize, offset: usize) -> *mut T {
    ptr::with_exposed_provenance_mut(base + offset)
}

impl Blocks {
    /// An empty pool for threads like the one at `model`.
    pub fn new(layout: Layout, model: usize) -> Self {
        let store = Store { free: 0, fresh: (0, 0), last_number: FIRST_NUMBER };
        Blocks {
            layout,
            model,
            anchor: AtomicUsize::new(model),
            shared: AtomicBool::new(false),
            latch: Latch::new(),
            slabs: AtomicUsize::new(0),
            store: UnsafeCell::new(store),
        }
    }

    /// From now on there are several kernel threads.
    pub fn share(&self) {
        self.shared.store(true, Ordering::Relaxed);
    }

    fn with_store<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        let shared = self.shared.load(Ordering::Relaxed);
        if shared {
            self.latch.close();
        }
        // SAFETY: by the rule of `store`. `work` does not come back here.
        let result = work(unsafe { &mut *self.store.get() });
        if shared {
            self.latch.open();
        }
        result
    }

    /// How blocks are aligned: as the variables of the program want it.
    fn alignment(&self) -> usize {
        self.layout.storage.1.max(align_of::<Thread>())
    }

    /// The bytes from a base to the end of its block: of libc's structure, and what follows as bases are aligned.
    fn above(&self) -> usize {
        self.layout.size.next_multiple_of(self.alignment())
    }

    /// The bytes of a block: a multiple of its alignment.
    fn stride(&self) -> usize {
        let below = size_of::<Thread>() + self.layout.storage.0 - self.layout.size;
        below.next_multiple_of(self.alignment()) + self.above()
    }

    /// What is ours in the block at `base`.
    pub fn thread(&self, base: usize) -> *const Thread {
        ptr::with_exposed_provenance(base + self.above() - self.stride())
    }

    /// Whether there is one of our blocks at `base`, in use. Reads what libc would read there itself.
    ///
    /// # Safety
    /// There is some thread's structure, or was.
    pub unsafe fn holds(&self, base: usize) -> bool {
        // SAFETY: by contract.
        let number = unsafe { at::<c_int>(base, self.layout.tid).read() };
        is_number(number)
    }

    /// The base of the block that begins at `low`.
    fn base_in(&self, low: usize) -> usize {
        low + self.stride() - self.above()
    }

    /// The base of the block in use that has this number. Signal handlers ask too.
    pub fn with_number(&self, number: c_int) -> Option<usize> {
        if !is_number(number) {
            return None;
        }
        let (stride, mut slab) = (self.stride(), self.slabs.load(Ordering::Acquire));
        while slab != 0 {
            let mut bases = (0..SLAB).map(|i| self.base_in(slab + i * stride));
            // SAFETY: slabs stay; what was not laid out yet is zero.
            let found = bases.find(|&base| unsafe { self.number(base).read() } == number);
            if found.is_some() {
                return found;
            }
            // SAFETY: it was written before the slab was known.
            slab = unsafe { at::<usize>(slab, SLAB * stride).read() };
        }
        None
    }

    /// A block that was never used, in libc's list and no more.
    fn carve(&self, store: &mut Store) -> Option<usize> {
        let (mut low, mut count) = store.fresh;
        let stride = self.stride();
        if count == 0 {
            // What is mapped begins at a page, which few variables want to be aligned beyond.
            let size = SLAB * stride + size_of::<usize>() + self.alignment().saturating_sub(PAGE);
            let mapped = sys::map(size.next_multiple_of(PAGE)).ok()?.expose_provenance();
            low = mapped.next_multiple_of(self.alignment());
            // SAFETY: fresh memory; the stride is a multiple of a word.
            unsafe { at::<usize>(low, SLAB * stride).write(self.slabs.load(Ordering::Relaxed)) };
            self.slabs.store(low, Ordering::Release);
            count = SLAB;
        }
        store.fresh = (low + stride, count - 1);
        let base = self.base_in(low);
        // SAFETY: fresh memory, and the caller has the latch.
        unsafe { self.link(base) };
        Some(base)
    }

    /// Puts the block's node behind the anchor's.
    unsafe fn link(&self, base: usize) {
        let anchor = self.anchor.load(Ordering::Relaxed);
        let (node, here) = (at::<[usize; 2]>(base, self.layout.list), anchor + self.layout.list);
        // SAFETY: a doubly linked list of libc's, next before previous, that nobody else changes here.
        unsafe {
            let next = at::<[usize; 2]>(here, 0).read()[0];
            node.write([next, here]);
            (*at::<[usize; 2]>(next, 0))[1] = node.addr();
            // Whoever goes through the list meanwhile sees all of the node, or none.
            (*at::<AtomicUsize>(here, 0)).store(node.addr(), Ordering::Release);
        }
    }

    /// Lets a block begin anew that was used before, or lets a fresh one begin.
    unsafe fn renew(&self, base: usize, used: bool) -> bool {
        let (place, size) = self.layout.own;
        let own = at::<u8>(base.wrapping_add_signed(place), 0);
        let mut kept = [0u8; MOST_KEPT];
        let list = self.layout.list;
        let random = self.layout.table.random.map(|offset| at::<usize>(base, offset));
        // SAFETY: nobody runs on the block; `Layout::find` made sure of the sizes and offsets.
        unsafe {
            if used {
                let bytes = random.map(|random| random.read());
                ptr::copy_nonoverlapping(own, kept.as_mut_ptr(), size);
                (self.layout.deallocate)(at(base, 0), false);
                // All but the node, by which others may be going at this moment.
                let behind = list + size_of::<[usize; 2]>();
                ptr::write_bytes(at::<u8>(base, 0), 0, list);
                ptr::write_bytes(at::<u8>(base, behind), 0, self.layout.size - behind);
                if let (Some(random), Some(bytes)) = (random, bytes) {
                    random.write(bytes);
                }
            }
            if (self.layout.allocate)(at(base, 0)).is_null() {
                return false;
            }
            if used {
                ptr::copy_nonoverlapping(kept.as_ptr(), own, size);
            }
        }
        true
    }

    /// A block for a thread of that scheduler. `None` without memory.
    pub fn take(&self, scheduler: usize) -> Option<usize> {
        let (base, number, used) = self.with_store(|store| {
            let used = store.free != 0;
            let base = if used { store.free } else { self.carve(store)? };
            if used {
                // SAFETY: it is free.
                store.free = unsafe { self.thread(base).cast::<usize>().read() };
            }
            let number = store.last_number;
            store.last_number = if number == LAST_NUMBER { FIRST_NUMBER } else { number + 1 };
            Some((base, number, used))
        })?;
        // SAFETY: nobody runs on it yet. What libc could not lay out is left alone.
        unsafe {
            if !self.renew(base, used) {
                return None;
            }
            self.fill(base, number);
            tls::provide(base, scheduler);
        }
        Some(base)
    }

    /// Fills in what libc does when it makes a thread.
    unsafe fn fill(&self, base: usize, number: c_int) {
        let (layout, table) = (&self.layout, &self.layout.table);
        // SAFETY: `Layout::find` made sure of all offsets; the first words are the ABI's: the block's own address
        // twice, the guards of stacks and pointers, and the features of the CPU.
        unsafe {
            at::<usize>(base, 0).write(base);
            at::<usize>(base, 16).write(base);
            self.mind_others(base);
            for (offset, bytes) in [(0x28, 16), (0x48, 4)] {
                ptr::copy_nonoverlapping(at::<u8>(self.model, offset), at::<u8>(base, offset), bytes);
            }
            at::<c_int>(base, layout.tid).write(number);
            at::<usize>(base, table.robust - 8).write(base + table.robust);
            at::<usize>(base, table.robust).write(base + table.robust);
            at::<isize>(base, table.robust + 8).write(-32);
            at::<usize>(base, layout.values).write(base + table.first_values);
            at::<u8>(base, table.user_stack.0).write(table.user_stack.1);
            // No CPU: libc asks the kernel then.
            at::<i32>(base.wrapping_add_signed(layout.rseq), 4).write(-1);
            let resolver = base.wrapping_add_signed(layout.resolver_pointer);
            at::<usize>(resolver, 0).write(base + table.resolver);
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from [`Blocks::take`], and nobody runs on it.
    pub unsafe fn give_back(&self, base: usize) {
        // SAFETY: by contract. No thread has this number: libc takes whoever asks for it for one that has ended.
        unsafe { self.number(base).write(-1) };
        self.with_store(|store| {
            // SAFETY: by contract, nobody needs what is there.
            unsafe { self.thread(base).cast_mut().cast::<usize>().write(store.free) };
            store.free = base;
        });
    }

    /// Nobody else has the pool while the process forks.
    pub fn stop_for_fork(&self) {
        if self.shared.load(Ordering::Relaxed) {
            self.latch.close();
        }
    }

    /// After [`Blocks::stop_for_fork`].
    pub fn go_on_after_fork(&self) {
        if self.shared.load(Ordering::Relaxed) {
            self.latch.open();
        }
    }

    /// In a child of fork whose thread is the anchor: if libc has forgotten all others, it gets the blocks back.
    ///
    /// # Safety
    /// The child has this one thread, and nobody has the pool.
    pub unsafe fn link_again(&self) {
        let (stride, mut slab) = (self.stride(), self.slabs.load(Ordering::Relaxed));
        let (fresh, count) = self.with_store(|store| store.fresh);
        let anchor = self.anchor.load(Ordering::Relaxed) + self.layout.list;
        // SAFETY: by contract. Those of the last slab that were never used are in no list.
        unsafe {
            let head = at::<usize>(anchor, 0).read();
            if at::<usize>(head, 0).read() != anchor {
                return;
            }
            while slab != 0 {
                let used = SLAB - if (slab..slab + SLAB * stride).contains(&fresh) { count } else { 0 };
                (0..used).for_each(|i| self.link(self.base_in(slab + i * stride)));
                slab = at::<usize>(slab, SLAB * stride).read();
            }
        }
    }

    /// In a child of fork: libc has forgotten all other threads than the one at `me`, and so do we. The kernel's thread
    /// is known by `kernel` for whatever it is asked, so libc gets that back with the right number.
    ///
    /// # Safety
    /// The child has this one thread, and nobody has the pool.
    pub unsafe fn forget_others(&self, me: usize, kernel: usize) {
        self.shared.store(false, Ordering::Relaxed);
        self.with_store(|store| {
            store.free = 0;
            store.fresh = (0, 0);
        });
        self.slabs.store(0, Ordering::Relaxed);
        self.anchor.store(me, Ordering::Relaxed);
        if kernel != me {
            // SAFETY: by contract; the structure is the main thread's or a worker's, in memory that nobody else gets.
            unsafe {
                self.number(kernel).write(sys::process_id());
                self.link(kernel);
            }
        }
    }
}
