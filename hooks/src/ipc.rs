//! Queues and semaphores between processes.

use core::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void};
use core::ptr;

use colib_core::io;
use colib_core::reactor::registry;
use colib_core::scheduler;
use libc::{mode_t, sembuf, ssize_t, timespec};

use crate::call::{apart, call};
use crate::descriptor::{made, not_open};
use crate::file::done;
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn msgrcv(
    queue: c_int, message: *mut c_void, size: usize, kind: c_long, flags: c_int,
) -> ssize_t {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::msgrcv(scheduler, queue, message, size, kind, flags) })
}

pub unsafe extern "C" fn msgsnd(queue: c_int, message: *const c_void, size: usize, flags: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::msgsnd(scheduler, queue, message, size, flags)) }) as c_int
}

pub unsafe extern "C" fn semop(set: c_int, operations: *mut sembuf, count: usize) -> c_int {
    // SAFETY: see above.
    unsafe { semtimedop(set, operations, count, ptr::null()) }
}

pub unsafe extern "C" fn semtimedop(
    set: c_int, operations: *mut sembuf, count: usize, time_out: *const timespec,
) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::semtimedop(scheduler, set, operations, count, time_out)) }) as c_int
}

pub unsafe extern "C" fn mq_receive(
    queue: c_int, message: *mut c_char, size: usize, priority: *mut c_uint,
) -> ssize_t {
    // SAFETY: see above.
    unsafe { mq_timedreceive(queue, message, size, priority, ptr::null()) }
}

pub unsafe extern "C" fn mq_timedreceive(
    queue: c_int, message: *mut c_char, size: usize, priority: *mut c_uint, until: *const timespec,
) -> ssize_t {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::mq_receive(scheduler, queue, message.cast(), size, priority, until) })
}

pub unsafe extern "C" fn mq_send(
    queue: c_int, message: *const c_char, size: usize, priority: c_uint,
) -> c_int {
    // SAFETY: see above.
    unsafe { mq_timedsend(queue, message, size, priority, ptr::null()) }
}

pub unsafe extern "C" fn mq_timedsend(
    queue: c_int, message: *const c_char, size: usize, priority: c_uint, until: *const timespec,
) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::mq_send(scheduler, queue, message.cast(), size, priority, until)) })
        as c_int
}

pub unsafe extern "C" fn mq_open(
    name: *const c_char, flags: c_int, mode: mode_t, attributes: c_ulong,
) -> c_int {
    // SAFETY: see above. Two more arguments follow, or whatever stands in their registers.
    made(unsafe { real::mq_open(name, flags, mode, attributes) })
}

pub unsafe extern "C" fn mq_open_2(name: *const c_char, flags: c_int) -> c_int {
    // SAFETY: see above.
    made(unsafe { real::__mq_open_2(name, flags) })
}

pub unsafe extern "C" fn mq_close(queue: c_int) -> c_int {
    if registry::is_own(queue) {
        return not_open();
    }
    apart(|_| scheduler::closing(queue));
    // SAFETY: see above.
    let result = unsafe { real::mq_close(queue) };
    crate::descriptor::closed(queue);
    result
}
