//! Name look-ups: the real functions of libc, on helper threads.
//!
//! Whatever nsswitch.conf asks for works, because libc itself does it. What needs no look-up (a numeric
//! address) is answered at once.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ptr;
use std::ffi::CString;

use super::offload;
use crate::coroutine::Answers;
use crate::heap;
use crate::scheduler::Scheduler;

unsafe extern "C" {
    fn gethostbyname_r(
        name: *const c_char, result: *mut libc::hostent, buffer: *mut c_char, length: usize,
        found: *mut *mut libc::hostent, error: *mut c_int,
    ) -> c_int;
    fn __res_init() -> c_int;
    fn __res_state() -> *mut u64;
    fn __errno_location() -> *mut c_int;
    fn __h_errno_location() -> *mut c_int;
}

/// `sizeof(struct __res_state)` in glibc on x86-64, in words.
const RESOLVER_STATE: usize = 568 / 8;
/// Its first two words are what programs set: retransmission time and tries, then the options.
const RESOLVER_SETTINGS: usize = 2;

/// A pointer to memory that a job owns.
struct Owned<T>(*mut T);
// SAFETY: one thread at a time has it: the helper until the job is done, then the coroutine's.
unsafe impl<T> Send for Owned<T> {}
// SAFETY: never used through a shared reference.
unsafe impl<T> Sync for Owned<T> {}

/// Settings of the resolver that the coroutine made through `_res`, for the helper to work under.
unsafe fn settings(scheduler: *mut Scheduler) -> Option<[u64; RESOLVER_SETTINGS]> {
    // SAFETY: a coroutine runs, by contract of the callers.
    let rare = unsafe { (*Scheduler::current(scheduler)).rare.as_ref()? };
    rare.answers.resolver.first_chunk().copied()
}

/// Does `work` on the helper under the coroutine's resolver settings.
fn under<T>(settings: Option<[u64; RESOLVER_SETTINGS]>, work: impl FnOnce() -> T) -> T {
    let Some(settings) = settings else { return work() };
    // SAFETY: the helper's own state, initialised first so that libc does not overwrite the settings.
    unsafe {
        __res_init();
        let state = __res_state().cast::<[u64; RESOLVER_SETTINGS]>();
        let before = state.replace(settings);
        let result = work();
        state.write(before);
        result
    }
}

/// The resolver's state of the running coroutine: `__res_state`. Without memory for it, the thread's.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs. The same holds for every function of this file;
/// pointers are the program's, as for the calls themselves.
pub unsafe fn state(scheduler: *mut Scheduler) -> *mut c_void {
    // SAFETY: by contract; libc's own state of this thread is what a new thread would begin with.
    unsafe {
        let thread = __res_state();
        let Some(rare) = (*Scheduler::current(scheduler)).rare() else { return thread.cast() };
        let resolver = &mut rare.answers.resolver;
        if resolver.is_empty() {
            let Some(room) = heap::room(RESOLVER_STATE) else { return thread.cast() };
            *resolver = room;
            resolver.extend((0..RESOLVER_STATE).map(|i| *thread.add(i)));
        }
        resolver.as_mut_ptr().cast()
    }
}

/// The coroutine's own `h_errno`. Without memory for it, the thread's.
///
/// # Safety
/// As for [`state`].
pub unsafe fn h_errno(scheduler: *mut Scheduler) -> *mut c_int {
    // SAFETY: by contract.
    unsafe {
        match (*Scheduler::current(scheduler)).rare() {
            Some(rare) => &raw mut rare.answers.h_errno,
            None => __h_errno_location(),
        }
    }
}

/// A list from `getaddrinfo`, freed when nobody took it.
struct Addresses(*mut libc::addrinfo);

// SAFETY: plain memory of malloc's; one thread at a time has it.
unsafe impl Send for Addresses {}

impl Drop for Addresses {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: from getaddrinfo, and nobody else has it.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
}

/// A string of the program's that may be null.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: by contract of the callers.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

/// Whether `getaddrinfo` can answer without looking anything up: a missing or numeric name and service.
fn needs_no_lookup(node: Option<&CStr>, service: Option<&CStr>) -> bool {
    let numeric = |node: &CStr| {
        node.to_str().is_ok_and(|node| node.parse::<Ipv4Addr>().is_ok() || node.parse::<Ipv6Addr>().is_ok())
    };
    node.is_none_or(numeric) && service.is_none_or(|s| s.to_bytes().iter().all(u8::is_ascii_digit))
}

