//! Thread-local storage for a coroutine of the interface, as a thread has it: for libraries that keep there what belongs
//! to one call, and wait in the middle of it.
//!
//! The block is the same as a thread's, `struct pthread` included, so `pthread_self` differs too. In all else such a
//! coroutine is like any other: the kernel's thread is the one it runs on, and what libc asks the kernel about it concerns
//! that one ([`kernel_thread`]).

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use super::block::Blocks;
use super::landing;
use super::layout::Layout;
use super::worker::prepare_libc;
use crate::coroutine::Coroutine;
use crate::scheduler::{Keeper, Scheduler};
use crate::{annotate, heap, tls};

/// The base of the process's first thread, as far as it is known.
static MAIN: AtomicUsize = AtomicUsize::new(0);
/// Null until the first coroutine asks for storage.
static POOL: AtomicPtr<Blocks> = AtomicPtr::new(ptr::null_mut());
/// The process is a child whose thread was not the first of its parent: libc knows the blocks no more, and cannot be told.
static FORGOTTEN: AtomicBool = AtomicBool::new(false);

static KEEPER: Keeper = Keeper { destroy, take_back };

fn pool() -> Option<&'static Blocks> {
    // SAFETY: null, or a pool that lives for ever.
    unsafe { POOL.load(Ordering::Acquire).as_ref() }
}

/// The library's constructor runs: as a rule on the first thread, which is made sure of later.
pub fn note_main() {
    MAIN.store(tls::base(), Ordering::Relaxed);
}

/// The pool, made when it is first asked for. ENOTSUP where libc is not known, ENOMEM.
fn pool_or_new() -> Result<&'static Blocks, c_int> {
    if FORGOTTEN.load(Ordering::Relaxed) || super::on().is_some() {
        return Err(libc::ENOTSUP);
    }
    if let Some(pool) = pool() {
        return Ok(pool);
    }
    let main = MAIN.load(Ordering::Relaxed);
    if main == 0 || annotate::sanitized() || annotate::on_valgrind() {
        return Err(libc::ENOTSUP);
    }
    let layout = Layout::find(tls::base(), main).map_err(|_| libc::ENOTSUP)?;
    let made = Blocks::new(layout, main);
    made.share();
    let made = Box::into_raw(heap::boxed(made).ok_or(libc::ENOMEM)?);
    if POOL.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire).is_err() {
        // SAFETY: another thread was first, and nobody knows of this one.
        drop(unsafe { Box::from_raw(made) });
    }
    pool().ok_or(libc::ENOMEM)
}

/// Gives a coroutine thread-local storage of its own. What it has already stays.
///
/// Errors: EBUSY when it has begun, EINVAL when it is another thread's or stands for a thread, ENOTSUP where threads cannot
/// be coroutines or are, ENOMEM.
///
/// # Safety
/// `co` was not released; hooks are off.
pub unsafe fn give(co: *mut Coroutine) -> Result<(), c_int> {
    let this = Scheduler::get();
    // SAFETY: by contract.
    unsafe {
        if this.is_null() || (*co).is_main || (*co).home.load(Ordering::Relaxed) != this.cast() {
            return Err(libc::EINVAL);
        }
        if (*co).has_storage() {
            return Ok(());
        }
        if (*co).started {
            return Err(libc::EBUSY);
        }
        let pool = pool_or_new()?;
        Scheduler::expect_storage(this, &KEEPER);
        prepare_libc();
        let base = pool.take(this.expose_provenance()).ok_or(libc::ENOMEM)?;
        tls::on_base(base, || pool.layout.begin());
        let (low, size) = (*co).stack().map_or((0, 0), |(low, size)| (low.addr(), size));
        pool.describe(base, [low, size, 0, 0], 0, false);
        if Scheduler::give_storage(co, base).is_none() {
            pool.give_back(base);
            return Err(libc::ENOMEM);
        }
    }
    Ok(())
}

