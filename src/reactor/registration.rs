//! One descriptor's registration with epoll: made, made again, void; and those who wait for it. It knows no other
//! descriptor.

use core::ffi::c_int;
use std::io;

use super::remote::Remote;
use super::table::{Entry, History, OUTPUT, Registration};
use super::{registry, settings};
use crate::list::List;
use crate::sys;
use crate::waiter::{CLOSED, Interest, Waiter, Wake};

/// All that epoll can tell but for what concerns output, edge-triggered. ERR and HUP come unasked.
const INPUT: u32 = (libc::EPOLLIN
    | libc::EPOLLPRI
    | libc::EPOLLRDHUP
    | libc::EPOLLRDNORM
    | libc::EPOLLRDBAND
    | libc::EPOLLMSG
    | libc::EPOLLET) as u32;
/// All that epoll can tell.
const EVERYTHING: u32 = INPUT | OUTPUT;
/// All that the kernel allows there.
const EXCLUSIVELY: u32 = (libc::EPOLLIN | libc::EPOLLET | libc::EPOLLEXCLUSIVE) as u32;

/// What a registration of that kind asks for.
fn events_of(kind: Registration) -> u32 {
    match kind {
        Registration::None | Registration::Made => EVERYTHING,
        Registration::Input => INPUT,
        Registration::Exclusive => EXCLUSIVELY,
    }
}

fn tag(entry: &Entry) -> u64 {
    u64::from(entry.generation.get()) << 32 | u64::from(entry.fd as u32)
}

/// Registers the number in that way, whatever it means by now. Whoever closes it bumps its generation first, removes what is registered
/// then, and looks for newer registrations when it is closed; so a registration that no closing came between stands, or is
/// doubted in time.
pub fn register(epoll: c_int, entry: &Entry, remote: &Remote, mut kind: Registration) -> io::Result<()> {
    loop {
        let events = events_of(kind);
        // A closing that comes between reading the generation and the mark would take the mark away, unseen.
        let generation = registry::registered(entry.fd, remote).ok_or(io::ErrorKind::OutOfMemory)?;
        if entry.generation.replace(generation) != generation {
            entry.private_stream.set(false);
        }
        match sys::epoll_add(epoll, entry.fd, events, tag(entry)) {
            // Closed unseen and brought back by a duplicate: the old registration stands, with the old tag.
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {
                // An exclusive one cannot be changed, nor another be made exclusive.
                if sys::epoll_modify(epoll, entry.fd, events, tag(entry)).is_err() {
                    sys::epoll_delete(epoll, entry.fd)?;
                    continue;
                }
            }
            // What cannot be had exclusively.
            Err(e) if kind == Registration::Exclusive && e.raw_os_error() == Some(libc::EINVAL) => {
                kind = Registration::Made;
                continue;
            }
            result => result?,
        }
        if registry::generation(entry.fd) == generation {
            entry.registration.set(kind);
            settings::begin(entry);
            return Ok(());
        }
    }
}

/// Makes a registration again that somebody relies on.
pub fn make_sure(epoll: c_int, entry: &Entry, remote: &Remote, ready: &List) {
    if entry.waiters.is_empty() {
        return;
    }
    registry::registered(entry.fd, remote);
    let result = sys::epoll_add(epoll, entry.fd, events_of(entry.registration.get()), tag(entry));
    let generation = registry::generation(entry.fd);
    if entry.generation.get() != generation {
        close_out(entry, generation, ready);
        return;
    }
    match result {
        // It was gone; now it stands, and what is ready already comes as an edge.
        Ok(()) => {
            registry::shared(entry.fd);
            settings::begin(entry);
        }
        Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {
            let as_known = settings::confirm(entry, ready);
            entry.history.set(if as_known { History::Confirmed } else { History::Tried });
        }
        // Not open any more, or no longer something that blocks: the call itself will tell.
        Err(_) => {
            entry.registration.set(Registration::None);
            entry.wake(u32::MAX, ready);
        }
    }
}

/// Makes a registration for input one for everything. What is ready already comes as an edge.
pub fn widen(epoll: c_int, entry: &Entry) {
    match sys::epoll_modify(epoll, entry.fd, EVERYTHING, tag(entry)) {
        Ok(()) => entry.registration.set(Registration::Made),
        // Closed unseen: it is gone, with what the number meant.
        Err(_) => withdraw(epoll, entry),
    }
}

/// Gives a registration back: an exclusive one, or one to be made in another way.
pub fn withdraw(epoll: c_int, entry: &Entry) {
    // An error says that it is gone, with what the number meant.
    let _ = sys::epoll_delete(epoll, entry.fd);
    entry.doubt.unlink();
    entry.registration.set(Registration::None);
}

/// The number was closed: its registration is void and its waiters learn it.
pub fn close_out(entry: &Entry, generation: u32, ready: &List) {
    entry.doubt.unlink();
    entry.generation.set(generation);
    entry.registration.set(Registration::None);
    entry.private_stream.set(false);
    entry.hung_up.set(false);
    entry.history.set(History::New);
    loop {
        let link = entry.waiters.pop_front();
        if link.is_null() {
            break;
        }
        // SAFETY: as for `Entry::wake`.
        unsafe {
            let interest = &*link.cast::<Interest>();
            interest.events.set(interest.events.get() | CLOSED);
            Waiter::wake(interest.waiter, Wake::Closed, ready);
        }
    }
}
