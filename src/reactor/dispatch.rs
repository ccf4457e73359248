//! Events that the kernel has given: each wakes those whom it concerns.
//!
//! They are dispatched a few at a time, and those run whom they wake before the next few are. Among many connections all
//! that is touched for one is cold by then, and would be so twice: when its event is dispatched, and again after the
//! kernel has worked for all those before it.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;

use super::table::{Entry, Table};
use super::{HANGUP, NOBODY, Reactor, settings};
use crate::cache::{LINE, fetch};
use crate::list::List;
use crate::waiter::{Interest, Waiter};

/// Events taken from the kernel in one call.
const BATCH: usize = 256;
/// Events that are dispatched together, and for which everything is fetched at once.
const AT_ONCE: usize = 16;
/// With fewer events, fetching what they concern beforehand gains nothing.
const WORTH_FETCHING: usize = 4;

/// What one call of `epoll_wait` gave, and how much of it has been dispatched.
pub(super) struct Events {
    given: [MaybeUninit<libc::epoll_event>; BATCH],
    next: usize,
    end: usize,
    /// How many calls there were: the number of the last.
    look: u64,
}

impl Events {
    pub const fn new() -> Self {
        Events { given: [MaybeUninit::uninit(); BATCH], next: 0, end: 0, look: 0 }
    }

    /// Room for what the next call gives: all that the last one gave has been dispatched, or is void.
    pub fn room(&mut self) -> &mut [MaybeUninit<libc::epoll_event>] {
        self.look += 1;
        (self.next, self.end) = (0, 0);
        &mut self.given
    }

    /// The call gave so many.
    ///
    /// # Safety
    /// The kernel filled that many of [`Events::room`].
    pub unsafe fn have(&mut self, count: usize) {
        self.end = count;
    }

    /// Those which are dispatched next.
    fn few(&mut self) -> &[libc::epoll_event] {
        let first = self.next;
        self.next = self.end.min(first + AT_ONCE);
        let few: *const [_] = &raw const self.given[first..self.next];
        // SAFETY: the kernel filled those before the end ([`Events::have`]).
        unsafe { &*(few as *const [libc::epoll_event]) }
    }
}

impl Reactor {
    /// Whether there are events that nobody was told of.
    #[inline(always)]
    pub fn has_events(&self) -> bool {
        self.events.next < self.events.end
    }

    /// The number of the last look for events, of which some may still be to be dispatched.
    #[inline(always)]
    pub(super) fn last_look(&self) -> u64 {
        self.events.look
    }

    /// Wakes those whom the next few events concern.
    pub fn dispatch(&mut self, ready: &List) {
        let look = self.last_look();
        let (table, few) = (&self.table, self.events.few());
        if few.len() >= WORTH_FETCHING {
            fetch_all(table, few);
        }
        for event in few {
            let (fd, generation) = (event.u64 as u32 as c_int, (event.u64 >> 32) as u32);
            // Events of a number's earlier life come through duplicates of what it was.
            if event.u64 != NOBODY
                && let Some(entry) = table.get(fd)
                && entry.generation.get() == generation
            {
                settings::heard(entry, event.events, look);
                entry.hung_up.set(entry.hung_up.get() || event.events & HANGUP != 0);
                entry.wake(event.events, ready);
            }
        }
    }
}

/// Fetches what some events concern: the entries, who waits, and the coroutines. Each is found by the one before,
/// and where many wait, all are cold: so all of a kind at once.
fn fetch_all(table: &Table, events: &[libc::epoll_event]) {
    let mut entries = [ptr::null::<Entry>(); AT_ONCE];
    let mut interests = [ptr::null::<Interest>(); AT_ONCE];
    for (entry, event) in entries.iter_mut().zip(events) {
        *entry = table.get(event.u64 as u32 as c_int).map_or(ptr::null(), ptr::from_ref);
        fetch(*entry);
        fetch(entry.wrapping_byte_add(LINE));
    }
    for (interest, entry) in interests.iter_mut().zip(entries) {
        // SAFETY: null, or an entry of the table.
        *interest = unsafe { entry.as_ref() }.map_or(ptr::null(), |entry| entry.waiters.first().cast());
        fetch(*interest);
    }
    for interest in interests {
        // SAFETY: null, or an interest, which is in place until it is unlinked.
        if let Some(interest) = unsafe { interest.as_ref() } {
            Waiter::fetch(interest.waiter);
        }
    }
}
