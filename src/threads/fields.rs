//! What libc notes about each thread in its `struct pthread`, which ends each block: read and written in libc's stead.
//!
//! Unless something else is said, a function may be called where nobody else changes what it reads: by the thread
//! itself, before it begins, or after it has ended.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use super::block::{Blocks, at};
use super::layout::{Join, KEY_ARRAYS};
use crate::local;
use crate::sync::mutex;

unsafe extern "C" {
    fn __res_nclose(state: *mut core::ffi::c_void);
}

impl Blocks {
    /// Tells libc what the thread's stack is (where it begins, its size, its guard's, and that once more), what the
    /// thread runs, and whether it is detached.
    ///
    /// # Safety
    /// The block is the caller's.
    pub unsafe fn describe(&self, base: usize, stack: [usize; 4], routine: usize, detached: bool) {
        // SAFETY: as for `Blocks::fill`.
        unsafe {
            at::<[usize; 4]>(base, self.layout.table.stack).write(stack);
            at::<usize>(base, self.layout.routine).write(routine);
            self.set_detached(base, detached);
        }
    }

    /// What [`Blocks::describe`] told about the thread's stack, and whether it is detached now.
    ///
    /// # Safety
    /// As for [`Blocks::describe`].
    unsafe fn described(&self, base: usize) -> ([usize; 4], bool) {
        // SAFETY: as for `Blocks::fill`.
        unsafe {
            let detached = match self.layout.table.join {
                Join::Id(offset) => at::<usize>(base, offset).read() == base,
                Join::State(offset) => at::<u32>(base, offset).read() == Join::DETACHED,
            };
            (at::<[usize; 4]>(base, self.layout.table.stack).read(), detached)
        }
    }

    /// `pthread_getattr_np`, by what [`Blocks::describe`] told.
    ///
    /// # Safety
    /// As for [`Blocks::describe`]; `attributes` is writable.
    pub unsafe fn attributes(&self, base: usize, attributes: *mut libc::pthread_attr_t) -> c_int {
        // SAFETY: by contract.
        unsafe {
            let ([low, size, guard, _], detached) = self.described(base);
            let error = libc::pthread_attr_init(attributes);
            if error == 0 {
                let state =
                    if detached { libc::PTHREAD_CREATE_DETACHED } else { libc::PTHREAD_CREATE_JOINABLE };
                let low = ptr::with_exposed_provenance_mut(low + guard);
                libc::pthread_attr_setstack(attributes, low, size - guard);
                libc::pthread_attr_setguardsize(attributes, guard);
                libc::pthread_attr_setdetachstate(attributes, state);
            }
            error
        }
    }

    /// # Safety
    /// As for [`Blocks::describe`].
    pub unsafe fn set_detached(&self, base: usize, detached: bool) {
        // SAFETY: as for `Blocks::fill`.
        unsafe {
            match self.layout.table.join {
                Join::Id(offset) => at::<usize>(base, offset).write(if detached { base } else { 0 }),
                Join::State(offset) => {
                    at::<u32>(base, offset).write(if detached { Join::DETACHED } else { Join::JOINABLE })
                }
            }
        };
    }

    /// Where the thread at `base` goes when it exits.
    ///
    /// # Safety
    /// `buffer` is a jmp_buf, valid until then.
    pub unsafe fn set_exit(&self, base: usize, buffer: *const c_int) {
        // SAFETY: as for `Blocks::fill`.
        unsafe { at::<*const c_int>(base, self.layout.table.cleanup).write(buffer) };
    }

    /// Where the thread at `base` goes now when it exits.
    pub fn exit(&self, base: usize) -> *const c_int {
        // SAFETY: as for `Blocks::fill`.
        unsafe { at::<*const c_int>(base, self.layout.table.cleanup).read() }
    }

    /// What the thread at `base` gave when it exited.
    pub fn result(&self, base: usize) -> *mut core::ffi::c_void {
        // SAFETY: as for `Blocks::fill`.
        unsafe { at::<*mut core::ffi::c_void>(base, self.layout.table.result).read() }
    }

    /// Tells of the robust mutexes that the thread at `base` owns that it has ended.
    ///
    /// # Safety
    /// Nothing runs on the block any more.
    pub unsafe fn give_up_mutexes(&self, base: usize) {
        for mutex in self.robust_mutexes(base) {
            // SAFETY: libc has it in the list of those that the thread owns.
            unsafe { mutex::owner_has_ended(mutex) };
        }
    }

    /// The robust mutexes that the thread at `base` owns.
    fn robust_mutexes(&self, base: usize) -> impl Iterator<Item = *mut libc::pthread_mutex_t> {
        /// From the beginning of a mutex to its place in the list, whose lowest bit has a meaning of its own.
        const PLACE: usize = 32;
        let head = base + self.layout.table.robust;
        // SAFETY: as for `Blocks::fill`; libc keeps the list for the kernel, which finds the mutexes by it too. The next place
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
    pub fn cancellation(&self, base: usize) -> &AtomicU32 {
        // SAFETY: as for `Blocks::fill`; blocks are never unmapped, and libc changes this word as an atomic one.
        unsafe { &*at::<AtomicU32>(base, self.layout.cancellation) }
    }

    /// Whether the thread at `base` has cancellation disabled, and whether it may be cancelled at any instruction, where libc
    /// has a byte for each apart from the word of [`Blocks::cancellation`].
    pub fn cancel_state(&self, base: usize) -> Option<(bool, bool)> {
        let offset = self.layout.table.cancel_state?;
        // SAFETY: as for `Blocks::cancellation`.
        let [state, kind] = unsafe { [0, 1].map(|byte| &*at::<AtomicU8>(base, offset + byte)) };
        Some((state.load(Ordering::Relaxed) != 0, kind.load(Ordering::Relaxed) != 0))
    }

    /// The number that libc knows the thread at `base` by.
    pub fn number(&self, base: usize) -> *mut c_int {
        at(base, self.layout.tid)
    }

    /// Runs the destructors of the running thread's variables and values, and frees what libc has made for it.
    ///
    /// # Safety
    /// `base` is in force, and nothing but this needs what is there any more.
    pub unsafe fn destroy_own(&self, base: usize) {
        // SAFETY: by contract.
        unsafe {
            (self.layout.call_destructors)();
            local::destroy_of_thread();
            self.free_what_libc_made(base);
        }
    }

    /// Frees what libc has made for the thread at `base`, as it does at the end of a thread: the arrays for values of
    /// keys beyond the first, texts of `strsignal` and `strerror`, the resolver's state, and an error of `dlopen`.
    ///
    /// # Safety
    /// The thread runs, and its destructors have run.
    unsafe fn free_what_libc_made(&self, base: usize) {
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

    /// Lets libc take its locks on the thread at `base`, helpers being threads as well: the word that says so is the
    /// ABI's.
    pub fn mind_others(&self, base: usize) {
        const MULTIPLE_THREADS: usize = 24;
        // SAFETY: as for `Blocks::fill`.
        unsafe { at::<c_int>(base, MULTIPLE_THREADS).write(1) };
    }
}
