//! The pool of private stacks of one thread: slabs of equal stacks, reused last in, first out.

use core::ptr::NonNull;
use std::io;

use super::{GUARD, PAGE, guard};
use crate::list::{Link, List};
use crate::{annotate, sys};

/// Free stacks of a size that keep their memory; what is freed beyond them is given back to the kernel.
const WARM: usize = 256;
/// Stacks in a size's first slab; later slabs double the size's total.
const FIRST_SLAB: usize = 4;
/// Address space of a slab, at most.
const SLAB_BYTES: usize = 1 << 30;
/// Cache lines that the tops of stacks are spread over; the rest of the top page stays usable.
const COLOURS: usize = 48;
const CACHE_LINE: usize = 64;

/// A stack that is handed out. Freed by [`Pool::free`] only.
#[derive(Debug)]
pub struct Stack {
    low: NonNull<u8>,
    slab: NonNull<Slab>,
}

impl Stack {
    /// The lowest usable byte; the guard lies below.
    pub fn low(&self) -> *mut u8 {
        self.low.as_ptr()
    }

    /// The usable bytes, at least as many as were asked for.
    pub fn size(&self) -> usize {
        // SAFETY: a slab outlives its stacks.
        unsafe { self.slab.as_ref() }.usable
    }

    /// Where the first frame goes.
    pub fn top(&self) -> *mut u8 {
        // SAFETY: as above.
        let slab = unsafe { self.slab.as_ref() };
        let colour = slab.number_of(self.low()) % COLOURS * CACHE_LINE;
        self.low().wrapping_add(slab.usable - colour)
    }
}

/// One mapping cut into stacks.
#[derive(Debug)]
#[repr(C)]
struct Slab {
    /// Stands in its size's list while it has stacks to give. First field: a link is its slab.
    link: Link,
    base: *mut u8,
    usable: usize,
    count: u32,
    /// Stacks below this number have been handed out at least once: their guards are in place.
    fresh: u32,
    /// Numbers of free stacks that were handed out before; never grows beyond its first capacity.
    free: Vec<u32>,
}

impl Slab {
    fn new(usable: usize, count: usize) -> io::Result<NonNull<Slab>> {
        let mut free = Vec::new();
        free.try_reserve_exact(count).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let base = sys::map((usable + GUARD) * count)?;
        // SAFETY: nothing is in use yet. Huge pages would make each small stack resident whole;
        // kernels without them refuse, which is as good.
        let _ = unsafe { sys::advise(base, (usable + GUARD) * count, libc::MADV_NOHUGEPAGE) };
        let slab = Slab { link: Link::new(), base, usable, count: count as u32, fresh: 0, free };
        Ok(NonNull::from(Box::leak(Box::new(slab))))
    }

    fn number_of(&self, low: *mut u8) -> usize {
        (low as usize - self.base as usize) / (self.usable + GUARD)
    }

    fn take(&mut self) -> Option<*mut u8> {
        let stride = self.usable + GUARD;
        if let Some(number) = self.free.pop() {
            return Some(self.base.wrapping_add(number as usize * stride + GUARD));
        }
        if self.fresh == self.count {
            return None;
        }
        let guard = self.base.wrapping_add(self.fresh as usize * stride);
        self.fresh += 1;
        // SAFETY: the range is the stack's own guard; nothing was handed out there yet.
        unsafe { guard::install(guard, GUARD) };
        let low = guard.wrapping_add(GUARD);
        annotate::register_stack(low, self.usable);
        Some(low)
    }

    fn has_stacks(&self) -> bool {
        !self.free.is_empty() || self.fresh < self.count
    }

    fn is_unused(&self) -> bool {
        self.free.len() == self.fresh as usize
    }
}

/// All slabs of one size.
struct Class {
    usable: usize,
    /// Slabs that have stacks to give, the most recently used one last.
    slabs: Box<List>,
    /// Stacks in all slabs, and those of them that are free after use.
    total: usize,
    idle: usize,
}

/// The private stacks of one thread.
#[derive(Default)]
pub struct Pool {
    classes: Vec<Class>,
}

impl Pool {
    /// A pool that owns nothing yet.
    pub const fn new() -> Self {
        Pool { classes: Vec::new() }
    }

    /// A stack of at least `size` bytes, a multiple of the page.
    pub fn allocate(&mut self, size: usize) -> io::Result<Stack> {
        // One page more than asked for pays for the colour.
        let class = self.class(size + PAGE)?;
        let mut last = class.last();
        if last.is_null() {
            last = class.grow()?;
        }
        // SAFETY: slabs in the list are valid; nothing else borrows them.
        let slab = unsafe { &mut *last };
        let reused = !slab.free.is_empty();
        let low = slab.take().ok_or(io::ErrorKind::OutOfMemory)?;
        annotate::search_stack(low, slab.usable);
        class.idle -= usize::from(reused);
        if !slab.has_stacks() {
            slab.link.unlink();
        }
        // SAFETY: neither is null.
        unsafe { Ok(Stack { low: NonNull::new_unchecked(low), slab: NonNull::new_unchecked(last) }) }
    }

