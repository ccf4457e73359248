//! An intrusive, circular, doubly linked list: O(1) insertion and removal, no allocation.
//!
//! A [`Link`] is embedded in the object it queues; whoever owns the list knows at which offset. A link
//! that is in no list is null on both sides, so removal is idempotent.

use core::cell::Cell;
use core::ptr;

/// What an object embeds to stand in one list at a time.
#[derive(Debug)]
pub struct Link {
    next: Cell<*const Link>,
    previous: Cell<*const Link>,
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

impl Link {
    /// A link that is in no list.
    pub const fn new() -> Self {
        Link { next: Cell::new(ptr::null()), previous: Cell::new(ptr::null()) }
    }

    /// Whether the link stands in a list.
    pub fn is_linked(&self) -> bool {
        !self.next.get().is_null()
    }

    /// Takes the link out of whatever list it stands in; nothing happens when it stands in none.
    pub fn unlink(&self) {
        if !self.is_linked() {
            return;
        }
        // SAFETY: invariant of `List`: the neighbours of a linked link are valid until it is unlinked.
        unsafe {
            (*self.previous.get()).next.set(self.next.get());
            (*self.next.get()).previous.set(self.previous.get());
        }
        self.next.set(ptr::null());
        self.previous.set(ptr::null());
    }
}

/// The head of a list of [`Link`]s. Neighbours write to each other's links, so no exclusive reference to an
/// object that embeds a linked one may be in use while its list changes. The head must not move once anything was linked.
///
/// Invariant: every link in the list stays valid and in place until it is unlinked.
#[derive(Debug, Default)]
pub struct List {
    head: Link,
}

impl List {
    /// An empty list.
    pub const fn new() -> Self {
        List { head: Link::new() }
    }

    /// Whether nothing is linked.
    pub fn is_empty(&self) -> bool {
        let next = self.head.next.get();
        next.is_null() || ptr::eq(next, &self.head)
    }

    /// Appends `link` at the end.
    ///
    /// # Safety
    /// `link` is valid, stands in no list, and stays in place until it is unlinked. The list's head stays
    /// in place as long as anything is linked.
    pub unsafe fn push_back(&self, link: *const Link) {
        if self.head.next.get().is_null() {
            self.head.next.set(&self.head);
            self.head.previous.set(&self.head);
        }
        let last = self.head.previous.get();
        // SAFETY: `link` by contract, `last` by the invariant of `List`.
        unsafe {
            debug_assert!(!(*link).is_linked());
            (*link).next.set(&self.head);
            (*link).previous.set(last);
            (*last).next.set(link);
        }
        self.head.previous.set(link);
    }

    /// The first link, or null.
    pub fn first(&self) -> *const Link {
        if self.is_empty() { ptr::null() } else { self.head.next.get() }
    }

    /// The last link, or null.
    pub fn last(&self) -> *const Link {
        if self.is_empty() { ptr::null() } else { self.head.previous.get() }
    }

    /// The link after `link`, or null at the end.
    ///
    /// # Safety
    /// `link` stands in this list.
    pub unsafe fn after(&self, link: *const Link) -> *const Link {
        // SAFETY: by contract.
        let next = unsafe { (*link).next.get() };
        if ptr::eq(next, &self.head) { ptr::null() } else { next }
    }

    /// Moves everything in `other` to the end of this list, which does not move while anything is linked.
    pub fn append(&self, other: &List) {
        if other.is_empty() {
            return;
        }
        if self.head.next.get().is_null() {
            self.head.next.set(&self.head);
            self.head.previous.set(&self.head);
        }
        let (first, last) = (other.head.next.get(), other.head.previous.get());
        let before = self.head.previous.get();
        // SAFETY: invariant of both lists.
        unsafe {
            (*before).next.set(first);
            (*first).previous.set(before);
            (*last).next.set(&self.head);
        }
        self.head.previous.set(last);
        other.head.next.set(&other.head);
        other.head.previous.set(&other.head);
    }

    /// Takes out and returns the first link, or null.
    pub fn pop_front(&self) -> *const Link {
        let first = self.first();
        if !first.is_null() {
            // SAFETY: a link in the list is valid (invariant of `List`).
            unsafe { (*first).unlink() };
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_leave_in_the_order_they_came() {
        let (list, a, b) = (List::new(), Link::new(), Link::new());
        // SAFETY: links and list stay in place until the end of the test.
        unsafe {
            list.push_back(&a);
            list.push_back(&b);
        }
        assert!(ptr::eq(list.pop_front(), &a));
        assert!(ptr::eq(list.pop_front(), &b));
        assert!(list.pop_front().is_null() && list.is_empty());
    }

    #[test]
    fn appending_moves_all_to_the_end_and_leaves_a_list_to_use() {
        let (list, other, links) = (List::new(), List::new(), [const { Link::new() }; 4]);
        list.append(&other);
        assert!(list.is_empty());
        // SAFETY: as above.
        unsafe {
            other.push_back(&links[0]);
            other.push_back(&links[1]);
            list.append(&other);
            other.push_back(&links[2]);
            other.push_back(&links[3]);
        }
        list.append(&other);
        assert!(other.is_empty());
        links[2].unlink();
        for place in [0, 1, 3] {
            assert!(ptr::eq(list.pop_front(), &links[place]));
        }
        assert!(list.is_empty());
    }

    #[test]
    fn unlinking_twice_or_from_the_middle_does_no_harm() {
        let (list, links) = (List::new(), [const { Link::new() }; 3]);
        for link in &links {
            // SAFETY: as above.
            unsafe { list.push_back(link) };
        }
        links[1].unlink();
        links[1].unlink();
        assert!(ptr::eq(list.first(), &links[0]));
        // SAFETY: the first link stands in the list.
        assert!(ptr::eq(unsafe { list.after(&links[0]) }, &links[2]));
        // SAFETY: so does the third.
        assert!(unsafe { list.after(&links[2]) }.is_null());
        assert!(!links[1].is_linked());
        links[0].unlink();
        links[2].unlink();
        assert!(list.is_empty());
    }
}
