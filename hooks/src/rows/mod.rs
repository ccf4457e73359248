//! The table of hooks: one row a call, with all its names, and the function of its family that it goes to. The rows are in
//! the files of this folder, each of which hands them on with its own added.
//!
//! The names of a row have one signature and stand apart with `|`: 64-bit names, libc's own with underscores, and those
//! that only programs linked long ago still have. The first word says when the trampoline goes to the hook and not to
//! libc (`symbols.rs`):
//!
//! | word | goes to the hook |
//! |---|---|
//! | `coroutine` | where the thread's hook word is set: hooks are on |
//! | `keeper` | on every thread, once the process has anything to keep |
//! | `either` | where one of the two holds |
//! | `numbered` | always, if the system call of that number has a hook, unless an allocator of the program's makes it |
//! | `pauser` | where hooks are on, with the same exception |
//! | `locker` | where hooks are on, and everywhere while coroutines wait for locks or own some, with the same exception |
//! | `unlocker` | everywhere while they do; else looks after the real function for those who wait |
//! | `meeting` | as a `locker`, and looks as an `unlocker` does |
//! | `jump` | while a signal handler of the program runs on the thread |
//! | `always` | always |

pub(crate) mod descriptors;
pub(crate) mod processes;
pub(crate) mod streams;
pub(crate) mod threads;

/// Gives the rows to another macro, one for each name.
macro_rules! rows {
    ($macro:ident) => {
        $crate::rows::descriptors::rows! { $macro: }
    };
}

/// Makes of each row as many as it has names. The arguments pass as one token, once the names are in brackets: what is
/// repeated in them could not be repeated again for each name.
macro_rules! each_name {
    ($macro:ident: $($kind:ident fn $($name:ident)|+ ($($argument:tt)*) -> $result:ty => $family:ident::$hook:ident;)*) => {
        $crate::rows::each_name! { @ $macro: $($kind [$($name)+] ($($argument)*) -> $result => $family::$hook;)* }
    };
    (@ $macro:ident: $($kind:ident [$($name:ident)+] $arguments:tt -> $result:ty => $family:ident::$hook:ident;)*) => {
        $macro! { $($($kind fn $name $arguments -> $result => $family::$hook;)+)* }
    };
}

pub(crate) use {each_name, rows};
