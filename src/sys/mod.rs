//! The only kernel calls of the core, as raw system calls.
//!
//! They bypass every symbol a program or this library could interpose (invariant 2), leave `errno`
//! alone and are no cancellation points. The one exception is [`wait`], the loop's sleep, which goes
//! through libc because a thread that sleeps there must be cancellable (invariant 9).

use core::arch::asm;
use core::ffi::c_int;
use std::io;

/// Makes the system call `number`; unused arguments are zero.
///
/// # Safety
/// What the kernel does with these arguments must be sound: pointers it writes through are valid, and
/// memory it unmaps or descriptors it closes belong to the caller.
#[inline(always)]
pub unsafe fn call(number: i64, arguments: &[usize]) -> io::Result<usize> {
    let a = |i: usize| arguments.get(i).copied().unwrap_or(0);
    let result: isize;
    // SAFETY: the kernel clobbers rax, rcx and r11 alone; the rest is the caller's contract.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a(0), in("rsi") a(1), in("rdx") a(2),
            in("r10") a(3), in("r8") a(4), in("r9") a(5),
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    // The kernel's convention: the last page of addresses holds negated error numbers.
    if (-4095..0).contains(&result) {
        Err(io::Error::from_raw_os_error(-result as i32))
    } else {
        Ok(result as usize)
    }
}

/// Makes the named system call with its arguments as they come.
macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        $crate::sys::call(libc::$number, &[$($argument as usize),*])
    };
}

mod child;
mod data;
mod descriptor;
mod file;
mod futex;
mod ipc;
mod memory;
mod process;
mod ring;
mod waiting;

pub use child::*;
pub use data::*;
pub use descriptor::*;
pub use file::*;
pub use futex::*;
pub use ipc::*;
pub use memory::*;
pub use process::*;
pub use ring::*;
pub use waiting::*;

/// The kernel's `sigset_t` is eight bytes, libc's is longer.
const KERNEL_SIGSET: usize = 8;

/// Whether `result` failed with the error number `errno`.
pub fn failed_with<T>(result: &io::Result<T>, errno: c_int) -> bool {
    matches!(result, Err(e) if e.raw_os_error() == Some(errno))
}

/// Whether the call is not to be had: the kernel is too old for it, or a filter (`seccomp(2)`) that was written before there
/// was the call forbids it. Where the kernel itself gives EPERM too, whatever is tried next must give it again.
pub fn is_lacking<T>(result: &io::Result<T>) -> bool {
    failed_with(result, libc::ENOSYS) || failed_with(result, libc::EPERM)
}

/// Whether the kernel, a filter or the file does not know `RWF_NOWAIT`.
pub fn knows_no_nowait<T>(result: &io::Result<T>) -> bool {
    failed_with(result, libc::EOPNOTSUPP) || is_lacking(result)
}
