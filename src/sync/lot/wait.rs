//! The algorithms of those who wait in the lot.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use core::time::Duration;

use super::linger::linger;
use super::{Held, Place, belongs_to_others, bucket, is_behind_own, is_first, leave, stand};
use crate::clock::{self, Nanos};
use crate::scheduler::{NAP, Scheduler};
use crate::sync::Limit;
use crate::sys;
use crate::waiter::{Interrupt, Wake};

/// How often the one who waits longest looks again without being told: at first, and later.
const SOON: Nanos = 250_000;
const SELDOM: Nanos = 10_000_000;
/// Those behind him, who follow when he has left, look so much more rarely.
const BEHIND: Nanos = 4;
const BEHIND_SELDOM: Nanos = 100_000_000;
/// Where releases are told of, a long wait is looked at ever more rarely: what nobody tells of is noticed late by such a part
/// of the wait, and by so much at most.
const PART: Nanos = 8;
const MOST: Nanos = 1_000_000_000;

/// When to look first where releases are told of. Beyond the kernel's tick: a sleep that may end before it takes twice the
/// time, for setting the timer.
const LATE: Nanos = 5_000_000;
/// The same, as it has proved right: sooner, for a while, once a release was found that nobody had told of.
static FIRST_LOOK: AtomicU64 = AtomicU64::new(LATE);

/// Notes how a wait has ended well.
fn found(told: bool) {
    let first = FIRST_LOOK.load(Ordering::Relaxed);
    let next = if told { LATE.min(first + first / 8) } else { SOON };
    if next != first {
        FIRST_LOOK.store(next, Ordering::Relaxed);
    }
}

/// How those who wait for one lock behave to each other.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Newcomers go behind who waits already, where he could not run otherwise.
    queues: bool,
    /// Who got the lock lets the next one try as well.
    shares: bool,
    /// Signal handlers end the wait, with EINTR.
    interruptible: bool,
    /// Who releases it tells.
    told: bool,
    /// The word that tells who has it, if one does.
    owner: *const AtomicI32,
}

impl Manner {
    /// Owned by one at a time.
    pub const EXCLUSIVE: Manner =
        Manner { queues: true, shares: false, interruptible: false, told: true, owner: ptr::null() };
    /// Several may have it at once, and come in their turn: readers that let writers go first.
    pub const POLITE: Manner = Manner { shares: true, ..Self::EXCLUSIVE };
    /// Several may get one: semaphores.
    pub const COUNTED: Manner = Manner { interruptible: true, ..Self::POLITE };
    /// Several may have it at once, and come first: readers.
    pub const SHARED: Manner = Manner { queues: false, ..Self::POLITE };
    /// An event that is looked for.
    pub const EVENT: Manner = Manner { shares: false, told: false, ..Self::SHARED };

    /// The same for a lock that its owner may release soon: who that is `word` tells, or zero.
    pub const fn owned(self, word: &AtomicI32) -> Manner {
        Manner { owner: word, ..self }
    }

    /// The same for a lock that other processes may have, who tell nobody here, if it is one.
    pub const fn between_processes(self, shared: bool) -> Manner {
        Manner { told: self.told && !shared, ..self }
    }

    /// The word that tells who has it, where to wait for him on the thread may be right.
    unsafe fn owner<'a>(self) -> Option<&'a AtomicI32> {
        // SAFETY: a lock stays as long as somebody waits for it.
        if self.told { unsafe { self.owner.as_ref() } } else { None }
    }

    fn first_look(self) -> Nanos {
        if self.told { FIRST_LOOK.load(Ordering::Relaxed) } else { SOON }
    }

    /// How long until the next look at most, of one who stands at `place`.
    fn seldom(self, place: &Place, is_first: bool) -> Nanos {
        let seldom = if is_first { SELDOM } else { BEHIND_SELDOM };
        let waited = if self.told { clock::now().saturating_sub(place.since) } else { 0 };
        seldom.max(MOST.min(waited / PART))
    }
}

/// Makes an attempt until it no longer gives EBUSY, and gives what it gave; ETIMEDOUT when the limit comes first.
/// The limit is asked for when the call would block: what is wrong with it then is the result.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; not inside libc (invariant 3).
pub unsafe fn persist(
    scheduler: *mut Scheduler, address: usize, manner: Manner, limit: impl FnOnce() -> Result<Limit, c_int>,
    mut attempt: impl FnMut() -> c_int,
) -> c_int {
    // SAFETY: by contract.
    unsafe { Scheduler::passes(scheduler) };
    let mut behind = manner.queues && belongs_to_others(address, scheduler);
    if !behind {
        let result = attempt();
        if result != libc::EBUSY {
            return result;
        }
    }
    let limit = match limit() {
        Ok(limit) => limit,
        Err(error) => return if behind { recheck(attempt(), error) } else { error },
    };
    // SAFETY: by contract; the frame owns nothing while it is parked, and leaves its place before it ends.
    unsafe {
        if let Some(owner) = manner.owner()
            && !behind
        {
            let result = linger(scheduler, address, owner, &limit, &mut attempt);
            if result != libc::EBUSY {
                return result;
            }
        }
        let Some(place) = stand(scheduler, address, 0) else {
            return nap_until_done(scheduler, &limit, attempt);
        };
        // The kernel restarts no wait that has an end (signal(7)).
        let interrupt = match manner.interruptible {
            false => Interrupt::Never,
            true if limit.is_never() => Interrupt::Unrestarted,
            true => Interrupt::Any,
        };
        let since = Scheduler::moment(scheduler);
        let mut look = manner.first_look();
        let mut look_behind = look * BEHIND;
        let mut told = true;
        loop {
            if !behind || limit.is_over() {
                (*place).tries.store(true, Ordering::Release);
                let result = attempt();
                if result != libc::EBUSY {
                    if manner.told {
                        found(told);
                    }
                    let failed = result != 0 && result != libc::EOWNERDEAD;
                    leave(scheduler, place, manner.shares || failed);
                    return result;
                }
                (*place).tries.store(false, Ordering::Release);
            }
            if limit.is_over() {
                leave(scheduler, place, true);
                return libc::ETIMEDOUT;
            }
            let first = is_first(&*place);
            let look = if first { &mut look } else { &mut look_behind };
            Scheduler::interruptible(scheduler, interrupt, since);
            let wake = Scheduler::wait_shown(scheduler, limit.deadline().min(clock::after_nanos(*look)));
            *look = manner.seldom(&*place, first).min(*look * 2);
            told = look_again(place) || wake != Wake::TimedOut;
            if wake == Wake::Interrupted {
                // Even if the handler has just posted, as with a thread.
                leave(scheduler, place, true);
                return libc::EINTR;
            }
            behind = manner.queues && is_behind_own(&*place, scheduler);
        }
    }
}

