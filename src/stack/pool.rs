//! The pool of private stacks of one thread: slabs of equal stacks, reused last in, first out.

use core::ptr::NonNull;
use std::io;

use super::{GUARD, PAGE, guard};
use crate::cache::LINE;
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

/// A stack that is handed out. Freed by [`Pool::free`] only. Packed: it is a part of each coroutine.
#[derive(Debug)]
#[repr(C, packed(4))]
pub struct Stack {
    slab: NonNull<Slab>,
    number: u32,
}

impl Stack {
    fn slab(&self) -> &Slab {
        let slab = self.slab;
        // SAFETY: a slab outlives its stacks.
        unsafe { slab.as_ref() }
    }

    /// The lowest usable byte; the guard lies below.
    pub fn low(&self) -> *mut u8 {
        let slab = self.slab();
        slab.base.wrapping_add(self.number as usize * slab.stride() + GUARD)
    }

    /// The usable bytes, at least as many as were asked for.
    pub fn size(&self) -> usize {
        self.slab().room
    }

    /// The size that it was asked for with.
    #[inline]
    pub fn request(&self) -> usize {
        self.slab().room - PAGE
    }

    /// Where the first frame goes.
    #[inline]
    pub fn top(&self) -> *mut u8 {
        let colour = self.number as usize % COLOURS * LINE;
        self.low().wrapping_add(self.slab().room - colour)
    }
}

/// One mapping cut into stacks.
#[derive(Debug)]
#[repr(C)]
struct Slab {
    /// Stands in its size's list while it has stacks to give. First field: a link is its slab.
    link: Link,
    base: *mut u8,
    /// The bytes above each guard.
    room: usize,
    count: u32,
    /// Stacks below this number have been handed out at least once: their guards are in place.
    fresh: u32,
    /// Numbers of free stacks that were handed out before; never grows beyond its first capacity.
    free: Vec<u32>,
}

impl Slab {
    fn new(room: usize, count: usize) -> io::Result<NonNull<Slab>> {
        let mut free = Vec::new();
        free.try_reserve_exact(count).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let base = guard::map((room + GUARD) * count)?;
        // SAFETY: nothing is in use yet. Huge pages would make each small stack resident whole;
        // kernels without them refuse, which is as good.
        let _ = unsafe { sys::advise(base, (room + GUARD) * count, libc::MADV_NOHUGEPAGE) };
        let slab = Slab { link: Link::new(), base, room, count: count as u32, fresh: 0, free };
        Ok(NonNull::from(Box::leak(Box::new(slab))))
    }

    fn stride(&self) -> usize {
        self.room + GUARD
    }

    #[inline]
    fn take(&mut self) -> Option<u32> {
        if let Some(number) = self.free.pop() {
            return Some(number);
        }
        self.take_fresh()
    }

    fn take_fresh(&mut self) -> Option<u32> {
        if self.fresh == self.count {
            return None;
        }
        let number = self.fresh;
        self.fresh += 1;
        let stack = Stack { slab: NonNull::from(&mut *self), number };
        // SAFETY: the range is the stack's own guard; nothing was handed out there yet.
        unsafe { guard::install(stack.low().wrapping_sub(GUARD), GUARD) };
        annotate::register_stack(stack.low(), stack.size());
        Some(number)
    }

    fn has_stacks(&self) -> bool {
        !self.free.is_empty() || self.fresh < self.count
    }

    fn is_unused(&self) -> bool {
        self.free.len() == self.fresh as usize
    }

    /// Unmaps a slab.
    ///
    /// # Safety
    /// It is in no list, and nothing refers to its stacks.
    unsafe fn dispose(slab: *mut Slab) {
        // SAFETY: slabs are leaked boxes; by contract this is the last reference.
        unsafe {
            let slab = Box::from_raw(slab);
            guard::unmap(slab.base, slab.stride() * slab.count as usize);
        }
    }
}