unsafe fn destroy(base: usize) {
    if let Some(pool) = pool() {
        // SAFETY: by contract of the keeper: nobody else runs on the block. It goes on if it was in force.
        unsafe { tls::on_base(base, || pool.destroy_own(base)) };
    }
}

unsafe fn take_back(base: usize) {
    if let Some(pool) = pool() {
        // SAFETY: by contract of the keeper.
        unsafe {
            pool.give_up_mutexes(base);
            pool.give_back(base);
        }
    }
}

/// Whether the running coroutine has storage of its own, and the base of the kernel's thread if so.
fn kernel_base_elsewhere() -> Option<usize> {
    let running = Scheduler::running();
    // SAFETY: the coroutine that runs is valid.
    let own = !running.is_null() && unsafe { (*running).asked_for_storage() };
    own.then(Scheduler::kernel_base)
}

/// Does work of libc's as the kernel's thread, where that must find itself: so that `fork` gives the child that thread and
/// not the coroutine.
pub fn as_kernel_thread<T>(work: impl FnOnce() -> T) -> T {
    let Some(kernel) = kernel_base_elsewhere() else { return work() };
    // SAFETY: the kernel's thread runs nothing of its own meanwhile; `errno` is the coroutine's again afterwards.
    unsafe {
        let (result, errno) = tls::on_base(kernel, || (work(), *libc::__errno_location()));
        *libc::__errno_location() = errno;
        result
    }
}

/// The running coroutine is about to exit as a thread: it is the kernel's thread that does, once the coroutine's cleanup
/// handlers have run.
pub fn exits() {
    let (Some(kernel), Some(pool)) = (kernel_base_elsewhere(), pool()) else { return };
    // SAFETY: what is unwound from here on belongs to that thread; the coroutine's frames are its innermost.
    unsafe {
        let first = pool.exit(tls::base());
        if !first.is_null() {
            landing::append(first, pool.exit(kernel));
            pool.set_exit(kernel, first);
        }
        tls::set_base(kernel);
    }
}

/// The kernel's thread that is meant by a coroutine's `pthread_t`; any other thread is a kernel's itself.
///
/// # Safety
/// `thread` is some thread's, or was.
pub unsafe fn kernel_thread(thread: libc::pthread_t) -> libc::pthread_t {
    // SAFETY: by contract; blocks in use have a thread with a scheduler.
    unsafe {
        match pool() {
            Some(pool) if pool.holds(thread as usize) => {
                let scheduler = ptr::with_exposed_provenance_mut(tls::scheduler_at(thread as usize));
                Scheduler::kernel_base_of(scheduler) as libc::pthread_t
            }
            _ => thread,
        }
    }
}

/// `pthread_getattr_np` of a coroutine with storage of its own; `None` for any other thread.
///
/// # Safety
/// As for [`kernel_thread`]; `attributes` is writable.
pub unsafe fn attributes(thread: libc::pthread_t, attributes: *mut libc::pthread_attr_t) -> Option<c_int> {
    // SAFETY: by contract.
    unsafe {
        let pool = pool().filter(|pool| pool.holds(thread as usize))?;
        Some(pool.attributes(thread as usize, attributes))
    }
}

/// Nobody else has the pool while the process forks.
pub(super) fn stop_for_fork() {
    if let Some(pool) = pool() {
        pool.stop_for_fork();
    }
}

/// After [`stop_for_fork`].
pub(super) fn go_on_after_fork() {
    if let Some(pool) = pool() {
        pool.go_on_after_fork();
    }
}

/// The child has this one thread, and its coroutines have their blocks still.
pub(super) fn later_in_child() {
    let Some(pool) = pool() else { return };
    let kernel = Scheduler::kernel_base();
    let thread = if kernel == 0 { tls::base() } else { kernel };
    if thread == MAIN.load(Ordering::Relaxed) {
        // SAFETY: the child has this one thread.
        unsafe { pool.link_again() };
    } else {
        FORGOTTEN.store(true, Ordering::Relaxed);
    }
}
