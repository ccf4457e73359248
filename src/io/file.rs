//! Files that are no sockets: what they are, and how a call on one can be kept from blocking.

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use std::io;

use super::fifo;
use super::offload::{self, Kind};
use super::replica::Replica;
use super::vector::Vector;
use super::{Direction, disk, error, is_nonblocking};
use crate::scheduler::Scheduler;
use crate::sys;

/// What an eventfd counts with.
const COUNT: usize = size_of::<u64>();
/// What a terminal holds at most (`N_TTY_BUF_SIZE`).
const LONGEST_INPUT: usize = 4096;

/// How a file that is no socket can be read or written without blocking the thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It never waits for anybody: the plain call.
    Plain,
    /// It waits for a disk at most, for which a helper waits if it reads.
    Disk,
    /// It may: attempt with `RWF_NOWAIT`, or look before the call.
    Careful,
}

/// What kind of file `fd` is; EBADF for none.
pub(super) fn manner(fd: c_int) -> io::Result<Manner> {
    /// Null, zero, full and urandom among the memory devices (major number 1 of devices.txt): asked not to wait, they
    /// stop early when another thread is due.
    const NEVER_WAIT: [libc::dev_t; 4] =
        [libc::makedev(1, 3), libc::makedev(1, 5), libc::makedev(1, 7), libc::makedev(1, 9)];
    let status = sys::status(fd)?;
    if disk::applies(status.st_mode) {
        return Ok(Manner::Disk);
    }
    Ok(match status.st_mode & libc::S_IFMT {
        libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK | libc::S_IFLNK => Manner::Plain,
        libc::S_IFCHR if NEVER_WAIT.contains(&status.st_rdev) => Manner::Plain,
        _ => Manner::Careful,
    })
}

/// Whether the kernel refuses the range before it looks at the file: it ends beyond the program's addresses.
/// Calls that cut a count down would not notice.
pub(super) fn beyond_memory(buffer: *const c_void, count: usize) -> bool {
    /// The end of user space on x86-64 with four levels of page tables, less the guard page.
    const END: usize = 0x7fff_ffff_f000;
    buffer.addr().checked_add(count).is_none_or(|end| end > END)
}

/// Reads what does not know `RWF_NOWAIT`: like `readv`, or EAGAIN. Sockets are told not to wait by their own call, as before
/// Linux 6.5 they do not know the flag either. A terminal is read in the manner that it is set to.
/// Where a terminal's settings make "readable" mean something else than "a read returns" (`VMIN` and `VTIME` of
/// raw input), a helper thread waits in the read itself. `again` tells that the call has waited already.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; the pieces are the program's buffers, and the kernel has
/// accepted the vector.
pub(super) unsafe fn read_waiting(
    scheduler: *mut Scheduler, fd: c_int, pieces: &Vector, again: bool,
) -> io::Result<usize> {
    let kind = sys::file_type(fd)?;
    match kind {
        // SAFETY: the kernel writes into the pieces alone.
        libc::S_IFSOCK => return unsafe { sys::recvmsg(fd, &mut pieces.message(), libc::MSG_DONTWAIT) },
        libc::S_IFIFO => {
            // SAFETY: by contract.
            if let Some(read) = unsafe { fifo::read(fd, pieces.pieces()) } {
                return read;
            }
        }
        _ => {}
    }
    let settings = sys::raw_input(fd);
    let exact = matches!(settings, None | Some((1, 0)));
    let waits = || tells_to_wait(fd, Direction::In) && pieces.length() >= least_room(fd, kind);
    if settings == Some((0, 0)) || is_nonblocking(fd)? || (exact && !waits()) {
        let pieces = pieces.pieces();
        // SAFETY: by contract.
        let read = unsafe { sys::readv(fd, pieces.as_ptr(), pieces.len() as c_int, 0) };
        return if again { unless_hung_up(fd, read) } else { read };
    }
    if exact {
        return Err(error(libc::EAGAIN));
    }
    let count = pieces.length().min(LONGEST_INPUT);
    // SAFETY: by contract; the helper reads into memory of its own.
    unsafe {
        let read = offload::run_as(scheduler, Kind::WAIT, move || {
            let mut bytes = vec![0u8; count];
            let read = sys::read(fd, bytes.as_mut_ptr().cast(), bytes.len());
            read.map(|n| (bytes, n)).map_err(|e| e.raw_os_error())
        })?;
        let (bytes, n) = read.map_err(|errno| error(errno.unwrap_or(libc::EIO)))?;
        let mut rest = &bytes[..n];
        for piece in pieces.pieces() {
            if rest.is_empty() {
                break;
            }
            let (here, behind) = rest.split_at(piece.iov_len.min(rest.len()));
            sys::copy_out(here.as_ptr(), piece.iov_base.cast(), here.len())?;
            rest = behind;
        }
        unless_hung_up(fd, Ok(n))
    }
}

