//! libc's own functions that write where no hook sees it, made by a helper thread as if the coroutine's had made them.

use core::ffi::c_void;
use std::io;

use super::call::{errno, set_errno};
use crate::io::offload::{self, Kind};
use crate::scheduler::Scheduler;
use crate::sys;

unsafe extern "C" {
    fn uselocale(locale: *mut c_void) -> *mut c_void;
}

const BROKEN: u64 = 1 << (libc::SIGPIPE - 1);

/// Has `work` done by a helper, with the running coroutine's `errno` and its thread's locale. Its `errno` comes back with
/// what it gives, and SIGPIPE if it raised that. Fails as [`offload::run_as`].
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs, with hooks off.
pub(super) unsafe fn by_helper<T: Send + 'static>(
    scheduler: *mut Scheduler, kind: Kind, work: impl Fn() -> T + Send + Sync + 'static,
) -> io::Result<T> {
    // SAFETY: by contract. The thread's locale is in use as long as its coroutine waits; helpers block all signals.
    unsafe {
        let before = errno();
        let locale = uselocale(core::ptr::null_mut()).expose_provenance();
        let (result, after, broke) = offload::run_as(scheduler, kind, move || {
            let own = uselocale(core::ptr::with_exposed_provenance_mut(locale));
            set_errno(before);
            let result = work();
            let after = errno();
            uselocale(own);
            let broke = sys::take_signal(BROKEN, core::ptr::null_mut()).is_ok();
            (result, after, broke)
        })?;
        set_errno(after);
        if broke {
            sys::raise(libc::SIGPIPE);
        }
        Ok(result)
    }
}
