//! Save areas: where the live bytes of a shared stack are kept while others run on it.
//!
//! Areas come in sizes, the classes. Small ones are in `rows`. Of the others the first few megabytes of each class are the
//! heap's, and more are cut from slabs, a huge page each, because random walks over many areas are walks over many pages.
//! Large ones are the heap's. A slab holds areas of one class, and goes when its last one does.

use core::ptr::{self, NonNull};
use std::alloc::{Layout, alloc, dealloc};

use super::rows::Rows;
use super::sizes::size_of_class;
use crate::annotate;
use crate::sys::{self, HUGE_PAGE};

/// The last class that has slabs: areas of 32 KiB.
const LAST: u8 = 96;
/// Bytes of a class that are the heap's before it gets slabs: few enough pages that a CPU remembers where they are.
const FEW: usize = 4 << 20;

/// An area and where it came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub place: NonNull<u8>,
    pub class: u8,
    pub source: Source,
}

/// Whose an area is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The heap's.
    Heap,
    /// A row's (`rows`).
    Row,
    /// A slab's.
    Slab,
}

/// What stands at the beginning of a slab, which its areas find by their address.
#[repr(C, align(64))]
struct Slab {
    /// Those of its class that have room.
    next: *mut Slab,
    previous: *mut Slab,
    /// The free ones among the areas that were handed out before, each of which holds the next.
    free: *mut *mut u8,
    /// How many areas were ever handed out, how many are in use, and how many there are.
    fresh: usize,
    used: usize,
    count: usize,
}

/// The areas of one class.
#[derive(Clone, Copy)]
struct Class {
    /// The first slab that has room.
    slabs: *mut Slab,
    /// How many areas are the heap's.
    on_heap: usize,
}

/// The save areas of one thread.
pub struct Areas {
    classes: [Class; LAST as usize + 1],
    /// A slab in which nothing is in use, so that one area more or less does not map and unmap one.
    spare: *mut Slab,
    /// How many slabs there are, with that one.
    mapped: usize,
    rows: Rows,
}

impl Default for Areas {
    fn default() -> Self {
        Self::new()
    }
}

impl Areas {
    /// None yet.
    pub const fn new() -> Self {
        let class = Class { slabs: ptr::null_mut(), on_heap: 0 };
        Areas { classes: [class; LAST as usize + 1], spare: ptr::null_mut(), mapped: 0, rows: Rows::new() }
    }

    /// Fetches the area of an owner into the cache, if it is easily found. A hint, which may be wrong.
    #[inline(always)]
    pub fn fetch(&self, owner: *const ()) {
        self.rows.fetch(owner);
    }

    /// An area of a class, aligned to 16 bytes; `None` without memory. Owners are at least [`super::OWNER`] bytes apart,
    /// and have one area at a time.
    pub(super) fn allocate(&mut self, class: u8, owner: *const ()) -> Option<Area> {
        // Leak checkers find what stands in the heap.
        if class <= LAST && !annotate::checked() {
            if let Some(place) = self.rows.allocate(class, owner) {
                return Some(Area { place, class, source: Source::Row });
            }
            if self.classes[class as usize].on_heap * size_of_class(class) >= FEW
                && let Some(place) = self.allocate_from_slab(class)
            {
                return Some(Area { place, class, source: Source::Slab });
            }
        }
        // SAFETY: areas are not empty.
        let place = NonNull::new(unsafe { alloc(layout(class)) })?;
        if let Some(own) = self.classes.get_mut(class as usize) {
            own.on_heap += 1;
        }
        Some(Area { place, class, source: Source::Heap })
    }

    /// Takes an area back.
    ///
    /// # Safety
    /// It came from here, for this owner, and nothing refers to it.
    pub(super) unsafe fn free(&mut self, area: Area, owner: *const ()) {
        let Area { place, class, source } = area;
        // SAFETY: by contract.
        unsafe {
            match source {
                Source::Heap => dealloc(place.as_ptr(), layout(class)),
                Source::Row => return self.rows.free(owner),
                Source::Slab => return self.free_in_slab(place, class),
            }
        }
        if let Some(own) = self.classes.get_mut(class as usize) {
            own.on_heap -= 1;
        }
    }

    fn allocate_from_slab(&mut self, class: u8) -> Option<NonNull<u8>> {
        let own = &mut self.classes[class as usize];
        if own.slabs.is_null() {
            let mut slab = core::mem::replace(&mut self.spare, ptr::null_mut());
            if slab.is_null() {
                slab = sys::map_huge(HUGE_PAGE).ok()?.cast();
                self.mapped += 1;
            }
            let (next, free) = (ptr::null_mut(), ptr::null_mut());
            // SAFETY: a huge page in which nothing is in use.
            unsafe {
                slab.write(Slab { next, previous: next, free, fresh: 0, used: 0, count: count(class) })
            };
            own.slabs = slab;
        }
        let slab = own.slabs;
        // SAFETY: slabs in the list are valid and have room.
        unsafe {
            let place = match (*slab).free {
                free if !free.is_null() => {
                    (*slab).free = (*free).cast();
                    free.cast()
                }
                _ => {
                    (*slab).fresh += 1;
                    slab.cast::<u8>().add(size_of::<Slab>() + ((*slab).fresh - 1) * size_of_class(class))
                }
            };
            (*slab).used += 1;
            if (*slab).used == (*slab).count {
                self.take_out(slab, class);
            }
            Some(NonNull::new_unchecked(place))
        }
    }

