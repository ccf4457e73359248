//! Whether the program was linked with the library, so that it is going to make coroutines, or has merely got it preloaded.

use colib_core::object::{self, NAME, NEEDED, Object};

/// Whether the library is part of the program, or some object names it as one that it needs.
pub fn is_linked() -> bool {
    object::find(|own| {
        own.segment_of(is_linked as *const () as usize)?;
        // What is part of the program has no name.
        Some(own.strings(NAME).next().is_none_or(|name| {
            let needs = |other: Object| other.strings(NEEDED).any(|needed| needed == name).then_some(());
            object::find(needs).is_some()
        }))
    })
    .unwrap_or(true)
}
