//! How long a thread may sleep: a timer of the kernel's that stays set from sleep to sleep.
//!
//! A time-out of `epoll_pwait2` is a timer that the call sets and takes back, most often in vain: something becomes ready
//! before. An echo server with one connection spent two hundredths of its CPU on it. Limits that lie far ahead hardly change
//! from one sleep to the next, so one timer is set for them all, and set again only once it has gone off or is too late.
//! Where the kernel or libc lacks `epoll_pwait2` it is set for the near ones too: `epoll_wait` counts milliseconds.

use core::ffi::c_int;
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::io;

use super::{NOBODY, Reactor, descriptor, registry};
use crate::clock::{self, NEVER, Nanos};
use crate::sys;

/// How far ahead a limit must lie for the alarm to be set: less than the shorter time that a wait relies on a registration
/// (`doubt`), and more than a few times what it costs to set it and to be woken by it.
const FAR: Nanos = 5_000_000;

/// When the alarm goes off, and whether it is worth setting.
#[derive(Default)]
pub(super) struct Alarm {
    /// When it goes off; past, once it has.
    at: Nanos,
    /// The last sleep was over before its limit.
    cut_short: bool,
}

impl Alarm {
    /// A sleep is over, before its limit or not.
    pub fn slept(&mut self, cut_short: bool) {
        self.cut_short = cut_short;
    }
}

impl Reactor {
    /// Whether the thread need not see to it itself that a sleep which begins now ends when `until` comes.
    pub(super) fn alarm_ends_sleep(&mut self, epoll: c_int, until: Nanos) -> bool {
        // What goes off between `now` and the sleep ends it at once.
        until == NEVER
            || self.alarm.at > self.now && self.alarm.at <= until && self.has_alarm()
            || (self.alarm.cut_short && until > self.now + FAR || !sys::waits_exactly())
                && self.set_alarm(epoll, until).is_ok()
    }

    /// Whether nothing has become of it meanwhile.
    fn has_alarm(&self) -> bool {
        self.remote.alarm.load(Ordering::Relaxed) != -1
    }

    /// Sets the alarm. An error leaves it as good as gone off.
    fn set_alarm(&mut self, epoll: c_int, at: Nanos) -> io::Result<()> {
        self.alarm.at = 0;
        let mut alarm = self.remote.alarm.load(Ordering::Relaxed);
        if alarm == -1 {
            alarm = descriptor::adopt(sys::timerfd(libc::CLOCK_MONOTONIC)?)?;
            // Edge-triggered: each time that it goes off is an event, and nobody needs to read how often it did.
            let events = (libc::EPOLLIN | libc::EPOLLET) as u32;
            sys::epoll_add(epoll, alarm, events, NOBODY).inspect_err(|_| descriptor::discard(alarm))?;
            self.remote.alarm.store(alarm, Ordering::Relaxed);
        }
        sys::timerfd_set(alarm, clock::timespec(Duration::from_nanos(at))).inspect_err(|_| {
            // Somebody closed it by a raw system call, and the number may be the program's by now.
            registry::set_own(self.remote.alarm.swap(-1, Ordering::Relaxed), false);
        })?;
        self.alarm.at = at;
        Ok(())
    }
}
