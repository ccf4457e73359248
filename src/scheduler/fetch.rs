//! What is fetched into the cache before a coroutine goes on: where many wait, all that they touch is cold.

use super::Scheduler;
use crate::cache::{LINE, fetch};
use crate::coroutine::Coroutine;
use crate::list::List;
use crate::waiter::Waiter;

/// Stacks whose pages are looked for at once.
pub(super) const AT_ONCE: u32 = 8;
/// So many coroutines before one runs, the rest of its stack is fetched.
const BEFORE: u32 = 2;
/// Cache lines of a stack that are worth fetching: the frames of a call that waits.
const STACK_LINES: usize = 6;
/// The same of a call that waits for a descriptor.
const STACK_LINES_IO: usize = 8;

impl Scheduler {
    /// Fetches the first line of the stacks of those who run next, or of what is kept of shared ones: where many wait, they
    /// are cold. Several at once, because a stack has a page of its own, and to find pages takes longer than anything else,
    /// one after another.
    #[inline(always)]
    pub(super) unsafe fn fetch_pages(batch: &List) {
        // SAFETY: by contract of `run_ready`.
        unsafe {
            let mut link = batch.first();
            for _ in 0..BEFORE + AT_ONCE {
                if link.is_null() {
                    return;
                }
                Self::fetch_stack(Coroutine::of_waiter(Waiter::of(link)), 1);
                link = batch.after(link);
            }
        }
    }

    /// Fetches the rest of the stack of one who runs soon.
    #[inline(always)]
    pub(super) unsafe fn fetch_next(batch: &List) {
        // SAFETY: by contract of `run_ready`.
        unsafe {
            let mut link = batch.first();
            for _ in 1..BEFORE {
                if link.is_null() {
                    return;
                }
                link = batch.after(link);
            }
            if !link.is_null() {
                Self::fetch_frames(Coroutine::of_waiter(Waiter::of(link)));
            }
        }
    }

    /// Fetches what a coroutine touches when it goes on with the call in which it waits.
    #[inline(always)]
    pub(super) unsafe fn fetch_frames(co: *mut Coroutine) {
        // SAFETY: by contract of `run_ready`.
        unsafe {
            match (*co).more_place() {
                place if place.is_null() => {
                    Self::fetch_stack(co, STACK_LINES);
                    // Its next deadline is put in place below where it parks.
                    fetch((*co).live_bytes().wrapping_sub(LINE));
                }
                place => {
                    fetch(place);
                    fetch(place.wrapping_byte_add(LINE));
                    Self::fetch_stack(co, STACK_LINES_IO);
                }
            }
        }
    }

    /// Fetches the first lines of a coroutine's stack, or of what is kept of a shared one.
    #[inline(always)]
    unsafe fn fetch_stack(co: *mut Coroutine, lines: usize) {
        // SAFETY: by contract of `run_ready`.
        let bytes = unsafe { (*co).live_bytes() };
        (0..lines).for_each(|i| fetch(bytes.wrapping_add(i * LINE)));
    }
}
