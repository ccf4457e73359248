//! Shared stacks: several coroutines run on one stack, and only the live bytes of those that wait are
//! kept, in blocks of their own size.
//!
//! A [`Slot`] is one stack. At most one [`Tenant`] has its frames in it, the occupant. It is moved out
//! only when another tenant must come in (so a coroutine that is resumed alone is never copied), by the
//! scheduler, which runs on a stack of its own while it does so.

use core::ptr;
use std::alloc::{Layout, alloc, dealloc};
use std::io;

use super::{GUARD, guard};
use crate::list::{Link, List};
use crate::{annotate, sys};

/// One stack that several coroutines use in turn.
#[derive(Debug)]
pub struct Slot {
    low: *mut u8,
    size: usize,
    /// Whose frames are in it: the address of the coroutine, which this file never looks into, or null.
    occupant: *mut (),
    /// What it is one of, since the first tenant came.
    stacks: *mut SharedStacks,
    /// The topmost word of every tenant that was moved out.
    topmost: usize,
}

impl Slot {
    /// The lowest usable byte; the guard lies below.
    pub fn low(&self) -> *mut u8 {
        self.low
    }

    /// The usable bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Where every tenant's first frame goes.
    pub fn top(&self) -> *mut u8 {
        self.low.wrapping_add(self.size)
    }

    fn topmost(&self) -> *mut usize {
        self.top().wrapping_sub(CONSTANT).cast()
    }
}

/// What `co_alloc_sharestack` gives: a few stacks for many coroutines of one thread.
#[derive(Debug)]
pub struct SharedStacks {
    slots: Box<[Slot]>,
    /// Among those that have tenants: what leak checkers find it by when the program has forgotten it.
    link: Link,
    next: usize,
    tenants: usize,
    /// The thread whose coroutines use it, by its scheduler's address; zero until the first comes.
    pub owner: usize,
}

impl SharedStacks {
    /// `count` stacks of `size` bytes each.
    pub fn new(count: usize, size: usize) -> io::Result<Self> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(count).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut stacks =
            SharedStacks { slots: Box::default(), link: Link::new(), next: 0, tenants: 0, owner: 0 };
        for _ in 0..count {
            match sys::map(GUARD + size) {
                Ok(base) => {
                    // SAFETY: fresh memory.
                    unsafe { guard::install(base, GUARD) };
                    let low = base.wrapping_add(GUARD);
                    annotate::register_stack(low, size);
                    annotate::search_stack(low, size);
                    slots.push(Slot {
                        low,
                        size,
                        occupant: ptr::null_mut(),
                        stacks: ptr::null_mut(),
                        topmost: 0,
                    });
                }
                Err(error) => {
                    stacks.slots = slots.into_boxed_slice();
                    return Err(error);
                }
            }
        }
        stacks.slots = slots.into_boxed_slice();
        Ok(stacks)
    }

    /// Whether a coroutine still uses it.
    pub fn in_use(&self) -> bool {
        self.tenants > 0
    }

    /// Lets a coroutine in: slots are dealt in turn. What has tenants stands in `in_use`.
    ///
    /// # Safety
    /// `this` is valid and stays in place while the tenant lives; [`Tenant::depart`] ends it.
    pub unsafe fn admit(this: *mut SharedStacks, in_use: &List) -> Tenant {
        // SAFETY: by contract.
        let stacks = unsafe { &mut *this };
        if stacks.tenants == 0 {
            // SAFETY: it stays in place, and leaves the list with its last tenant.
            unsafe { in_use.push_back(&raw const stacks.link) };
        }
        let slot = &mut stacks.slots[stacks.next];
        slot.stacks = this;
        let slot = ptr::from_mut(slot).expose_provenance();
        stacks.next = (stacks.next + 1) % stacks.slots.len();
        stacks.tenants += 1;
        let (slot, slot_high) = (slot as u32, (slot >> 32) as u16);
        Tenant { saved: ptr::null_mut(), slot, slot_high, class: 0, keeps: false }
    }
}

