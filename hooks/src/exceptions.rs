//! The C++ runtime's question for its record of the thread's exceptions in flight (`colib_core::exceptions`).
//!
//! Functions and no rows: nothing of libc or of the runtime stands behind them.

use colib_core::exceptions;
use colib_core::tls::Record;

/// Answers `__cxa_get_globals`, for every thread.
#[unsafe(no_mangle)]
pub extern "C" fn __cxa_get_globals() -> *mut Record {
    exceptions::record()
}

/// Answers `__cxa_get_globals_fast`: the same.
#[unsafe(no_mangle)]
pub extern "C" fn __cxa_get_globals_fast() -> *mut Record {
    exceptions::record()
}