    /// Takes a stack back.
    ///
    /// # Safety
    /// The stack came from this pool, and nothing runs on it or refers to it.
    pub unsafe fn free(&mut self, stack: Stack) {
        let slab_ptr = stack.slab.as_ptr();
        // SAFETY: a slab outlives its stacks; nothing else borrows it.
        let slab = unsafe { &mut *slab_ptr };
        let Ok(class) = self.class(slab.usable) else { return };
        annotate::ignore_stack(stack.low(), slab.usable);
        slab.free.push(slab.number_of(stack.low()) as u32);
        class.idle += 1;
        if class.idle > WARM {
            // SAFETY: the stack is free: its contents may go.
            let _ = unsafe { sys::advise(stack.low(), slab.usable, libc::MADV_DONTNEED) };
        }
        slab.link.unlink();
        let others = !class.slabs.is_empty();
        if slab.is_unused() && others && class.idle > WARM {
            class.idle -= slab.free.len();
            class.total -= slab.count as usize;
            // SAFETY: none of its stacks is handed out.
            unsafe { dispose(slab_ptr) };
            return;
        }
        // SAFETY: the slab stays in place until it is unlinked.
        unsafe { class.slabs.push_back(&slab.link) };
    }

    fn class(&mut self, usable: usize) -> io::Result<&mut Class> {
        if let Some(i) = self.classes.iter().position(|c| c.usable == usable) {
            return Ok(&mut self.classes[i]);
        }
        self.classes.try_reserve(1).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.classes.push(Class { usable, slabs: Box::default(), total: 0, idle: 0 });
        let last = self.classes.len() - 1;
        Ok(&mut self.classes[last])
    }
}

impl Class {
    /// The slab to take the next stack from, or null.
    fn last(&self) -> *mut Slab {
        self.slabs.last().cast_mut().cast()
    }

    fn grow(&mut self) -> io::Result<*mut Slab> {
        let most = (SLAB_BYTES / (self.usable + GUARD)).max(1);
        let count = self.total.clamp(FIRST_SLAB, most.max(FIRST_SLAB));
        let slab = Slab::new(self.usable, count).or_else(|_| Slab::new(self.usable, 1))?.as_ptr();
        // SAFETY: just made; it stays in place.
        unsafe {
            self.total += (*slab).count as usize;
            self.slabs.push_back(&raw const (*slab).link);
        }
        Ok(slab)
    }
}

/// Unmaps a slab.
///
/// # Safety
/// It is in no list, and nothing refers to its stacks.
unsafe fn dispose(slab: *mut Slab) {
    // SAFETY: slabs are leaked boxes; by contract this is the last reference.
    unsafe {
        let slab = Box::from_raw(slab);
        sys::unmap(slab.base, (slab.usable + GUARD) * slab.count as usize);
    }
}

impl Drop for Pool {
    /// Unmaps the slabs of which no stack is handed out; the owner frees its stacks first.
    fn drop(&mut self) {
        for class in &self.classes {
            let mut link = class.slabs.pop_front();
            while !link.is_null() {
                let slab = link.cast_mut().cast::<Slab>();
                // SAFETY: the link is the slab's first field; unused slabs have no stack outside.
                unsafe {
                    if (*slab).is_unused() {
                        dispose(slab);
                    }
                }
                link = class.slabs.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::rounded;

    #[test]
    fn the_stack_freed_last_is_handed_out_first() {
        let mut pool = Pool::new();
        let size = rounded(64 * 1024);
        let (a, b) = (pool.allocate(size).unwrap(), pool.allocate(size).unwrap());
        let low = a.low();
        assert_ne!(low, b.low());
        // SAFETY: nothing runs on it.
        unsafe { pool.free(a) };
        let again = pool.allocate(size).unwrap();
        assert_eq!(again.low(), low);
        // SAFETY: as above.
        unsafe {
            pool.free(again);
            pool.free(b);
        }
    }

    #[test]
    fn a_stack_is_usable_from_top_to_bottom_and_not_short() {
        let mut pool = Pool::new();
        for request in [1, 4096, 100_000, 8 << 20] {
            let stack = pool.allocate(rounded(request)).unwrap();
            let usable = stack.top() as usize - stack.low() as usize;
            assert!(usable >= rounded(request));
            // SAFETY: the range is the stack's own.
            unsafe {
                stack.low().write(1);
                stack.top().sub(1).write(1);
                pool.free(stack);
            }
        }
    }

    #[test]
    fn thousands_of_stacks_come_and_go() {
        let mut pool = Pool::new();
        let stacks: Vec<_> = (0..5000).map(|_| pool.allocate(16 * 1024).unwrap()).collect();
        let mut lows: Vec<_> = stacks.iter().map(|s| s.low() as usize).collect();
        lows.sort_unstable();
        lows.dedup();
        assert_eq!(lows.len(), 5000);
        for stack in stacks {
            // SAFETY: nothing runs on them.
            unsafe { pool.free(stack) };
        }
        assert!(pool.classes[0].total < 5000, "unused slabs are given back");
    }
}
