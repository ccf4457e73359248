//! What the kernel keeps for each thread that decides what its calls may do, and on what: rights, namespaces, directories.
//!
//! A thread is made with those of its maker. As long as no thread has changed its own, all have the same, and any helper
//! may do a job; after that, each job has a helper that its own thread makes for it alone.

use core::sync::atomic::{AtomicBool, Ordering};

static DIFFER: AtomicBool = AtomicBool::new(false);

/// The calling thread is about to change what is its own.
pub fn expect_own_attributes() {
    DIFFER.store(true, Ordering::Relaxed);
}

/// Whether threads may differ. A thread that has changed its own knows; what others have changed is nothing to it.
pub fn may_differ() -> bool {
    DIFFER.load(Ordering::Relaxed)
}
