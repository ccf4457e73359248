//! Room for control blocks: in slabs, close together, each in cache lines of its own.
//!
//! Blocks belong to a thread. Those of coroutines that nobody released when their thread ended are orphans: their slabs
//! are then known to the process, until the last of them is released.

use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::alloc::{Layout, alloc, dealloc};

use super::Scheduler;
use crate::coroutine::Coroutine;
use crate::sys;

/// Blocks in a thread's first slab; later ones double the total.
const FIRST: usize = 80;
/// Blocks in a slab, at most: a huge page, because random walks over many blocks are walks over many pages.
const MOST: usize = sys::HUGE_PAGE / size_of::<Coroutine>();

pub(super) struct Slab {
    base: *mut Coroutine,
    count: usize,
    /// No coroutine in this slab or in a later one is older.
    age: u32,
    /// Orphans in it, and its thread until that is gone. Unused while it has none, or [`FOR_GOOD`].
    holders: usize,
}

/// In [`Slab::holders`]: there was no memory to note an orphan, so the slab is never freed.
const FOR_GOOD: usize = usize::MAX;

impl Slab {
    /// Where debuggers find it.
    pub(super) const BASE: usize = offset_of!(Slab, base);
    /// See [`Slab::BASE`].
    pub(super) const COUNT: usize = offset_of!(Slab, count);

    fn layout(&self) -> Layout {
        // A huge page is far below the limit of a layout.
        Layout::array::<Coroutine>(self.count).unwrap_or(Layout::new::<Coroutine>())
    }

    fn end(&self) -> *mut Coroutine {
        self.base.wrapping_add(self.count)
    }

    /// Frees the slab.
    ///
    /// # Safety
    /// Nothing refers to its blocks.
    unsafe fn free(&self) {
        // SAFETY: allocated like this.
        unsafe {
            match self.count {
                MOST => sys::unmap(self.base.cast(), sys::HUGE_PAGE),
                _ => dealloc(self.base.cast(), self.layout()),
            }
        }
    }
}

/// What a free block holds: no coroutine of any thread.
#[repr(C)]
struct Free {
    next: *mut Free,
    home: AtomicPtr<()>,
}

const _: () = assert!(offset_of!(Free, home) == Coroutine::HOME);

/// Where somebody is who looks at all blocks.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    slab: usize,
    block: usize,
}

/// The blocks of a thread.
pub(super) struct Blocks {
    free: *mut Free,
    /// The part of the newest slab that was never handed out.
    fresh: *mut Coroutine,
    left: usize,
    /// Blocks of all slabs.
    total: usize,
    slabs: Vec<Slab>,
    /// Where those are and how many, for debuggers.
    shown: (*const Slab, usize),
    /// How many coroutines the thread has had, as far as this counts.
    ages: u32,
}

impl Blocks {
    /// Where debuggers find the slabs.
    pub(super) const SLABS: usize = offset_of!(Blocks, shown.0);
    /// See [`Blocks::SLABS`].
    pub(super) const SLAB_COUNT: usize = offset_of!(Blocks, shown.1);
    /// See [`Blocks::SLABS`].
    pub(super) const FRESH: usize = offset_of!(Blocks, fresh);
    /// See [`Blocks::SLABS`].
    pub(super) const LEFT: usize = offset_of!(Blocks, left);

    pub(super) const fn new() -> Self {
        Blocks {
            free: ptr::null_mut(),
            fresh: ptr::null_mut(),
            left: 0,
            total: 0,
            slabs: Vec::new(),
            shown: (ptr::null(), 0),
            ages: 0,
        }
    }

    /// Room for a coroutine; null without memory.
    pub(super) fn allocate(&mut self) -> *mut Coroutine {
        if !self.free.is_null() {
            let block = self.free;
            // SAFETY: free blocks hold the next.
            self.free = unsafe { (*block).next };
            return block.cast();
        }
        if self.left == 0 && self.grow().is_none() {
            return ptr::null_mut();
        }
        let block = self.fresh;
        self.left -= 1;
        self.fresh = block.wrapping_add(1);
        block
    }

