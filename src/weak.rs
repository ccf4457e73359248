//! References to symbols that may be missing at run time.
//!
//! Rust has no stable weak linkage; an undefined weak symbol reads as zero through the global offset table.

/// The function of that name, or a reference to the object, or `None` where nothing in the process defines it.
macro_rules! weak_symbol {
    ($name:literal as $signature:ty) => {{
        let address: usize;
        // SAFETY: reads one slot of the global offset table.
        unsafe {
            core::arch::asm!(
                concat!(".weak ", $name),
                concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                out(reg) address,
                options(nostack, readonly, preserves_flags, pure),
            );
        }
        // SAFETY: `Option` of a function pointer or of a reference is null or the address.
        unsafe { core::mem::transmute::<usize, Option<$signature>>(address) }
    }};
}
