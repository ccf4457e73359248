//! The older look-ups of hosts: `gethostbyname`, `gethostbyname2`, `gethostbyaddr` and their reentrant forms.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::net::IpAddr;
use core::ptr;
use std::ffi::CString;

use super::{settings, under};
use crate::coroutine::Answers;
use crate::heap;
use crate::io::offload;
use crate::scheduler::Scheduler;

unsafe extern "C" {
    fn gethostbyname_r(
        name: *const c_char, entry: *mut libc::hostent, buffer: *mut c_char, length: usize,
        found: *mut *mut libc::hostent, error: *mut c_int,
    ) -> c_int;
    fn gethostbyname2_r(
        name: *const c_char, family: c_int, entry: *mut libc::hostent, buffer: *mut c_char, length: usize,
        found: *mut *mut libc::hostent, error: *mut c_int,
    ) -> c_int;
    fn gethostbyaddr_r(
        address: *const c_void, size: libc::socklen_t, family: c_int, entry: *mut libc::hostent,
        buffer: *mut c_char, length: usize, found: *mut *mut libc::hostent, error: *mut c_int,
    ) -> c_int;
}

/// What is looked up.
#[derive(Clone, Copy)]
pub enum Question {
    /// `gethostbyname`.
    Name(*const c_char),
    /// `gethostbyname2`: a name, and the family of its addresses.
    NameIn(*const c_char, c_int),
    /// `gethostbyaddr`: an address, its size and its family.
    Address(*const c_void, libc::socklen_t, c_int),
}

/// Where libc leaves what it finds.
#[derive(Clone, Copy)]
struct Place {
    entry: *mut libc::hostent,
    buffer: (*mut c_char, usize),
    found: *mut *mut libc::hostent,
    h_errno: *mut c_int,
}

impl Question {
    /// Asks libc.
    unsafe fn ask(self, Place { entry, buffer: (buffer, length), found, h_errno }: Place) -> c_int {
        // SAFETY: by contract of the callers.
        unsafe {
            match self {
                Question::Name(name) => gethostbyname_r(name, entry, buffer, length, found, h_errno),
                Question::NameIn(name, family) => {
                    gethostbyname2_r(name, family, entry, buffer, length, found, h_errno)
                }
                Question::Address(address, size, family) => {
                    gethostbyaddr_r(address, size, family, entry, buffer, length, found, h_errno)
                }
            }
        }
    }

    /// Whether libc answers without looking anything up: a number, or an address that is none.
    unsafe fn needs_no_lookup(self) -> bool {
        match self {
            Question::Name(name) | Question::NameIn(name, _) => {
                // SAFETY: by contract of the callers.
                let name = unsafe { CStr::from_ptr(name) };
                name.to_str().is_ok_and(|name| name.parse::<IpAddr>().is_ok())
            }
            Question::Address(_, size, family) => {
                !matches!((family, size), (libc::AF_INET, 4) | (libc::AF_INET6, 16))
            }
        }
    }

    /// The question with memory of its own; `None` without any.
    unsafe fn copy(self) -> Option<Owned> {
        // SAFETY: by contract of the callers.
        unsafe {
            Some(match self {
                Question::Name(name) => Owned::Name(heap::copy(CStr::from_ptr(name))?),
                Question::NameIn(name, family) => Owned::NameIn(heap::copy(CStr::from_ptr(name))?, family),
                Question::Address(address, size, family) => {
                    let mut bytes = [0; 16];
                    ptr::copy_nonoverlapping(address.cast(), bytes.as_mut_ptr(), size as usize);
                    Owned::Address(bytes, size, family)
                }
            })
        }
    }
}

/// A question that a job owns.
enum Owned {
    Name(CString),
    NameIn(CString, c_int),
    Address([u8; 16], libc::socklen_t, c_int),
}

impl Owned {
    fn question(&self) -> Question {
        match self {
            Owned::Name(name) => Question::Name(name.as_ptr()),
            Owned::NameIn(name, family) => Question::NameIn(name.as_ptr(), *family),
            Owned::Address(bytes, size, family) => Question::Address(bytes.as_ptr().cast(), *size, *family),
        }
    }
}

/// A pointer to an entry that a job owns.
struct Entry(*mut libc::hostent);
// SAFETY: one thread at a time has it: the helper until the job is done, then the coroutine's.
unsafe impl Send for Entry {}
// SAFETY: never used through a shared reference.
unsafe impl Sync for Entry {}

/// A host that was looked up: the entry and the bytes it points into.
struct Host {
    entry: Entry,
    bytes: Vec<u8>,
    offset: usize,
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: made by `look_up` from a box.
        unsafe { drop(Box::from_raw(self.entry.0)) };
    }
}

