//! Monotonic time in nanoseconds. Deadlines are points on this clock; time-outs round up, never down.

use core::time::Duration;

/// A point in time on `CLOCK_MONOTONIC`, in nanoseconds.
pub type Nanos = u64;

/// A deadline that never comes.
pub const NEVER: Nanos = u64::MAX;

/// The time now. Read through the vDSO: no system call.
pub fn now() -> Nanos {
    let t = read(libc::CLOCK_MONOTONIC);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// The processor's time-stamp counter: a hint whether time has passed, at a fifth of what [`now`] costs. It runs at one to
/// five in a nanosecond, or differently, and threads that move may see it jump.
#[inline(always)]
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 has it; where the kernel forbids it, the vDSO's clock, which needs it, is forbidden too.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The time now on another clock; zero on one that does not exist.
pub fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is a valid timespec.
    unsafe { libc::clock_gettime(clock, &mut t) };
    t
}

/// The deadline that lies `wait` from now, or [`NEVER`] when it lies beyond the clock's range.
pub fn after(wait: Duration) -> Nanos {
    match u64::try_from(wait.as_nanos()) {
        Ok(nanos) => now().saturating_add(nanos),
        Err(_) => NEVER,
    }
}

/// The deadline that lies `wait` nanoseconds from now; [`NEVER`] for [`NEVER`], without reading the clock.
pub fn after_nanos(wait: Nanos) -> Nanos {
    if wait == NEVER { NEVER } else { now().saturating_add(wait) }
}

/// The deadline of a time-out in milliseconds as `poll` takes it: negative means never.
pub fn after_millis(timeout: i32) -> Nanos {
    match u64::try_from(timeout) {
        Ok(millis) => after(Duration::from_millis(millis)),
        Err(_) => NEVER,
    }
}

/// Whether `deadline` is still to come; [`NEVER`] always is, and the clock is not read.
#[inline(always)]
pub fn is_ahead(deadline: Nanos) -> bool {
    deadline == NEVER || now() < deadline
}

/// What is left until `deadline`; zero once it has passed.
pub fn left(deadline: Nanos) -> Duration {
    Duration::from_nanos(deadline.saturating_sub(now()))
}

/// How long a `timespec` of the program's is; `None` where the kernel refuses it as no time.
pub fn duration(time: libc::timespec) -> Option<Duration> {
    let seconds = u64::try_from(time.tv_sec).ok()?;
    (0..1_000_000_000).contains(&time.tv_nsec).then(|| Duration::new(seconds, time.tv_nsec as u32))
}

/// A duration as the kernel's `timespec`, saturating at its range.
pub fn timespec(wait: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(wait.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_timeout_never_ends() {
        assert_eq!(after_millis(-1), NEVER);
        assert_eq!(after_millis(i32::MIN), NEVER);
    }

    #[test]
    fn a_timeout_ends_no_earlier_than_asked() {
        let before = now();
        assert!(after_millis(25) >= before + 25_000_000);
    }

    #[test]
    fn a_deadline_is_ahead_until_it_comes() {
        assert!(is_ahead(NEVER) && is_ahead(after_millis(100_000)));
        assert!(!is_ahead(0) && !is_ahead(now()));
    }

    #[test]
    fn a_wait_beyond_the_clock_never_ends() {
        assert_eq!(after(Duration::MAX), NEVER);
        assert_eq!(after(Duration::from_nanos(u64::MAX)), NEVER);
    }

    #[test]
    fn a_time_is_one_that_the_kernel_takes() {
        let of = |tv_sec, tv_nsec| duration(libc::timespec { tv_sec, tv_nsec });
        assert_eq!(of(1, 999_999_999), Some(Duration::new(1, 999_999_999)));
        assert_eq!([of(-1, 0), of(0, -1), of(0, 1_000_000_000)], [None; 3]);
    }
}