/// `getaddrinfo`: gives its `EAI_*` code, and sets `errno` where libc would have.
///
/// # Safety
/// As for [`state`].
pub unsafe fn getaddrinfo(
    scheduler: *mut Scheduler, node: *const c_char, service: *const c_char, hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if needs_no_lookup(text(node), text(service)) {
            return libc::getaddrinfo(node, service, hints, found);
        }
        if !offload::has_memory() {
            return libc::EAI_MEMORY;
        }
        let (node_copy, service_copy) = (text(node).map(CStr::to_owned), text(service).map(CStr::to_owned));
        let hints = (!hints.is_null()).then(|| Hints::new(&*hints));
        let settings = settings(scheduler);
        let looked_up = offload::run(scheduler, move || {
            let mut list = Addresses(ptr::null_mut());
            let hints = hints.map(Hints::expand);
            let hints = hints.as_ref().map_or(ptr::null(), ptr::from_ref);
            let (node, service) = (pointer(&node_copy), pointer(&service_copy));
            let code = under(settings, || libc::getaddrinfo(node, service, hints, &mut list.0));
            (code, *__errno_location(), list)
        });
        match looked_up {
            Ok((code, errno, mut list)) => {
                if code == 0 {
                    *found = core::mem::replace(&mut list.0, ptr::null_mut());
                } else if code == libc::EAI_SYSTEM {
                    *__errno_location() = errno;
                }
                code
            }
            Err(_) => libc::EAI_AGAIN,
        }
    }
}

/// What the hints of `getaddrinfo` may say.
#[derive(Clone, Copy)]
struct Hints([c_int; 4]);

impl Hints {
    fn new(hints: &libc::addrinfo) -> Self {
        Hints([hints.ai_flags, hints.ai_family, hints.ai_socktype, hints.ai_protocol])
    }

    fn expand(self) -> libc::addrinfo {
        // SAFETY: all zeroes are valid hints.
        let mut hints: libc::addrinfo = unsafe { core::mem::zeroed() };
        [hints.ai_flags, hints.ai_family, hints.ai_socktype, hints.ai_protocol] = self.0;
        hints
    }
}

/// `getnameinfo`: gives its `EAI_*` code.
///
/// # Safety
/// As for [`state`].
pub unsafe fn getnameinfo(
    scheduler: *mut Scheduler, address: *const libc::sockaddr, length: libc::socklen_t,
    host: (*mut c_char, libc::socklen_t), service: (*mut c_char, libc::socklen_t), flags: c_int,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let numeric = |part: (*mut c_char, u32), flag| part.0.is_null() || part.1 == 0 || flags & flag != 0;
        if numeric(host, libc::NI_NUMERICHOST) && numeric(service, libc::NI_NUMERICSERV) || address.is_null()
        {
            return libc::getnameinfo(address, length, host.0, host.1, service.0, service.1, flags);
        }
        if !offload::has_memory() {
            return libc::EAI_MEMORY;
        }
        let bytes = core::slice::from_raw_parts(address.cast::<u8>(), length as usize).to_vec();
        let wanted = [host, service].map(|(to, room)| if to.is_null() { None } else { Some(room) });
        let settings = settings(scheduler);
        let looked_up = offload::run(scheduler, move || {
            if !offload::has_memory() {
                return (libc::EAI_MEMORY, 0, [const { None }; 2]);
            }
            let mut texts = wanted.map(|room| room.map(|room| vec![0u8; room as usize]));
            let [host, service] = texts.each_mut().map(|text| match text {
                Some(text) => (text.as_mut_ptr().cast::<c_char>(), text.len() as u32),
                None => (ptr::null_mut(), 0),
            });
            let code = under(settings, || {
                libc::getnameinfo(bytes.as_ptr().cast(), length, host.0, host.1, service.0, service.1, flags)
            });
            (code, *__errno_location(), texts)
        });
        let Ok((code, errno, texts)) = looked_up else { return libc::EAI_AGAIN };
        if code == libc::EAI_SYSTEM {
            *__errno_location() = errno;
        }
        for (text, (to, _)) in texts.iter().zip([host, service]) {
            // The host may be there although the service did not fit.
            if let Some(Ok(text)) = text.as_ref().map(|text| CStr::from_bytes_until_nul(text))
                && !text.is_empty()
            {
                ptr::copy_nonoverlapping(text.as_ptr(), to, text.count_bytes() + 1);
            }
        }
        code
    }
}

