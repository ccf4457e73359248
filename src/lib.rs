//! The core of colib: stackful coroutines with libco's interface.
//!
//! This crate knows no hook. It makes raw system calls (`sys`) and never calls a symbol that the member
//! crate `hooks` interposes. Modules are listed from low to high; no import points up, and
//! `scripts/layers.sh` holds them to it. ARCHITECTURE.md has the map and the invariants that the
//! SAFETY comments cite.

#[macro_use]
mod weak;
pub mod annotate;
pub mod clock;
pub mod heap;
pub mod list;
pub mod sys;
pub mod tls;
#[macro_use]
pub mod log;
pub mod capi;
pub mod context;
pub mod coroutine;
pub mod environment;
pub mod io;
pub mod local;
pub mod reactor;
pub mod scheduler;
pub mod signal;
pub mod stack;
pub mod stdio;
pub mod sync;
pub mod timer;
pub mod waiter;