    #[cold]
    fn grow(&mut self) -> Option<()> {
        self.slabs.try_reserve(1).ok()?;
        let count = self.total.clamp(FIRST, MOST);
        let mut slab = Slab { base: ptr::null_mut(), count, age: self.ages, holders: 0 };
        slab.base = match slab.count {
            MOST => sys::map_huge(sys::HUGE_PAGE).unwrap_or(ptr::null_mut()),
            // SAFETY: the layout is not empty.
            _ => unsafe { alloc(slab.layout()) },
        }
        .cast();
        if slab.base.is_null() {
            return None;
        }
        (self.fresh, self.left) = (slab.base, slab.count);
        self.total += slab.count;
        self.slabs.push(slab);
        self.shown = (self.slabs.as_ptr(), self.slabs.len());
        Some(())
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from here, and nothing refers to it.
    pub(super) unsafe fn free(&mut self, block: *mut Coroutine) {
        let block = block.cast::<Free>();
        // SAFETY: by contract; blocks are larger than what free ones hold.
        unsafe { block.write(Free { next: self.free, home: AtomicPtr::new(ptr::null_mut()) }) };
        self.free = block;
    }

    /// How many blocks there are.
    pub(super) fn room(&self) -> usize {
        self.total
    }

    /// How many of them were ever handed out.
    pub(super) fn used(&self) -> usize {
        self.total - self.left
    }

    /// The age of a coroutine that becomes the thread's. After four thousand million of them, all are as young.
    #[inline]
    pub(super) fn next_age(&mut self) -> u32 {
        let age = self.ages;
        self.ages = age.saturating_add(1);
        age
    }

    /// The next coroutine from `place` on that is at `home`; null when there is none, and then and when it goes over to
    /// a slab in which all are younger than `age`. Coroutines may come and go meanwhile.
    pub(super) fn next(&self, place: &mut Place, home: *mut Scheduler, age: u32) -> *mut Coroutine {
        while let Some(slab) = self.slabs.get(place.slab) {
            let fresh = self.left > 0 && (slab.base..slab.end()).contains(&self.fresh);
            // SAFETY: both are in the same slab.
            let used = if fresh { unsafe { self.fresh.offset_from_unsigned(slab.base) } } else { slab.count };
            if place.block == 0 && slab.age > age {
                break;
            }
            while place.block < used {
                let block = slab.base.wrapping_add(place.block);
                place.block += 1;
                // SAFETY: it was handed out at some time, and holds a coroutine or is free; the home is in the same place.
                if unsafe { (*block).home.load(Ordering::Relaxed) } == home.cast() {
                    return block;
                }
            }
            if place.slab + 1 == self.slabs.len() {
                break;
            }
            *place = Place { slab: place.slab + 1, block: 0 };
        }
        ptr::null_mut()
    }

    /// Frees the slabs at the end of the thread, but for those of orphans.
    ///
    /// # Safety
    /// Nothing refers to any block but those of orphans.
    pub(super) unsafe fn end(&mut self, orphans: &mut Orphans) {
        for slab in self.slabs.drain(..) {
            // SAFETY: by contract.
            unsafe {
                match orphans.slab_of(slab.base) {
                    Some(place) => orphans.let_go(place),
                    None if slab.holders == FOR_GOOD => {}
                    None => slab.free(),
                }
            }
        }
    }
}

/// The slabs that hold blocks of coroutines whose thread has ended, by address.
pub(super) struct Orphans(Vec<Slab>);

// SAFETY: the slabs belong to no thread any more; who has the lock on `Orphans` may free them.
unsafe impl Send for Orphans {}

impl Orphans {
    pub(super) const fn new() -> Self {
        Orphans(Vec::new())
    }

    fn slab_of(&self, block: *mut Coroutine) -> Option<usize> {
        let place = self.0.partition_point(|slab| slab.base <= block).checked_sub(1)?;
        let slab = &self.0[place];
        (block < slab.end()).then_some(place)
    }

