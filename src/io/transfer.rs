//! Data that goes from descriptor to descriptor inside the kernel: sendfile, copy_file_range, splice, tee,
//! vmsplice.
//!
//! `SPLICE_F_NONBLOCK` keeps pipes from waiting, and files never wait for anybody; sockets and devices go by the
//! flags of their descriptions, which others share. So where one that blocks takes part, a helper makes the call.

use core::ffi::{c_int, c_uint};
use std::io;

use super::offload::{self, Kind};
use super::{Direction, error, is_nonblocking, would_block};
use crate::clock::NEVER;
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::{Interrupt, Wake};

/// An end of a transfer: a descriptor, and where its offset stands; null for its own position.
pub type End = (c_int, *mut i64);

/// What a descriptor is, as far as waiting goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// It waits for a disk at most.
    File,
    /// It waits, unless the call says otherwise.
    Pipe,
    /// It waits, unless its description says otherwise.
    Other,
}

fn nature(fd: c_int) -> io::Result<Nature> {
    Ok(match sys::file_type(fd)? {
        libc::S_IFREG | libc::S_IFBLK | libc::S_IFDIR => Nature::File,
        libc::S_IFIFO => Nature::Pipe,
        _ => Nature::Other,
    })
}

/// What a helper brings back: the result, the offsets behind it, and whether the call raised SIGPIPE there.
struct Moved {
    result: Result<usize, c_int>,
    offsets: [i64; 2],
    broke: bool,
}

/// Has `call` made by a helper, with copies of both offsets.
unsafe fn move_by_helper(
    scheduler: *mut Scheduler, kind: Kind, offsets: [*mut i64; 2],
    call: impl Fn([*mut i64; 2]) -> io::Result<usize> + Copy + Send + Sync + 'static,
) -> io::Result<usize> {
    // SAFETY: by contract of the callers; null, or the program's.
    unsafe {
        let mut copies = [None; 2];
        for (copy, &offset) in copies.iter_mut().zip(&offsets) {
            if offset.is_null() {
                continue;
            }
            let mut value = 0i64;
            if sys::copy_in(offset.cast(), (&raw mut value).cast(), size_of::<i64>()).is_err() {
                // EFAULT, unless something else is wrong as well: either is told at once.
                return call(offsets);
            }
            *copy = Some(value);
        }
        let moved = offload::run_patiently(scheduler, kind, move || {
            let mut values = copies.map(Option::unwrap_or_default);
            let places = values.each_mut().map(core::ptr::from_mut);
            let result =
                call([0, 1].map(|i| if copies[i].is_some() { places[i] } else { core::ptr::null_mut() }));
            let broke = sys::failed_with(&result, libc::EPIPE)
                && sys::take_signal(1 << (libc::SIGPIPE - 1), core::ptr::null_mut()).is_ok();
            let result = result.map_err(|e| e.raw_os_error().unwrap_or(libc::EIO));
            Ok(Moved { result, offsets: values, broke })
        })?;
        for ((copy, offset), value) in copies.iter().zip(offsets).zip(moved.offsets) {
            if copy.is_some_and(|before| before != value) {
                sys::copy_out((&raw const value).cast(), offset.cast(), size_of::<i64>())?;
            }
        }
        if moved.broke {
            sys::raise(libc::SIGPIPE);
        }
        moved.result.map_err(error)
    }
}

/// Writes an offset that has not changed where it is, as the kernel does, and tells when that cannot be done.
unsafe fn write_back(offset: *mut i64) -> io::Result<()> {
    // SAFETY: any address will do.
    unsafe {
        let place = sys::read_in(offset)?;
        sys::copy_out((&raw const place).cast(), offset.cast(), size_of_val(&place))
    }
}

/// `sendfile`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `offset` is null or the program's. The same holds for
/// every function of this file.
pub unsafe fn sendfile(
    scheduler: *mut Scheduler, out: c_int, from: c_int, offset: *mut i64, count: usize,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let kind = match (nature(from), nature(out)) {
            (Ok(Nature::File), Ok(Nature::File)) => Kind::SHORT_DEED,
            // The kernel goes by the flag of the side that is written to.
            (Ok(Nature::File), Ok(_)) if is_nonblocking(out)? => {
                return sys::sendfile(out, from, offset, count);
            }
            (Ok(_), Ok(_)) if count > 0 => Kind::DEED,
            _ => return sys::sendfile(out, from, offset, count),
        };
        let none = core::ptr::null_mut();
        let moved = move_by_helper(scheduler, kind, [offset, none], move |[offset, _]| {
            sys::sendfile(out, from, offset, count)
        });
        if !offset.is_null() {
            // Whatever came of it.
            write_back(offset)?;
        }
        moved
    }
}

