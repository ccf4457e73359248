//! Blocks: what makes a coroutine a thread to libc and to every library. From low to high addresses:
//!
//! ```text
//!   | Thread: our own | static thread-local storage | struct pthread |
//!                                                   base, which %fs points to
//! ```
//!
//! Blocks are pooled apart from stacks: they are alike whatever the stack's size. libc's own thread-local variables
//! stay as they were, so that the allocator's cache for the thread goes on in the next one; all others begin anew.

use core::cell::{Cell, RefCell};
use core::ffi::c_int;
use core::mem::size_of;
use core::ptr;

use super::layout::{KEY_ARRAYS, Layout, MOST_KEPT};
use super::thread::Thread;
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
    /// Those that were used before and are free, by their bases.
    free: RefCell<Vec<usize>>,
    /// What is left of the last slab: where it begins, and how many blocks it is.
    fresh: Cell<(usize, usize)>,
    last_number: Cell<c_int>,
}

/// A place in a block, or in the main thread's.
fn at<T>(base: usize, offset: usize) -> *mut T {
    ptr::with_exposed_provenance_mut(base + offset)
}

unsafe extern "C" {
    fn __res_nclose(state: *mut core::ffi::c_void);
}

impl Blocks {
    /// An empty pool for threads like the one at `model`.
    pub fn new(layout: Layout, model: usize) -> Self {
        let last_number = Cell::new(FIRST_NUMBER);
        Blocks { layout, model, free: RefCell::default(), fresh: Cell::new((0, 0)), last_number }
    }

    /// The bytes of a block: a multiple of its alignment.
    fn stride(&self) -> usize {
        let (size, alignment) = self.layout.storage;
        (size_of::<Thread>() + size).next_multiple_of(alignment.max(align_of::<Thread>()))
    }

    /// What is ours in the block at `base`.
    pub fn thread(&self, base: usize) -> *const Thread {
        let low = base + self.layout.size - self.stride();
        ptr::with_exposed_provenance(low & !(align_of::<Thread>() - 1))
    }

    /// Whether there is one of our blocks at `base`, in use. Reads what libc would read there itself.
    ///
    /// # Safety
    /// There is some thread's structure, or was.
    pub unsafe fn holds(&self, base: usize) -> bool {
        // SAFETY: by contract.
        let number = unsafe { at::<c_int>(base, self.layout.tid).read() };
        (FIRST_NUMBER..=LAST_NUMBER).contains(&number)
    }

    fn carve(&self) -> Option<usize> {
        let (mut low, mut count) = self.fresh.get();
        let stride = self.stride();
        if count == 0 {
            // The slab begins at a page, so its blocks are aligned as far as a page is.
            low = sys::map((SLAB * stride).next_multiple_of(PAGE)).ok()?.expose_provenance();
            count = SLAB;
        }
        self.fresh.set((low + stride, count - 1));
        let base = (low + stride - self.layout.size) & !(self.layout.storage.1 - 1);
        // SAFETY: fresh memory; libc fills its part in.
        unsafe {
            if (self.layout.allocate)(at(base, 0)).is_null() {
                self.fresh.set((low, count));
                return None;
            }
            // Into the list in which libc looks for all static storage when it loads another library.
            self.link(base);
        }
        Some(base)
    }

    /// Puts the block's node behind that of the running thread.
    unsafe fn link(&self, base: usize) {
        let (node, here) = (at::<[usize; 2]>(base, self.layout.list), tls::base() + self.layout.list);
        // SAFETY: a doubly linked list of libc's, next before previous.
        unsafe {
            let next = at::<[usize; 2]>(here, 0).read()[0];
            node.write([next, here]);
            (*at::<[usize; 2]>(next, 0))[1] = node.addr();
            (*at::<[usize; 2]>(here, 0))[0] = node.addr();
        }
    }

    /// Lets a block begin anew that was used before.
    unsafe fn renew(&self, base: usize) -> bool {
        let (place, size) = self.layout.own;
        let own = at::<u8>(base.wrapping_add_signed(place), 0);
        let mut kept = [0u8; MOST_KEPT];
        let list = at::<[usize; 2]>(base, self.layout.list);
        // SAFETY: nobody runs on the block; `Layout::find` made sure of the size.
        unsafe {
            ptr::copy_nonoverlapping(own, kept.as_mut_ptr(), size);
            (self.layout.deallocate)(at(base, 0), false);
            let node = list.read();
            ptr::write_bytes(at::<u8>(base, 0), 0, self.layout.size);
            list.write(node);
            if (self.layout.allocate)(at(base, 0)).is_null() {
                return false;
            }
            ptr::copy_nonoverlapping(kept.as_ptr(), own, size);
        }
        true
    }

    /// A block for a thread of the calling one's scheduler. `None` without memory.
    pub fn take(&self, scheduler: usize) -> Option<usize> {
        let used = self.free.borrow_mut().pop();
        let base = match used {
            // SAFETY: it is free.
            Some(base) if unsafe { self.renew(base) } => base,
            // What libc could not lay out anew is left alone.
            Some(_) => return None,
            None => self.carve()?,
        };
        // SAFETY: nobody runs on it yet.
        unsafe {
            self.fill(base);
            tls::provide(base, scheduler);
        }
        Some(base)
    }

