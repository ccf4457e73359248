//! Calls that change what a descriptor number means. They tell the core before the number goes, and hide the
//! library's own descriptors: for the program those are not open.
//!
//! Every thread comes here, in a coroutine or not. Nothing that needs dropping stands on a frame while a real
//! function runs: `close` is a cancellation point, and forced unwinding passes (invariant 6).

use core::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

use colib_core::capi::{answer, set_errno};
use colib_core::io;
use colib_core::reactor::{self, registry, settings};
use colib_core::threads::{self, Threads};
use colib_core::{scheduler, stdio, tls};
use libc::{FILE, msghdr, socklen_t};

use crate::call::{apart, ended_by_cancellation};
use crate::{file, real};

// SAFETY: as in `input`.

/// What the library's own descriptors are to the program.
pub fn not_open() -> c_int {
    set_errno(libc::EBADF);
    -1
}

/// Tells the core that `fd` was closed or replaced, as it was told before that it would be.
pub fn closed(fd: c_int) {
    // SAFETY: always valid on its thread.
    let errno = unsafe { *libc::__errno_location() };
    apart(|_| scheduler::closed(fd));
    set_errno(errno);
}

/// A number that was just made proves that whatever was registered under it is gone.
pub fn made(fd: c_int) -> c_int {
    if fd >= 0 {
        apart(|_| scheduler::opened(fd));
    }
    fd
}

/// [`made`] for a socket: a description of its own, which no other process has yet, accepted from `listener` if from any.
pub fn made_here(listener: Option<c_int>, make: impl FnOnce() -> c_int) -> c_int {
    let forks = registry::forks();
    let fd = make();
    if fd >= 0 {
        apart(|_| scheduler::made_here(fd, listener, forks));
    }
    fd
}

unsafe fn made_pair(result: c_int, pair: *const c_int) -> c_int {
    if result == 0 {
        // SAFETY: the call has filled both.
        unsafe {
            made(*pair);
            made(*pair.add(1));
        }
    }
    result
}

/// The numbers that a message carries.
unsafe fn carried(message: *const msghdr, mut each: impl FnMut(c_int)) {
    // SAFETY: by contract of the callers, the kernel has just read or written the header and what it points at.
    // Lengths are what it took or gave, so every header lies within the room.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let numbers = libc::CMSG_DATA(header).cast::<c_int>();
                let bytes = (*header).cmsg_len - libc::CMSG_LEN(0) as usize;
                (0..bytes / size_of::<c_int>()).for_each(|i| each(numbers.add(i).read_unaligned()));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
}

/// The numbers that went out with a message that was sent: others have their descriptions too.
///
/// # Safety
/// The kernel has just read the header and what it points at.
pub unsafe fn sent_by_message(message: *const msghdr) {
    // SAFETY: by contract.
    unsafe {
        if (*message).msg_controllen > 0 {
            carried(message, registry::shared);
        }
    }
}

/// The numbers that came with a message that was received.
///
/// # Safety
/// The kernel has just written the header and what it points at.
pub unsafe fn made_by_message(message: *const msghdr) {
    // SAFETY: by contract.
    unsafe { carried(message, scheduler::opened) };
}

pub unsafe extern "C" fn close(fd: c_int) -> c_int {
    if registry::is_own(fd) {
        return not_open();
    }
    let close = || {
        // SAFETY: see above.
        close_by(fd, || unsafe { real::close(fd) })
    };
    // Whatever ended the waiting of a socket that lingers, the result is that it is closed.
    ended_by_cancellation(close, |_| threads::on().is_some_and(Threads::cancels_late))
}

/// Closes `fd` by `close`, or in a thread's stead where that would have to wait. Not a cancellation point: who has been
/// told that it closes must also be told that it has.
pub fn close_by<T: From<c_int>>(fd: c_int, close: impl FnOnce() -> T) -> T {
    apart(|_| scheduler::closing(fd));
    let result = if tls::hook_word() & tls::THREAD != 0 && io::lingers(fd) {
        // SAFETY: a thread runs that is a coroutine. Only the one that forks goes on in a child.
        T::from(answer(apart(|scheduler| unsafe { io::close(scheduler, fd) }.map(|()| 0usize))) as c_int)
    } else {
        close()
    };
    closed(fd);
    result
}

