//! pthread's mutexes, in coroutines.
//!
//! Kinds that go by their owner (recursive, error-checking) belong to the coroutine that locked them. With priority
//! inheritance or a ceiling, and between processes unless they are robust, they belong to its thread, as far as the
//! owner matters.

use core::ffi::c_int;
use core::mem::zeroed;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use super::lot::{self, Manner};
use super::{Limit, owner};
use crate::scheduler::Scheduler;
use crate::sys;

/// libc's own functions.
pub struct Calls {
    /// `pthread_mutex_trylock`.
    pub try_lock: unsafe fn(*mut libc::pthread_mutex_t) -> c_int,
    /// `pthread_mutex_unlock`.
    pub unlock: unsafe fn(*mut libc::pthread_mutex_t) -> c_int,
}

/// libc's words, as its `bits/struct_mutex.h` shows them.
#[repr(C)]
struct Words {
    lock: AtomicU32,
    count: AtomicU32,
    owner: AtomicI32,
    users: AtomicU32,
    kind: AtomicI32,
}

/// The bits of `kind`.
const TYPE: c_int = 3;
const RECURSIVE: c_int = 1;
const ERROR_CHECKING: c_int = 2;
const ROBUST: c_int = 16;
const PRIORITIES: c_int = 32 | 64;
/// Set in all robust ones.
const SHARED: c_int = 128;
/// Those bits of a robust mutex's lock that name the owner.
const THREAD: u32 = 0x3fff_ffff;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Whoever unlocks it may.
    Plain,
    Recursive,
    ErrorChecking,
}

impl Words {
    unsafe fn of<'a>(mutex: *mut libc::pthread_mutex_t) -> &'a Words {
        const { assert!(size_of::<Words>() <= size_of::<libc::pthread_mutex_t>()) };
        // SAFETY: by contract of every function here, it is a mutex.
        unsafe { &*mutex.cast() }
    }

    /// Whether, and how, the owner matters and is a coroutine.
    fn kind(&self) -> Kind {
        let kind = self.kind.load(Ordering::Relaxed);
        match kind & TYPE {
            _ if kind & PRIORITIES != 0 || (kind & SHARED != 0 && kind & ROBUST == 0) => Kind::Plain,
            RECURSIVE => Kind::Recursive,
            ERROR_CHECKING => Kind::ErrorChecking,
            _ => Kind::Plain,
        }
    }

    /// Whether it is robust and some coroutine of the calling thread's has it: the lock itself then names the thread,
    /// which no other process can have.
    unsafe fn is_robust_here(&self, calls: &Calls) -> bool {
        // SAFETY: by contract of every function here.
        self.is_robust()
            && unsafe { self.lock.load(Ordering::Relaxed) & THREAD == thread_number(calls) as u32 }
    }

    fn is_robust(&self) -> bool {
        self.kind.load(Ordering::Relaxed) & ROBUST != 0
    }

    fn owner(&self) -> c_int {
        self.owner.load(Ordering::Relaxed)
    }
}

/// The number by which libc knows the calling thread, as a mutex gets to see it.
///
/// # Safety
/// The functions are libc's.
pub unsafe fn thread_number(calls: &Calls) -> c_int {
    // SAFETY: all zeroes and a kind are a valid mutex; nobody else sees it.
    unsafe {
        let mut probe: libc::pthread_mutex_t = zeroed();
        Words::of(&mut probe).kind.store(RECURSIVE, Ordering::Relaxed);
        (calls.try_lock)(&mut probe);
        Words::of(&mut probe).owner()
    }
}

/// Whether the running coroutine owns a mutex of a kind to which that matters.
///
/// # Safety
/// `mutex` is a mutex. The same holds for every function here.
pub unsafe fn is_own(mutex: *mut libc::pthread_mutex_t, calls: &Calls) -> bool {
    // SAFETY: by contract.
    unsafe {
        let words = Words::of(mutex);
        words.kind() != Kind::Plain
            && owner::is_own_mark(words.owner())
            && (!words.is_robust() || words.is_robust_here(calls))
    }
}