/// `copy_file_range`.
///
/// # Safety
/// As for [`sendfile`].
pub unsafe fn copy_file_range(
    scheduler: *mut Scheduler, (from, from_offset): End, (to, to_offset): End, count: usize, flags: c_uint,
) -> io::Result<usize> {
    let call = move |[a, b]: [*mut i64; 2]| {
        // SAFETY: the program's pointers, or a helper's copies.
        unsafe { sys::copy_file_range((from, a), (to, b), count, flags) }
    };
    let files = [from, to].iter().all(|&fd| matches!(nature(fd), Ok(Nature::File)));
    if !files || count == 0 {
        // It goes from file to file only, and says so at once.
        return call([from_offset, to_offset]);
    }
    // SAFETY: by contract.
    unsafe { move_by_helper(scheduler, Kind::SHORT_DEED, [from_offset, to_offset], call) }
}

/// `splice`.
///
/// # Safety
/// As for [`sendfile`].
pub unsafe fn splice(
    scheduler: *mut Scheduler, (from, from_offset): End, (to, to_offset): End, count: usize, flags: c_uint,
) -> io::Result<usize> {
    let call = move |flags: c_uint, [a, b]: [*mut i64; 2]| {
        // SAFETY: the program's pointers, or a helper's copies.
        unsafe { sys::splice((from, a), (to, b), count, flags) }
    };
    let offsets = [from_offset, to_offset];
    let (Ok(source), Ok(target)) = (nature(from), nature(to)) else { return call(flags, offsets) };
    if count == 0 {
        return call(flags, offsets);
    }
    let at_once = |fd, nature, ready: i16| -> io::Result<bool> {
        // What has data can be read once; room says nothing of how much there is.
        let looks_ready = ready != 0 && sys::readiness(fd, ready) != 0;
        Ok(nature != Nature::Other || is_nonblocking(fd)? || looks_ready)
    };
    if at_once(from, source, libc::POLLIN)? && at_once(to, target, 0)? {
        let result = call(flags | libc::SPLICE_F_NONBLOCK, offsets);
        if !would_block(&result) || flags & libc::SPLICE_F_NONBLOCK != 0 {
            return result;
        }
    }
    // SAFETY: by contract.
    unsafe {
        let moved = move_by_helper(scheduler, Kind::DEED, offsets, move |offsets| call(flags, offsets))?;
        for offset in offsets.into_iter().filter(|offset| !offset.is_null()) {
            write_back(offset)?;
        }
        Ok(moved)
    }
}

/// `tee`.
///
/// # Safety
/// As for [`sendfile`].
pub unsafe fn tee(
    scheduler: *mut Scheduler, from: c_int, to: c_int, count: usize, flags: c_uint,
) -> io::Result<usize> {
    let result = sys::tee(from, to, count, flags | libc::SPLICE_F_NONBLOCK);
    if !would_block(&result) || flags & libc::SPLICE_F_NONBLOCK != 0 {
        return result;
    }
    let none = [core::ptr::null_mut(); 2];
    // SAFETY: by contract.
    unsafe { move_by_helper(scheduler, Kind::DEED, none, move |_| sys::tee(from, to, count, flags)) }
}

/// `vmsplice`. It waits for the first piece only, whatever the flags of the pipe's description.
///
/// # Safety
/// As for [`sendfile`]; `vector` is the program's.
pub unsafe fn vmsplice(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: usize, flags: c_uint,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        let attempt = || sys::vmsplice(fd, vector, count, flags | libc::SPLICE_F_NONBLOCK);
        let mut result = attempt();
        if flags & libc::SPLICE_F_NONBLOCK != 0 {
            return result;
        }
        let since = Scheduler::moment(scheduler);
        while would_block(&result) {
            let writes = sys::fcntl(fd, libc::F_GETFL, 0)? & libc::O_ACCMODE != libc::O_RDONLY;
            let direction = if writes { Direction::Out } else { Direction::In };
            Scheduler::interruptible(scheduler, Interrupt::Unrestarted, since);
            let wake = Scheduler::wait_for(scheduler, (fd, direction.epoll_events()), NEVER);
            if wake == Wake::Closed {
                return Err(error(libc::EBADF));
            }
            result = attempt();
            if wake == Wake::Interrupted && would_block(&result) {
                return Err(error(libc::EINTR));
            }
        }
        result
    }
}