/// A host that was looked up: the entry and the bytes it points into.
struct Host {
    entry: Owned<libc::hostent>,
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

/// Looks `name` up into fresh memory of `length` bytes whose address is `phase` modulo 16.
unsafe fn look_up(scheduler: *mut Scheduler, name: *const c_char, length: usize, phase: usize) -> Outcome {
    const NO_MEMORY: Outcome = Outcome { code: libc::ENOMEM, h_errno: NETDB_INTERNAL, host: None };
    // SAFETY: by contract of the callers.
    unsafe {
        if !offload::has_memory() {
            return NO_MEMORY;
        }
        let name = CStr::from_ptr(name).to_owned();
        let settings = settings(scheduler);
        let looked_up = offload::run(scheduler, move || {
            let mut bytes = Vec::new();
            if !offload::has_memory() || bytes.try_reserve_exact(length + 16).is_err() {
                return NO_MEMORY;
            }
            bytes.resize(length + 16, 0u8);
            let offset = phase.wrapping_sub(bytes.as_ptr() as usize) % 16;
            let entry = Box::into_raw(Box::new(Answers::default().host));
            let (mut found, mut h_errno) = (ptr::null_mut(), 0);
            let code = under(settings, || {
                let buffer = bytes.as_mut_ptr().add(offset).cast();
                gethostbyname_r(name.as_ptr(), entry, buffer, length, &mut found, &mut h_errno)
            });
            let host = Host { entry: Owned(entry), bytes, offset };
            Outcome { code, h_errno, host: (!found.is_null()).then_some(host) }
        });
        looked_up.unwrap_or(Outcome { code: libc::EAGAIN, h_errno: NETDB_INTERNAL, host: None })
    }
}

/// `gethostbyname_r`: gives its error number.
///
/// # Safety
/// As for [`state`].
pub unsafe fn host_by_name(
    scheduler: *mut Scheduler, name: *const c_char, entry: *mut libc::hostent, buffer: (*mut c_char, usize),
    found: *mut *mut libc::hostent, h_errno: *mut c_int,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if is_numeric(name) {
            return gethostbyname_r(name, entry, buffer.0, buffer.1, found, h_errno);
        }
        *found = ptr::null_mut();
        let outcome = look_up(scheduler, name, buffer.1, buffer.0 as usize % 16);
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

fn is_numeric(name: *const c_char) -> bool {
    // SAFETY: by contract of the callers.
    unsafe { CStr::from_ptr(name) }.to_str().is_ok_and(|name| name.parse::<IpAddr>().is_ok())
}

/// `gethostbyname`: the result is the coroutine's own until its next look-up. Null and `h_errno` on failure.
///
/// # Safety
/// As for [`state`].
pub unsafe fn host_by_name_static(scheduler: *mut Scheduler, name: *const c_char) -> *mut libc::hostent {
    let mut length = 1024;
    // SAFETY: by contract.
    unsafe {
        let mut outcome = look_up(scheduler, name, length, 0);
        while outcome.code == libc::ERANGE && length < 1 << 20 {
            length *= 2;
            outcome = look_up(scheduler, name, length, 0);
        }
        let Some(rare) = (*Scheduler::current(scheduler)).rare() else { return ptr::null_mut() };
        let answers = &mut rare.answers;
        answers.h_errno = outcome.h_errno;
        let Some(mut host) = outcome.host else { return ptr::null_mut() };
        // The bytes stay where they are when their vector moves.
        answers.bytes = core::mem::take(&mut host.bytes);
        answers.host = *host.entry.0;
        &raw mut answers.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_names_need_no_lookup() {
        assert!(needs_no_lookup(Some(c"127.0.0.1"), Some(c"80")));
        assert!(needs_no_lookup(Some(c"::1"), None));
        assert!(needs_no_lookup(None, Some(c"80")));
        assert!(!needs_no_lookup(Some(c"localhost"), Some(c"80")));
        assert!(!needs_no_lookup(Some(c"127.0.0.1"), Some(c"http")));
    }
}
