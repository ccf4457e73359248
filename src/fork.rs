//! What the library does when the process forks.
//!
//! A child of fork has one thread. Whatever another thread was in the middle of stays so for ever in the child, so
//! the thread that forks first makes every part of the library stand still that threads share. That is the last
//! thing before the fork and the first after it: handlers of others may wait for a lock that a coroutine has, which
//! may need the library to go on; so ours are there before theirs ([`come_first`]). What is left of the parent
//! is disposed of in the child when everybody else's handlers have run: an allocator must be sound by then.
//!
//! What is done once for a process does without a lock: it may be begun by several threads, and again by a child
//! whose parent was in the middle of it.

use core::ffi::c_long;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use crate::{annotate, tls};

/// On which side of a fork the thread finds itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// With all that there was before.
    Parent,
    /// Alone.
    Child,
}

/// What a part of the library does around a fork, on the thread that forks. None but `later` allocates, frees, or
/// waits for more than the part's own lock.
pub struct Handlers {
    /// Stands still: takes what the part's threads share.
    pub stop: unsafe fn(),
    /// Gives it back.
    pub go_on: unsafe fn(Side),
    /// When everybody else's handlers have run: makes up for what was missed, and disposes of what a child has of
    /// its parent's other threads.
    pub later: unsafe fn(Side),
}

/// The parts, outermost lock first.
pub type Parts = [&'static Handlers; 7];

static PARTS: AtomicPtr<Parts> = AtomicPtr::new(ptr::null_mut());

fn parts() -> &'static [&'static Handlers] {
    // SAFETY: null, or parts that live for ever.
    unsafe { PARTS.load(Ordering::Acquire).as_ref() }.map_or(&[], |parts| parts)
}

/// Begins to look out for forks: once, from the library's constructor.
pub fn look_out(parts: &'static Parts) {
    PARTS.store(ptr::from_ref(parts).cast_mut(), Ordering::Release);
    come_first();
}

/// Registers what is to be the last before a fork. Others are about to register theirs: libraries of the program may be loaded
/// before this one, and their constructors run before ours.
pub fn come_first() {
    static CAME: AtomicBool = AtomicBool::new(false);
    // What registers these comes here again.
    if !CAME.swap(true, Ordering::Relaxed) {
        // SAFETY: the handlers live for ever.
        unsafe { libc::pthread_atfork(Some(stop), Some(parent), Some(child)) };
    }
}

/// The process is about to fork, or to have a thread that runs coroutines: there will be something to do
/// [`Handlers::later`]. As late as that, so that the handlers of the program and of its allocator were there before; but
/// before the fork, which runs none of those that are added while it is under way.
pub fn look_after() {
    static LOOKS_AFTER: AtomicBool = AtomicBool::new(false);
    if !LOOKS_AFTER.load(Ordering::Acquire) {
        // SAFETY: the handlers live for ever. The second of two finds nothing to do.
        unsafe { libc::pthread_atfork(None, Some(later_in_parent), Some(later_in_child)) };
        LOOKS_AFTER.store(true, Ordering::Release);
    }
}

/// The helpers' lock is std's, which waits by `syscall`: in a coroutine that forks with hooks on it would park, and leave the
/// library standing still.
unsafe extern "C" fn stop() {
    annotate::forks(true);
    // SAFETY: once a fork, on its thread.
    tls::unhooked(|| parts().iter().for_each(|part| unsafe { (part.stop)() }));
}

fn go_on(side: Side) {
    // SAFETY: after `stop`, on the same thread.
    parts().iter().rev().for_each(|part| unsafe { (part.go_on)(side) });
    annotate::forks(false);
}

fn later(side: Side) {
    // SAFETY: after `go_on`, on the same thread.
    parts().iter().rev().for_each(|part| unsafe { (part.later)(side) });
}

unsafe extern "C" fn parent() {
    tls::unhooked(|| go_on(Side::Parent));
}

unsafe extern "C" fn later_in_parent() {
    tls::unhooked(|| later(Side::Parent));
}

/// Forks by a call that libc knows nothing of, and that gives 0 in the child: libc runs no handlers, but ours must.
///
/// # Safety
/// The child goes on where the caller is, on a copy of all memory, with descriptors of its own.
pub unsafe fn without_libc(fork: impl FnOnce() -> c_long) -> c_long {
    // SAFETY: as libc calls them; the thread's own word for errors is valid.
    unsafe {
        stop();
        let result = fork();
        let errno = *libc::__errno_location();
        if result == 0 {
            child();
            later_in_child();
        } else {
            parent();
            later_in_parent();
        }
        *libc::__errno_location() = errno;
        result
    }
}

/// The process is a child in which `later` is still to come.
static FRESH: AtomicBool = AtomicBool::new(false);
/// The hook word that its thread had: nothing may park before all is in order.
static WORD: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn child() {
    FRESH.store(true, Ordering::Relaxed);
    WORD.store(tls::hook_word(), Ordering::Relaxed);
    tls::set_hook_word(0);
    go_on(Side::Child);
}

unsafe extern "C" fn later_in_child() {
    if FRESH.swap(false, Ordering::Relaxed) {
        later(Side::Child);
        tls::set_hook_word(WORD.load(Ordering::Relaxed));
    }
}
