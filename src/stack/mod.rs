//! Stacks: sizes, the pool of private ones, and shared ones whose contents are copied away.
//!
//! A private stack, from low to high addresses:
//!
//! ```text
//!   | guard: any access faults | usable, at least what was asked for | colour |
//!                              low                                   top
//! ```
//!
//! The colour is 0 to 47 cache lines by the stack's number: tops at equal page offsets would all
//! compete for the same few sets of the first-level cache (measured: 2.6 times slower at 1,000 stacks).
//!
//! - `pool`, `guard`: private stacks, and the inaccessible range below each stack
//! - `shared`: shared stacks, and whose frames are in one
//! - `areas`, `rows`, `sizes`: where the live bytes of those are kept that wait
//! - `alternate`: where signal handlers run when a stack has overflown

mod alternate;
mod areas;
mod guard;
mod pool;
mod rows;
mod shared;
mod sizes;

pub use alternate::Alternate;
pub use areas::Areas;
pub use pool::{Pool, Stack};
pub use rows::OWNER;
pub use shared::{SharedStacks, Slot, Tenant};
pub use sizes::STEP as SAVED_STEP;

/// The size of a page on every x86-64.
pub const PAGE: usize = 4096;
/// What a coroutine gets when it asks for nothing, as in libco.
pub const DEFAULT_SIZE: usize = 128 * 1024;
/// The largest stack; larger requests get this one, as in libco.
pub const MAX_SIZE: usize = 8 * 1024 * 1024;
/// Inaccessible bytes below each stack: a frame of up to this size cannot step over them.
pub const GUARD: usize = 16 * 1024;

/// The size of stack that a request gets: whole pages, the default for nothing, at most [`MAX_SIZE`].
pub fn rounded(request: i32) -> usize {
    match usize::try_from(request) {
        Ok(size @ 1..) => size.next_multiple_of(PAGE).min(MAX_SIZE),
        _ => DEFAULT_SIZE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_to_pages_and_limited() {
        assert_eq!(rounded(0), DEFAULT_SIZE);
        assert_eq!(rounded(-5), DEFAULT_SIZE);
        assert_eq!(rounded(1), PAGE);
        assert_eq!(rounded(4097), 2 * PAGE);
        assert_eq!(rounded(i32::MAX), MAX_SIZE);
    }
}
