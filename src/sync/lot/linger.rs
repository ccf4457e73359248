//! A short wait for a lock: on the thread, as any thread waits.
//!
//! Code that is in the middle of something of its thread's own may have to take locks there (OpenSSL seeds a thread's
//! generator of random numbers from one that all share), and counts on meeting nobody else of that thread meanwhile.
//! While the owner of the lock runs on another thread that is what it gets. To wait on the thread for an owner that is
//! parked would be to wait for what the thread itself may have to do.

use core::ffi::c_int;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicI32, Ordering};

use crate::clock::{self, Nanos};
use crate::scheduler::Scheduler;
use crate::sync::Limit;
use crate::sync::owner::{self, Owner};
use crate::{alone, sys};

/// How long at most, for one that runs: it may itself wait for this thread, in a way that nobody sees.
const LONG: Nanos = 1_000_000_000;
/// How long at most for a thread that runs no coroutines, and may wait for anything.
const SHORT: Nanos = 1_000_000;
/// How long before the CPU is left to others: most locks are released sooner than the kernel wakes anybody.
const AT_ONCE: Nanos = 10_000;
/// Attempts between two looks where the owner is.
const ATTEMPTS: u32 = 20;
/// So many looks in a row make sure that the owner is elsewhere.
const ENOUGH: u32 = 3;
/// How long the thread sleeps then.
const NAP: Nanos = 50_000;

/// Makes the attempt for as long as the owner runs on another thread, and gives what it gave: EBUSY if the coroutine must
/// park.
///
/// # Safety
/// As for [`super::persist`].
pub(super) unsafe fn linger(
    scheduler: *mut Scheduler, address: usize, owner: &AtomicI32, limit: &Limit,
    attempt: &mut impl FnMut() -> c_int,
) -> c_int {
    // SAFETY: by contract. Who has thread-local storage of his own meets nobody there.
    if unsafe { Scheduler::has_storage(scheduler) } || alone::is_alone() {
        return libc::EBUSY;
    }
    let since = clock::now();
    let (mut seen, mut looks) = (0, 0);
    loop {
        let who = owner.load(Ordering::Relaxed);
        let whereabouts = owner::whereabouts(address, who);
        // Where it runs it may be done soon.
        for _ in 0..if whereabouts == Owner::Elsewhere { 1 } else { ATTEMPTS } {
            let result = attempt();
            if result != libc::EBUSY {
                return result;
            }
            spin_loop();
        }
        // It may have gone from one to the next in between.
        looks = if whereabouts == Owner::Elsewhere && who == seen { looks + 1 } else { 0 };
        seen = who;
        let waited = clock::now() - since;
        let most = if whereabouts == Owner::Plain { SHORT } else { LONG };
        if looks == ENOUGH || waited > most || limit.is_over() {
            return libc::EBUSY;
        }
        if waited > AT_ONCE && looks == 0 {
            sys::nap(NAP);
        }
    }
}