    /// Fills in what libc does when it makes a thread.
    unsafe fn fill(&self, base: usize) {
        let (layout, table) = (&self.layout, &self.layout.table);
        let number = self.last_number.get();
        self.last_number.set(if number == LAST_NUMBER { FIRST_NUMBER } else { number + 1 });
        // SAFETY: `Layout::find` made sure of all offsets; the first words are the ABI's: the block's own address
        // twice, whether there are threads, the guards of stacks and pointers, and the features of the CPU.
        unsafe {
            at::<usize>(base, 0).write(base);
            at::<usize>(base, 16).write(base);
            for (offset, bytes) in [(24, 4), (0x28, 16), (0x48, 4)] {
                ptr::copy_nonoverlapping(at::<u8>(self.model, offset), at::<u8>(base, offset), bytes);
            }
            at::<c_int>(base, layout.tid).write(number);
            at::<usize>(base, table.robust - 8).write(base + table.robust);
            at::<usize>(base, table.robust).write(base + table.robust);
            at::<isize>(base, table.robust + 8).write(-32);
            at::<usize>(base, layout.values).write(base + table.first_values);
            at::<bool>(base, table.user_stack).write(true);
            // No CPU: libc asks the kernel then.
            at::<i32>(base, table.rseq + 4).write(-1);
            let resolver = base.wrapping_add_signed(layout.resolver_pointer);
            at::<usize>(resolver, 0).write(base + table.resolver);
        }
    }

    /// Tells libc what the thread's stack is (where it begins, its size, its guard's, and that once more), what the
    /// thread runs, and whether it is detached.
    ///
    /// # Safety
    /// The block is the caller's.
    pub unsafe fn describe(&self, base: usize, stack: [usize; 4], routine: usize, detached: bool) {
        // SAFETY: as for `fill`.
        unsafe {
            at::<[usize; 4]>(base, self.layout.table.stack).write(stack);
            at::<usize>(base, self.layout.routine).write(routine);
            self.set_detached(base, detached);
        }
    }

    /// # Safety
    /// As for [`Blocks::describe`].
    pub unsafe fn set_detached(&self, base: usize, detached: bool) {
        // SAFETY: as for `fill`.
        unsafe { at::<usize>(base, self.layout.table.join).write(if detached { base } else { 0 }) };
    }

    /// Where the thread at `base` goes when it exits.
    ///
    /// # Safety
    /// `buffer` is a jmp_buf, valid until then.
    pub unsafe fn set_exit(&self, base: usize, buffer: *const c_int) {
        // SAFETY: as for `fill`.
        unsafe { at::<*const c_int>(base, self.layout.table.cleanup).write(buffer) };
    }

    /// Where the thread at `base` goes now when it exits.
    pub fn exit(&self, base: usize) -> *const c_int {
        // SAFETY: as for `fill`.
        unsafe { at::<*const c_int>(base, self.layout.table.cleanup).read() }
    }

    /// What the thread at `base` gave when it exited.
    pub fn result(&self, base: usize) -> *mut core::ffi::c_void {
        // SAFETY: as for `fill`.
        unsafe { at::<*mut core::ffi::c_void>(base, self.layout.table.result).read() }
    }

    /// The robust mutexes that the thread at `base` owns.
    pub fn robust_mutexes(&self, base: usize) -> impl Iterator<Item = *mut libc::pthread_mutex_t> {
        /// From the beginning of a mutex to its place in the list, whose lowest bit has a meaning of its own.
        const PLACE: usize = 32;
        let head = base + self.layout.table.robust;
        // SAFETY: as for `fill`; libc keeps the list for the kernel, which finds the mutexes by it too. The next place
        // is read before the mutex of this one is given up.
        let next = move |place: usize| unsafe { at::<usize>(place & !1, 0).read() };
        let mut place = next(head);
        core::iter::from_fn(move || {
            let here = place & !1;
            (here != head && here != 0).then(|| {
                place = next(here);
                at(here - PLACE, 0)
            })
        })
    }

    /// What libc notes about the cancellation of the thread at `base`.
    pub fn cancellation(&self, base: usize) -> u32 {
        // SAFETY: as for `fill`.
        unsafe { at::<u32>(base, self.layout.cancellation).read() }
    }

    /// The number that libc knows the thread at `base` by.
    pub fn number(&self, base: usize) -> *mut c_int {
        at(base, self.layout.tid)
    }

    /// Frees what libc has made for the thread at `base`, as it does at the end of a thread: the arrays for values of
    /// keys beyond the first, texts of `strsignal` and `strerror`, the resolver's state, and an error of `dlopen`.
    ///
    /// # Safety
    /// The thread runs, and its destructors have run.
    pub unsafe fn free_what_libc_made(&self, base: usize) {
        /// `nscount` of the resolver's state: servers, once the thread has initialised it.
        const SERVERS: usize = 16;
        let table = &self.layout.table;
        let word = size_of::<usize>();
        let arrays = (1..KEY_ARRAYS).map(|array| self.layout.values + array * word);
        // SAFETY: `Layout::find` made sure of the offsets. The first array is part of the structure, all else is null or
        // from libc's allocator. The second call of `dlerror` frees what the first one tells.
        unsafe {
            for offset in arrays.chain([table.texts, table.texts + word]) {
                libc::free(at::<*mut core::ffi::c_void>(base, offset).replace(ptr::null_mut()));
            }
            if at::<c_int>(base, table.resolver + SERVERS).read() != 0 {
                __res_nclose(at(base, table.resolver));
            }
            if !libc::dlerror().is_null() {
                libc::dlerror();
            }
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from [`Blocks::take`], and nobody runs on it.
    pub unsafe fn give_back(&self, base: usize) {
        // SAFETY: by contract. No thread has this number: libc takes whoever asks for it for one that has ended.
        unsafe { self.number(base).write(-1) };
        let mut free = self.free.borrow_mut();
        if free.try_reserve(1).is_ok() {
            free.push(base);
        }
    }

    /// In a child of fork: libc has forgotten all other threads, and so do we.
    pub fn forget(&self) {
        self.free.borrow_mut().clear();
        self.fresh.set((0, 0));
    }
}
