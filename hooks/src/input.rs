//! Calls that take data in.

use core::ffi::{c_int, c_uint, c_void};
use core::ptr;

use colib_core::io;
use colib_core::reactor::terms::Drained;
use colib_core::scheduler::Scheduler;
use libc::{iovec, mmsghdr, msghdr, off_t, sockaddr, socklen_t, timespec};

use crate::call::call;
use crate::{descriptor, real};

// SAFETY (for every function of the families): a trampoline calls them, in a coroutine of the calling
// thread when the row says so, with the program's own arguments.

// A receive that begins with the wait is a function of its own, to which its hooks jump, and so are theirs that begin with an
// attempt: neither stands on a frame that only the other needs, and each returns to the program itself. Behind a system call
// processors predict no returns.

pub unsafe extern "C" fn read(fd: c_int, buffer: *mut c_void, count: usize) -> isize {
    // SAFETY: see above.
    unsafe {
        match io::drained(Scheduler::get(), fd, buffer, count) {
            Some(drained) => receive_drained(fd, buffer, count, drained),
            None => read_now(fd, buffer, count),
        }
    }
}

#[inline(never)]
unsafe fn receive_drained(fd: c_int, buffer: *mut c_void, count: usize, drained: Drained) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::receive_drained(scheduler, fd, buffer, count, drained) })
}

#[inline(never)]
unsafe fn read_now(fd: c_int, buffer: *mut c_void, count: usize) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::read(scheduler, fd, buffer, count) })
}

pub unsafe extern "C" fn read_chk(fd: c_int, buffer: *mut c_void, count: usize, room: usize) -> isize {
    // SAFETY: see above. libc's own ends the program when the buffer is too small.
    unsafe { if count > room { real::__read_chk(fd, buffer, count, room) } else { read(fd, buffer, count) } }
}

pub unsafe extern "C" fn readv(fd: c_int, vector: *const iovec, count: c_int) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::readv(scheduler, fd, vector, count) })
}

pub unsafe extern "C" fn recv(fd: c_int, buffer: *mut c_void, count: usize, flags: c_int) -> isize {
    // SAFETY: see above.
    unsafe { recvfrom(fd, buffer, count, flags, ptr::null_mut(), ptr::null_mut()) }
}

pub unsafe extern "C" fn recv_chk(
    fd: c_int, buffer: *mut c_void, count: usize, room: usize, flags: c_int,
) -> isize {
    // SAFETY: see above.
    unsafe {
        if count > room {
            real::__recv_chk(fd, buffer, count, room, flags)
        } else {
            recv(fd, buffer, count, flags)
        }
    }
}

pub unsafe extern "C" fn recvfrom(
    fd: c_int, buffer: *mut c_void, count: usize, flags: c_int, address: *mut sockaddr,
    length: *mut socklen_t,
) -> isize {
    // SAFETY: see above.
    unsafe {
        if flags == 0
            && address.is_null()
            && let Some(drained) = io::drained(Scheduler::get(), fd, buffer, count)
        {
            return receive_drained(fd, buffer, count, drained);
        }
        recvfrom_now(fd, buffer, count, flags, address, length)
    }
}

#[inline(never)]
unsafe fn recvfrom_now(
    fd: c_int, buffer: *mut c_void, count: usize, flags: c_int, address: *mut sockaddr,
    length: *mut socklen_t,
) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::recvfrom(scheduler, fd, buffer, count, flags, address, length) })
}

pub unsafe extern "C" fn recvfrom_chk(
    fd: c_int, buffer: *mut c_void, count: usize, room: usize, flags: c_int, address: *mut sockaddr,
    length: *mut socklen_t,
) -> isize {
    // SAFETY: see above.
    unsafe {
        if count > room {
            real::__recvfrom_chk(fd, buffer, count, room, flags, address, length)
        } else {
            recvfrom(fd, buffer, count, flags, address, length)
        }
    }
}

pub unsafe extern "C" fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> isize {
    // SAFETY: see above. After a success the header is what the kernel has written.
    call(|scheduler| unsafe {
        let received = io::recvmsg(scheduler, fd, message, flags)?;
        descriptor::made_by_message(message);
        Ok(received)
    })
}

pub unsafe extern "C" fn recvmmsg(
    fd: c_int, vector: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec,
) -> c_int {
    // SAFETY: see above, for each message.
    call(|scheduler| unsafe {
        let received = io::recvmmsg(scheduler, fd, vector, count, flags, timeout)?;
        (0..received).for_each(|i| descriptor::made_by_message(&raw const (*vector.add(i)).msg_hdr));
        Ok(received)
    }) as c_int
}

pub unsafe extern "C" fn pread(fd: c_int, buffer: *mut c_void, count: usize, offset: off_t) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::pread(scheduler, fd, buffer, count, offset) })
}

pub unsafe extern "C" fn pread_chk(
    fd: c_int, buffer: *mut c_void, count: usize, offset: off_t, room: usize,
) -> isize {
    // SAFETY: see above.
    unsafe {
        if count > room {
            real::__pread_chk(fd, buffer, count, offset, room)
        } else {
            pread(fd, buffer, count, offset)
        }
    }
}

pub unsafe extern "C" fn preadv(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::preadv(scheduler, fd, vector, count, offset) })
}

pub unsafe extern "C" fn preadv2(
    fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int,
) -> isize {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::preadv2(scheduler, fd, vector, count, offset, flags) })
}

pub unsafe extern "C" fn eventfd_read(fd: c_int, value: *mut u64) -> c_int {
    // SAFETY: see above.
    if unsafe { read(fd, value.cast(), size_of::<u64>()) } == size_of::<u64>() as isize { 0 } else { -1 }
}