/// The running coroutine is about to unlock the mutex and to wait for a condition, and stays among its users meanwhile:
/// libc destroys no mutex that has any. Gives whether it does; only threads do, which nobody releases while they wait.
///
/// # Safety
/// As for [`lock`]. Once it has locked the mutex again, [`is_user_again`].
pub unsafe fn stay_user(scheduler: *mut Scheduler, mutex: *mut libc::pthread_mutex_t, calls: &Calls) -> bool {
    // SAFETY: by contract. Who has locked it is the only one to change this word.
    unsafe {
        let words = Words::of(mutex);
        let owner_matters = words.kind.load(Ordering::Relaxed) & (TYPE | ROBUST | PRIORITIES) != 0;
        let is_locked = || is_own(mutex, calls) || words.owner() == thread_number(calls);
        let stays = Scheduler::runs_thread(scheduler) && (!owner_matters || is_locked());
        if stays {
            words.users.store(words.users.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
        stays
    }
}

/// Locking has counted the coroutine once more.
///
/// # Safety
/// [`stay_user`] was true, and the running coroutine has locked the mutex again.
pub unsafe fn is_user_again(mutex: *mut libc::pthread_mutex_t) {
    // SAFETY: as above.
    unsafe {
        let words = Words::of(mutex);
        words.users.store(words.users.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Relaxed);
    }
}

/// Locks a mutex once more that the running coroutine owns; `otherwise` when its kind does not allow that.
///
/// # Safety
/// [`is_own`].
pub unsafe fn lock_again(mutex: *mut libc::pthread_mutex_t, calls: &Calls, otherwise: c_int) -> c_int {
    // SAFETY: by contract.
    unsafe {
        let words = Words::of(mutex);
        if words.kind() != Kind::Recursive {
            // A robust one says so even to those who only try.
            return if words.is_robust() { libc::EDEADLK } else { otherwise };
        }
        // Only the owner changes this word, and others only compare it with their own number.
        let mark = words.owner();
        words.owner.store(thread_number(calls), Ordering::Relaxed);
        let result = (calls.try_lock)(mutex);
        words.owner.store(mark, Ordering::Relaxed);
        result
    }
}

/// Lets a mutex that the running coroutine owns belong to its thread, for a call that libc makes with it.
///
/// # Safety
/// [`is_own`].
pub unsafe fn give_to_thread(mutex: *mut libc::pthread_mutex_t, calls: &Calls) {
    // SAFETY: by contract.
    unsafe { owner::take_mark(&Words::of(mutex).owner, thread_number(calls)) };
}

/// `pthread_mutex_trylock` for the running coroutine.
///
/// # Safety
/// As for [`is_own`].
pub unsafe fn try_lock(mutex: *mut libc::pthread_mutex_t, calls: &Calls) -> c_int {
    // SAFETY: by contract.
    unsafe {
        Scheduler::tries(mutex.addr(), || {
            let words = Words::of(mutex);
            let kind = words.kind();
            if kind == Kind::Plain {
                return (calls.try_lock)(mutex);
            }
            if is_own(mutex, calls) {
                return lock_again(mutex, calls, libc::EBUSY);
            }
            // libc would go by the thread.
            if owner::is_mark(words.owner()) && words.is_robust_here(calls) {
                return libc::EBUSY;
            }
            let result = (calls.try_lock)(mutex);
            // One that the thread had locked outside of any coroutine stays the thread's.
            let fresh = kind == Kind::ErrorChecking || words.count.load(Ordering::Relaxed) == 1;
            if result == 0 && fresh {
                owner::put_mark(&words.owner);
            }
            result
        })
    }
}

/// `pthread_mutex_lock` and its timed variants for the running coroutine.
///
/// # Safety
/// As for [`is_own`] and [`lot::persist`].
pub unsafe fn lock(
    scheduler: *mut Scheduler, mutex: *mut libc::pthread_mutex_t, calls: &Calls,
    limit: impl FnOnce() -> Result<Limit, c_int>,
) -> c_int {
    // SAFETY: by contract.
    unsafe {
        if is_own(mutex, calls) {
            return lock_again(mutex, calls, libc::EDEADLK);
        }
        let words = Words::of(mutex);
        let kind = words.kind.load(Ordering::Relaxed);
        let is_checking = kind & TYPE == ERROR_CHECKING;
        if is_checking && Scheduler::runs_thread(scheduler) && words.owner() == thread_number(calls) {
            return libc::EDEADLK;
        }
        let manner = Manner::EXCLUSIVE.owned(&words.owner).between_processes(kind & SHARED != 0);
        lot::persist(scheduler, mutex.addr(), manner, limit, || try_lock(mutex, calls))
    }
}

/// `pthread_mutex_unlock`, for anybody.
///
/// # Safety
/// As for [`is_own`].
pub unsafe fn unlock(mutex: *mut libc::pthread_mutex_t, calls: &Calls) -> c_int {
    // SAFETY: by contract. Once it is unlocked, another may destroy it: only its address is used from there on.
    unsafe {
        let words = Words::of(mutex);
        let mark = words.owner();
        let mut stays = false;
        if words.kind() != Kind::Plain && owner::is_mark(mark) {
            if !is_own(mutex, calls) {
                return libc::EPERM;
            }
            let thread = thread_number(calls);
            stays = words.kind() == Kind::Recursive && words.count.load(Ordering::Relaxed) > 1;
            if stays {
                words.owner.store(thread, Ordering::Relaxed);
            } else {
                owner::take_mark(&words.owner, thread);
            }
        }
        let result = (calls.unlock)(mutex);
        if stays {
            words.owner.store(mark, Ordering::Relaxed);
        } else {
            lot::poke(mutex.addr());
        }
        result
    }
}

/// The owner of a robust mutex has ended without unlocking it: whoever locks it next learns that, as after the end of
/// a kernel's thread.
///
/// # Safety
/// `mutex` is a mutex, which the thread that ends owns.
pub unsafe fn owner_has_ended(mutex: *mut libc::pthread_mutex_t) {
    const WAITERS: u32 = 0x8000_0000;
    const OWNER_DIED: u32 = 0x4000_0000;
    // SAFETY: by contract.
    unsafe {
        let words = Words::of(mutex);
        if owner::is_mark(words.owner()) {
            owner::take_mark(&words.owner, 0);
        }
        let waiters = words.lock.load(Ordering::Relaxed) & WAITERS;
        words.lock.store(waiters | OWNER_DIED, Ordering::SeqCst);
        sys::futex_wake(&words.lock, 1, true);
    }
    lot::poke(mutex.addr());
}
