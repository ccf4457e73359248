//! The C interface: convert, call, return. The documentation here is that of `include/co_routine.h`.
//!
//! Errors leave as -1 and `errno`, through [`answer`]; misuse that libco crashed on is reported through the
//! log and has no effect.

#![allow(non_camel_case_types, non_snake_case, clippy::missing_safety_doc)]

mod condition;
mod context;
mod coroutine;
mod eventloop;
mod hooks;
mod inner;
mod log;
mod resolver;
mod types;
mod variables;

pub use condition::*;
pub use context::*;
pub use coroutine::*;
pub use eventloop::*;
pub use hooks::*;
pub use inner::*;
pub use log::*;
pub use resolver::*;
pub use types::*;
pub use variables::*;

use core::ffi::c_int;
use std::io;

unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

/// Sets the calling thread's `errno`.
pub fn set_errno(errno: c_int) {
    // SAFETY: always valid on its thread.
    unsafe { *__errno_location() = errno };
}

/// The C convention: the value, or -1 and `errno`.
#[inline(always)]
pub fn answer<T: TryInto<isize>>(result: io::Result<T>) -> isize {
    match result {
        // Whatever a system call gives fits.
        Ok(value) => value.try_into().unwrap_or(isize::MAX),
        Err(error) => failed(error),
    }
}

#[cold]
fn failed(error: io::Error) -> isize {
    set_errno(error.raw_os_error().unwrap_or(libc::ENOMEM));
    -1
}
