//! Events that the kernel has given: each wakes those whom it concerns.

use core::ffi::c_int;
use core::ptr;

use super::table::Entry;
use super::{ALARM, HANGUP, Reactor, settings};
use crate::cache::{LINE, fetch};
use crate::list::List;
use crate::waiter::{Interest, Waiter};

/// Events for which everything is fetched at once.
const AT_ONCE: usize = 16;
/// With fewer events, fetching what they concern beforehand gains nothing.
const WORTH_FETCHING: usize = 4;

impl Reactor {
    /// Wakes those whom the first `count` events concern.
    pub(super) fn dispatch(&mut self, count: usize, ready: &List) {
        for i in 0..count {
            if i % AT_ONCE == 0 && count - i >= WORTH_FETCHING {
                self.fetch(i, count.min(i + AT_ONCE));
            }
            // SAFETY: the kernel filled the first `count` events.
            let event = unsafe { self.events[i].assume_init() };
            let (fd, generation) = (event.u64 as u32 as c_int, (event.u64 >> 32) as u32);
            // Events of a number's earlier life come through duplicates of what it was.
            if event.u64 != ALARM
                && let Some(entry) = self.table.get(fd)
                && entry.generation.get() == generation
            {
                settings::heard(entry, event.events);
                entry.hung_up.set(entry.hung_up.get() || event.events & HANGUP != 0);
                entry.wake(event.events, ready);
            }
        }
    }

    /// Fetches what some events concern: the entries, who waits, and the coroutines. Each is found by the one before,
    /// and where many wait, all are cold: so all of a kind at once.
    fn fetch(&self, first: usize, end: usize) {
        let mut entries = [ptr::null::<Entry>(); AT_ONCE];
        let mut interests = [ptr::null::<Interest>(); AT_ONCE];
        for (entry, event) in entries.iter_mut().zip(&self.events[first..end]) {
            // SAFETY: the kernel filled them.
            let event = unsafe { event.assume_init() };
            *entry = self.table.get(event.u64 as u32 as c_int).map_or(ptr::null(), ptr::from_ref);
            fetch(entry);
            fetch(entry.wrapping_byte_add(LINE));
        }
        for (interest, entry) in interests.iter_mut().zip(entries) {
            // SAFETY: null, or an entry of the table.
            *interest = unsafe { entry.as_ref() }.map_or(ptr::null(), |entry| entry.waiters.first().cast());
            fetch(interest);
        }
        for interest in interests {
            // SAFETY: null, or an interest, which is in place until it is unlinked.
            if let Some(interest) = unsafe { interest.as_ref() } {
                Waiter::fetch(interest.waiter);
            }
        }
    }
}