impl Drop for SharedStacks {
    fn drop(&mut self) {
        for slot in &self.slots {
            annotate::ignore_stack(slot.low, slot.size);
            // SAFETY: the owner makes sure that nothing is in use.
            unsafe { sys::unmap(slot.low.wrapping_sub(GUARD), slot.size + GUARD) };
        }
    }
}

/// A coroutine's share of a slot. The coroutine is named by its address, `me`.
#[derive(Debug)]
#[repr(C)]
pub struct Tenant {
    /// The live bytes while another tenant occupies the slot: those up to the slot's top, but for [`CONSTANT`]. A whole
    /// pointer, which leak checkers find.
    saved: *mut u8,
    /// The address of the slot: of an address in a process 47 bits can be set.
    slot: u32,
    slot_high: u16,
    /// The size class of the block at `saved`, when there is one.
    class: u8,
    /// There is a block. A flag of its own, whose spare values hold the other kinds of `coroutine::Ground`.
    keeps: bool,
}

impl Tenant {
    /// The slot.
    pub fn slot(&self) -> &Slot {
        // SAFETY: slots outlive their tenants.
        unsafe { &*self.slot_place() }
    }

    /// Whose frames are in the slot; null when nobody's are.
    pub fn occupant(&self) -> *mut () {
        self.slot().occupant
    }

    /// Forgets the frames: there is nothing to keep of a coroutine that has not begun or has ended.
    pub fn clear(&mut self, me: *mut ()) {
        if self.slot().occupant == me {
            self.set_occupant(ptr::null_mut());
        }
    }

    /// Makes the slot this tenant's without moving anything in: the first frame is about to be laid out.
    pub fn occupy(&mut self, me: *mut ()) {
        debug_assert!(self.slot().occupant.is_null());
        self.set_occupant(me);
    }

    fn set_occupant(&mut self, occupant: *mut ()) {
        // SAFETY: slots outlive their tenants and belong to the same thread.
        unsafe { (*self.slot_place()).occupant = occupant };
    }

    /// Moves the live bytes, from `sp` on, out of the slot.
    ///
    /// # Safety
    /// The tenant is home and parked with the stack pointer `sp`; the caller does not run on the slot.
    pub unsafe fn move_out(&mut self, sp: *mut u8) {
        let live = self.live(sp);
        self.reserve(live);
        // SAFETY: `saved` has room for `live` bytes; the source is the parked stack.
        unsafe {
            annotate::copy_stack(sp, self.saved, live);
            (*self.slot_place()).topmost = self.slot().topmost().read();
        }
        self.set_occupant(ptr::null_mut());
    }

    /// Moves the tenant's bytes back to where they were.
    ///
    /// # Safety
    /// It was moved out with the same stack pointer, the slot is empty and the caller does not run on it.
    pub unsafe fn move_in(&mut self, me: *mut (), sp: *mut u8) {
        // SAFETY: the bytes came from the same place.
        unsafe {
            annotate::copy_stack(self.saved, sp, self.live(sp));
            // It may be what another body has left, which is nothing to memory checkers.
            self.slot().topmost().write(self.slot().topmost);
        }
        self.occupy(me);
    }

    fn slot_place(&self) -> *mut Slot {
        ptr::with_exposed_provenance_mut(usize::from(self.slot_high) << 32 | self.slot as usize)
    }

    /// How many bytes are kept of a stack with this stack pointer.
    fn live(&self, sp: *mut u8) -> usize {
        self.slot().top().addr() - CONSTANT - sp.addr()
    }

