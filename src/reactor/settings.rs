//! What is remembered of a descriptor's settings, and of streams that were read empty.
//!
//! Flags and time-outs belong to the description, which others may share. They are remembered only for what is
//! private: made by a call of this process that the library saw, since when it has not forked or sent the descriptor
//! away. Whoever shares it then is in this process, and changes settings through calls that the library sees, each
//! of which makes all that is remembered void. Only blocking descriptions are remembered. What no hook sees, raw
//! system calls, is noticed when a wait is confirmed.
//!
//! A read of a TCP stream that gets less than it asked for has taken all there was. What comes later comes as an
//! edge, so until one is collected there is no need to try.

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::io;

use super::table::Entry;
use super::terms::{Drained, OPTIONS, Stamp, Terms};
use super::{Reactor, registry};
use crate::cache::fetch;
use crate::list::List;
use crate::sys;

/// Bumped whenever a flag or a time-out of any description may have been changed.
static CHANGES: AtomicU32 = AtomicU32::new(1);

/// Set once reads of a TCP socket may come short for other reasons (upper layer protocols).
static LAYERED: AtomicBool = AtomicBool::new(false);

/// The program has changed flags or time-outs of a description.
pub fn changed() {
    CHANGES.fetch_add(1, Ordering::SeqCst);
}

/// The program puts another protocol upon a TCP socket: short reads mean nothing any more, on any.
pub fn layered() {
    LAYERED.store(true, Ordering::SeqCst);
}

/// The stamp for what is asked of the kernel from now on; `None` when others may change it unseen.
fn stamp(fd: c_int) -> Option<Stamp> {
    let changes = CHANGES.load(Ordering::SeqCst);
    registry::private_generation(fd).map(|generation| Stamp { generation, changes })
}

impl Reactor {
    /// The terms of a call that begins to wait; `None` for a description that does not block. `option` is the
    /// time-out's. With a stamp when they were remembered and the kernel was not asked.
    pub fn terms(&mut self, fd: c_int, option: c_int) -> io::Result<Option<(Terms, Option<Stamp>)>> {
        let stamp = stamp(fd);
        if let (Some(stamp), Some(entry)) = (stamp, self.table.get(fd))
            && let Some((then, terms)) = entry.settings.of(option).get()
            && then == stamp
        {
            return Ok(Some((terms, Some(stamp))));
        }
        let terms = Terms::ask(fd, option)?;
        if let (Some(stamp), Some(terms)) = (stamp, terms)
            && let Some(entry) = self.table.entry(fd)
        {
            entry.settings.of(option).set(Some((stamp, terms)));
        }
        Ok(terms.map(|terms| (terms, None)))
    }

    /// The terms of a call that began with remembered ones, asked for again; as they were when only a change that
    /// the library saw, which came later, can have made a difference.
    pub fn terms_again(
        &mut self, fd: c_int, option: c_int, began: Stamp, terms: Terms,
    ) -> io::Result<Option<Terms>> {
        let now = Terms::ask(fd, option)?;
        Ok(if stamp(fd) == Some(began) { now } else { Some(terms) })
    }

    /// `fd` was just accepted from `listener` with `flags`: what that tells of it the kernel needs not be asked.
    pub fn accepted(&mut self, fd: c_int, listener: c_int, flags: c_int, ready: &List) {
        let Some(stamp) = stamp(fd) else { return };
        let stream = self.table.get(listener).is_some_and(is_private_stream);
        self.closed(fd, ready);
        let Some(entry) = self.table.entry(fd) else { return };
        entry.generation.set(stamp.generation);
        begin_as(entry, stream);
        if flags & libc::SOCK_NONBLOCK == 0 && registry::is_untimed(fd) {
            entry.settings.of(libc::SO_RCVTIMEO).set(Some((stamp, Terms::ENDLESS)));
        }
    }

    /// What a receive needs that may begin with the wait: `fd` blocks, it was read empty, and nothing has been heard of it
    /// since.
    #[inline(always)]
    pub fn drained(&self, fd: c_int) -> Option<Drained> {
        let entry = self.table.get(fd).filter(|entry| entry.drained.get())?;
        let (then, terms) = entry.settings.of(libc::SO_RCVTIMEO).get()?;
        let now = stamp(fd)?;
        let may = is_stream_of(entry, now.generation) && then == now;
        may.then_some(Drained { timeout: terms.timeout, stamp: then })
    }

