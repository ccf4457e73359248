//! libc's own functions, behind ours: a table by row, filled at the first call or by [`find_all`].
//!
//! Other libraries call us before our constructor has run, so each entry begins as a stub that looks its
//! function up and goes on there.

use core::ffi::{CStr, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use colib_core::{annotate, object};

use crate::next;
use crate::rows::rows;
use crate::types::*;

macro_rules! table {
    ($($kind:ident fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty => $family:ident::$hook:ident;)*) => {
        /// The number of each symbol's row.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy)]
        #[repr(usize)]
        pub enum Row { $(#[doc = stringify!($name)] $name),* }

        const NAMES: &[&CStr] = &[$(
            match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            }
        ),*];

        /// The functions, by row.
        pub static REAL: [AtomicPtr<()>; NAMES.len()] = [$(AtomicPtr::new(lazy::$name as *mut ())),*];

        #[allow(non_snake_case)]
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

        $(
            #[doc = concat!("libc's own `", stringify!($name), "`.")]
            #[allow(dead_code, non_snake_case, clippy::too_many_arguments, reason = "as libc has it")]
            #[inline(always)]
            pub unsafe fn $name($($argument: $type),*) -> $result {
                let real = REAL[Row::$name as usize].load(Ordering::Relaxed);
                // SAFETY: the table holds the function of that name, or a stub that ends there.
                unsafe {
                    core::mem::transmute::<*mut (), unsafe extern "C" fn($($type),*) -> $result>(real)($($argument),*)
                }
            }
        )*
    };
}

rows!(table);

#[unsafe(naked)]
unsafe extern "C" fn resolve() {
    core::arch::naked_asm!(include_str!("../../asm/x86_64/resolve.S"), find = sym find, options(att_syntax))
}

/// The version of glibc's first symbols on x86-64.
const OLDEST: &CStr = c"GLIBC_2.2.5";

/// Functions of other libraries than libc, and these. Some distributions note in a name that times have 64 bits.
const ELSEWHERE: [(Row, &[&CStr]); 3] = [
    (Row::__io_uring_get_cqe, &[c"liburing.so.2"]),
    (Row::io_getevents, &[c"libaio.so.1", c"libaio.so.1t64"]),
    (Row::io_pgetevents, &[c"libaio.so.1", c"libaio.so.1t64"]),
];

/// Looks up the function of a row.
extern "C" fn find(row: usize) -> *mut () {
    let mut found = [ptr::null_mut()];
    next::definitions(&NAMES[row..=row], &mut found);
    settle(row, found[0])
}

/// Looks every function up but those elsewhere, which the loader would search the disk for: few programs ever call them.
pub fn find_all() {
    let mut found = [ptr::null_mut(); NAMES.len()];
    next::definitions(NAMES, &mut found);
    for (row, found) in found.into_iter().enumerate() {
        if !found.is_null() || !ELSEWHERE.iter().any(|&(elsewhere, _)| elsewhere as usize == row) {
            settle(row, found);
        }
    }
}

/// Notes the function of a row: the `next` definition of its symbol after ours, or what is found in other ways; where there
/// is none, a function that fails with ENOSYS.
fn settle(row: usize, next: *mut c_void) -> *mut () {
    let mut found = intercepted(NAMES[row]);
    if found.is_null() {
        found = next;
    }
    if found.is_null() {
        // SAFETY: a valid name. The call must not become a tail call, or libc would look after our caller.
        found = unsafe { libc::dlsym(libc::RTLD_NEXT, NAMES[row].as_ptr()) };
    }
    if found.is_null()
        && let Some((_, libraries)) = ELSEWHERE.iter().find(|&&(elsewhere, _)| elsewhere as usize == row)
    {
        found = libraries
            .iter()
            .map(|library| find_in(library, NAMES[row]))
            .find(|found| !found.is_null())
            .unwrap_or_default();
        if found.is_null() {
            // It may be loaded yet.
            return missing as *mut ();
        }
    } else if found.is_null() {
        // Names that libc keeps for programs linked long ago are only found with their version.
        // SAFETY: as above. The program must not find an error that is none of its own.
        unsafe {
            found = libc::dlvsym(libc::RTLD_NEXT, NAMES[row].as_ptr(), OLDEST.as_ptr());
            libc::dlerror();
        }
    }
    let real = if found.is_null() { missing as *mut () } else { found.cast() };
    REAL[row].store(real, Ordering::Relaxed);
    real
}

/// Looks a function up in a library that only `dlopen` has loaded, out of reach of others. Null if it is not there.
fn find_in(library: &CStr, name: &CStr) -> *mut c_void {
    // SAFETY: valid names. The library is not unloaded by whoever loaded it once we know its function.
    unsafe {
        match libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) {
            found if found.is_null() => found,
            found => libc::dlsym(found, name.as_ptr()),
        }
    }
}

/// What a sanitizer that was linked together with us puts before libc's function. Null in all other cases.
fn intercepted(name: &CStr) -> *mut c_void {
    const PREFIX: &[u8] = b"__interceptor_";
    let name = name.to_bytes();
    let mut full = [0_u8; 64];
    // The last zero ends the name.
    if !annotate::linked_with_us() || PREFIX.len() + name.len() >= full.len() {
        return ptr::null_mut();
    }
    full[..PREFIX.len()].copy_from_slice(PREFIX);
    full[PREFIX.len()..][..name.len()].copy_from_slice(name);
    let full = CStr::from_bytes_until_nul(&full).unwrap_or_default();
    // Not by `dlsym`, which allocates when there is none: the sanitizer may be about to begin.
    object::find(|object| {
        object.segment_of(intercepted as *const () as usize)?;
        Some(object.symbols().and_then(|symbols| symbols.function(full)))
    })
    .flatten()
    .map_or(ptr::null_mut(), |found| found.cast())
}

extern "C" fn missing() -> c_int {
    colib_core::capi::set_errno(libc::ENOSYS);
    -1
}