    /// Makes room for `live` bytes: the smallest block that holds them when it must grow, and when the old one has
    /// become four times too large.
    fn reserve(&mut self, live: usize) {
        let class = class_of(live);
        if self.keeps {
            let large = live.saturating_mul(4).max(256);
            if class == self.class || (live..=large).contains(&block(self.class).size()) {
                return;
            }
        }
        self.give_back();
        // SAFETY: blocks are not empty.
        let saved = unsafe { alloc(block(class)) };
        if saved.is_null() {
            // The bytes have nowhere to go and the other coroutine nowhere to run: no return is left.
            complain!("out of memory: cannot keep {live} bytes of a coroutine's shared stack");
            std::process::abort();
        }
        self.saved = saved;
        self.class = class;
        self.keeps = true;
    }

    fn give_back(&mut self) {
        if self.keeps {
            // SAFETY: allocated in `reserve` with the same layout.
            unsafe { dealloc(self.saved, block(self.class)) };
            self.keeps = false;
        }
    }

    /// Gives the slot and the block back.
    pub fn depart(&mut self, me: *mut ()) {
        self.clear(me);
        self.give_back();
        // SAFETY: stacks outlive their tenants.
        unsafe {
            let stacks = self.slot().stacks;
            (*stacks).tenants -= 1;
            if (*stacks).tenants == 0 {
                (*stacks).link.unlink();
            }
        }
    }
}

/// The bytes at a slot's top that are the same for all that have begun: the return address of their bodies (`body.S`).
pub const CONSTANT: usize = size_of::<usize>();

/// Blocks of up to this many steps differ by one step, larger ones by an eighth of a power of two.
const FINE: usize = 64;
/// The step between sizes: that of malloc, whose own 8 bytes a block leaves room for.
const STEP: usize = 16;

/// The smallest class whose blocks hold `live` bytes.
fn class_of(live: usize) -> u8 {
    let steps = (live + 8).div_ceil(STEP).max(2);
    if steps <= FINE {
        return steps as u8;
    }
    // 1/8 steps: the three bits below the highest one, rounded up.
    let shift = (steps - 1).ilog2() - 3;
    let eighths = ((steps - 1) >> shift) + 1;
    (FINE + (shift as usize - 3) * 8 + eighths - 8) as u8
}

/// The block of a class.
fn block(class: u8) -> Layout {
    let class = class as usize;
    let steps = match class.checked_sub(FINE + 1) {
        None => class,
        Some(above) => (above % 8 + 9) << (above / 8 + 3),
    };
    // A stack is at most 8 MiB, far below the limit of a layout.
    Layout::from_size_align(steps * STEP - 8, 8).unwrap_or(Layout::new::<u128>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::MAX_SIZE;

    #[test]
    fn each_length_has_the_smallest_block_that_holds_it() {
        let mut length = 1;
        while length <= MAX_SIZE {
            let class = class_of(length);
            let size = block(class).size();
            assert!(size >= length && size <= length + length / 8 + 2 * STEP, "{length} in {size}");
            assert!(class <= 2 || block(class - 1).size() < length, "{length} in {size}");
            length += 1 + length / 997;
        }
    }

    #[test]
    fn bytes_come_back_to_where_they_were() {
        let mut stacks = SharedStacks::new(1, 16 * 1024).unwrap();
        let in_use = List::new();
        let [one, two] = [1, 2].map(ptr::without_provenance_mut::<()>);
        // SAFETY: `stacks` outlives the tenants; nothing runs on the slot.
        unsafe {
            let mut a = SharedStacks::admit(&mut stacks, &in_use);
            let mut b = SharedStacks::admit(&mut stacks, &in_use);
            a.occupy(one);
            let sp = a.slot().top().sub(100);
            ptr::write_bytes(sp, 0xaa, 100);
            a.move_out(sp);
            assert!(a.occupant().is_null());
            b.occupy(two);
            ptr::write_bytes(sp, 0xbb, 100);
            b.clear(two);
            a.move_in(one, sp);
            assert!((0..100 - CONSTANT).all(|i| *sp.add(i) == 0xaa));
            assert_eq!(a.occupant(), one);
            a.depart(one);
            b.depart(two);
        }
        assert!(!stacks.in_use() && in_use.is_empty());
    }
}
