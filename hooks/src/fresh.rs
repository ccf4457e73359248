//! Calls that open descriptors of the kernel's own kinds. They wait for nobody; what they tell is that the
//! number they give was closed before, if anybody still waits for it.

use core::ffi::{c_char, c_int, c_uint};

use libc::{clockid_t, sigset_t};

use crate::descriptor::made;
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn eventfd(value: c_uint, flags: c_int) -> c_int {
    // SAFETY: see above.
    made(unsafe { real::eventfd(value, flags) })
}

pub unsafe extern "C" fn timerfd_create(clock: clockid_t, flags: c_int) -> c_int {
    // SAFETY: see above.
    made(unsafe { real::timerfd_create(clock, flags) })
}

pub unsafe extern "C" fn signalfd(fd: c_int, mask: *const sigset_t, flags: c_int) -> c_int {
    // SAFETY: see above. One that is there only changes.
    let result = unsafe { real::signalfd(fd, mask, flags) };
    if fd == -1 { made(result) } else { result }
}

pub unsafe extern "C" fn inotify_init() -> c_int {
    // SAFETY: see above.
    made(unsafe { real::inotify_init() })
}

pub unsafe extern "C" fn inotify_init1(flags: c_int) -> c_int {
    // SAFETY: see above.
    made(unsafe { real::inotify_init1(flags) })
}

pub unsafe extern "C" fn epoll_create(size: c_int) -> c_int {
    // SAFETY: see above.
    made(unsafe { real::epoll_create(size) })
}

pub unsafe extern "C" fn epoll_create1(flags: c_int) -> c_int {
    // SAFETY: see above.
    made(unsafe { real::epoll_create1(flags) })
}

pub unsafe extern "C" fn memfd_create(name: *const c_char, flags: c_uint) -> c_int {
    // SAFETY: see above.
    made(unsafe { real::memfd_create(name, flags) })
}
