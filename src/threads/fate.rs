//! Who may join a thread, and who disposes of it.

use core::ffi::c_int;
use core::sync::atomic::{AtomicUsize, Ordering};

/// How a thread's life ends and who disposes of it. All in one word, because the thread itself, the one who joins it and
/// the one who detaches it may be on different kernel threads.
#[derive(Debug)]
pub struct Fate(AtomicUsize);

/// It has ended. The other bits may be set too.
const ENDED: usize = 1;
/// Nobody may join it.
const DETACHED: usize = 2;
/// Who joins it, by the address of its [`Thread`](super::thread::Thread); zero when nobody does.
const JOINER: usize = !(ENDED | DETACHED);
/// A real thread joins it.
pub(super) const OUTSIDE: usize = 4;

impl Fate {
    pub(super) fn new(detached: bool) -> Self {
        Fate(AtomicUsize::new(if detached { DETACHED } else { 0 }))
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.0.load(Ordering::Acquire) & ENDED != 0
    }

    pub(super) fn is_detached(&self) -> bool {
        self.0.load(Ordering::Acquire) & DETACHED != 0
    }

    pub(super) fn joiner(&self) -> usize {
        self.0.load(Ordering::Acquire) & JOINER
    }

    /// It has ended; gives whether it was detached before, and nobody else will dispose of it.
    pub(super) fn end(&self) -> bool {
        self.0.fetch_or(ENDED, Ordering::AcqRel) & DETACHED != 0
    }

    /// Nobody joins it now who has not begun; gives whether it has ended, and the caller disposes of it. An error's
    /// number when it was detached before.
    pub(super) fn detach(&self) -> Result<bool, c_int> {
        let detached = |word| (word & (DETACHED | JOINER) == 0).then_some(word | DETACHED);
        match self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, detached) {
            Ok(before) => Ok(before & ENDED != 0),
            Err(word) if word & DETACHED != 0 => Err(libc::EINVAL),
            // libc leaves it to the one who joins.
            Err(_) => Ok(false),
        }
    }

    /// `thread` joins it from now on, unless somebody does or it is detached.
    pub(super) fn join(&self, thread: usize) -> bool {
        let joined = |word| (word & (DETACHED | JOINER) == 0).then_some(word | thread);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, joined).is_ok()
    }

    /// The one who joined it has given up.
    pub(super) fn leave(&self) {
        self.0.fetch_and(!JOINER, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_disposes_of_a_thread() {
        let detached_first = Fate::new(false);
        assert_eq!(detached_first.detach(), Ok(false));
        assert!(detached_first.end(), "the thread itself");

        let ended_first = Fate::new(false);
        assert!(!ended_first.end());
        assert_eq!(ended_first.detach(), Ok(true), "the one who detaches it");

        let joined = Fate::new(false);
        assert!(joined.join(64));
        assert_eq!(joined.detach(), Ok(false));
        assert!(!joined.end(), "the one who joins it");
    }

    #[test]
    fn a_thread_is_joined_by_one_who_may_give_up() {
        let fate = Fate::new(false);
        assert!(fate.join(64) && !fate.join(128));
        assert_eq!(fate.joiner(), 64);
        fate.leave();
        assert!(!fate.end() && fate.join(128) && fate.has_ended());
        assert!(!Fate::new(true).join(64));
        assert_eq!(Fate::new(true).detach(), Err(libc::EINVAL));
    }
}
