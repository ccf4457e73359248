//! Calls on files that wait for others or for a disk: opening, locking, flushing, moving data inside the kernel.

use core::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

use colib_core::io;
use colib_core::sys;
use libc::{iovec, off_t, ssize_t};

use crate::call::call;
use crate::real;

// SAFETY: as in `input`.

pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: see above. Without O_CREAT the mode is whatever stood in its register, and the kernel ignores it.
    unsafe { openat(libc::AT_FDCWD, path, flags, mode) }
}

pub unsafe extern "C" fn openat(directory: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::open(scheduler, directory, path, flags, mode) }) as c_int
}

pub unsafe extern "C" fn creat(path: *const c_char, mode: c_uint) -> c_int {
    // SAFETY: see above.
    unsafe { openat(libc::AT_FDCWD, path, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode) }
}

/// Whether an open with these flags needs the mode that the fortified functions have no room for.
fn lacks_mode(flags: c_int) -> bool {
    flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE
}

pub unsafe extern "C" fn open_2(path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: see above. libc's own ends the program when the mode is missing.
    unsafe { if lacks_mode(flags) { real::__open_2(path, flags) } else { open(path, flags, 0) } }
}

pub unsafe extern "C" fn openat_2(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        if lacks_mode(flags) {
            real::__openat_2(directory, path, flags)
        } else {
            openat(directory, path, flags, 0)
        }
    }
}

pub unsafe extern "C" fn flock(fd: c_int, operation: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::flock(scheduler, fd, operation)) }) as c_int
}

/// `fcntl` with a command that waits for a record lock.
pub unsafe fn lock_record(fd: c_int, command: c_int, lock: c_ulong) -> c_int {
    let lock = core::ptr::with_exposed_provenance(lock as usize);
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::lock_record(scheduler, fd, command, lock)) }) as c_int
}

pub unsafe extern "C" fn lockf(fd: c_int, command: c_int, length: off_t) -> c_int {
    // SAFETY: see above. All but F_LOCK answer at once.
    unsafe {
        if command != libc::F_LOCK {
            return real::lockf(fd, command, length);
        }
        call(|scheduler| done(io::lock_region(scheduler, fd, length))) as c_int
    }
}

pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::flush(scheduler, fd, move || sys::fsync(fd))) }) as c_int
}

pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::flush(scheduler, fd, move || sys::fdatasync(fd))) }) as c_int
}

pub unsafe extern "C" fn syncfs(fd: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::flush(scheduler, fd, move || sys::syncfs(fd))) }) as c_int
}

pub unsafe extern "C" fn sync() {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::flush_all(scheduler, sys::sync)) });
}

pub unsafe extern "C" fn sync_file_range(fd: c_int, from: off_t, count: off_t, flags: c_uint) -> c_int {
    let flush = move || sys::sync_file_range(fd, from, count, flags);
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::flush(scheduler, fd, flush)) }) as c_int
}

pub unsafe extern "C" fn msync(address: *mut c_void, length: usize, flags: c_int) -> c_int {
    let address = address as usize;
    let flush = move || sys::msync(address, length, flags);
    let waits = flags & libc::MS_SYNC != 0;
    // SAFETY: see above.
    call(|scheduler| done(if waits { unsafe { io::flush_all(scheduler, flush) } } else { flush() })) as c_int
}

pub unsafe extern "C" fn tcdrain(fd: c_int) -> c_int {
    // SAFETY: see above.
    call(|scheduler| unsafe { done(io::drain(scheduler, fd)) }) as c_int
}

pub unsafe extern "C" fn sendfile(out: c_int, from: c_int, offset: *mut off_t, count: usize) -> ssize_t {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::sendfile(scheduler, out, from, offset, count) })
}

pub unsafe extern "C" fn copy_file_range(
    from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, count: usize, flags: c_uint,
) -> ssize_t {
    // SAFETY: see above.
    call(|scheduler| unsafe {
        io::copy_file_range(scheduler, (from, from_offset), (to, to_offset), count, flags)
    })
}

pub unsafe extern "C" fn splice(
    from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, count: usize, flags: c_uint,
) -> ssize_t {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::splice(scheduler, (from, from_offset), (to, to_offset), count, flags) })
}

pub unsafe extern "C" fn tee(from: c_int, to: c_int, count: usize, flags: c_uint) -> ssize_t {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::tee(scheduler, from, to, count, flags) })
}

pub unsafe extern "C" fn vmsplice(fd: c_int, vector: *const iovec, count: usize, flags: c_uint) -> ssize_t {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::vmsplice(scheduler, fd, vector, count, flags) })
}

pub unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> ssize_t {
    // SAFETY: see above.
    call(|scheduler| unsafe { io::getrandom(scheduler, buffer, length, flags) })
}

pub unsafe extern "C" fn getentropy(buffer: *mut c_void, length: usize) -> c_int {
    // SAFETY: see above.
    unsafe {
        if call(|scheduler| done(io::await_random(scheduler))) != 0 {
            return -1;
        }
        real::getentropy(buffer, length)
    }
}

/// Calls that give zero when all went well.
pub fn done(result: std::io::Result<()>) -> std::io::Result<usize> {
    result.map(|()| 0)
}
