//! Rows of save areas: one area for each control block of a huge page, in the same order.
//!
//! Where the area of a coroutine is can so be told from its address alone. When programs resume by chance, neither its
//! block nor its area is in the cache, and both are fetched at once instead of one after the other. Rows that are in use
//! for a good part are in huge pages, because random walks over many areas are walks over many pages; others are not,
//! because huge pages are there as a whole.

use core::ptr::{self, NonNull};

use super::sizes::size_of_class;
use crate::cache::{self, LINE};
use crate::heap;
use crate::sys::{self, HUGE_PAGE};

/// Owners of areas are at least so far apart.
pub const OWNER: usize = 128;
/// Owners in a huge page, at most.
const OWNERS: usize = HUGE_PAGE / OWNER;
/// Of those, how many let a row go over to huge pages: most while there is little in such pages, fewer when what is not
/// in use of them is little beside the rest.
const MOST: usize = OWNERS / 8 * 7;
const MANY: usize = OWNERS / 4;
/// Bytes in huge pages that are not little.
const MUCH: usize = 16 << 20;
/// Larger areas are in no row: what it holds for owners that have no area of its size is lost.
const LARGEST: usize = 512;

/// The areas of the owners in one huge page.
struct Row {
    /// The number of that page.
    page: usize,
    base: *mut u8,
    class: u8,
    used: usize,
    is_huge: bool,
}

impl Row {
    fn bytes(&self) -> usize {
        OWNERS * size_of_class(self.class)
    }

    fn known(&self) -> Known {
        Known { page: self.page, base: self.base, size: size_of_class(self.class) }
    }
}

/// What is known of a row without a look at it.
#[derive(Clone, Copy)]
struct Known {
    page: usize,
    base: *mut u8,
    size: usize,
}

impl Known {
    const NONE: Known = Known { page: 0, base: ptr::null_mut(), size: 0 };

    #[inline(always)]
    fn place(&self, owner: *const ()) -> *mut u8 {
        self.base.wrapping_add(owner.addr() % HUGE_PAGE / OWNER * self.size)
    }
}

/// The rows of one thread.
pub(super) struct Rows {
    /// By page.
    rows: Vec<Row>,
    /// Some of them, by the last bits of their pages: as many as the length, a power of two or zero, tells apart.
    known: Vec<Known>,
    /// The page of a row that may be unused: one area more or less does not map and unmap one.
    spare: usize,
    /// The bytes of rows that are in huge pages.
    huge: usize,
}

impl Rows {
    pub(super) const fn new() -> Self {
        Rows { rows: Vec::new(), known: Vec::new(), spare: 0, huge: 0 }
    }

    /// Fetches the area of an owner into the cache, if it is in a row. A hint, which may be wrong.
    #[inline(always)]
    pub(super) fn fetch(&self, owner: *const ()) {
        let page = page_of(owner);
        let Some(known) = self.known.get(self.known.len().wrapping_sub(1) & page) else { return };
        if known.page == page {
            let place = known.place(owner);
            (0..known.size.div_ceil(LINE)).for_each(|line| cache::fetch(place.wrapping_add(line * LINE)));
        }
    }

    /// An owner's area of a class, where a row is right for it; `None` where it is not.
    pub(super) fn allocate(&mut self, class: u8, owner: *const ()) -> Option<NonNull<u8>> {
        if size_of_class(class) > LARGEST {
            return None;
        }
        let page = page_of(owner);
        let mut found = self.rows.binary_search_by_key(&page, |row| row.page);
        if let Ok(at) = found
            && self.rows[at].class != class
            && self.rows[at].used == 0
        {
            self.remove(at);
            found = Err(at);
        }
        let at = match found {
            Ok(at) => at,
            Err(at) => {
                self.insert(at, page, class)?;
                at
            }
        };
        let row = &mut self.rows[at];
        if row.class != class {
            return None;
        }
        row.used += 1;
        if row.used >= MANY && !row.is_huge && (row.used >= MOST || self.huge >= MUCH) {
            row.is_huge = true;
            self.huge += row.bytes();
            // SAFETY: nothing changes but the pages' size.
            unsafe { sys::make_huge(row.base, row.bytes()) };
        }
        NonNull::new(row.known().place(owner))
    }

    /// Takes an owner's area back.
    ///
    /// # Safety
    /// It came from here, and nothing refers to it.
    pub(super) unsafe fn free(&mut self, owner: *const ()) {
        let page = page_of(owner);
        let Ok(at) = self.rows.binary_search_by_key(&page, |row| row.page) else { return };
        self.rows[at].used -= 1;
        if self.rows[at].used > 0 {
            return;
        }
        let other = core::mem::replace(&mut self.spare, page);
        if other != page
            && let Ok(at) = self.rows.binary_search_by_key(&other, |row| row.page)
            && self.rows[at].used == 0
        {
            self.remove(at);
        }
    }

    #[cold]
    fn insert(&mut self, at: usize, page: usize, class: u8) -> Option<()> {
        self.rows.try_reserve(1).ok()?;
        if self.known.len() <= 2 * self.rows.len() {
            // Rows are mostly neighbours, so few of them go by the same bits.
            let mut known = heap::room((4 * self.rows.len()).next_power_of_two().max(8))?;
            known.resize(known.capacity().next_power_of_two(), Known::NONE);
            self.known = known;
            let mask = self.known.len() - 1;
            self.rows.iter().for_each(|row| self.known[row.page & mask] = row.known());
        }
        let base = sys::map_small(OWNERS * size_of_class(class)).ok()?;
        let row = Row { page, base, class, used: 0, is_huge: false };
        let mask = self.known.len() - 1;
        self.known[page & mask] = row.known();
        self.rows.insert(at, row);
        Some(())
    }