/// All slabs of one size.
struct Class {
    room: usize,
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
    #[inline]
    pub fn allocate(&mut self, size: usize) -> io::Result<Stack> {
        // One page more than asked for pays for the colour.
        let class = self.class(size + PAGE)?;
        let mut last = class.last();
        if last.is_null() {
            last = class.grow()?;
        }
        // SAFETY: slabs in the list are valid; nothing else borrows them.
        let slab = unsafe { &mut *last };
        class.idle -= usize::from(!slab.free.is_empty());
        let number = slab.take().ok_or(io::ErrorKind::OutOfMemory)?;
        if !slab.has_stacks() {
            slab.link.unlink();
        }
        let stack = Stack { slab: NonNull::from(slab), number };
        annotate::search_stack(stack.low(), stack.slab().room);
        Ok(stack)
    }

    /// Takes a stack back.
    ///
    /// # Safety
    /// The stack came from this pool, and nothing runs on it or refers to it.
    #[inline]
    pub unsafe fn free(&mut self, stack: Stack) {
        let slab_ptr = { stack.slab }.as_ptr();
        // SAFETY: a slab outlives its stacks; nothing else borrows it.
        let slab = unsafe { &mut *slab_ptr };
        let Ok(class) = self.class(slab.room) else { return };
        annotate::ignore_stack(stack.low(), slab.room);
        slab.free.push(stack.number);
        class.idle += 1;
        if class.idle > WARM {
            // SAFETY: by contract, as is the whole function.
            unsafe { class.cool(stack) };
        } else if class.last() != slab_ptr {
            class.put_last(slab);
        }
    }

    #[inline]
    fn class(&mut self, room: usize) -> io::Result<&mut Class> {
        match self.classes.iter().position(|c| c.room == room) {
            Some(place) => Ok(&mut self.classes[place]),
            None => self.new_class(room),
        }
    }

    #[cold]
    fn new_class(&mut self, room: usize) -> io::Result<&mut Class> {
        self.classes.try_reserve(1).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.classes.push(Class { room, slabs: Box::default(), total: 0, idle: 0 });
        let last = self.classes.len() - 1;
        Ok(&mut self.classes[last])
    }
}

impl Class {
    /// The slab to take the next stack from, or null.
    #[inline]
    fn last(&self) -> *mut Slab {
        self.slabs.last().cast_mut().cast()
    }

    fn put_last(&self, slab: &Slab) {
        slab.link.unlink();
        // SAFETY: the slab stays in place until it is unlinked.
        unsafe { self.slabs.push_back(&slab.link) };
    }

    /// Gives the memory of a stack that was just freed back, and its slab when that is not needed any more.
    ///
    /// # Safety
    /// As for [`Pool::free`].
    #[cold]
    unsafe fn cool(&mut self, stack: Stack) {
        let slab_ptr = { stack.slab }.as_ptr();
        // SAFETY: a slab outlives its stacks; the stack is free: its contents may go.
        let slab = unsafe {
            let _ = sys::advise(stack.low(), stack.slab().room, libc::MADV_DONTNEED);
            &mut *slab_ptr
        };
        slab.link.unlink();
        if slab.is_unused() && !self.slabs.is_empty() {
            self.idle -= slab.free.len();
            self.total -= slab.count as usize;
            // SAFETY: none of its stacks is handed out.
            unsafe { Slab::dispose(slab_ptr) };
            return;
        }
        self.put_last(slab);
    }

    #[cold]
    fn grow(&mut self) -> io::Result<*mut Slab> {
        let most = (SLAB_BYTES / (self.room + GUARD)).max(1);
        let count = self.total.clamp(FIRST_SLAB, most.max(FIRST_SLAB));
        let slab = Slab::new(self.room, count).or_else(|_| Slab::new(self.room, 1))?.as_ptr();
        // SAFETY: just made; it stays in place.
        unsafe {
            self.total += (*slab).count as usize;
            self.slabs.push_back(&raw const (*slab).link);
        }
        Ok(slab)
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
                        Slab::dispose(slab);
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
