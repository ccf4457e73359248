//! Calls that look names up.

use core::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use core::ptr;

use colib_core::capi::{self, set_errno};
use colib_core::io::resolve::{self, Question};
use libc::{addrinfo, hostent, sockaddr, socklen_t};

use crate::call::apart;
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn getaddrinfo(
    node: *const c_char, service: *const c_char, hints: *const addrinfo, found: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { resolve::getaddrinfo(scheduler, node, service, hints, found) })
}

pub unsafe extern "C" fn getnameinfo(
    address: *const sockaddr, length: socklen_t, host: *mut c_char, host_room: socklen_t,
    service: *mut c_char, service_room: socklen_t, flags: c_int,
) -> c_int {
    let (host, service) = ((host, host_room), (service, service_room));
    // SAFETY: see above.
    apart(|scheduler| unsafe { resolve::getnameinfo(scheduler, address, length, host, service, flags) })
}

pub unsafe extern "C" fn gethostbyname(name: *const c_char) -> *mut hostent {
    // SAFETY: see above.
    unsafe { capi::co_gethostbyname(name) }
}

pub unsafe extern "C" fn gethostbyname_r(
    name: *const c_char, entry: *mut hostent, buffer: *mut c_char, room: usize, found: *mut *mut hostent,
    error: *mut c_int,
) -> c_int {
    // SAFETY: see above.
    unsafe { capi::co_gethostbyname_r(name, entry, buffer, room, found, error) }
}

pub unsafe extern "C" fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent {
    // SAFETY: see above.
    apart(|scheduler| unsafe { resolve::host_static(scheduler, Question::NameIn(name, family)) })
}

pub unsafe extern "C" fn gethostbyname2_r(
    name: *const c_char, family: c_int, entry: *mut hostent, buffer: *mut c_char, room: usize,
    found: *mut *mut hostent, error: *mut c_int,
) -> c_int {
    let question = Question::NameIn(name, family);
    // SAFETY: see above.
    unsafe { host(question, entry, (buffer, room), found, error) }
}

pub unsafe extern "C" fn gethostbyaddr(
    address: *const c_void, size: socklen_t, family: c_int,
) -> *mut hostent {
    let question = Question::Address(address, size, family);
    // SAFETY: see above.
    apart(|scheduler| unsafe { resolve::host_static(scheduler, question) })
}

pub unsafe extern "C" fn gethostbyaddr_r(
    address: *const c_void, size: socklen_t, family: c_int, entry: *mut hostent, buffer: *mut c_char,
    room: usize, found: *mut *mut hostent, error: *mut c_int,
) -> c_int {
    let question = Question::Address(address, size, family);
    // SAFETY: see above.
    unsafe { host(question, entry, (buffer, room), found, error) }
}

unsafe fn host(
    question: Question, entry: *mut hostent, buffer: (*mut c_char, usize), found: *mut *mut hostent,
    error: *mut c_int,
) -> c_int {
    // SAFETY: see above.
    let code = apart(|scheduler| unsafe { resolve::host(scheduler, question, entry, buffer, found, error) });
    if code > 0 {
        set_errno(code);
    }
    code
}

pub unsafe extern "C" fn res_state() -> *mut c_void {
    // SAFETY: see above.
    apart(|scheduler| unsafe { resolve::state(scheduler) })
}

pub unsafe extern "C" fn h_errno_location() -> *mut c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { resolve::h_errno(scheduler) })
}

// ---- questions to name servers ----------------------------------------------------------------------

/// A name, with the byte that ends it.
unsafe fn whole(name: *const c_char) -> (*const u8, usize) {
    // SAFETY: see above.
    (name.cast(), unsafe { CStr::from_ptr(name) }.to_bytes_with_nul().len())
}

const NOTHING: (*const u8, usize) = (ptr::null(), 0);

/// A question about a name, by the thread's state or by one that is given.
macro_rules! by_name {
    ($($hook:ident, $with_state:ident;)*) => {$(
        pub unsafe extern "C" fn $hook(
            name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int,
        ) -> c_int {
            // SAFETY: see above.
            apart(|scheduler| unsafe {
                resolve::query(scheduler, ptr::null_mut(), [whole(name), NOTHING], (answer, room), move |_, [name, _], answer| {
                    real::$hook(name.cast(), class, kind, answer, room)
                })
            })
        }

        pub unsafe extern "C" fn $with_state(
            state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int,
        ) -> c_int {
            // SAFETY: see above.
            apart(|scheduler| unsafe {
                resolve::query(scheduler, state, [whole(name), NOTHING], (answer, room), move |state, [name, _], answer| {
                    real::$with_state(state, name.cast(), class, kind, answer, room)
                })
            })
        }
    )*};
}

by_name! {
    res_query, res_nquery;
    res_search, res_nsearch;
}

/// The domain that may be missing.
unsafe fn domain_of(domain: *const c_char) -> (*const u8, usize) {
    // SAFETY: see above.
    if domain.is_null() { NOTHING } else { unsafe { whole(domain) } }
}

pub unsafe extern "C" fn res_querydomain(
    name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int,
) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        let (inputs, without) = ([whole(name), domain_of(domain)], domain.is_null());
        resolve::query(
            scheduler,
            ptr::null_mut(),
            inputs,
            (answer, room),
            move |_, [name, domain], answer| {
                let domain = if without { ptr::null() } else { domain.cast() };
                real::res_querydomain(name.cast(), domain, class, kind, answer, room)
            },
        )
    })
}

pub unsafe extern "C" fn res_nquerydomain(
    state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int,
    answer: *mut c_uchar, room: c_int,
) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        let (inputs, without) = ([whole(name), domain_of(domain)], domain.is_null());
        resolve::query(scheduler, state, inputs, (answer, room), move |state, [name, domain], answer| {
            let domain = if without { ptr::null() } else { domain.cast() };
            real::res_nquerydomain(state, name.cast(), domain, class, kind, answer, room)
        })
    })
}

pub unsafe extern "C" fn res_send(
    message: *const c_uchar, size: c_int, answer: *mut c_uchar, room: c_int,
) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        let inputs = [(message, size.max(0) as usize), NOTHING];
        resolve::query(scheduler, ptr::null_mut(), inputs, (answer, room), move |_, [message, _], answer| {
            real::res_send(message, size, answer, room)
        })
    })
}

pub unsafe extern "C" fn res_nsend(
    state: *mut c_void, message: *const c_uchar, size: c_int, answer: *mut c_uchar, room: c_int,
) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        let inputs = [(message, size.max(0) as usize), NOTHING];
        resolve::query(scheduler, state, inputs, (answer, room), move |state, [message, _], answer| {
            real::res_nsend(state, message, size, answer, room)
        })
    })
}
