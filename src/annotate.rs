//! What memory checkers must be told about stacks: AddressSanitizer's fibers and Valgrind's stacks.
//!
//! Both cost nothing when absent: the sanitizer's functions are weak references, and Valgrind's requests
//! are a few instructions that a real CPU executes as a no-op.

use core::arch::asm;
use core::ffi::c_void;
use core::ptr;

type Start = unsafe extern "C" fn(*mut *mut c_void, *const c_void, usize);
type Finish = unsafe extern "C" fn(*mut c_void, *mut *const c_void, *mut usize);
type Region = unsafe extern "C" fn(*const c_void, usize);

#[inline(always)]
fn start_function() -> Option<Start> {
    weak_symbol!("__sanitizer_start_switch_fiber" as Start)
}

/// Whether AddressSanitizer runs in this process.
#[inline(always)]
pub fn sanitized() -> bool {
    start_function().is_some()
}

/// Tells AddressSanitizer that the stack `low..low + size` comes next. Gives what [`arrive`] needs when
/// this stack comes back; with `dying`, it never does and what the sanitizer kept for it is freed.
pub fn leave(low: *const u8, size: usize, dying: bool) -> *mut c_void {
    let mut fake = ptr::null_mut();
    if let Some(start) = start_function() {
        let save = if dying { ptr::null_mut() } else { &raw mut fake };
        // SAFETY: `save` is null or writable.
        unsafe { start(save, low.cast(), size) };
    }
    fake
}

/// Tells AddressSanitizer that the switch is complete.
///
/// # Safety
/// `fake` is what [`leave`] gave when this stack was left, null on a new one.
pub unsafe fn arrive(fake: *mut c_void) {
    if let Some(finish) = weak_symbol!("__sanitizer_finish_switch_fiber" as Finish) {
        // SAFETY: by contract; null means that the old stack's bounds are not wanted.
        unsafe { finish(fake, ptr::null_mut(), ptr::null_mut()) };
    }
}

/// Tells AddressSanitizer that what frames left on this stack, which never returned, is void.
#[inline(always)]
pub fn clear_stack(low: *const u8, size: usize) {
    if let Some(unpoison) = weak_symbol!("__asan_unpoison_memory_region" as Region) {
        // SAFETY: only the sanitizer's own record of the range changes.
        unsafe { unpoison(low.cast(), size) };
    }
}

/// Copies bytes of a stack, past the checkers, which rightly distrust such a copy in a program.
///
/// # Safety
/// The ranges are valid and do not overlap; the destination is no live frame.
pub unsafe fn copy_stack(from: *const u8, to: *mut u8, count: usize) {
    if sanitized() {
        // SAFETY: by contract; a string move instead of memcpy, which the sanitizer intercepts.
        unsafe {
            asm!("rep movsb", inout("rcx") count => _, inout("rsi") from => _, inout("rdi") to => _,
                 options(nostack, preserves_flags));
        }
        return;
    }
    valgrind(MAKE_MEM_UNDEFINED, [to as usize, count]);
    // SAFETY: by contract.
    unsafe { ptr::copy_nonoverlapping(from, to, count) };
}

// Numbers of Valgrind's client requests (valgrind.h, memcheck.h).
const RUNNING_ON_VALGRIND: usize = 0x1001;
const STACK_REGISTER: usize = 0x1501;
const MAKE_MEM_UNDEFINED: usize = (('M' as usize) << 24) + (('C' as usize) << 16) + 1;

#[inline(always)]
fn valgrind(request: usize, arguments: [usize; 2]) -> usize {
    let block = [request, arguments[0], arguments[1], 0, 0, 0];
    let answer: usize;
    // SAFETY: the four rotations add up to 128 bits and the exchange is of a register with itself:
    // a CPU changes nothing, Valgrind recognises the sequence and reads `block`.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inout("rdx") 0usize => answer, in("rax") block.as_ptr(), inout("rdi") 0usize => _,
            options(nostack),
        );
    }
    answer
}

/// Whether the process runs under Valgrind.
pub fn on_valgrind() -> bool {
    valgrind(RUNNING_ON_VALGRIND, [0, 0]) != 0
}

/// Tells Valgrind that a switch to this range is a switch of stacks, not a very large frame.
pub fn register_stack(low: *const u8, size: usize) {
    valgrind(STACK_REGISTER, [low as usize, low as usize + size - 1]);
}

/// Lets LeakSanitizer search a stack for what a waiting coroutine holds.
#[inline(always)]
pub fn search_stack(low: *const u8, size: usize) {
    if let Some(register) = weak_symbol!("__lsan_register_root_region" as Region) {
        // SAFETY: the range stays readable until `ignore_stack`.
        unsafe { register(low.cast(), size) };
    }
}

/// Ends the search: nobody uses the stack.
#[inline(always)]
pub fn ignore_stack(low: *const u8, size: usize) {
    if let Some(unregister) = weak_symbol!("__lsan_unregister_root_region" as Region) {
        // SAFETY: it was registered.
        unsafe { unregister(low.cast(), size) };
    }
}
