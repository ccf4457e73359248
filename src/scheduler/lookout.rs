//! Whether a thread that has nothing to do looks out for messages for a moment before it sleeps.
//!
//! To sleep and to be woken costs two threads several microseconds, more than some answers take that another thread has
//! been asked for. So a thread looks out once its last sleeps were short and ended by messages, for about as long as a
//! sleep costs, and no longer than it goes on to come true: alone on its CPU, or waiting for one that is slow, it is at
//! once as it was. Nobody is kept from anything meanwhile: whoever leaves a message finds a thread that need not be rung.

use core::hint;

use crate::clock;

/// How long it looks, in steps of [`clock::ticks`]: a few microseconds.
const LENGTH: u64 = 15_000;
/// A sleep that looking out might have spared: the waking is counted in.
const SHORT: u64 = 60_000;
/// How many such sleeps in a row it takes: at first, and after looking out has failed again and again.
const FEW: u32 = 4;
const MANY: u32 = 1024;
/// What it has to lose when it begins, and the most it can have; each failure costs as much as two successes bring.
const CREDIT: i32 = 4;
const MOST: i32 = 8;

/// What a thread has learnt.
pub(super) struct Lookout {
    /// It looks out while this is positive.
    credit: i32,
    /// Short sleeps in a row while it does not.
    short: u32,
    /// How many it takes.
    needed: u32,
    /// The last sleep was ended by a message: the next one is measured.
    heard: bool,
    /// When it began.
    since: u64,
}

impl Default for Lookout {
    fn default() -> Self {
        Lookout { credit: 0, short: 0, needed: FEW, heard: false, since: 0 }
    }
}

impl Lookout {
    /// Looks out if that has proved right, until something `came`. Gives whether it did.
    #[inline(always)]
    pub fn sees(&mut self, came: impl Fn() -> bool) -> bool {
        self.credit > 0 && self.watch(came)
    }

    #[cold]
    fn watch(&mut self, came: impl Fn() -> bool) -> bool {
        let begin = clock::ticks();
        while !came() {
            hint::spin_loop();
            if clock::ticks().wrapping_sub(begin) > LENGTH {
                self.failed();
                return false;
            }
        }
        self.credit = MOST.min(self.credit + 1);
        if self.credit == MOST {
            self.needed = FEW;
        }
        true
    }

    fn failed(&mut self) {
        self.credit -= 2;
        if self.credit <= 0 {
            self.short = 0;
            self.needed = MANY.min(self.needed * 2);
        }
    }

    /// The thread goes to sleep.
    #[inline(always)]
    pub fn sleeps(&mut self) {
        if self.heard {
            self.since = clock::ticks();
        }
    }

    /// It is awake; `heard`: by a message.
    #[inline(always)]
    pub fn wakes(&mut self, heard: bool) {
        if heard && self.heard && clock::ticks().wrapping_sub(self.since) < SHORT {
            self.short += 1;
            if self.short >= self.needed && self.credit <= 0 {
                self.credit = CREDIT;
            }
        } else {
            self.short = 0;
        }
        self.heard = heard;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleep(lookout: &mut Lookout, heard: bool) {
        lookout.sleeps();
        lookout.wakes(heard);
    }

    fn sleeps_until_it_looks(lookout: &mut Lookout) -> u32 {
        (1..2 * MANY)
            .find(|_| {
                sleep(lookout, true);
                lookout.credit > 0
            })
            .unwrap()
    }

    #[test]
    fn who_is_not_told_of_anything_never_looks_out() {
        let mut lookout = Lookout::default();
        (0..100).for_each(|_| sleep(&mut lookout, false));
        assert!(!lookout.sees(|| unreachable!("it looks")));
    }

    #[test]
    fn looking_out_in_vain_makes_it_rarer() {
        let mut lookout = Lookout::default();
        // The first message comes to one who has not begun to measure.
        assert_eq!(sleeps_until_it_looks(&mut lookout), FEW + 1);
        assert!(!lookout.sees(|| false) && lookout.credit > 0 && !lookout.sees(|| false));
        assert!(!lookout.sees(|| unreachable!("it looks")));
        assert_eq!(sleeps_until_it_looks(&mut lookout), 2 * FEW);
        while lookout.credit > 0 {
            assert!(!lookout.sees(|| false));
        }
        assert_eq!(sleeps_until_it_looks(&mut lookout), 4 * FEW);
    }

    #[test]
    fn looking_out_goes_on_while_it_mostly_comes_true() {
        let mut lookout = Lookout::default();
        sleeps_until_it_looks(&mut lookout);
        for _ in 0..100 {
            (0..4).for_each(|_| assert!(lookout.sees(|| true)));
            assert!(!lookout.sees(|| false) && lookout.credit > 0);
        }
    }
}