/// For how many bytes a read of a file of that kind must have room: with less, counters and queues of signals, which have no
/// kind, refuse it before they look whether there is anything to read.
fn least_room(fd: c_int, kind: libc::mode_t) -> usize {
    if kind != 0 {
        0
    } else if sys::is_eventfd(fd) || sys::is_timerfd(fd) {
        COUNT
    } else if sys::is_signalfd(fd) {
        size_of::<libc::signalfd_siginfo>()
    } else {
        0
    }
}

/// What a read gives that began before now. A thread that sleeps in it gets EIO when the other side of a
/// pseudo-terminal goes; only who comes later gets the end of the file.
fn unless_hung_up(fd: c_int, read: io::Result<usize>) -> io::Result<usize> {
    if matches!(read, Ok(0)) && other_side_is_gone(fd) { Err(error(libc::EIO)) } else { read }
}

/// Whether `fd` is a pseudo-terminal that was hung up because its other side was closed, by which its name went.
fn other_side_is_gone(fd: c_int) -> bool {
    let gone = |status: libc::stat| {
        let terminal = status.st_mode & libc::S_IFMT == libc::S_IFCHR && is_pseudo_terminal(status.st_rdev);
        terminal && status.st_nlink == 0
    };
    sys::status(fd).is_ok_and(gone) && sys::readiness(fd, 0) & libc::POLLERR != 0
}

/// Whether a device is the side of a pseudo-terminal that programs run on.
pub(super) fn is_pseudo_terminal(device: libc::dev_t) -> bool {
    matches!(libc::major(device), 136..=143)
}

/// Whether a file that does not know `RWF_NOWAIT` says that the call would wait now, and will say when it no longer does.
pub(super) fn tells_to_wait(fd: c_int, direction: Direction) -> bool {
    sys::readiness(fd, direction.poll_events()) == 0
        && match direction {
            // A counter is read at once; what it polls is whether its ring has samples.
            Direction::In | Direction::Connection => !sys::is_perf_event(fd),
            // Others that are written to at once never poll writable: fanotify, and many a device.
            Direction::Out => {
                sys::file_type(fd).is_ok_and(|kind| kind == libc::S_IFIFO)
                    || sys::is_terminal(fd)
                    || sys::is_eventfd(fd)
            }
        }
}

/// Writes to what may have to wait for room: like `writev`, or EAGAIN. `is_all` is set where a helper makes the
/// call: what that writes is all, as it has waited for the rest.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; the pieces are the program's buffers.
pub(super) unsafe fn write_careful(
    scheduler: *mut Scheduler, fd: c_int, pieces: *const libc::iovec, count: c_int, is_all: &Cell<bool>,
) -> io::Result<usize> {
    let result = sys::writev(fd, pieces, count, libc::RWF_NOWAIT);
    if !sys::knows_no_nowait(&result) {
        return result;
    }
    let plain = || sys::writev(fd, pieces, count, 0);
    // SAFETY: by contract.
    let Some(vector) = (unsafe { Vector::refused(&result, pieces, count) }) else { return plain() };
    let kind = sys::file_type(fd)?;
    if kind == libc::S_IFSOCK {
        return sys::sendmsg(fd, &vector.message(), libc::MSG_DONTWAIT);
    }
    let is_fifo = kind == libc::S_IFIFO;
    if is_fifo && let Some(written) = fifo::write(fd, vector.pieces()) {
        return written;
    }
    if is_nonblocking(fd)? {
        return plain();
    }
    let has_room = sys::readiness(fd, libc::POLLOUT) != 0;
    // Anything else may refuse at once what is written, room or not: the kernel must see it.
    if is_fifo && !has_room {
        return Err(error(libc::EAGAIN));
    }
    let pieces = vector.pieces();
    // SAFETY: by contract.
    unsafe {
        if is_fifo {
            fifo::write_page(fd, pieces)
        } else {
            is_all.set(true);
            write_elsewhere(scheduler, fd, pieces, has_room, kind)
        }
    }
}

/// Writes to a file of whose room nothing is known, terminals say: "writable" promises only a byte, so all
/// else is written by a helper thread. So is what goes to a file that does not poll writable, for some never do.
unsafe fn write_elsewhere(
    scheduler: *mut Scheduler, fd: c_int, pieces: &[libc::iovec], has_room: bool, kind: libc::mode_t,
) -> io::Result<usize> {
    // SAFETY: any bytes are a count.
    let is_one = |piece: &libc::iovec| matches!(unsafe { sys::read_in(piece.iov_base.cast()) }, Ok(1u64));
    let fits = match pieces {
        // An eventfd, which has no kind, has room for one more if it polls writable.
        [piece] if kind == 0 && piece.iov_len == COUNT => is_one(piece),
        _ => pieces.iter().fold(0usize, |sum, piece| sum.saturating_add(piece.iov_len)) <= 1,
    };
    if has_room && fits {
        return sys::writev(fd, pieces.as_ptr(), pieces.len() as c_int, 0);
    }
    let replica = Replica::new(pieces)?;
    // SAFETY: by contract; the helper writes from memory of its own.
    let written = unsafe {
        offload::run_as(scheduler, Kind::DEED, move || {
            replica.write(fd).map_err(|e| e.raw_os_error().unwrap_or(libc::ENOMEM))
        })?
    };
    written.map_err(error)
}
