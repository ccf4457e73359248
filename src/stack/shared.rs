//! Shared stacks: several coroutines run on one stack, and only the live bytes of those that wait are
//! kept, in areas of about their size (`areas`).
//!
//! A [`Slot`] is one stack. At most one [`Tenant`] has its frames in it, the occupant. It is moved out
//! only when another tenant must come in (so a coroutine that is resumed alone is never copied), by the
//! scheduler, which runs on a stack of its own while it does so.

use core::arch::asm;
use core::mem::offset_of;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;

use super::areas::{Area, Areas, Source};
use super::sizes::{STEP, class_of, size_of_class};
use super::{GUARD, guard};
use crate::annotate;
use crate::list::{Link, List};

/// Bytes up to which a loop copies faster than `memcpy`.
const SHORT: usize = 1024;
/// The CPU moves 32 bytes at once.
static WIDE: AtomicBool = AtomicBool::new(false);

/// One stack that several coroutines use in turn.
#[derive(Debug)]
pub struct Slot {
    low: *mut u8,
    size: usize,
    /// Whose frames are in it: the address of the coroutine, which this file never looks into, or null.
    occupant: *mut (),
    /// What it is one of, since the first tenant came.
    stacks: *mut SharedStacks,
}

impl Slot {
    /// Where debuggers find it.
    pub const LOW: usize = offset_of!(Slot, low);
    /// See [`Slot::LOW`].
    pub const SIZE: usize = offset_of!(Slot, size);
    /// See [`Slot::LOW`].
    pub const OCCUPANT: usize = offset_of!(Slot, occupant);

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
        WIDE.store(std::arch::is_x86_feature_detected!("avx"), Ordering::Relaxed);
        let mut slots = Vec::new();
        slots.try_reserve_exact(count).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut stacks =
            SharedStacks { slots: Box::default(), link: Link::new(), next: 0, tenants: 0, owner: 0 };
        for _ in 0..count {
            match guard::map(GUARD + size) {
                Ok(base) => {
                    // SAFETY: fresh memory.
                    unsafe { guard::install(base, GUARD) };
                    let low = base.wrapping_add(GUARD);
                    annotate::register_stack(low, size);
                    annotate::search_stack(low, size);
                    slots.push(Slot { low, size, occupant: ptr::null_mut(), stacks: ptr::null_mut() });
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
        Tenant { saved: ptr::null_mut(), slot, slot_high, class: 0, source: None }
    }
}

impl Drop for SharedStacks {
    fn drop(&mut self) {
        for slot in &self.slots {
            annotate::ignore_stack(slot.low, slot.size);
            // SAFETY: the owner makes sure that nothing is in use.
            unsafe { guard::unmap(slot.low.wrapping_sub(GUARD), slot.size + GUARD) };
        }
    }
}

/// A coroutine's share of a slot. The coroutine is named by its address, `me`.
#[derive(Debug)]
#[repr(C)]
pub struct Tenant {
    /// The live bytes up to the slot's top, while another tenant occupies the slot. A whole pointer, which leak checkers
    /// find.
    saved: *mut u8,
    /// The address of the slot: of an address in a process 47 bits can be set.
    slot: u32,
    slot_high: u16,
    /// The class of the area at `saved`, when there is one.
    class: u8,
    /// Whose area it is, when there is one. Spare values hold the other kinds of `coroutine::Ground`.
    source: Option<Source>,
}

impl Tenant {
    /// Where debuggers find it.
    pub const SAVED: usize = offset_of!(Tenant, saved);
    /// See [`Tenant::SAVED`]: six bytes.
    pub const SLOT: usize = offset_of!(Tenant, slot);

    /// The slot.
    pub fn slot(&self) -> &Slot {
        // SAFETY: slots outlive their tenants.
        unsafe { &*self.slot_place() }
    }

    /// Where its bytes are kept, or null before they are for the first time.
    #[inline(always)]
    pub fn saved(&self) -> *const u8 {
        self.saved
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
    /// The tenant is the slot's occupant, parked with the stack pointer `sp`; the caller does not run on the slot. `areas` are the
    /// same in all calls.
    #[inline(always)]
    pub unsafe fn move_out(&mut self, sp: *mut u8, areas: &mut Areas) {
        let (start, size, dead) = self.live(sp);
        let class = class_of(size);
        if class != self.class || self.source.is_none() {
            self.reserve(size, class, areas);
        }
        // SAFETY: `saved` has room for `size` bytes; the source is the parked stack.
        unsafe { carry(start, self.saved, size, dead) };
        self.set_occupant(ptr::null_mut());
    }

    /// Moves the tenant's bytes back to where they were.
    ///
    /// # Safety
    /// It was moved out with the same stack pointer, the slot is empty and the caller does not run on it.
    #[inline(always)]
    pub unsafe fn move_in(&mut self, me: *mut (), sp: *mut u8) {
        let (start, size, dead) = self.live(sp);
        // SAFETY: the bytes came from the same place.
        unsafe { carry(self.saved, start, size, dead) };
        self.occupy(me);
    }

    fn slot_place(&self) -> *mut Slot {
        ptr::with_exposed_provenance_mut(usize::from(self.slot_high) << 32 | self.slot as usize)
    }

    /// What is kept of a stack with this stack pointer: from where, how many bytes, and how many of them lie below it.
    #[inline(always)]
    fn live(&self, sp: *mut u8) -> (*mut u8, usize, usize) {
        let dead = sp.addr() % STEP;
        let start = sp.wrapping_sub(dead);
        (start, self.slot().top().addr() - start.addr(), dead)
    }

    /// Makes room for `live` bytes of the occupant's, which this tenant is: the smallest area that holds them when it must
    /// grow, and when the old one has become four times too large.
    #[cold]
    fn reserve(&mut self, live: usize, class: u8, areas: &mut Areas) {
        let large = live.saturating_mul(4).max(256);
        if self.source.is_some() && (live..=large).contains(&size_of_class(self.class)) {
            return;
        }
        let me = self.occupant();
        self.give_back(me, areas);
        let Some(area) = areas.allocate(class, me) else {
            // The bytes have nowhere to go and the other coroutine nowhere to run: no return is left.
            complain!("out of memory: cannot keep {live} bytes of a coroutine's shared stack");
            std::process::abort();
        };
        (self.saved, self.class, self.source) = (area.place.as_ptr(), class, Some(area.source));
    }

    fn give_back(&mut self, me: *mut (), areas: &mut Areas) {
        if let (Some(source), Some(place)) = (self.source.take(), NonNull::new(self.saved)) {
            // SAFETY: allocated in `reserve`.
            unsafe { areas.free(Area { place, class: self.class, source }, me) };
        }
    }

    /// Gives the slot and the area back.
    pub fn depart(&mut self, me: *mut (), areas: &mut Areas) {
        self.clear(me);
        self.give_back(me, areas);
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

/// Copies a number of steps between a stack and a save area. What both of them hold up to there is left out where a
/// memory checker looks on: it is below the stack pointer.
///
/// # Safety
/// The ranges are valid, aligned to 16 bytes, and do not overlap; `size` is a multiple of [`STEP`]. Nothing runs on the
/// stack, and of what lies below the stack pointer nothing is needed.
#[inline(always)]
unsafe fn carry(from: *const u8, to: *mut u8, size: usize, dead: usize) {
    // SAFETY: by contract.
    unsafe {
        if annotate::checked() {
            annotate::copy_stack(from.add(dead), to.add(dead), size - dead);
        } else if size > SHORT {
            ptr::copy_nonoverlapping(from, to, size);
        } else {
            // Most are a few hundred bytes: a call that looks for the best way takes longer than the way.
            let (from, to, at) = (from.add(size), to.add(size), size.wrapping_neg());
            if WIDE.load(Ordering::Relaxed) {
                asm!(
                    "2:",
                    "vmovdqu ymm0, [{from} + {at}]", "vmovdqu [{to} + {at}], ymm0",
                    "add {at}, 32", "jne 2b",
                    "vzeroupper",
                    from = in(reg) from, to = in(reg) to, at = inout(reg) at => _,
                    out("xmm0") _, options(nostack),
                );
            } else {
                asm!(
                    "2:",
                    "movaps {a}, [{from} + {at}]", "movaps {b}, [{from} + {at} + 16]",
                    "movaps [{to} + {at}], {a}", "movaps [{to} + {at} + 16], {b}",
                    "add {at}, 32", "jne 2b",
                    from = in(reg) from, to = in(reg) to, at = inout(reg) at => _,
                    a = out(xmm_reg) _, b = out(xmm_reg) _, options(nostack),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_carried_by_narrow_and_wide_moves_and_none_beyond() {
        #[repr(align(16))]
        struct Bytes([u8; 2 * SHORT]);
        let from = Bytes(core::array::from_fn(|at| (at % 251) as u8));
        let widest = std::arch::is_x86_feature_detected!("avx");
        for (wide, steps) in [false, widest].into_iter().flat_map(|wide| (1..64).map(move |n| (wide, n))) {
            WIDE.store(wide, Ordering::Relaxed);
            let (mut to, size) = (Bytes([255; 2 * SHORT]), steps * STEP);
            // SAFETY: both are larger.
            unsafe { carry(from.0.as_ptr(), to.0.as_mut_ptr(), size, 0) };
            assert_eq!(to.0[..size], from.0[..size]);
            assert!(to.0[size..].iter().all(|&byte| byte == 255));
        }
    }

    #[test]
    fn bytes_come_back_to_where_they_were() {
        let mut stacks = SharedStacks::new(1, 16 * 1024).unwrap();
        let (in_use, mut areas) = (List::new(), Areas::new());
        let [one, two] = [1, 2].map(ptr::without_provenance_mut::<()>);
        // SAFETY: `stacks` outlives the tenants; nothing runs on the slot.
        unsafe {
            let mut a = SharedStacks::admit(&mut stacks, &in_use);
            let mut b = SharedStacks::admit(&mut stacks, &in_use);
            a.occupy(one);
            let sp = a.slot().top().sub(100);
            ptr::write_bytes(sp, 0xaa, 100);
            a.move_out(sp, &mut areas);
            assert!(a.occupant().is_null());
            b.occupy(two);
            ptr::write_bytes(sp, 0xbb, 100);
            b.clear(two);
            a.move_in(one, sp);
            assert!((0..100).all(|i| *sp.add(i) == 0xaa));
            assert_eq!(a.occupant(), one);
            a.depart(one, &mut areas);
            b.depart(two, &mut areas);
        }
        assert!(!stacks.in_use() && in_use.is_empty());
    }
}
