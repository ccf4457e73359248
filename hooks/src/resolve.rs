//! Calls that look names up.

use core::ffi::{c_char, c_int, c_void};

use colib_core::capi;
use colib_core::io::resolve;
use libc::{addrinfo, hostent, sockaddr, socklen_t};

use crate::call::apart;

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

pub unsafe extern "C" fn res_state() -> *mut c_void {
    // SAFETY: see above.
    apart(|scheduler| unsafe { resolve::state(scheduler) })
}

pub unsafe extern "C" fn h_errno_location() -> *mut c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe { resolve::h_errno(scheduler) })
}
