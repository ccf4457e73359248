//! What the whole process knows of its descriptors: who has them registered, how often each was closed,
//! and which belong to the library.
//!
//! Any thread may close what another waits for. A number that some thread has registered carries a mark;
//! closing it bumps its generation, by which every registration made before is known to be stale.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::Arc;

use super::remote::{self, Message, Remote};
use crate::latch::Mutex;
use crate::sys;

const CHUNK: usize = 1 << 14;
const CHUNK_SIZE: usize = CHUNK * size_of::<AtomicU64>();
/// Descriptor numbers end at 2^26 here; the kernel's own ceiling (`fs.nr_open`) is 2^20 by default.
const CHUNKS: usize = 1 << 12;

/// One word a descriptor: generation in the upper half, then the library's mark, then three of what was made here,
/// then which threads have registered this generation: a bit each, which many threads share ([`Remote::bit`]).
static TABLE: [AtomicPtr<AtomicU64>; CHUNKS] = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS];
const GENERATION: u64 = 1 << 32;
const OWN: u64 = 1 << 31;
/// The number was made by this process, and no other can have its description.
const PRIVATE: u64 = 1 << 30;
/// The number was made by this process: closing it bumps its generation, though no thread may have registered it.
const MADE: u64 = 1 << 29;
/// What was made here never had a time-out, nor another number through which it could have got one.
const UNTIMED: u64 = 1 << 28;
const THREADS_OF: u64 = UNTIMED - 1;
const _: () = assert!(THREADS_OF == (1 << remote::BITS) - 1);

/// Nonzero once the process has something to keep, or is going to ([`begin`]): the trampolines of calls that close and
/// the like test it.
pub static ACTIVE: AtomicUsize = AtomicUsize::new(0);

/// The process is going to run coroutines: what it makes from now on is known when they come.
pub fn begin() {
    PROCESS.store(sys::process_id() as usize, Ordering::Relaxed);
    ACTIVE.store(1, Ordering::Release);
}

/// Whether the process has something to keep.
pub fn is_active() -> bool {
    ACTIVE.load(Ordering::Acquire) != 0
}

/// One past the highest number that was ever registered.
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

/// Bumped when a signal handler closed something: every thread then looks at all it has registered.
pub static SUSPICION: AtomicU32 = AtomicU32::new(0);

/// Bumped when the process forks: what is made by a call that a fork came between may be the child's too.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Bumped when a signal handler has closed something that was registered meanwhile: every thread then makes sure
/// of all registrations that somebody relies on.
pub static DOUBTS: AtomicU32 = AtomicU32::new(0);

/// A signal handler asks for all threads to be rung.
static RINGING: AtomicBool = AtomicBool::new(false);

/// The threads that run coroutines: see [`with_threads`].
static THREADS: Mutex<Vec<Arc<Remote>>> = Mutex::new(Vec::new());

/// The process that the registry speaks of; a `vfork` child shares the memory but not the descriptors.
static PROCESS: AtomicUsize = AtomicUsize::new(0);

#[inline(always)]
fn word(fd: c_int) -> Option<&'static AtomicU64> {
    // A negative number is beyond all chunks.
    let fd = fd as u32 as usize;
    let chunk = TABLE.get(fd / CHUNK)?.load(Ordering::Acquire);
    // SAFETY: a chunk holds CHUNK words and is never freed.
    (!chunk.is_null()).then(|| unsafe { &*chunk.add(fd % CHUNK) })
}

fn word_or_new(fd: c_int) -> Option<&'static AtomicU64> {
    let place = TABLE.get(usize::try_from(fd).ok()? / CHUNK)?;
    if place.load(Ordering::Acquire).is_null() {
        // Not from the allocator: a signal handler may make a descriptor, and have interrupted it.
        let fresh = sys::map(CHUNK_SIZE).ok()?;
        let words = fresh.cast();
        if place.compare_exchange(ptr::null_mut(), words, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: another thread was first; nobody saw this one.
            unsafe { sys::unmap(fresh, CHUNK_SIZE) };
        }
    }
    word(fd)
}

