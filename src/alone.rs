//! Whether the process has one thread alone, and whether the kernel knows more of the program's than one.
//!
//! libc's note of that, `__libc_single_threaded`, is what the runtime of C++ goes by: a coroutine that comes to a static
//! variable which another is about to initialise would be taken for that one, and told of a recursion. So with the first
//! coroutine the note says that there are several threads, and what is true stands here. Before the first thread is made
//! the note is put right again: by it libc knows that it has to get ready for threads, and sets it back itself.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

static ALONE: AtomicBool = AtomicBool::new(false);
static SEES_THREADS: AtomicBool = AtomicBool::new(false);
static HAS_COMPANY: AtomicBool = AtomicBool::new(false);

#[inline(always)]
fn note() -> Option<&'static AtomicU8> {
    weak_symbol!("__libc_single_threaded" as &'static AtomicU8)
}

/// Whoever makes a thread comes to [`expect_threads`] before. Without that libc's note is left alone.
pub fn sees_threads() {
    SEES_THREADS.store(true, Ordering::Relaxed);
}

/// There are coroutines: from now on the runtime takes them into account. In a child of fork libc's note is as it was
/// at first.
#[inline(always)]
pub fn expect_coroutines() {
    if let Some(note) = note()
        && note.load(Ordering::Relaxed) != 0
        && SEES_THREADS.load(Ordering::Relaxed)
    {
        ALONE.store(true, Ordering::Relaxed);
        note.store(0, Ordering::Relaxed);
    }
}

/// The calling thread is about to make another one, perhaps a coroutine.
pub fn expect_threads() {
    if ALONE.swap(false, Ordering::Relaxed)
        && let Some(note) = note()
    {
        note.store(1, Ordering::Relaxed);
    }
}

/// libc is ready for threads, and there are some, though it may not know them.
pub fn have_threads() {
    if let Some(note) = note()
        && note.load(Ordering::Relaxed) != 0
    {
        note.store(0, Ordering::Relaxed);
    }
}

/// Whether there is no other thread, and coroutines are. It changes only in calls of that thread.
#[inline(always)]
pub fn is_alone() -> bool {
    ALONE.load(Ordering::Relaxed)
}

/// The calling thread is about to make one that runs the program beside it, as far as the kernel lets it.
pub fn expect_company() {
    HAS_COMPANY.store(true, Ordering::SeqCst);
}

/// Whether threads may run the program beside the calling one.
pub fn has_company() -> bool {
    HAS_COMPANY.load(Ordering::SeqCst) || !SEES_THREADS.load(Ordering::Relaxed)
}