    #[cold]
    fn remove(&mut self, at: usize) {
        let row = self.rows.remove(at);
        let mask = self.known.len() - 1;
        let known = &mut self.known[row.page & mask];
        if known.page == row.page {
            *known = Known::NONE;
        }
        if row.is_huge {
            self.huge -= row.bytes();
        }
        // SAFETY: by contract of the callers nothing in it is in use.
        unsafe { sys::unmap(row.base, row.bytes()) };
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        debug_assert!(self.rows.iter().all(|row| row.used == 0));
        while let Some(last) = self.rows.len().checked_sub(1) {
            self.remove(last);
        }
    }
}

#[inline(always)]
fn page_of(owner: *const ()) -> usize {
    owner.addr() / HUGE_PAGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::sizes::class_of;

    fn owner(page: usize, number: usize) -> *const () {
        ptr::without_provenance(page * HUGE_PAGE + number * OWNER)
    }

    #[test]
    fn owners_of_a_page_have_areas_in_their_own_order() {
        let (mut rows, class) = (Rows::new(), class_of(288));
        let first = rows.allocate(class, owner(7, 0)).unwrap();
        for number in (1..OWNERS).rev().step_by(97).chain([1]) {
            let area = rows.allocate(class, owner(7, number)).unwrap();
            assert_eq!(area.addr().get() - first.addr().get(), number * 288);
            // SAFETY: it has the size.
            unsafe { area.as_ptr().write_bytes(1, 288) };
        }
        assert_eq!(rows.rows.len(), 1);
        // SAFETY: nothing refers to them.
        unsafe {
            (1..OWNERS).rev().step_by(97).chain([0, 1]).for_each(|number| rows.free(owner(7, number)));
        }
        assert_eq!((rows.rows.len(), rows.rows[0].used), (1, 0));
    }

    #[test]
    fn a_row_is_of_one_size_until_nobody_uses_it() {
        let (mut rows, small, large) = (Rows::new(), class_of(256), class_of(512));
        assert!(rows.allocate(small, owner(3, 5)).is_some());
        assert!(rows.allocate(large, owner(3, 6)).is_none());
        assert!(rows.allocate(large, owner(4, 6)).is_some());
        assert!(rows.allocate(class_of(513), owner(5, 6)).is_none());
        // SAFETY: nothing refers to them.
        unsafe { rows.free(owner(3, 5)) };
        assert!(rows.allocate(large, owner(3, 6)).is_some());
        // SAFETY: as above.
        unsafe {
            rows.free(owner(3, 6));
            rows.free(owner(4, 6));
        }
    }

    #[test]
    fn rows_that_are_used_for_the_most_part_are_huge_and_then_such_that_are_used_much() {
        let (mut rows, class) = (Rows::new(), class_of(512));
        let mut fill = |page, count| {
            (0..count).for_each(|number| _ = rows.allocate(class, owner(page, number)).unwrap());
            (rows.rows.iter().find(|row| row.page == page).unwrap().is_huge, rows.huge)
        };
        let each = OWNERS * 512;
        assert_eq!(fill(1, MOST - 1), (false, 0));
        assert_eq!(fill(2, MOST), (true, each));
        assert_eq!(fill(3, MOST), (true, 2 * each));
        assert_eq!(fill(4, MANY - 1), (false, 2 * each));
        assert_eq!(fill(5, MANY), (true, 3 * each));
        for (page, count) in [(1, MOST - 1), (2, MOST), (3, MOST), (4, MANY - 1), (5, MANY)] {
            // SAFETY: nothing refers to them.
            (0..count).for_each(|number| unsafe { rows.free(owner(page, number)) });
        }
        assert_eq!((rows.rows.len(), rows.huge), (1, each));
    }

    #[test]
    fn rows_are_given_back_but_for_one() {
        let (mut rows, class) = (Rows::new(), class_of(400));
        // Pages whose last bits are alike, too.
        let pages: Vec<_> = (1..=5).chain((1..=5).map(|page| page + 1024)).collect();
        for &page in &pages {
            assert!((0..3).all(|number| rows.allocate(class, owner(page, number)).is_some()));
        }
        assert_eq!(rows.rows.len(), 10);
        // SAFETY: nothing refers to them.
        unsafe {
            (0..2).for_each(|number| pages.iter().for_each(|&page| rows.free(owner(page, number))));
            assert_eq!(rows.rows.len(), 10);
            pages.iter().for_each(|&page| rows.free(owner(page, 2)));
        }
        assert_eq!(rows.rows.len(), 1);
        assert!(rows.known.iter().filter(|known| known.page != 0).count() <= 1);
        // One area more or less maps and unmaps nothing.
        let base = rows.rows[0].base;
        let last = owner(pages[9], 1);
        assert!(rows.allocate(class, last).is_some());
        // SAFETY: as above.
        unsafe { rows.free(last) };
        assert_eq!(rows.rows[0].base, base);
    }
}
