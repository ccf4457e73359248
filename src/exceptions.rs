//! The C++ runtime's record of a thread's exceptions in flight, which changes hands with each switch.
//!
//! Runtimes ask for it by `__cxa_get_globals` of the Itanium C++ ABI each time before they change it, through the procedure
//! linkage table: so the library answers, with words of its own, and knows without a look that no exception has come
//! since the last switch. A runtime that calls its own function all the same is found out when a thread makes its first
//! coroutine; then each switch looks.

use core::ffi::c_void;
use core::mem::transmute;

use crate::tls::{self, Record};

/// What the library gives as `__cxa_get_globals`: from now on a switch may be more than a switch.
pub fn record() -> *mut Record {
    tls::set_gate(0, false);
    tls::exceptions(tls::base())
}

type Globals = unsafe extern "C" fn() -> *mut Record;
type IsUncaught = unsafe extern "C" fn() -> bool;

/// Where the C++ runtime keeps the calling thread's record, and whether it asks us.
pub fn look() -> (*mut Record, bool) {
    let own = tls::exceptions(tls::base());
    // `std::uncaught_exception`, which every runtime has. One that comes later is taken for one that asks.
    if weak_symbol!("_ZSt18uncaught_exceptionv" as IsUncaught).is_none_or(|ask| sees(ask, own)) {
        return (own, true);
    }
    // Its own function stands before ours or behind.
    let record = [libc::RTLD_DEFAULT, libc::RTLD_NEXT].into_iter().find_map(|scope| {
        // SAFETY: a valid name, and what it is the name of: the Itanium C++ ABI.
        let record = unsafe {
            let ask = libc::dlsym(scope, c"__cxa_get_globals".as_ptr());
            transmute::<*mut c_void, Option<Globals>>(ask)?()
        };
        (record != own).then_some(record)
    });
    (record.unwrap_or(own), false)
}

/// Whether the runtime learns from our record whether an exception is thrown and not yet caught.
fn sees(ask: IsUncaught, own: *mut Record) -> bool {
    // SAFETY: the thread's words, which nobody else uses meanwhile; the function only looks.
    unsafe {
        let before = own.replace([0, 1]);
        let thrown = ask();
        own.write([0, 0]);
        let none = !ask();
        own.write(before);
        thrown && none
    }
}