/// How often `fd` was closed while registered.
pub fn generation(fd: c_int) -> u32 {
    standing(fd).0
}

/// Remembers that a thread registers `fd`, and gives the generation in which it is remembered: one that follows forgets
/// it again. `None` when there is no room to remember it.
pub fn registered(fd: c_int, by: &Remote) -> Option<u32> {
    let before = word_or_new(fd)?.fetch_or(by.bit, Ordering::SeqCst);
    HIGHEST.fetch_max(fd as usize + 1, Ordering::Relaxed);
    ACTIVE.store(1, Ordering::Release);
    Some((before >> 32) as u32)
}

/// Marks or unmarks a descriptor as the library's own. `false` when there is no room for the mark.
pub fn set_own(fd: c_int, own: bool) -> bool {
    let Some(word) = word_or_new(fd) else { return false };
    if own {
        word.fetch_or(OWN, Ordering::AcqRel);
        HIGHEST.fetch_max(fd as usize + 1, Ordering::Relaxed);
        ACTIVE.store(1, Ordering::Release);
    } else {
        word.fetch_and(!OWN, Ordering::AcqRel);
    }
    true
}

/// Whether `fd` is the library's own, so that for the program it is not open.
pub fn is_own(fd: c_int) -> bool {
    word(fd).is_some_and(|w| w.load(Ordering::Acquire) & OWN != 0) && in_this_process()
}

/// Whether the caller is the process that the registry speaks of, and no `vfork` child of it.
pub fn in_this_process() -> bool {
    sys::process_id() as usize == PROCESS.load(Ordering::Relaxed)
}

/// Does something with the threads that run coroutines. Whoever has them rings for the handlers that could not.
fn with_threads<T>(work: impl FnOnce(&mut Vec<Arc<Remote>>) -> T) -> T {
    let result = work(&mut THREADS.lock());
    ring_for_handlers();
    result
}

/// Rings all threads if a handler asks for it. Takes no lock that it would have to wait for: whoever has it comes here
/// behind.
fn ring_for_handlers() {
    // Either the lock was given back before it is tried here, or the wish is seen by whoever gives it back.
    fence(Ordering::SeqCst);
    while RINGING.load(Ordering::SeqCst) {
        let Some(threads) = THREADS.try_lock() else { return };
        RINGING.store(false, Ordering::SeqCst);
        threads.iter().for_each(|remote| remote.ring());
        drop(threads);
        fence(Ordering::SeqCst);
    }
}

/// Shows `look` the threads that run coroutines. None of them ends meanwhile.
pub fn for_each(mut look: impl FnMut(&Remote)) {
    with_threads(|threads| threads.iter().for_each(|remote| look(remote)));
}

/// A thread begins to run coroutines.
pub fn enter(remote: &Arc<Remote>) {
    let process = sys::process_id() as usize;
    if PROCESS.swap(process, Ordering::Relaxed) != process {
        // A child of a fork that told nobody: what its parent made it has in common with it.
        (0..HIGHEST.load(Ordering::SeqCst)).for_each(|fd| shared(fd as c_int));
    }
    with_threads(|threads| threads.push(remote.clone()));
}

/// A thread ends.
pub fn leave(remote: &Arc<Remote>) {
    with_threads(|threads| threads.retain(|r| !Arc::ptr_eq(r, remote)));
}

/// How the registry learns that a number is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// It is about to be: what is registered can be found and removed.
    Now,
    /// It was, unseen: the kernel has removed what was registered, and given the number out anew.
    Unseen,
}

