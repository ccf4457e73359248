//! The older look-ups of hosts: `gethostbyname`, `gethostbyname2`, `gethostbyaddr` and their reentrant forms.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::net::IpAddr;
use core::ptr;
use std::ffi::CString;

use super::entry::{Place, entry, entry_kept};
use crate::heap;
use crate::io::offload::Kind;
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

impl Question {
    /// Asks libc.
    unsafe fn ask(self, Place { entry, buffer, length, found, h_errno }: Place<libc::hostent>) -> c_int {
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

    /// The function that asks it.
    fn name(self) -> &'static str {
        match self {
            Question::Name(_) => "gethostbyname",
            Question::NameIn(..) => "gethostbyname2",
            Question::Address(..) => "gethostbyaddr",
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

/// `gethostbyname_r`, `gethostbyname2_r`, `gethostbyaddr_r`: gives the error number.
///
/// # Safety
/// As for [`state`](super::state).
pub unsafe fn host(
    scheduler: *mut Scheduler, question: Question, host: *mut libc::hostent,
    (buffer, length): (*mut c_char, usize), found: *mut *mut libc::hostent, h_errno: *mut c_int,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if question.needs_no_lookup() {
            return question.ask(Place { entry: host, buffer, length, found, h_errno });
        }
        let ask = question.copy().map(|owned| move |place| owned.question().ask(place));
        let told = entry(scheduler, Kind::SHORT, (host, buffer, length), found, ask);
        if !h_errno.is_null() {
            *h_errno = told.h_errno;
        }
        told.code
    }
}

/// `gethostbyname`, `gethostbyname2`, `gethostbyaddr`: the result is the coroutine's own until its next look-up by
/// the same function. Null and `h_errno` on failure.
///
/// # Safety
/// As for [`state`](super::state).
pub unsafe fn host_static(scheduler: *mut Scheduler, question: Question) -> *mut libc::hostent {
    // SAFETY: by contract.
    unsafe {
        let ask = question.copy().map(|owned| move |place| owned.question().ask(place));
        let (host, told) = entry_kept(scheduler, Kind::SHORT, question.name(), ask);
        if let Some(answers) = (*Scheduler::current(scheduler)).make_answers() {
            answers.h_errno = told.h_errno;
        }
        host
    }
}