    /// A read of `fd` got less than it asked for.
    pub fn came_short(&self, fd: c_int) {
        if let Some(entry) = self.table.get(fd)
            && is_private_stream(entry)
        {
            entry.drained.set(!entry.marked.get());
            self.listen_anew(entry);
            // The next read looks for its terms there.
            fetch(&raw const entry.settings);
        }
    }

    /// Whether a poll of `fd` for input may begin with the wait: there is none. Then [`Reactor::told`] says what ended
    /// the wait.
    pub fn begins_empty(&self, fd: c_int) -> bool {
        let Some(entry) = self.table.get(fd) else { return false };
        let empty = entry.drained.get() && is_private_stream(entry);
        if empty {
            self.listen_anew(entry);
        }
        empty
    }

    /// What is told from now on counts: not by events of a look that is over, however late they are dispatched. What they
    /// tell of, whoever asks now may have taken already, by a call of which nothing is remembered.
    fn listen_anew(&self, entry: &Entry) {
        entry.told.set(0);
        entry.listens_from.set(self.last_look() + 1);
    }

    /// What the kernel said of a stream since [`Reactor::begins_empty`], and nobody has read it empty since.
    pub fn told(&self, fd: c_int) -> u32 {
        self.table.get(fd).filter(|entry| is_private_stream(entry)).map_or(0, |entry| entry.told.get().into())
    }
}

/// Whether what is known of a stream and its events holds for what the number means now.
#[inline(always)]
fn is_private_stream(entry: &Entry) -> bool {
    registry::private_generation(entry.fd).is_some_and(|generation| is_stream_of(entry, generation))
}

/// The same, where the number is known to be private, and in which generation.
#[inline(always)]
fn is_stream_of(entry: &Entry, generation: u32) -> bool {
    entry.private_stream.get() && entry.generation.get() == generation && !LAYERED.load(Ordering::Relaxed)
}

/// Begins to watch what is told of a number that has just been registered.
pub(super) fn begin(entry: &Entry) {
    let option = |name| sys::getsockopt::<c_int>(entry.fd, libc::SOL_SOCKET, name).ok();
    let private = registry::private_generation(entry.fd) == Some(entry.generation.get());
    let tcp = || {
        option(libc::SO_TYPE) == Some(libc::SOCK_STREAM)
            && option(libc::SO_PROTOCOL) == Some(libc::IPPROTO_TCP)
    };
    begin_as(entry, private && (entry.private_stream.get() || tcp()));
}

/// Nothing was told yet of what the number means.
fn begin_as(entry: &Entry, private_stream: bool) {
    entry.private_stream.set(private_stream);
    entry.drained.set(false);
    entry.marked.set(false);
    entry.told.set(0);
}

/// Takes note of an event, which that look for events gave.
pub(super) fn heard(entry: &Entry, events: u32, look: u64) {
    const MARKS: u32 = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR | libc::EPOLLPRI) as u32;
    if look >= entry.listens_from.get() {
        entry.told.set(events as u16);
    }
    if events & (MARKS | libc::EPOLLIN as u32) != 0 {
        entry.drained.set(false);
        entry.marked.set(entry.marked.get() || events & MARKS != 0);
    }
}

/// Compares what is remembered of a registration that stands with what the kernel says: who waits looks again where
/// that differs, because of something that no hook saw, and the answer is `false`. The rest is remembered as before.
pub(super) fn confirm(entry: &Entry, ready: &List) -> bool {
    let mut as_known = true;
    for option in OPTIONS {
        let known = entry.settings.of(option);
        if let Some((_, terms)) = known.get()
            && !matches!(Terms::ask(entry.fd, option), Ok(Some(now)) if now == terms)
        {
            as_known = false;
            known.set(None);
            entry.wake(u32::MAX, ready);
        }
    }
    if entry.drained.get() {
        let events = sys::readiness(entry.fd, libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP);
        entry.drained.set(events == 0);
        entry.wake(u32::from(events as u16), ready);
    }
    as_known
}