    /// A block of a thread that ends stays. Without memory to note it, all blocks of its slab do for good.
    pub(super) fn add(&mut self, block: *mut Coroutine, of: &mut Blocks) {
        if let Some(place) = self.slab_of(block) {
            self.0[place].holders += 1;
            return;
        }
        let within = |slab: &Slab| (slab.base..slab.end()).contains(&block);
        let Some(slab) = of.slabs.iter().position(within) else { return };
        let slab = &mut of.slabs[slab];
        if slab.holders == FOR_GOOD || self.0.try_reserve(1).is_err() {
            slab.holders = FOR_GOOD;
            return;
        }
        let Slab { base, count, age, .. } = *slab;
        let place = self.0.partition_point(|slab| slab.base < base);
        self.0.insert(place, Slab { base, count, age, holders: 2 });
    }

    /// An orphan was released.
    ///
    /// # Safety
    /// [`Orphans::add`] was called for the block, and nothing refers to it.
    pub(super) unsafe fn free(&mut self, block: *mut Coroutine) {
        if let Some(place) = self.slab_of(block) {
            // SAFETY: by contract.
            unsafe { self.let_go(place) };
        }
    }

    unsafe fn let_go(&mut self, place: usize) {
        self.0[place].holders -= 1;
        if self.0[place].holders == 0 {
            // SAFETY: neither the thread nor an orphan is left.
            unsafe { self.0.remove(place).free() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coroutine::Ground;

    #[test]
    fn blocks_are_apart_and_used_again() {
        let (mut blocks, mut orphans) = (Blocks::new(), Orphans::new());
        let mut all: Vec<_> = (0..1000).map(|_| blocks.allocate()).collect();
        // SAFETY: nothing is in them.
        unsafe { blocks.free(all[7]) };
        assert_eq!(blocks.allocate(), all[7]);
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0].wrapping_add(1) <= pair[1] && !pair[0].is_null()));
        // SAFETY: as above.
        unsafe { blocks.end(&mut orphans) };
        assert!(orphans.0.is_empty());
    }

    #[test]
    fn all_that_are_at_home_are_found_and_no_slab_is_looked_at_in_which_all_are_younger() {
        let (mut blocks, mut orphans) = (Blocks::new(), Orphans::new());
        let home = ptr::without_provenance_mut::<Scheduler>(64);
        let make = |blocks: &mut Blocks| {
            let co = blocks.allocate();
            // SAFETY: a fresh block is room for one.
            unsafe {
                co.write(Coroutine::new(None, ptr::null_mut(), Ground::Thread));
                (*co).home.store(home.cast(), Ordering::Relaxed);
                (*co).age = blocks.next_age();
            }
            co
        };
        let found = |blocks: &Blocks, age| {
            let mut place = Place::default();
            let mut all = Vec::new();
            loop {
                let co = blocks.next(&mut place, home, age);
                if co.is_null() {
                    return all;
                }
                all.push(co);
            }
        };
        assert!(found(&blocks, u32::MAX).is_empty());
        let mut all: Vec<_> = (0..1000).map(|_| make(&mut blocks)).collect();
        assert_eq!(found(&blocks, u32::MAX), all);
        // SAFETY: nothing refers to it but this test.
        unsafe { blocks.free(all[7]) };
        all.remove(7);
        assert_eq!(found(&blocks, u32::MAX), all);
        let again = make(&mut blocks);
        all.insert(7, again);
        assert_eq!(found(&blocks, u32::MAX), all);
        // SAFETY: as above.
        let old = unsafe { (*all[0]).age };
        assert_eq!(found(&blocks, old), all[..FIRST]);
        // SAFETY: as above.
        unsafe { blocks.end(&mut orphans) };
    }

    #[test]
    fn slabs_of_orphans_stay_until_the_last_is_released() {
        let (mut blocks, mut orphans) = (Blocks::new(), Orphans::new());
        let all: Vec<_> = (0..1000).map(|_| blocks.allocate()).collect();
        let kept = [all[0], all[1], all[999], all[500], all[2]];
        for block in kept {
            orphans.add(block, &mut blocks);
        }
        // SAFETY: nothing is in them.
        unsafe {
            orphans.free(kept[4]);
            blocks.end(&mut orphans);
            for (place, block) in kept[..4].iter().enumerate() {
                assert!(!orphans.0.is_empty(), "{place}");
                block.cast::<u8>().write_bytes(1, size_of::<Coroutine>());
                orphans.free(*block);
            }
        }
        assert!(orphans.0.is_empty());
    }
}