/// The outcome of a look-up: the error number that libc gives, `h_errno`, and the host if there is one.
struct Outcome {
    code: c_int,
    h_errno: c_int,
    host: Option<Host>,
}

/// `NETDB_INTERNAL` of netdb.h: see `errno`.
const NETDB_INTERNAL: c_int = -1;

/// Looks a host up into fresh memory of `length` bytes whose address is `phase` modulo 16.
unsafe fn look_up(scheduler: *mut Scheduler, question: Question, length: usize, phase: usize) -> Outcome {
    const NO_MEMORY: Outcome = Outcome { code: libc::ENOMEM, h_errno: NETDB_INTERNAL, host: None };
    // SAFETY: by contract of the callers.
    unsafe {
        if !offload::has_memory() {
            return NO_MEMORY;
        }
        let Some(owned) = question.copy() else { return NO_MEMORY };
        let settings = settings(scheduler);
        let looked_up = offload::run(scheduler, move || {
            let mut bytes = Vec::new();
            if !offload::has_memory() || bytes.try_reserve_exact(length.saturating_add(16)).is_err() {
                return NO_MEMORY;
            }
            bytes.resize(length + 16, 0u8);
            let offset = phase.wrapping_sub(bytes.as_ptr() as usize) % 16;
            let entry = Box::into_raw(Box::new(Answers::NO_HOST));
            let (mut found, mut h_errno) = (ptr::null_mut(), 0);
            let buffer = (bytes.as_mut_ptr().add(offset).cast(), length);
            let place = Place { entry, buffer, found: &mut found, h_errno: &mut h_errno };
            let code = under(settings, || owned.question().ask(place));
            let host = Host { entry: Entry(entry), bytes, offset };
            Outcome { code, h_errno, host: (!found.is_null()).then_some(host) }
        });
        looked_up.unwrap_or(Outcome { code: libc::EAGAIN, h_errno: NETDB_INTERNAL, host: None })
    }
}

/// `gethostbyname_r`, `gethostbyname2_r`, `gethostbyaddr_r`: gives the error number.
///
/// # Safety
/// As for [`state`](super::state).
pub unsafe fn host(
    scheduler: *mut Scheduler, question: Question, entry: *mut libc::hostent, buffer: (*mut c_char, usize),
    found: *mut *mut libc::hostent, h_errno: *mut c_int,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if question.needs_no_lookup() {
            return question.ask(Place { entry, buffer, found, h_errno });
        }
        *found = ptr::null_mut();
        let outcome = look_up(scheduler, question, buffer.1, buffer.0 as usize % 16);
        if !h_errno.is_null() {
            *h_errno = outcome.h_errno;
        }
        if let Some(host) = &outcome.host {
            let from = host.bytes.as_ptr().add(host.offset);
            ptr::copy_nonoverlapping(from, buffer.0.cast(), buffer.1);
            let there = |p: *mut c_char| -> *mut c_char {
                let offset = (p as usize).wrapping_sub(from as usize);
                if offset < buffer.1 { buffer.0.add(offset) } else { p }
            };
            *entry = *host.entry.0;
            (*entry).h_name = there((*entry).h_name);
            for list in [&mut (*entry).h_aliases, &mut (*entry).h_addr_list] {
                *list = there((*list).cast()).cast();
                let mut item = *list;
                while !item.is_null() && !(*item).is_null() {
                    *item = there(*item);
                    item = item.add(1);
                }
            }
            *found = entry;
        }
        outcome.code
    }
}

/// `gethostbyname`, `gethostbyname2`, `gethostbyaddr`: the result is the coroutine's own until its next look-up by
/// the same function. Null and `h_errno` on failure.
///
/// # Safety
/// As for [`state`](super::state).
pub unsafe fn host_static(scheduler: *mut Scheduler, question: Question) -> *mut libc::hostent {
    let mut length = 1024;
    // SAFETY: by contract.
    unsafe {
        let mut outcome = look_up(scheduler, question, length, 0);
        while outcome.code == libc::ERANGE {
            length = length.saturating_mul(2);
            outcome = look_up(scheduler, question, length, 0);
        }
        let Some(answers) = (*Scheduler::current(scheduler)).make_answers() else { return ptr::null_mut() };
        answers.h_errno = outcome.h_errno;
        let Some(mut host) = outcome.host else { return ptr::null_mut() };
        let kind = match question {
            Question::Name(_) => 0,
            Question::NameIn(..) => 1,
            Question::Address(..) => 2,
        };
        // The bytes stay where they are when their vector moves.
        let (entry, bytes) = &mut answers.hosts[kind];
        *bytes = core::mem::take(&mut host.bytes);
        *entry = *host.entry.0;
        &raw mut *entry
    }
}