pub unsafe extern "C" fn fclose(stream: *mut FILE) -> c_int {
    // SAFETY: see above. libc closes the descriptor inside itself.
    unsafe {
        if tls::hook_word() != 0 {
            return apart(|scheduler| stdio::fclose(scheduler, stream.cast(), libc::fclose));
        }
        let fd = stdio::descriptor(stream.cast());
        apart(|_| stdio::closing(stream.cast()));
        apart(|_| scheduler::closing(fd));
        let result = real::fclose(stream);
        closed(fd);
        result
    }
}

/// Puts another file in the place of a stream's, as a rule under the same number.
pub unsafe extern "C" fn freopen(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE {
    // SAFETY: see above.
    unsafe {
        if tls::hook_word() != 0 {
            return apart(|scheduler| stdio::freopen(scheduler, path, mode, stream.cast()).cast());
        }
        let fd = stdio::descriptor(stream.cast());
        apart(|_| scheduler::closing(fd));
        let opened = real::freopen(path, mode, stream);
        closed(fd);
        opened
    }
}

pub unsafe extern "C" fn shutdown(fd: c_int, how: c_int) -> c_int {
    // SAFETY: see above.
    let result = unsafe { real::shutdown(fd, how) };
    apart(|_| scheduler::nudge(fd));
    result
}

/// Tells the core of all that is about to be closed, and calls `close` for each stretch between the library's
/// own descriptors.
fn close_around_ours(first: c_uint, last: c_uint, mut close: impl FnMut(c_uint, c_uint) -> c_int) -> c_int {
    let (mut from, end) = (first, last.min(c_int::MAX as c_uint));
    let mut next = first as c_int;
    loop {
        let known = if from > end { None } else { registry::known(next, end as c_int).next() };
        let Some((fd, own)) = known else { break };
        next = fd + 1;
        if !own {
            apart(|_| scheduler::closing(fd));
            continue;
        }
        if fd as c_uint > from && close(from, fd as c_uint - 1) != 0 {
            return -1;
        }
        from = fd as c_uint + 1;
    }
    let result = if from <= last || first > last { close(from, last) } else { 0 };
    registry::known(first as c_int, end as c_int).filter(|&(_, own)| !own).for_each(|(fd, _)| closed(fd));
    result
}

pub unsafe extern "C" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    let only_marks = flags & libc::CLOSE_RANGE_CLOEXEC as c_int != 0;
    if only_marks || first > last {
        // SAFETY: see above. Ours are close-on-exec already.
        return unsafe { real::close_range(first, last, flags) };
    }
    // SAFETY: see above.
    close_around_ours(first, last, |from, to| unsafe { real::close_range(from, to, flags) })
}

pub unsafe extern "C" fn closefrom(first: c_int) {
    close_around_ours(first.max(0) as c_uint, c_uint::MAX, |from, to| {
        // SAFETY: see above.
        unsafe {
            if to == c_uint::MAX {
                real::closefrom(from as c_int);
            } else if real::close_range(from, to, 0) != 0 {
                // The kernel has no such call.
                (from..=to).for_each(|fd| colib_core::sys::close(fd as c_int));
            }
        }
        0
    });
}

pub unsafe extern "C" fn dup(fd: c_int) -> c_int {
    if registry::is_own(fd) {
        return not_open();
    }
    registry::timed(fd);
    // SAFETY: see above.
    made(unsafe { real::dup(fd) })
}

/// Makes way for a duplicate at `to`, which closes whatever is there. `false` when the call will fail.
fn make_way(from: c_int, to: c_int) -> bool {
    if registry::is_own(from) || colib_core::sys::fcntl(from, libc::F_GETFD, 0).is_err() {
        return false;
    }
    registry::timed(from);
    apart(|_| {
        if registry::is_own(to) {
            reactor::vacate(to);
        } else {
            scheduler::closing(to);
        }
    });
    true
}

/// Puts something in the place of `to` by `put`. A thread waits until what was there has lingered; where threads are
/// coroutines, so does the one that runs.
fn replace(to: c_int, put: impl FnOnce() -> c_int) -> c_int {
    let is_thread = tls::hook_word() & tls::THREAD != 0;
    // SAFETY: a thread runs that is a coroutine.
    let kept = if is_thread { apart(|scheduler| unsafe { io::keep_lingering(scheduler, to) }) } else { None };
    let result = put();
    closed(to);
    if let Some(kept) = kept {
        // SAFETY: as above. Only the one that forks goes on in a child.
        apart(|scheduler| unsafe { io::close_kept(scheduler, kept) });
    }
    result
}

