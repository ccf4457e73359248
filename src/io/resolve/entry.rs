//! Entries of libc's databases, hosts, users and the like: structs of pointers into a buffer, which a helper has filled in
//! and the coroutine gets.

use core::ffi::{c_char, c_int};
use core::mem::zeroed;
use core::ptr;
use std::io;

use super::{__errno_location, settings, under};
use crate::coroutine::Kept;
use crate::io::offload::{self, Kind};
use crate::scheduler::Scheduler;

/// What libc tells of one in a database.
///
/// # Safety
/// All zeroes are an entry that names nobody, and it fits into a [`Kept`].
pub unsafe trait Entry: Copy + 'static {
    /// Calls one of these with each pointer to a text, and with each to a list of them that null ends.
    fn visit(&mut self, text: impl FnMut(&mut *mut c_char), list: impl FnMut(&mut *mut *mut c_char));
}

macro_rules! entries {
    ($($entry:ident { $($text:ident),* $(; $($list:ident),*)? })*) => {$(
        // SAFETY: null pointers and numbers; checked where it is kept.
        unsafe impl Entry for libc::$entry {
            fn visit(&mut self, mut text: impl FnMut(&mut *mut c_char), mut list: impl FnMut(&mut *mut *mut c_char)) {
                $(text(&mut self.$text);)*
                $($(list(&mut self.$list);)*)?
                let _ = &mut list;
            }
        }
    )*};
}

entries! {
    hostent { h_name; h_aliases, h_addr_list }
    passwd { pw_name, pw_passwd, pw_gecos, pw_dir, pw_shell }
    group { gr_name, gr_passwd; gr_mem }
    servent { s_name, s_proto; s_aliases }
    protoent { p_name; p_aliases }
    spwd { sp_namp, sp_pwdp }
}

/// Where libc leaves what it finds.
#[derive(Clone, Copy)]
pub struct Place<E> {
    /// The entry.
    pub entry: *mut E,
    /// What it points into.
    pub buffer: *mut c_char,
    /// The buffer's bytes.
    pub length: usize,
    /// Null when nothing was found.
    pub found: *mut *mut E,
    /// `h_errno`, for look-ups of hosts.
    pub h_errno: *mut c_int,
}

/// An entry that was found, and the bytes it points into from `offset` on.
struct Found<E> {
    entry: E,
    bytes: Vec<u8>,
    offset: usize,
}

// SAFETY: one thread at a time has it, with all that it points at.
unsafe impl<E> Send for Found<E> {}

/// What libc tells of a look-up, beside the entry.
#[derive(Clone, Copy)]
pub struct Told {
    /// The error number that it gives, or zero.
    pub code: c_int,
    /// `errno` after it.
    pub errno: c_int,
    /// `h_errno` after it.
    pub h_errno: c_int,
}

impl Told {
    /// That it could not be made.
    fn failed(code: c_int) -> Told {
        Told { code, errno: code, h_errno: NETDB_INTERNAL }
    }
}

/// The outcome of a look-up.
struct Outcome<E> {
    told: Told,
    found: Option<Found<E>>,
}

/// `NETDB_INTERNAL` of netdb.h: see `errno`.
const NETDB_INTERNAL: c_int = -1;

impl<E> Outcome<E> {
    fn failed(code: c_int) -> Self {
        Outcome { told: Told::failed(code), found: None }
    }
}

/// The room for what is found.
#[derive(Clone, Copy)]
enum Room {
    /// So many bytes, whose address is the second number modulo 16: what fits depends on it.
    Of(usize, usize),
    /// As much as it takes, and so much at first.
    Growing(usize),
}

/// Asks for an entry once, into fresh memory, beginning with the coroutine's `errno`.
fn ask_once<E: Entry>(
    length: usize, phase: usize, errno: c_int, ask: &impl Fn(Place<E>) -> c_int,
) -> Outcome<E> {
    let mut bytes = Vec::new();
    if !offload::has_memory() || bytes.try_reserve_exact(length.saturating_add(16)).is_err() {
        return Outcome::failed(libc::ENOMEM);
    }
    bytes.resize(length + 16, 0u8);
    let offset = phase.wrapping_sub(bytes.as_ptr() as usize) % 16;
    // SAFETY: by contract of `Entry`.
    let mut entry: E = unsafe { zeroed() };
    let (mut found, mut h_errno) = (ptr::null_mut(), 0);
    let buffer = bytes[offset..].as_mut_ptr().cast();
    // SAFETY: the helper's own.
    let own = unsafe { &mut *__errno_location() };
    *own = errno;
    let code = ask(Place { entry: &mut entry, buffer, length, found: &mut found, h_errno: &mut h_errno });
    let told = Told { code, errno: *own, h_errno };
    Outcome { told, found: (!found.is_null()).then_some(Found { entry, bytes, offset }) }
}