    fn slab_of(place: NonNull<u8>) -> *mut Slab {
        place.as_ptr().map_addr(|address| address & !(HUGE_PAGE - 1)).cast()
    }

    unsafe fn free_in_slab(&mut self, place: NonNull<u8>, class: u8) {
        let slab = Self::slab_of(place);
        let place = place.as_ptr().cast::<*mut u8>();
        // SAFETY: by contract of `free`: the slab is in use, and so was this part of it. Areas are aligned.
        unsafe {
            if (*slab).used == (*slab).count {
                self.put_in(slab, class);
            }
            place.write((*slab).free.cast());
            (*slab).free = place;
            (*slab).used -= 1;
            if (*slab).used == 0 {
                self.take_out(slab, class);
                let other = core::mem::replace(&mut self.spare, slab);
                self.unmap(other);
            }
        }
    }

    /// Unmaps a slab, if it is one.
    unsafe fn unmap(&mut self, slab: *mut Slab) {
        if !slab.is_null() {
            // SAFETY: by contract of the callers nothing in it is in use.
            unsafe { sys::unmap(slab.cast(), HUGE_PAGE) };
            self.mapped -= 1;
        }
    }

    /// Puts a slab among those that have room.
    unsafe fn put_in(&mut self, slab: *mut Slab, class: u8) {
        let first = &mut self.classes[class as usize].slabs;
        // SAFETY: by contract of the callers it is none of them, which are valid.
        unsafe {
            ((*slab).next, (*slab).previous) = (*first, ptr::null_mut());
            if !first.is_null() {
                (**first).previous = slab;
            }
            *first = slab;
        }
    }

    /// Takes a slab out of those that have room.
    unsafe fn take_out(&mut self, slab: *mut Slab, class: u8) {
        // SAFETY: by contract of the callers it is one of them, all of which are valid.
        unsafe {
            let (next, previous) = ((*slab).next, (*slab).previous);
            if !next.is_null() {
                (*next).previous = previous;
            }
            match previous.is_null() {
                true => self.classes[class as usize].slabs = next,
                false => (*previous).next = next,
            }
        }
    }
}

impl Drop for Areas {
    fn drop(&mut self) {
        // SAFETY: nothing in the spare one is in use.
        unsafe { self.unmap(self.spare) };
        debug_assert!(self.mapped == 0 && self.classes.iter().all(|class| class.on_heap == 0));
    }
}

fn layout(class: u8) -> Layout {
    // A stack is at most 8 MiB, far below the limit of a layout.
    Layout::from_size_align(size_of_class(class), 16).unwrap_or(Layout::new::<u128>())
}

