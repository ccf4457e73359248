//! What coctx.h declares: contexts that a program switches itself, without a scheduler.

use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::mem::{offset_of, size_of};
use core::ptr;

use super::set_errno;
use crate::context::{Context, Control, swap};

/// A context as coctx.h lays it out. Our own context occupies the first two words of `regs`.
#[repr(C)]
pub struct coctx_t {
    context: Context,
    _regs: [*mut c_void; 12],
    ss_size: usize,
    ss_sp: *mut u8,
}

const _: () = assert!(offset_of!(coctx_t, ss_size) == 112 && size_of::<coctx_t>() == 128);

/// What a context runs.
pub type coctx_pfn_t = unsafe extern "C" fn(*const c_void, *const c_void) -> *mut c_void;

/// Clears a context. Gives 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coctx_init(ctx: *mut coctx_t) -> c_int {
    // SAFETY: the program's context; all zeroes are a valid one that was never suspended.
    unsafe { ctx.write_bytes(0, 1) };
    0
}

/// Lets `ctx` call `pfn(s, s1)` on the stack `ss_sp`..`ss_sp + ss_size` when it is first switched to. Gives 0,
/// or -1 with errno EINVAL when there is no such stack.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coctx_make(
    ctx: *mut coctx_t, pfn: Option<coctx_pfn_t>, s: *const c_void, s1: *const c_void,
) -> c_int {
    // SAFETY: the program's context and stack.
    unsafe {
        let Some(pfn) = pfn.filter(|_| !(*ctx).ss_sp.is_null() && (*ctx).ss_size >= 256) else {
            set_errno(libc::EINVAL);
            return -1;
        };
        // The call's three words lie at the stack's top, above the first frame.
        let top = (*ctx).ss_sp.add((*ctx).ss_size).map_addr(|address| address & !15);
        let call = top.sub(48).cast::<Call>();
        call.write(Call { pfn, s, s1 });
        (*ctx).context = Context::new(call.cast(), Control::current(), enter, call.cast(), ptr::null_mut());
    }
    0
}

struct Call {
    pfn: coctx_pfn_t,
    s: *const c_void,
    s1: *const c_void,
}

unsafe extern "C" fn enter(call: *mut u8, _: *mut u8) -> ! {
    // SAFETY: `coctx_make` wrote it, above this frame.
    unsafe {
        let call = &*call.cast::<Call>();
        (call.pfn)(call.s, call.s1);
    }
    complain!("coctx: a context's function returned, and there is nothing to return to");
    std::process::abort();
}

/// Suspends the running code into `cur` and goes on with `pending`.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coctx_swap(cur: *mut coctx_t, pending: *mut coctx_t) {
    naked_asm!("xchg rdi, rsi", "jmp {}", sym swap)
}
