//! How a helper's call is ended: by a signal to its thread, as a program's handler would end it.
//!
//! All other signals are blocked there. This one has a handler that does nothing, installed when the first helper
//! is made: a real-time signal for which the program has none.

use core::arch::naked_asm;
use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

use crate::sys::{self, SignalAction};

/// `SA_RESTORER` of the kernel's signal.h: the action names its own way back.
const SA_RESTORER: usize = 0x0400_0000;
/// Programs take theirs from the ends of the range.
const LIKELY: core::ops::Range<c_int> = 50..60;

/// The signal; 0 before one was chosen, -1 when the program has them all.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

#[unsafe(naked)]
unsafe extern "C" fn restorer() {
    naked_asm!(include_str!("../../../asm/x86_64/restorer.S"), options(att_syntax))
}

extern "C" fn nothing(_: c_int) {}

fn action() -> SignalAction {
    SignalAction {
        handler: nothing as *const () as usize,
        flags: SA_RESTORER,
        restorer: restorer as *const () as usize,
        mask: u64::MAX,
    }
}

fn is_ours(signal: c_int) -> bool {
    sys::signal_action(signal, None).is_ok_and(|action| action.handler == nothing as *const () as usize)
}

/// The signal that ends a helper's call, if there is one. The pool is locked.
pub fn signal() -> Option<c_int> {
    let mut signal = SIGNAL.load(Ordering::Relaxed);
    if signal == 0 {
        let unused = |&signal: &c_int| {
            sys::signal_action(signal, None).is_ok_and(|action| action.handler == libc::SIG_DFL)
        };
        signal = LIKELY.rev().find(unused).unwrap_or(-1);
        if signal > 0 && sys::signal_action(signal, Some(&action())).is_err() {
            signal = -1;
        }
        SIGNAL.store(signal, Ordering::Relaxed);
    }
    (signal > 0).then_some(signal)
}

/// Ends the call that a helper waits in, if it is one that signals end. `false` when the program has taken the
/// signal over.
pub fn interrupt(thread: c_int) -> bool {
    match signal() {
        Some(signal) if is_ours(signal) => {
            sys::signal_thread(thread, signal);
            true
        }
        _ => false,
    }
}