/// How many areas a slab holds.
fn count(class: u8) -> usize {
    (HUGE_PAGE - size_of::<Slab>()) / size_of_class(class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::OWNER;
    use crate::stack::sizes::class_of;

    #[test]
    fn slabs_are_of_areas_up_to_32_kib() {
        assert_eq!((class_of(32 << 10), class_of((32 << 10) + 1)), (LAST, LAST + 1));
    }

    fn owner(number: usize) -> *const () {
        ptr::without_provenance(HUGE_PAGE + number * OWNER)
    }

    /// As many areas of a class, each filled with a number of its own.
    fn many(areas: &mut Areas, class: u8, count: usize) -> Vec<Area> {
        let mut made: Vec<_> =
            (0..count).map(|number| areas.allocate(class, owner(number)).unwrap()).collect();
        for (number, area) in made.iter_mut().enumerate() {
            // SAFETY: it has the size.
            unsafe {
                let place = area.place.as_ptr();
                assert!(place.addr().is_multiple_of(16));
                place.write_bytes(number as u8, size_of_class(class));
                place.cast::<usize>().write_unaligned(number);
            }
        }
        made
    }

    fn free_all(areas: &mut Areas, made: &[Area]) {
        // SAFETY: nothing refers to them.
        made.iter().enumerate().for_each(|(number, area)| unsafe { areas.free(*area, owner(number)) });
    }

    fn are_apart(made: &[Area], class: u8) -> bool {
        // SAFETY: as in `many`.
        made.iter().enumerate().all(|(number, area)| unsafe {
            let place = area.place.as_ptr();
            let last = place.add(size_of_class(class) - 1).read();
            place.cast::<usize>().read_unaligned() == number && last == number as u8
        })
    }

    fn slabs_with_room(areas: &Areas, class: u8) -> usize {
        let mut slab = areas.classes[class as usize].slabs;
        let mut count = 0;
        while !slab.is_null() {
            count += 1;
            // SAFETY: those in the list are valid.
            slab = unsafe { (*slab).next };
        }
        count
    }

    #[test]
    fn the_first_of_a_class_are_the_heaps_and_then_it_has_slabs() {
        for class in [class_of(513), class_of(5000), LAST] {
            let mut areas = Areas::new();
            let few = FEW.div_ceil(size_of_class(class));
            let made = many(&mut areas, class, few + 2 * count(class) + 1);
            assert!(are_apart(&made, class));
            assert!(made[..few].iter().all(|area| area.source == Source::Heap));
            assert!(made[few..].iter().all(|area| area.source == Source::Slab));
            assert_eq!(slabs_with_room(&areas, class), 1);
            free_all(&mut areas, &made);
        }
    }

    #[test]
    fn small_ones_are_in_rows_as_far_as_those_are_of_their_size() {
        let (mut areas, class) = (Areas::new(), class_of(288));
        let made = many(&mut areas, class, 1000);
        assert!(are_apart(&made, class));
        assert!(made.iter().all(|area| area.source == Source::Row));
        // Their owners are in the page of a row of another size.
        let (mut others, other) = (Areas::new(), class - 1);
        let of_others = [others.allocate(class, owner(0)).unwrap()];
        let enough = FEW.div_ceil(size_of_class(other));
        let on_page = |number| owner(1 + number % 1000);
        let more: Vec<_> = (0..enough + 10).map(|n| others.allocate(other, on_page(n)).unwrap()).collect();
        assert!(more[..enough].iter().all(|area| area.source == Source::Heap));
        assert!(more[enough..].iter().all(|area| area.source == Source::Slab));
        free_all(&mut areas, &made);
        free_all(&mut others, &of_others);
        free_all(&mut others, &more);
    }

    #[test]
    fn areas_are_used_again_before_there_are_more_slabs() {
        let (mut areas, class) = (Areas::new(), class_of(1000));
        let few = FEW.div_ceil(size_of_class(class));
        let mut made = many(&mut areas, class, few + 3 * count(class));
        assert_eq!(slabs_with_room(&areas, class), 0);
        // Some of each slab.
        let freed: Vec<_> = (few..made.len()).step_by(7).collect();
        for &number in &freed {
            // SAFETY: nothing refers to it.
            unsafe { areas.free(made[number], owner(number)) };
        }
        assert_eq!(slabs_with_room(&areas, class), 3);
        let mut places: Vec<_> = freed.iter().map(|&number| made[number].place).collect();
        for &number in &freed {
            made[number] = areas.allocate(class, owner(number)).unwrap();
        }
        assert_eq!(slabs_with_room(&areas, class), 0);
        let mut again: Vec<_> = freed.iter().map(|&number| made[number].place).collect();
        places.sort_unstable();
        again.sort_unstable();
        assert_eq!(places, again);
        free_all(&mut areas, &made);
    }

    #[test]
    fn slabs_are_given_back_but_for_one_which_any_class_may_have() {
        let (mut areas, class) = (Areas::new(), class_of(600));
        let few = FEW.div_ceil(size_of_class(class));
        let mut made = many(&mut areas, class, few + 4 * count(class));
        let in_slabs = made.split_off(few);
        let mut slabs: Vec<_> = in_slabs.iter().map(|area| Areas::slab_of(area.place)).collect();
        slabs.dedup();
        assert_eq!(slabs.len(), 4);
        // Whoever is released first stands anywhere.
        for step in 0..2 {
            // SAFETY: nothing refers to them.
            in_slabs.iter().skip(step).step_by(2).for_each(|area| unsafe { areas.free(*area, ptr::null()) });
        }
        assert_eq!(slabs_with_room(&areas, class), 0);
        assert!(slabs.contains(&areas.spare));
        assert_eq!(areas.mapped, 1);
        let (spare, other) = (areas.spare, class_of(700));
        let others = many(&mut areas, other, FEW.div_ceil(size_of_class(other)) + 1);
        assert!(areas.spare.is_null() && areas.mapped == 1);
        assert_eq!(Areas::slab_of(others[others.len() - 1].place), spare);
        made.extend(others);
        free_all(&mut areas, &made);
        assert_eq!((areas.spare, areas.mapped), (spare, 1));
    }

    #[test]
    fn large_areas_are_the_heaps() {
        let mut areas = Areas::new();
        let made = many(&mut areas, LAST + 1, 2 * FEW / size_of_class(LAST + 1));
        assert!(made.iter().all(|area| area.source == Source::Heap));
        free_all(&mut areas, &made);
    }
}
