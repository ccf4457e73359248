//! Fetching memory into the processor's cache before it is needed.

use core::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

/// Bytes of a cache line.
pub const LINE: usize = 64;

/// Fetches the line of `place`, which may be any address.
#[inline(always)]
pub fn fetch<T>(place: *const T) {
    // SAFETY: a prefetch never faults.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) };
}

/// Fetches what is needed later, which would drive other things out of the first level until then.
#[inline(always)]
pub fn fetch_early<T>(place: *const T) {
    // SAFETY: a prefetch never faults.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) };
}
