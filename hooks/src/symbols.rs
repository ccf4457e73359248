//! The interposed symbols: a naked trampoline for each row.
//!
//! It tests a word, or up to three, and jumps: to the row's hook when one is not zero, else to the real function.

use core::arch::naked_asm;

use crate::lock::released;
use crate::lock_allocator::ALLOCATOR;
use crate::numbers::{END, NUMBERS};
use crate::real::{REAL, Row};
use crate::rows::rows;
use crate::types::*;
use colib_core::reactor::registry::ACTIVE;
use colib_core::scheduler::EVER;
use colib_core::sync::lot::ACTIVE as LOT;

macro_rules! trampoline {
    (coroutine, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/hook.S"), word = const 0,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (jump, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/hook.S"), word = const 16,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (keeper, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/keeper.S"), active = sym ACTIVE,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (numbered, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/numbered.S"), numbers = sym NUMBERS,
            end = const END, allocator = sym ALLOCATOR, hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (either, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/either.S"), active = sym ACTIVE,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (locker, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/lock.S"), active = sym LOT, ever = sym EVER, allocator = sym ALLOCATOR, marks = const 1,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (pauser, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/lock.S"), active = sym LOT, ever = sym EVER, allocator = sym ALLOCATOR, marks = const 0,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (unlocker, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/unlock.S"), active = sym LOT, ever = sym EVER, after = sym released,
            waits = const 0, hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (meeting, $hook:path, $row:expr) => {
        naked_asm!(include_str!("../../asm/x86_64/unlock.S"), active = sym LOT, ever = sym EVER, after = sym released,
            waits = const 1, hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (always, $hook:path, $row:expr) => {
        naked_asm!("jmp {hook}", hook = sym $hook, options(att_syntax))
    };
}

macro_rules! symbols {
    ($($kind:ident fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty => $family:ident::$hook:ident;)*) => {$(
        #[doc = concat!("Interposes `", stringify!($name), "`.")]
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            trampoline!($kind, crate::$family::$hook, Row::$name as usize)
        }
    )*};
}

rows!(symbols);
