//! Hints: what a coroutine was told about the one that is resumed fourth after it, to fetch its stack in time.
//!
//! `asm/x86_64/hint.S` gives them, in those calls of `co_resume` that are lessons; `resume.S` follows them in every call.

use core::mem::offset_of;
use core::ptr;

use super::Scheduler;
use super::blocks::Blocks;
use crate::coroutine::Coroutine;

/// Room for more coroutines than this is room for many: with a few lines of its stack each, they leave a CPU's second cache
/// by turns.
const FEW: usize = 5120;

/// What one thread knows of the order in which it resumes its coroutines.
#[repr(C)]
pub(super) struct Hints {
    /// Those that co_resume went on with last, the latest first, but for the same one again; `main` in place of what is
    /// gone. The oldest of them is told where the stack of the one is that comes now.
    recent: [*mut Coroutine; 4],
    /// How many more calls of co_resume are lessons.
    lessons: usize,
}

impl Hints {
    /// Where the assembly finds what it needs in a scheduler.
    pub(super) const RECENT: usize = offset_of!(Hints, recent);
    /// See [`Hints::RECENT`].
    pub(super) const LESSONS: usize = offset_of!(Hints, lessons);

    /// Nothing is known yet: [`Hints::begin`] comes before the first resume.
    pub(super) const fn new() -> Self {
        Hints { recent: [ptr::null_mut(); 4], lessons: 0 }
    }

    /// Begins with the thread's `main`.
    pub(super) fn begin(&mut self, main: *mut Coroutine) {
        self.recent = [main; 4];
    }

    /// A coroutine has come to those in `blocks`: all learn who comes after them, until each was resumed twice. Where they
    /// are many the order is learned for ever, because to be wrong costs more than to learn.
    pub(super) fn learn(&mut self, blocks: &Blocks) {
        self.lessons = if blocks.room() > FEW { usize::MAX } else { 2 * blocks.used() + self.recent.len() };
    }

    /// Whether there are no more lessons.
    #[inline(always)]
    pub(super) fn are_learned(&self) -> bool {
        self.lessons == 0
    }
}

impl Scheduler {
    /// Nothing is hinted to a coroutine that is gone; a spare may be told.
    pub(super) unsafe fn forget_recent(this: *mut Scheduler, co: *mut Coroutine) {
        // SAFETY: the calling thread's scheduler.
        unsafe {
            let main = &raw mut (*this).main;
            for recent in &mut (*this).hints.recent {
                if *recent == co {
                    *recent = main;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::blocks::Orphans;

    #[test]
    fn the_order_is_learned_while_it_grows_and_for_ever_where_there_are_many() {
        let (mut blocks, mut orphans, mut hints) = (Blocks::new(), Orphans::new(), Hints::new());
        assert!(hints.are_learned());
        let mut before = 0;
        while blocks.room() <= FEW {
            blocks.allocate();
            hints.learn(&blocks);
            assert!(hints.lessons > before);
            before = hints.lessons;
        }
        assert_eq!(before, usize::MAX);
        // SAFETY: nothing is in them.
        unsafe { blocks.end(&mut orphans) };
    }
}
