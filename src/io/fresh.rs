//! Descriptors that a helper makes for the program.

use core::ffi::c_int;

use crate::sys;

/// A descriptor that nobody knows of yet: closed when its coroutine was released meanwhile.
pub(super) struct Fresh(pub(super) c_int);

impl Fresh {
    pub(super) fn take(self) -> c_int {
        let fd = self.0;
        core::mem::forget(self);
        fd
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        sys::close(self.0);
    }
}
