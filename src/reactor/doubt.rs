//! Registrations that may be gone: looked at again after a while, or when a closing came between. Makes none that did
//! not stand.

use core::ffi::c_int;
use core::sync::atomic::Ordering;

use super::registration::{close_out, make_sure};
use super::table::{Entry, History, Registration};
use super::{Reactor, registry};
use crate::clock::{NEVER, Nanos};
use crate::list::List;

/// How long a wait relies on an old registration before the registration is confirmed: of a number of unknown origin,
/// of one that is private, and of one that is private and was found as it should be before. Up to three times as long:
/// when the descriptor was heard of meanwhile, and when the thread wakes for nothing else.
const DOUBT: [Nanos; 3] = [10_000_000, 1_000_000_000, 60_000_000_000];

/// A wait relies on `entry`, whose number is private or not, from now on.
pub(super) fn begin(doubted: &[List; 3], entry: &Entry, private: bool, now: Nanos) {
    let which = match (private, entry.history.get()) {
        (false, _) => 0,
        (true, History::New | History::Tried) => 1,
        (true, History::Confirmed) => 2,
    };
    entry.queued.set(now);
    // SAFETY: entries never move.
    unsafe { doubted[which].push_back(&entry.doubt) };
}

impl Reactor {
    /// When the thread must wake to confirm a registration. At whole multiples of the time that a wait relies on one: those
    /// that come to be due one after another are confirmed when the thread wakes for something else, or all at once.
    pub(super) fn next_doubt(&self) -> Nanos {
        let due = |(list, wait): (&List, Nanos)| {
            // SAFETY: the list holds entries by their first field, and entries never move.
            let oldest = unsafe { list.first().cast::<Entry>().as_ref() };
            oldest.map_or(NEVER, |entry| (entry.queued.get() + wait).next_multiple_of(wait))
        };
        self.doubted.iter().zip(DOUBT).map(due).fold(NEVER, Nanos::min)
    }

    /// Makes the doubted registrations again that were relied upon for so long. Who waited for less is looked at
    /// again later, so that waiting costs no more than noting when.
    pub(super) fn confirm(&mut self, epoll: c_int, ready: &List) {
        let now = self.now;
        for (list, wait) in self.doubted.iter().zip(DOUBT) {
            // SAFETY: as above.
            while let Some(entry) = unsafe { list.first().cast::<Entry>().as_ref() } {
                if entry.queued.get() + wait > now {
                    break;
                }
                entry.doubt.unlink();
                if entry.waiters.is_empty() {
                    continue;
                }
                if entry.since.get() + wait > now {
                    entry.queued.set(now);
                    // SAFETY: as above.
                    unsafe { list.push_back(&entry.doubt) };
                } else {
                    make_sure(epoll, entry, &self.remote, ready);
                }
            }
        }
    }

    /// The registration of `fd` may have gone with what the number meant before.
    pub fn doubt(&mut self, fd: c_int, ready: &List) {
        let epoll = self.remote.epoll.load(Ordering::Relaxed);
        if let Some(entry) = self.table.get(fd)
            && entry.registration.get() != Registration::None
        {
            make_sure(epoll, entry, &self.remote, ready);
        }
    }

    /// Whether a signal handler has closed something since [`Self::look_around`].
    pub(super) fn must_look_around(&self) -> bool {
        registry::SUSPICION.load(Ordering::SeqCst) != self.suspicion
            || registry::DOUBTS.load(Ordering::SeqCst) != self.doubts
    }

    /// Looks for descriptors that a signal handler closed.
    pub(super) fn look_around(&mut self, epoll: c_int, ready: &List) {
        if !self.must_look_around() {
            return;
        }
        self.suspicion = registry::SUSPICION.load(Ordering::SeqCst);
        let doubts = registry::DOUBTS.load(Ordering::SeqCst);
        let doubtful = core::mem::replace(&mut self.doubts, doubts) != doubts;
        for entry in self.table.iter() {
            let generation = registry::generation(entry.fd);
            if entry.generation.get() != generation {
                close_out(entry, generation, ready);
            } else if doubtful && entry.registration.get() != Registration::None {
                make_sure(epoll, entry, &self.remote, ready);
            }
        }
    }
}
