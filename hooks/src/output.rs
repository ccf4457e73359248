//! Calls that send data out.

use core::ffi::{c_int, c_uint, c_void};
use core::ptr;

use colib_core::{io, tls};
use libc::{iovec, mmsghdr, msghdr, off_t, sockaddr, socklen_t};

use crate::call::call;
use crate::{descriptor, real};

// SAFETY: as in `input`.

pub unsafe extern "C" fn write(fd: c_int, buffer: *const c_void, count: usize) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::write(scheduler, fd, buffer, count) })
}

pub unsafe extern "C" fn writev(fd: c_int, vector: *const iovec, count: c_int) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::writev(scheduler, fd, vector, count) })
}

pub unsafe extern "C" fn send(fd: c_int, buffer: *const c_void, count: usize, flags: c_int) -> isize {
    // SAFETY: see above.
    unsafe { sendto(fd, buffer, count, flags, ptr::null(), 0) }
}

pub unsafe extern "C" fn sendto(
    fd: c_int, buffer: *const c_void, count: usize, flags: c_int, address: *const sockaddr, length: socklen_t,
) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::sendto(scheduler, fd, buffer, count, flags, address, length) })
}

pub unsafe extern "C" fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> isize {
    // SAFETY: see above. After a success the header is what the kernel has read.
    unsafe {
        let sent = if tls::hook_word() == 0 {
            real::sendmsg(fd, message, flags)
        } else {
            call(|scheduler| io::sendmsg(scheduler, fd, message, flags))
        };
        if sent >= 0 {
            descriptor::sent_by_message(message);
        }
        sent
    }
}

pub unsafe extern "C" fn sendmmsg(fd: c_int, vector: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int {
    // SAFETY: see above, for each message that was sent.
    unsafe {
        let sent = if tls::hook_word() == 0 {
            real::sendmmsg(fd, vector, count, flags)
        } else {
            call(|scheduler| io::sendmmsg(scheduler, fd, vector, count, flags)) as c_int
        };
        (0..sent.max(0) as usize)
            .for_each(|i| descriptor::sent_by_message(&raw const (*vector.add(i)).msg_hdr));
        sent
    }
}

pub unsafe extern "C" fn pwrite(fd: c_int, buffer: *const c_void, count: usize, offset: off_t) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::pwrite(scheduler, fd, buffer, count, offset) })
}

pub unsafe extern "C" fn pwritev(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::pwritev(scheduler, fd, vector, count, offset) })
}

pub unsafe extern "C" fn pwritev2(
    fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int,
) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::pwritev2(scheduler, fd, vector, count, offset, flags) })
}

pub unsafe extern "C" fn eventfd_write(fd: c_int, value: u64) -> c_int {
    // SAFETY: see above; one number is readable.
    let written = unsafe { write(fd, (&raw const value).cast(), size_of::<u64>()) };
    if written == size_of::<u64>() as isize { 0 } else { -1 }
}
