//! Allocation that can fail: a program that runs out of memory is told, not ended.

use core::ffi::CStr;
use std::alloc::{Layout, alloc};
use std::ffi::CString;

/// `value` in a box; `None` without memory.
pub fn boxed<T>(value: T) -> Option<Box<T>> {
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the layout is not empty; the memory is written before the box exists.
    unsafe {
        let place = alloc(Layout::new::<T>()).cast::<T>();
        if place.is_null() {
            return None;
        }
        place.write(value);
        Some(Box::from_raw(place))
    }
}

/// An empty vector with room for `count` elements; `None` without memory.
pub fn room<T>(count: usize) -> Option<Vec<T>> {
    let mut room = Vec::new();
    room.try_reserve_exact(count).ok()?;
    Some(room)
}

/// The bytes as a string; `None` without memory, and when one of them is zero.
pub fn string(bytes: &[u8]) -> Option<CString> {
    let mut copy = room(bytes.len() + 1)?;
    copy.extend_from_slice(bytes);
    copy.push(0);
    CString::from_vec_with_nul(copy).ok()
}

/// A copy of a string; `None` without memory.
pub fn copy(text: &CStr) -> Option<CString> {
    string(text.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same_string() {
        assert_eq!(copy(c"one").as_deref(), Some(c"one"));
        assert_eq!(copy(c"").as_deref(), Some(c""));
    }

    #[test]
    fn bytes_with_a_zero_are_no_string() {
        assert!(string(b"a\0b").is_none());
    }

    #[test]
    fn more_than_all_memory_is_refused() {
        assert!(room::<u8>(usize::MAX / 2 - 1).is_none());
    }
}
