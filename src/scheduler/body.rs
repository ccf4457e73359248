//! How a coroutine's body begins, and how it ends.

use core::arch::naked_asm;
use core::ffi::c_void;
use core::ptr;

use super::Scheduler;
use crate::context::{self, Context};
use crate::coroutine::{Coroutine, Ground, Rare, Routine};
use crate::{annotate, local, tls};

impl Scheduler {
    /// Lets the next resume begin the body of a coroutine.
    ///
    /// # Safety
    /// It does not run, and nothing on its stack is needed.
    #[inline(always)]
    pub(super) unsafe fn begin_anew(co: *mut Coroutine) {
        // SAFETY: by contract.
        unsafe {
            let Ground::Private(stack) = &(*co).ground else {
                (*co).set_fresh();
                return;
            };
            lay_out(co, stack.top());
            (*co).set_suspended(Self::switches_only(co));
        }
    }
}

/// Prepares the first switch to a coroutine.
#[inline(always)]
pub(super) unsafe fn lay_out(co: *mut Coroutine, top: *mut u8) {
    // SAFETY: `top` ends a stack of at least a page that nothing uses.
    unsafe {
        if annotate::sanitized()
            && let Some((low, size)) = (*co).stack()
        {
            annotate::clear_stack(low, size);
        }
        (*co).context = Context::beginning(top, (*co).control, body_frame, co.cast());
    }
}

#[unsafe(naked)]
unsafe extern "C" fn body_frame() {
    naked_asm!(
        include_str!("../../asm/x86_64/body.S"),
        begin = sym begin,
        finish = sym finish,
        options(att_syntax),
    )
}

/// A body and its argument, as the assembly takes them.
#[repr(C)]
struct Body {
    routine: Routine,
    argument: *mut c_void,
}

unsafe extern "C" fn nothing(_: *mut c_void) -> *mut c_void {
    ptr::null_mut()
}

/// A coroutine begins, on its own stack.
unsafe extern "C" fn begin(co: *mut Coroutine) -> Body {
    // SAFETY: `co` runs here, on a new stack.
    unsafe {
        annotate::arrive(ptr::null_mut());
        (*co).started = true;
        Scheduler::go_over(if (*co).hooked { tls::HOOKED } else { 0 });
        Body { routine: (*co).routine.unwrap_or(nothing), argument: (*co).argument }
    }
}

/// Its body has returned: it leaves for good.
unsafe extern "C" fn finish(co: *mut Coroutine) -> ! {
    // SAFETY: `co` runs here; the program answers for destructors of its values, which run as the body did.
    unsafe {
        if let Some(rare) = (*co).rare_mut() {
            destroy_values(rare);
        }
        Scheduler::destroy_storage(co);
        tls::set_hook_word(0);
        (*co).ended = true;
        (*co).set_done();
        if let Some(tenant) = (*co).tenant() {
            tenant.clear(co.cast());
        }
        let switch = Scheduler::leave(Scheduler::get());
        assert!(!switch.to.is_null(), "a coroutine that has ended was resumed");
        context::depart(switch.to)
    }
}

/// Out of the way of those that have no values.
#[cold]
unsafe fn destroy_values(rare: *mut Rare) {
    // SAFETY: the running coroutine's.
    unsafe { local::destroy(&raw mut (*rare).locals) };
}
