//! How a row becomes an interposed symbol.
//!
//! Each row makes a naked trampoline of the symbol's name. It tests one word and jumps: to the row's hook
//! when the word is not zero, else to the real function, through a table that lazy stubs fill at the first
//! call, because other libraries call us before our constructor has run.

use core::ffi::CStr;
use std::io;

use colib_core::capi::answer;
use colib_core::scheduler::Scheduler;
use colib_core::tls;

/// Expands the rows. `coroutine` rows test the thread's hook word; `keeper` rows test whether the process has
/// anything to keep, `always` rows nothing; `jump` rows test whether a signal handler of the program runs on this thread.
macro_rules! hooks {
    ($($kind:ident fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty => $($hook:ident)::+;)*) => {
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy)]
        #[repr(usize)]
        enum Row { $($name),* }

        const NAMES: &[&core::ffi::CStr] = &[$(
            // SAFETY: a symbol's name has no zero byte but the one added here.
            unsafe { core::ffi::CStr::from_bytes_with_nul_unchecked(concat!(stringify!($name), "\0").as_bytes()) }
        ),*];

        /// The real functions, by row; at first the stubs that look them up.
        static REAL: [core::sync::atomic::AtomicPtr<()>; NAMES.len()] =
            [$(core::sync::atomic::AtomicPtr::new(lazy::$name as *mut ())),*];

        mod lazy {
            use super::{Row, resolve};
            $(
                #[unsafe(naked)]
                pub(super) unsafe extern "C" fn $name() {
                    core::arch::naked_asm!(
                        ".cfi_startproc", "pushq ${row}", ".cfi_adjust_cfa_offset 8", "jmp {resolve}", ".cfi_endproc",
                        row = const Row::$name as usize, resolve = sym resolve, options(att_syntax)
                    )
                }
            )*
        }

        #[unsafe(naked)]
        unsafe extern "C" fn resolve() {
            core::arch::naked_asm!(include_str!("../../asm/x86_64/resolve.S"), find = sym find, options(att_syntax))
        }

        extern "C" fn find(row: usize) -> *mut () {
            let real = $crate::table::next(NAMES[row]);
            REAL[row].store(real, core::sync::atomic::Ordering::Relaxed);
            real
        }

        /// Looks every real function up.
        pub fn find_all() {
            for row in 0..NAMES.len() {
                find(row);
            }
        }

        /// The real functions.
        pub mod real {
            #![allow(dead_code)]
            use super::*;
            $(
                #[doc = concat!("libc's own `", stringify!($name), "`.")]
                #[inline(always)]
                pub unsafe fn $name($($argument: $type),*) -> $result {
                    let real = REAL[Row::$name as usize].load(core::sync::atomic::Ordering::Relaxed);
                    // SAFETY: the table holds the function of that name, or a stub that ends there.
                    unsafe {
                        core::mem::transmute::<*mut (), unsafe extern "C" fn($($type),*) -> $result>(real)($($argument),*)
                    }
                }
            )*
        }

        $(
            #[doc = concat!("Interposes `", stringify!($name), "`.")]
            #[unsafe(naked)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name($($argument: $type),*) -> $result {
                $crate::table::trampoline!($kind, $($hook)::+, Row::$name as usize)
            }
        )*
    };
}

macro_rules! trampoline {
    (coroutine, $hook:path, $row:expr) => {
        core::arch::naked_asm!(include_str!("../../asm/x86_64/hook.S"), word = const 0,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (jump, $hook:path, $row:expr) => {
        core::arch::naked_asm!(include_str!("../../asm/x86_64/hook.S"), word = const 16,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
    (always, $hook:path, $row:expr) => {
        core::arch::naked_asm!("jmp {hook}", hook = sym $hook, options(att_syntax))
    };
    (keeper, $hook:path, $row:expr) => {
        core::arch::naked_asm!(include_str!("../../asm/x86_64/keeper.S"),
            active = sym colib_core::reactor::registry::ACTIVE,
            hook = sym $hook, real = sym REAL, row = const $row, options(att_syntax))
    };
}

pub(crate) use {hooks, trampoline};

/// The next definition of a symbol after ours; a function that fails with ENOSYS where there is none.
pub fn next(name: &CStr) -> *mut () {
    // SAFETY: a valid name. The call must not become a tail call, or libc would look after our caller.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    if found.is_null() { missing as *mut () } else { found.cast() }
}

extern "C" fn missing() -> libc::c_int {
    colib_core::capi::set_errno(libc::ENOSYS);
    -1
}

/// Does a coroutine's call in the core, with hooks off meanwhile (invariant 7), and answers as libc does.
#[inline(always)]
pub fn call<T: TryInto<isize>>(work: impl FnOnce(*mut Scheduler) -> io::Result<T>) -> isize {
    answer(apart(work))
}

/// Does something in the core on behalf of the program, with hooks off meanwhile.
#[inline(always)]
pub fn apart<T>(work: impl FnOnce(*mut Scheduler) -> T) -> T {
    let word = tls::hook_word();
    tls::set_hook_word(0);
    let result = work(Scheduler::get());
    tls::set_hook_word(word);
    result
}
