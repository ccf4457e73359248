//! Coroutines that have thread-local storage for themselves because the program asked for it (`threads::storage`).

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::Scheduler;
use crate::coroutine::{Coroutine, Storage};
use crate::tls;

/// Who makes such storage, and is told of its end.
pub struct Keeper {
    /// Runs the destructors of what is there, which gets its base. The storage need not be the one in force.
    pub destroy: unsafe fn(usize),
    /// Takes it back.
    pub take_back: unsafe fn(usize),
}

static KEEPER: AtomicPtr<Keeper> = AtomicPtr::new(ptr::null_mut());

fn keeper() -> &'static Keeper {
    // SAFETY: null, or one that lives for ever.
    match unsafe { KEEPER.load(Ordering::Acquire).as_ref() } {
        Some(keeper) => keeper,
        None => unreachable!("who has storage got it from somebody"),
    }
}

impl Scheduler {
    /// From now on coroutines of the calling thread may have storage of their own, which `keeper` takes back.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler, and none of its coroutines has had any before, unless this was called.
    pub unsafe fn expect_storage(this: *mut Scheduler, keeper: &'static Keeper) {
        KEEPER.store(ptr::from_ref(keeper).cast_mut(), Ordering::Release);
        // SAFETY: by contract; what is in force then is the thread's.
        unsafe {
            if (*this).common_base == 0 {
                let base = tls::base();
                ((*this).kernel_base, (*this).common_base) = (base, base);
            }
        }
    }

    /// [`Scheduler::kernel_base`] of another thread's scheduler.
    ///
    /// # Safety
    /// That thread has not ended, and has coroutines with bases of their own.
    pub unsafe fn kernel_base_of(this: *const Scheduler) -> usize {
        // SAFETY: by contract; it is set once.
        unsafe { (*this).kernel_base }
    }

    /// Whether the running coroutine has thread-local storage of its own.
    ///
    /// # Safety
    /// As for [`Scheduler::current`].
    #[inline(always)]
    pub unsafe fn has_storage(this: *mut Scheduler) -> bool {
        // SAFETY: by contract.
        unsafe { (*(*this).current).has_storage() }
    }

    /// Gives a coroutine that has not begun the storage at `base` for itself. `None` without memory.
    ///
    /// # Safety
    /// `this` is the calling thread's scheduler, `co` one of its coroutines; the storage is laid out like any thread's,
    /// with [its words](tls::provide) filled in. [`Scheduler::expect_storage`] was called.
    pub unsafe fn give_storage(co: *mut Coroutine, base: usize) -> Option<()> {
        // SAFETY: by contract.
        unsafe {
            (*co).set_base(base, Storage::Asked)?;
            (*co).close();
        }
        Some(())
    }

    /// The body of a coroutine has returned, or never does.
    pub(super) unsafe fn destroy_storage(co: *mut Coroutine) {
        // SAFETY: by contract of `give_storage`.
        unsafe {
            if (*co).begins_to_destroy() {
                (keeper().destroy)((*co).base());
            }
        }
    }

    /// Takes away the storage that a coroutine has for itself, if it has any. It does not run, and never goes on with what it
    /// did.
    #[cold]
    pub(super) unsafe fn end_storage(co: *mut Coroutine) {
        // SAFETY: by contract of `give_storage`.
        unsafe {
            if (*co).asked_for_storage() {
                // One that is released in the middle of a destructor does not run it again.
                Self::destroy_storage(co);
                (keeper().take_back)((*co).take_base());
            }
        }
    }
}