fn recheck(result: c_int, error: c_int) -> c_int {
    if result == libc::EBUSY { error } else { result }
}

/// The wait begins again: whoever releases the lock from now on must tell anew. Gives whether somebody had.
unsafe fn look_again(place: *const Place) -> bool {
    // SAFETY: the running coroutine stands there, and its waiter is idle.
    unsafe {
        (*(*place).waiter).arm();
        let poked = (*place).poked.swap(false, Ordering::SeqCst);
        (*place).told.set(poked || (*place).told.get());
        poked
    }
}

/// Without memory for a place there is nobody to tell us.
unsafe fn nap_until_done(
    scheduler: *mut Scheduler, limit: &Limit, mut attempt: impl FnMut() -> c_int,
) -> c_int {
    loop {
        let result = attempt();
        if result != libc::EBUSY {
            return result;
        }
        if limit.is_over() {
            return libc::ETIMEDOUT;
        }
        // SAFETY: by contract of `persist`.
        unsafe { Scheduler::sleep(scheduler, limit.deadline().min(clock::after(NAP))) };
    }
}

/// How a wait for a call ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody called.
    Called,
    /// The look was enough, or the one who waits is to be cancelled.
    Looked,
    /// The limit came first.
    TimedOut,
}

/// Parks the running coroutine until it is called out of its place, or `look` says that it need not wait any more:
/// asked every `relook`, and told whether somebody poked. The place is gone afterwards. `by` says whether a cancellation
/// ends the wait; handlers never do.
///
/// # Safety
/// As for [`persist`]; the coroutine stands at `place`.
pub unsafe fn until_called(
    scheduler: *mut Scheduler, place: *const Place, limit: &Limit, relook: Duration, by: Interrupt,
    mut look: impl FnMut(bool) -> bool,
) -> Ended {
    // SAFETY: by contract.
    unsafe {
        let since = Scheduler::moment(scheduler);
        loop {
            Scheduler::interruptible(scheduler, by, since);
            let wake = Scheduler::wait_shown(scheduler, limit.deadline().min(clock::after(relook)));
            let poked = look_again(place);
            // One who was called knows it by having been taken out.
            let over = limit.is_over();
            let looks = wake == Wake::TimedOut || poked;
            if (*place).is_out() || over || wake == Wake::Interrupted || (looks && look(poked)) {
                return match leave(scheduler, place, false) {
                    false => Ended::Called,
                    true if over => Ended::TimedOut,
                    true => Ended::Looked,
                };
            }
        }
    }
}

/// Whether anybody waits at `address` in vain so far: whoever just tries is seen off first.
pub fn is_still_awaited(address: usize) -> bool {
    loop {
        let (mut waits, mut tries) = (false, false);
        if let Some(held) = Held::to_tell(bucket(address)) {
            held.for_each_at(address, |place| match place.tries.load(Ordering::Acquire) {
                true => tries = true,
                false => waits = true,
            });
        }
        if waits || !tries {
            return waits;
        }
        sys::nap(10_000);
    }
}

impl Place {
    fn is_out(&self) -> bool {
        let _held = Held::new(bucket(self.address));
        self.queue.get().is_null() || self.promised.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::lot::poke;

    #[test]
    fn who_leaves_gets_no_message_of_the_wait_any_more() {
        let this = Scheduler::get_or_new();
        let word = 0u32;
        let address = (&raw const word).addr();
        // SAFETY: the thread's main coroutine runs and waits for nothing else; it leaves its place.
        unsafe {
            let place = stand(this, address, 0).unwrap();
            std::thread::scope(|scope| _ = scope.spawn(|| poke(address)));
            assert!(Scheduler::remote(this).has_mail());
            // Woken by its limit, say, before the thread has read its mail.
            (*(*place).waiter).disarm();
            assert!(look_again(place));
            assert!(leave(this, place, false));
            let mut mail = Vec::new();
            Scheduler::remote(this).take(&mut mail);
            assert!(mail.is_empty(), "{mail:?}");
        }
    }
}