pub unsafe extern "C" fn dup2(from: c_int, to: c_int) -> c_int {
    if from != to && !make_way(from, to) {
        return not_open();
    }
    // SAFETY: see above.
    replace(to, || unsafe { real::dup2(from, to) })
}

pub unsafe extern "C" fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int {
    let valid = from != to && flags & !libc::O_CLOEXEC == 0;
    if valid && !make_way(from, to) {
        return not_open();
    }
    // SAFETY: see above.
    replace(to, || unsafe { real::dup3(from, to, flags) })
}

pub unsafe extern "C" fn fcntl(fd: c_int, command: c_int, argument: c_ulong) -> c_int {
    if registry::is_own(fd) {
        return not_open();
    }
    if io::waits_for_lock(command) && tls::hook_word() != 0 {
        // SAFETY: see above. A coroutine with hooks on runs.
        return unsafe { file::lock_record(fd, command, argument) };
    }
    // SAFETY: see above. One integer or pointer follows, whatever the command.
    control(fd, command, || unsafe { real::fcntl(fd, command, argument) })
}

/// Does by `call` what `fcntl` does that waits for nothing.
pub fn control(fd: c_int, command: c_int, call: impl FnOnce() -> c_int) -> c_int {
    match command {
        libc::F_SETFL => {
            let result = call();
            settings::changed();
            result
        }
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => {
            registry::timed(fd);
            made(call())
        }
        _ => call(),
    }
}

pub unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: c_ulong) -> c_int {
    if registry::is_own(fd) {
        return not_open();
    }
    // SAFETY: see above. One integer or pointer follows, whatever the request.
    let result = unsafe { real::ioctl(fd, request, argument) };
    if request == libc::FIONBIO {
        settings::changed();
    }
    result
}

pub unsafe extern "C" fn getsockopt(
    fd: c_int, level: c_int, name: c_int, value: *mut c_void, length: *mut socklen_t,
) -> c_int {
    if registry::is_own(fd) {
        return not_open();
    }
    // SAFETY: see above.
    unsafe { real::getsockopt(fd, level, name, value, length) }
}

pub unsafe extern "C" fn setsockopt(
    fd: c_int, level: c_int, name: c_int, value: *const c_void, length: socklen_t,
) -> c_int {
    if registry::is_own(fd) {
        return not_open();
    }
    // SAFETY: see above.
    set_option(fd, level, name, || unsafe { real::setsockopt(fd, level, name, value, length) })
}

/// Sets an option by `set`, and tells the core of it.
pub fn set_option<T>(fd: c_int, level: c_int, name: c_int, set: impl FnOnce() -> T) -> T {
    let is_time_out = level == libc::SOL_SOCKET
        && matches!(name, libc::SO_RCVTIMEO | libc::SO_SNDTIMEO | SO_RCVTIMEO_NEW | SO_SNDTIMEO_NEW);
    if is_time_out {
        registry::timed(fd);
    }
    let result = set();
    match (level, name) {
        (libc::SOL_SOCKET, libc::SO_RCVLOWAT) => io::expect_low_water_marks(),
        (libc::SOL_SOCKET, libc::SO_LINGER) => io::expect_lingering(),
        (libc::SOL_TCP, libc::TCP_ULP) => settings::layered(),
        _ if is_time_out => settings::changed(),
        _ => {}
    }
    result
}

/// The numbers of the time-outs whose seconds have 64 bits everywhere (`asm-generic/socket.h`).
const SO_RCVTIMEO_NEW: c_int = 66;
const SO_SNDTIMEO_NEW: c_int = 67;

pub unsafe extern "C" fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    // SAFETY: see above.
    made_here(None, || unsafe { real::socket(domain, kind, protocol) })
}

pub unsafe extern "C" fn socketpair(domain: c_int, kind: c_int, protocol: c_int, pair: *mut c_int) -> c_int {
    // SAFETY: see above.
    unsafe {
        let forks = registry::forks();
        let result = real::socketpair(domain, kind, protocol, pair);
        if result == 0 {
            apart(|_| (0..2).for_each(|i| scheduler::made_here(*pair.add(i), None, forks)));
        }
        result
    }
}

pub unsafe extern "C" fn pipe(pair: *mut c_int) -> c_int {
    // SAFETY: see above.
    unsafe { made_pair(real::pipe(pair), pair) }
}

pub unsafe extern "C" fn pipe2(pair: *mut c_int, flags: c_int) -> c_int {
    // SAFETY: see above.
    unsafe { made_pair(real::pipe2(pair, flags), pair) }
}
