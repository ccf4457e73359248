//! `getaddrinfo` and `getnameinfo`.

use core::ffi::{CStr, c_char, c_int};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ptr;
use std::ffi::CString;

use super::{__errno_location, settings, text, under};
use crate::io::offload;
use crate::scheduler::Scheduler;

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
/// As for [`state`](super::state).
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
/// As for [`state`](super::state).
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
