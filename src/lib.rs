//! The core of colib: stackful coroutines with libco's interface.
//!
//! This crate knows no hook. It makes raw system calls (`sys`) and never calls a symbol that the member
//! crate `hooks` interposes. `scripts/layers.sh` lists the modules from low to high, and holds every import to that
//! order. ARCHITECTURE.md has the map and the invariants that the SAFETY comments cite.

#[macro_use]
mod weak;
pub mod alone;
pub mod annotate;
pub mod cache;
pub mod clock;
pub mod fork;
pub mod heap;
pub mod jump;
pub mod latch;
pub mod list;
pub mod object;
pub mod sys;
pub mod tls;
#[macro_use]
pub mod log;
pub mod capi;
pub mod context;
pub mod coroutine;
pub mod environment;
pub mod exceptions;
pub mod io;
pub mod local;
pub mod reactor;
pub mod scheduler;
pub mod signal;
pub mod stack;
pub mod stdio;
pub mod sync;
pub mod threads;
pub mod timer;
pub mod waiter;

/// The parts that take part in a fork, outermost lock first. An allocator may release a lock of its own anywhere, so
/// who waits for locks comes last.
static PARTS: fork::Parts = [
    &threads::FORK,
    &stdio::FORK,
    &io::FORK_OF_COMMANDS,
    &io::FORK_OF_FIFOS,
    &io::FORK_OF_HELPERS,
    &scheduler::FORK,
    &sync::lot::fork::FORK,
];

/// What there is to do before any other thread: the library's constructor calls it.
pub fn begin() {
    fork::look_out(&PARTS);
    threads::begin();
}