/// Makes every registration of `fd` stale, and tells the other threads that may have one. Gives whether `own`
/// thread may. Call it before the real close, in no signal handler.
pub fn closing(fd: c_int, own: Option<&Arc<Remote>>, how: Closing) -> bool {
    let Some(word) = word(fd) else { return false };
    if word.load(Ordering::SeqCst) & (OWN - 1) == 0 || !in_this_process() {
        return false;
    }
    let who = next_generation(word);
    let mut had = false;
    if who == 0 {
        return had;
    }
    with_threads(|threads| {
        for remote in threads.iter().filter(|remote| who & remote.bit != 0) {
            if how == Closing::Now {
                // A duplicate may keep the description open: its registration would outlive the number.
                let _ = sys::epoll_delete(remote.epoll.load(Ordering::Relaxed), fd);
            }
            // Whether or not there was something to remove: another thread may be closing it as well.
            if own.is_some_and(|own| Arc::ptr_eq(own, remote)) {
                had = true;
            } else {
                remote.post(Message::Closed(fd));
            }
        }
    });
    had
}

/// `fd` has just been closed, or replaced: whoever has registered it since [`closing`] told of it makes sure that
/// the registration stands. It may have gone with the old file, and the kernel says nothing then.
pub fn closed(fd: c_int) {
    let who = registered_by(fd);
    if who != 0 {
        let doubt = |remote: &Arc<Remote>| remote.post(Message::Doubt(fd));
        with_threads(|threads| threads.iter().filter(|remote| who & remote.bit != 0).for_each(doubt));
    }
}

/// The bits of the threads that have registered what `fd` is now.
fn registered_by(fd: c_int) -> u64 {
    let who = word(fd).map_or(0, |word| word.load(Ordering::SeqCst) & THREADS_OF);
    if who != 0 && in_this_process() { who } else { 0 }
}

/// [`closing`] for a signal handler: waits for no lock and touches no list; every thread looks for itself.
pub fn closing_in_handler(fd: c_int) {
    let Some(word) = word(fd) else { return };
    if word.load(Ordering::SeqCst) & (OWN - 1) != 0 && in_this_process() {
        // Though nobody may have it registered: what is remembered of it ends here.
        next_generation(word);
        SUSPICION.fetch_add(1, Ordering::SeqCst);
        RINGING.store(true, Ordering::SeqCst);
        ring_for_handlers();
    }
}

/// [`closed`] for a signal handler, likewise.
pub fn closed_in_handler(fd: c_int) {
    if registered_by(fd) != 0 {
        DOUBTS.fetch_add(1, Ordering::SeqCst);
        RINGING.store(true, Ordering::SeqCst);
        ring_for_handlers();
    }
}

/// Gives the threads that had registered the one before. Whatever has the number next is not private.
fn next_generation(word: &AtomicU64) -> u64 {
    let next = |w: u64| Some(((w & !(OWN - 1) & !(GENERATION - 1)) | (w & OWN)).wrapping_add(GENERATION));
    // The closure always gives a value.
    word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).unwrap_or(0) & THREADS_OF
}

/// The numbers from `first` to `last` that were ever registered or are the library's own.
pub fn known(first: c_int, last: c_int) -> impl Iterator<Item = (c_int, bool)> {
    let end = HIGHEST.load(Ordering::Relaxed).min((last as usize).saturating_add(1));
    (first.max(0) as usize..end).filter_map(|fd| {
        let value = word(fd as c_int)?.load(Ordering::Acquire);
        (value & (GENERATION - 1) != 0).then_some((fd as c_int, value & OWN != 0))
    })
}

/// Replaces the library's descriptor `old` by what `new` gives, wherever a thread uses it.
pub fn replace(old: c_int, new: impl Fn() -> c_int) {
    with_threads(|threads| {
        for remote in threads.iter() {
            for place in remote.descriptors() {
                if place.load(Ordering::Relaxed) == old {
                    place.store(new(), Ordering::Relaxed);
                }
            }
        }
    });
    set_own(old, false);
}

/// To be read before a call that makes a descriptor, for [`made_here`].
pub fn forks() -> u32 {
    FORKS.load(Ordering::SeqCst)
}

