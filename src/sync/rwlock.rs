//! pthread's read-write locks, in coroutines. The writer is the coroutine that locked, unless the lock is one of
//! several processes.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

use super::lot::{self, Manner};
use super::{Limit, owner};
use crate::scheduler::Scheduler;

/// A function of libc's for a lock.
pub type Call = unsafe fn(*mut libc::pthread_rwlock_t) -> c_int;

/// libc's words, as its `bits/struct_rwlock.h` shows them.
#[repr(C)]
struct Words {
    futexes: [AtomicI32; 6],
    writer: AtomicI32,
    shared: c_int,
    other: [c_int; 4],
    prefers: c_int,
}

/// `PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP`.
const WRITERS: c_int = 2;

impl Words {
    unsafe fn of<'a>(lock: *mut libc::pthread_rwlock_t) -> &'a Words {
        const { assert!(size_of::<Words>() <= size_of::<libc::pthread_rwlock_t>()) };
        // SAFETY: by contract of every function here, it is a lock.
        unsafe { &*lock.cast() }
    }
}

/// Whether the running coroutine is the writer.
///
/// # Safety
/// `lock` is a lock. The same holds for every function here.
pub unsafe fn is_own(lock: *mut libc::pthread_rwlock_t) -> bool {
    // SAFETY: by contract.
    owner::is_own_mark(unsafe { Words::of(lock) }.writer.load(Ordering::Relaxed))
}

/// `pthread_rwlock_trywrlock` for the running coroutine.
///
/// # Safety
/// As for [`is_own`].
pub unsafe fn try_write(lock: *mut libc::pthread_rwlock_t, attempt: Call) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let result = Scheduler::tries(lock.addr(), || attempt(lock));
        let words = Words::of(lock);
        if result == 0 && words.shared == 0 {
            owner::put_mark(&words.writer);
        }
        result
    }
}

/// `pthread_rwlock_wrlock` and its timed variants for the running coroutine.
///
/// # Safety
/// As for [`is_own`] and [`lot::persist`].
pub unsafe fn write(
    scheduler: *mut Scheduler, lock: *mut libc::pthread_rwlock_t, attempt: Call, limit: Limit,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if is_own(lock) {
            return libc::EDEADLK;
        }
        let words = Words::of(lock);
        let manner = Manner::EXCLUSIVE.owned(&words.writer).between_processes(words.shared != 0);
        lot::persist(scheduler, lock.addr(), manner, || Ok(limit), || try_write(lock, attempt))
    }
}

/// `pthread_rwlock_rdlock` and its timed variants for the running coroutine.
///
/// # Safety
/// As for [`write()`].
pub unsafe fn read(
    scheduler: *mut Scheduler, lock: *mut libc::pthread_rwlock_t, attempt: Call, limit: Limit,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if is_own(lock) {
            return libc::EDEADLK;
        }
        // libc does not see the writers that stand in the lot.
        let words = Words::of(lock);
        let manner = if words.prefers == WRITERS { Manner::POLITE } else { Manner::SHARED };
        let manner = manner.owned(&words.writer).between_processes(words.shared != 0);
        lot::persist(scheduler, lock.addr(), manner, || Ok(limit), || attempt_to_read(lock, attempt))
    }
}

/// `pthread_rwlock_tryrdlock` for the running coroutine: EBUSY too where a writer comes first who stands in the lot.
///
/// # Safety
/// As for [`is_own`].
pub unsafe fn try_read(lock: *mut libc::pthread_rwlock_t, attempt: Call) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if Words::of(lock).prefers == WRITERS && lot::is_awaited(lock.addr()) {
            return libc::EBUSY;
        }
        attempt_to_read(lock, attempt)
    }
}

unsafe fn attempt_to_read(lock: *mut libc::pthread_rwlock_t, attempt: Call) -> c_int {
    // SAFETY: by contract of the callers.
    Scheduler::tries(lock.addr(), || unsafe { attempt(lock) })
}

/// `pthread_rwlock_unlock`, for anybody. libc tells a writer's from a reader's by the writer's number, which
/// `thread` gives.
///
/// # Safety
/// As for [`is_own`].
pub unsafe fn unlock(
    lock: *mut libc::pthread_rwlock_t, release: Call, thread: impl FnOnce() -> c_int,
) -> c_int {
    // SAFETY: by contract. Once it is unlocked, another may destroy it.
    unsafe {
        let words = Words::of(lock);
        if owner::is_mark(words.writer.load(Ordering::Relaxed)) {
            owner::take_mark(&words.writer, thread());
        }
        let result = release(lock);
        lot::poke(lock.addr());
        result
    }
}