/// Has a helper ask for an entry.
unsafe fn look_up<E: Entry>(
    scheduler: *mut Scheduler, kind: Kind, room: Room,
    ask: impl Fn(Place<E>) -> c_int + Send + Sync + 'static,
) -> Outcome<E> {
    // SAFETY: by contract of the callers.
    unsafe {
        let (settings, errno) = (settings(scheduler), *__errno_location());
        let looked_up = offload::run_as(scheduler, kind, move || {
            under(settings, || match room {
                Room::Of(length, phase) => ask_once(length, phase, errno, &ask),
                Room::Growing(mut length) => loop {
                    let outcome = ask_once(length, 0, errno, &ask);
                    if outcome.told.code != libc::ERANGE {
                        break outcome;
                    }
                    length = length.saturating_mul(2);
                },
            })
        });
        looked_up.unwrap_or_else(|e: io::Error| Outcome::failed(e.raw_os_error().unwrap_or(libc::EAGAIN)))
    }
}

/// A look-up into the program's memory; `ask` is `None` without memory for it.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; the pointers are the program's, and `ask` may be called on
/// any thread.
pub unsafe fn entry<E: Entry>(
    scheduler: *mut Scheduler, kind: Kind, (entry, buffer, length): (*mut E, *mut c_char, usize),
    found: *mut *mut E, ask: Option<impl Fn(Place<E>) -> c_int + Send + Sync + 'static>,
) -> Told {
    // SAFETY: by contract.
    unsafe {
        *found = ptr::null_mut();
        let Some(ask) = ask else { return Told::failed(libc::ENOMEM) };
        let outcome = look_up(scheduler, kind, Room::Of(length, buffer as usize % 16), ask);
        if let Some(there_is) = &outcome.found {
            let from = there_is.bytes.as_ptr().add(there_is.offset);
            ptr::copy_nonoverlapping(from, buffer.cast(), length);
            // What libc has put elsewhere stays there, and may be read only.
            let there = |p: &mut *mut c_char| {
                let offset = (*p as usize).wrapping_sub(from as usize);
                if offset < length {
                    *p = buffer.add(offset);
                }
            };
            *entry = there_is.entry;
            (*entry).visit(there, |list| {
                let mut first = (*list).cast();
                there(&mut first);
                *list = first.cast();
                let mut item = *list;
                while !item.is_null() && !(*item).is_null() {
                    there(&mut *item);
                    item = item.add(1);
                }
            });
            *found = entry;
        }
        outcome.told
    }
}

/// A look-up whose result, an entry or null, is the coroutine's own until its next one by the same function, `by`. `ask`
/// is `None` without memory for it.
///
/// # Safety
/// As for [`entry`].
pub unsafe fn entry_kept<E: Entry>(
    scheduler: *mut Scheduler, kind: Kind, by: &'static str,
    ask: Option<impl Fn(Place<E>) -> c_int + Send + Sync + 'static>,
) -> (*mut E, Told) {
    const { assert!(size_of::<E>() <= Kept::ROOM) };
    let Some(ask) = ask else { return (ptr::null_mut(), Told::failed(libc::ENOMEM)) };
    // SAFETY: by contract.
    unsafe {
        let outcome = look_up(scheduler, kind, Room::Growing(1024), ask);
        let Some(found) = outcome.found else { return (ptr::null_mut(), outcome.told) };
        let answers = (*Scheduler::current(scheduler)).make_answers();
        let Some(place) = answers.and_then(|answers| answers.keep(by, found.bytes)) else {
            return (ptr::null_mut(), Told::failed(libc::ENOMEM));
        };
        // The bytes have stayed where they are.
        place.cast::<E>().write(found.entry);
        (place.cast(), outcome.told)
    }
}
