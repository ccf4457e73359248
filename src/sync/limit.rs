//! Until when a call waits: a point on one of the clocks that pthread functions know.

use core::ffi::c_int;
use core::time::Duration;

use crate::clock::{self, NEVER, Nanos};

/// The wall clock may be set while somebody waits by it: this often we look.
const RELOOK: Duration = Duration::from_secs(1);

/// The end of a wait.
#[derive(Clone, Copy)]
pub struct Limit {
    clock: c_int,
    /// `None` never comes.
    at: Option<libc::timespec>,
}

impl Limit {
    /// No end.
    pub const NEVER: Limit = Limit { clock: libc::CLOCK_MONOTONIC, at: None };

    /// The point `at` of a clock; null never comes. EINVAL for another clock than the two that libc allows, or for
    /// no time.
    ///
    /// # Safety
    /// `at` is null or readable, as libc's own functions want it.
    pub unsafe fn new(clock: c_int, at: *const libc::timespec) -> Result<Limit, c_int> {
        // SAFETY: by contract.
        let at = unsafe { at.as_ref() }.copied();
        let no_time = at.is_some_and(|at| !(0..1_000_000_000).contains(&at.tv_nsec));
        if no_time || !Self::knows(clock) {
            return Err(libc::EINVAL);
        }
        Ok(Limit { clock, at })
    }

    /// Whether waits may be limited by this clock.
    pub fn knows(clock: c_int) -> bool {
        matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC)
    }

    /// Whether it never comes.
    pub fn is_never(&self) -> bool {
        self.at.is_none()
    }

    fn left(&self) -> Option<Duration> {
        let at = self.at?;
        let now = clock::read(self.clock);
        let nanos = (i128::from(at.tv_sec) - i128::from(now.tv_sec)) * 1_000_000_000
            + i128::from(at.tv_nsec - now.tv_nsec);
        Some(u64::try_from(nanos.max(0)).map_or(Duration::MAX, Duration::from_nanos))
    }

    /// Whether the time has come.
    pub fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// When to look again whether it has.
    pub fn deadline(&self) -> Nanos {
        match self.left() {
            None => NEVER,
            Some(left) if self.clock == libc::CLOCK_REALTIME => clock::after(left.min(RELOOK)),
            Some(left) => clock::after(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(clock: c_int, tv_sec: i64, tv_nsec: i64) -> Result<Limit, c_int> {
        // SAFETY: the time is there.
        unsafe { Limit::new(clock, &libc::timespec { tv_sec, tv_nsec }) }
    }

    #[test]
    fn what_is_no_time_or_no_clock_is_refused() {
        assert!(matches!(limit(libc::CLOCK_REALTIME, 0, 1_000_000_000), Err(libc::EINVAL)));
        assert!(matches!(limit(libc::CLOCK_MONOTONIC, 0, -1), Err(libc::EINVAL)));
        assert!(matches!(limit(libc::CLOCK_BOOTTIME, 0, 0), Err(libc::EINVAL)));
    }

    #[test]
    fn times_before_all_clocks_are_over_and_those_after_never_come() {
        assert!(limit(libc::CLOCK_REALTIME, i64::MIN, 0).unwrap().is_over());
        assert!(!limit(libc::CLOCK_MONOTONIC, i64::MAX, 0).unwrap().is_over());
        assert_eq!(limit(libc::CLOCK_MONOTONIC, i64::MAX, 0).unwrap().deadline(), NEVER);
        assert!(!Limit::NEVER.is_over());
    }
}
