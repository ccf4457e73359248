//! pthread's conditions, in coroutines.
//!
//! Coroutines stand in the lot, threads in libc's words; a signal goes to one of each. That may wake one too many,
//! which conditions allow, and never one too few.

use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use core::time::Duration;

use super::lot::{self, Ended};
use super::{Limit, mutex};
use crate::clock;
use crate::scheduler::{NAP, Scheduler};
use crate::waiter::Interrupt;

/// Signals of other processes reach nobody in the lot: who waits there wakes for no reason this often.
const SHARED_RELOOK: Duration = Duration::from_millis(10);

/// What libc keeps in one word of a condition, as its `bits/thread-shared-types.h` says of `__wrefs`: how it was made,
/// and above that how many wait.
const SHARED: u32 = 1;
const MONOTONIC: u32 = 2;

/// The words of a condition.
const WORDS: usize = size_of::<libc::pthread_cond_t>() / size_of::<u32>();

/// Which word that is. It has moved (glibc 2.41), so libc is asked to make a condition.
fn place_of_flags() -> usize {
    /// Up to glibc 2.40, for a libc that notes nothing there.
    const OLD: usize = 9;
    static PLACE: AtomicUsize = AtomicUsize::new(WORDS);
    let known = PLACE.load(Ordering::Relaxed);
    if known < WORDS {
        return known;
    }
    // SAFETY: both are initialised by libc before they are used, and a condition is words.
    let words: [u32; WORDS] = unsafe {
        let mut attributes = core::mem::zeroed();
        let mut cond = core::mem::zeroed();
        libc::pthread_condattr_init(&mut attributes);
        libc::pthread_condattr_setpshared(&mut attributes, libc::PTHREAD_PROCESS_SHARED);
        libc::pthread_condattr_setclock(&mut attributes, libc::CLOCK_MONOTONIC);
        libc::pthread_cond_init(&mut cond, &attributes);
        core::mem::transmute::<libc::pthread_cond_t, [u32; WORDS]>(cond)
    };
    let place = words.iter().position(|&word| word == SHARED | MONOTONIC).unwrap_or(OLD);
    PLACE.store(place, Ordering::Relaxed);
    place
}

unsafe fn flags(cond: *const libc::pthread_cond_t) -> u32 {
    // SAFETY: by contract of the callers, it is a condition.
    unsafe { (*cond.cast::<AtomicU32>().wrapping_add(place_of_flags())).load(Ordering::Relaxed) }
}

/// The clock of `pthread_cond_timedwait`.
///
/// # Safety
/// `cond` is a condition.
pub unsafe fn clock_of(cond: *const libc::pthread_cond_t) -> c_int {
    // SAFETY: by contract.
    if unsafe { flags(cond) } & MONOTONIC != 0 { libc::CLOCK_MONOTONIC } else { libc::CLOCK_REALTIME }
}

/// `pthread_cond_wait` and its timed variants for the running coroutine.
///
/// # Safety
/// As for [`mutex::lock`]; `cond` is a condition.
pub unsafe fn wait(
    scheduler: *mut Scheduler, cond: *mut libc::pthread_cond_t, mutex: *mut libc::pthread_mutex_t,
    calls: &mutex::Calls, limit: Limit,
) -> c_int {
    // SAFETY: by contract. The place is left on every way.
    unsafe {
        let shared = flags(cond) & SHARED != 0;
        // From here on nobody who locks the mutex later can signal in vain.
        let place = lot::stand(scheduler, cond.addr(), 0);
        let stays_user = mutex::stay_user(scheduler, mutex, calls);
        let unlocked = mutex::unlock(mutex, calls);
        let signalled = match place {
            Some(place) if unlocked != 0 => {
                lot::leave(scheduler, place, false);
                false
            }
            Some(place) => {
                let relook = if shared { SHARED_RELOOK } else { Duration::MAX };
                let ended =
                    lot::until_called(scheduler, place, &limit, relook, Interrupt::Cancelled, |poked| {
                        poked || shared
                    });
                ended != Ended::TimedOut
            }
            // Without memory it wakes for no reason.
            None => {
                if unlocked == 0 {
                    Scheduler::sleep(scheduler, limit.deadline().min(clock::after(NAP)));
                }
                !limit.is_over()
            }
        };
        if unlocked != 0 {
            return unlocked;
        }
        let locked = mutex::lock(scheduler, mutex, calls, || Ok(Limit::NEVER));
        if stays_user && matches!(locked, 0 | libc::EOWNERDEAD) {
            mutex::is_user_again(mutex);
        }
        match (locked, signalled) {
            (0, false) => libc::ETIMEDOUT,
            (error, _) => error,
        }
    }
}
