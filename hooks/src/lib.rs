//! libcolib: the symbols of libc that colib interposes, and nothing else.
//!
//! A hook is a row of the table in `rows`. From the rows come the table of libc's own functions (`real`)
//! and the symbols themselves (`symbols`), which go to the functions that the rows name: a file a family,
//! where each converts and calls the core. Beside the rows stand `variables`, whose plain functions go through
//! redhook's own macro, `exceptions`, and `gettid` (`thread_number`). `mangled` has the C++ names of the interface.

mod asynchronous;
mod attributes;
mod call;
mod databases;
mod descriptor;
mod epoll;
mod exceptions;
mod file;
mod fresh;
mod futex;
mod input;
mod ipc;
mod libaio;
mod linked;
mod lock;
mod lock_allocator;
mod lock_barrier;
mod lock_cond;
mod lock_once;
mod lock_rwlock;
mod lock_sem;
mod look_ups;
mod mangled;
mod next;
mod numbers;
mod output;
mod poll;
mod process;
mod real;
mod resolve;
mod rows;
mod signal;
mod sleep;
mod socket;
mod stdio;
mod stdio_diagnostics;
mod stdio_format;
mod symbols;
mod syscall;
mod syslog;
mod thread;
mod thread_join;
mod thread_kernel;
mod thread_key;
mod thread_mask;
mod thread_number;
mod types;
mod uring;
mod variables;
mod wait_signal;

pub use colib_core::capi;
use colib_core::reactor;

/// Looks every real function up while nothing else runs yet: `dlsym` has no place in a signal handler.
#[ctor::ctor(unsafe)]
fn begin() {
    real::find_all();
    variables::find_all();
    lock_allocator::find();
    colib_core::begin();
    if linked::is_linked() {
        reactor::registry::begin();
    }
    thread::begin();
    thread_number::begin();
    syslog::begin();
}
