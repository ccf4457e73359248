//! libcolib: the symbols of libc that colib interposes, and nothing else.
//!
//! A hook is a row of the table in `rows.rs`, which names the function that a coroutine's call goes to. Those
//! functions stand in a file a family, convert, and call the core. How a row becomes a symbol is in
//! `table.rs`. The exception is `variables`, whose plain functions go through redhook's own macro.

mod descriptor;
mod input;
mod mangled;
mod output;
mod poll;
mod resolve;
mod rows;
mod signal;
mod sleep;
mod socket;
mod table;
mod variables;

pub use colib_core::capi;

/// Looks every real function up while nothing else runs yet: `dlsym` has no place in a signal handler.
#[ctor::ctor(unsafe)]
fn find_real_functions() {
    rows::find_all();
    variables::find_all();
}