/// `fd` was just made by this process alone, by a call before which [`forks`] gave `forks`: accepted from `listener`, whose
/// time-outs it has, if from any.
pub fn made_here(fd: c_int, listener: Option<c_int>, forks: u32) {
    if !in_this_process() {
        return;
    }
    let Some(word) = word_or_new(fd) else { return };
    // From now on every change of settings is seen: before the program knows the number.
    ACTIVE.store(1, Ordering::Release);
    let untimed = if listener.is_none_or(is_untimed) { UNTIMED } else { 0 };
    word.fetch_or(PRIVATE | MADE | untimed, Ordering::SeqCst);
    HIGHEST.fetch_max(fd as usize + 1, Ordering::SeqCst);
    // A fork that came between either is seen here, or finds the mark.
    if FORKS.load(Ordering::SeqCst) != forks {
        shared(fd);
    }
}

/// Another process may have the description of `fd` from now on.
pub fn shared(fd: c_int) {
    if let Some(word) = word(fd) {
        word.fetch_and(!(PRIVATE | UNTIMED), Ordering::SeqCst);
    }
}

/// What `fd` means is about to have a time-out, or another number, through which it can get one.
pub fn timed(fd: c_int) {
    if let Some(word) = word(fd) {
        word.fetch_and(!UNTIMED, Ordering::SeqCst);
    }
}

/// Whether `fd` is known never to have had a time-out.
pub fn is_untimed(fd: c_int) -> bool {
    word(fd).is_some_and(|word| word.load(Ordering::SeqCst) & UNTIMED != 0)
}

/// Whether other threads than that one have registered `fd`, as far as their bits tell them apart.
pub fn has_others(fd: c_int, than: &Remote) -> bool {
    word(fd).is_some_and(|word| word.load(Ordering::SeqCst) & THREADS_OF & !than.bit != 0)
}

/// The generation of `fd`, and whether no other process can have its description.
#[inline(always)]
pub fn standing(fd: c_int) -> (u32, bool) {
    let value = word(fd).map_or(0, |word| word.load(Ordering::SeqCst));
    ((value >> 32) as u32, value & PRIVATE != 0)
}

/// The generation of `fd` if no other process can have its description.
#[inline(always)]
pub fn private_generation(fd: c_int) -> Option<u32> {
    let (generation, private) = standing(fd);
    private.then_some(generation)
}

/// Holds the registry still while the process forks.
pub fn stop_for_fork() {
    FORKS.fetch_add(1, Ordering::SeqCst);
    core::mem::forget(THREADS.lock());
}

/// Lets it go on after a fork, on both sides: what was private is no more.
///
/// # Safety
/// Follows [`stop_for_fork`] on the same thread.
pub unsafe fn go_on_after_fork() {
    (0..HIGHEST.load(Ordering::SeqCst)).for_each(|fd| shared(fd as c_int));
    // SAFETY: by contract the lock is held.
    unsafe { THREADS.force_unlock() };
    ring_for_handlers();
}

/// In the child none of the parent's threads and registrations is left; the forking thread enters anew.
///
/// # Safety
/// Follows [`go_on_after_fork`]; the process has one thread.
pub unsafe fn tidy_after_fork() {
    for remote in with_threads(core::mem::take) {
        for place in remote.descriptors() {
            let fd = place.swap(-1, Ordering::Relaxed);
            if fd >= 0 {
                set_own(fd, false);
                sys::close(fd);
            }
        }
        // Another thread may have held its inbox when it ceased to exist.
        core::mem::forget(remote);
    }
    for (fd, _) in known(0, c_int::MAX) {
        if let Some(word) = word(fd) {
            word.fetch_and(!(OWN - 1) | MADE, Ordering::AcqRel);
        }
    }
    PROCESS.store(sys::process_id() as usize, Ordering::Relaxed);
}
