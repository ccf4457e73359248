//! Reads of files on disk, where threads are coroutines: what the page cache has is read at once; else a helper thread
//! waits for the disk. Everywhere else, and for files that cannot tell (`RWF_NOWAIT`), they are the plain calls.
//!
//! A file's position moves by the plain call alone, in one piece, as others may share it: before that, a helper reads
//! what it will read, into the cache. A read at a position of its own is the helper's.

use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::io;

use super::offload;
use super::vector::Vector;
use super::{error, would_block};
use crate::heap;
use crate::reactor::registry;
use crate::scheduler::Scheduler;
use crate::stack::PAGE;
use crate::sys;

static ON: AtomicBool = AtomicBool::new(false);

/// From now on reads wait for disks on helpers.
pub fn wait_on_helpers() {
    ON.store(true, Ordering::Relaxed);
}

/// Whether reads of this kind of file wait for disks on helpers.
pub(super) fn applies(mode: libc::mode_t) -> bool {
    ON.load(Ordering::Relaxed) && matches!(mode & libc::S_IFMT, libc::S_IFREG | libc::S_IFBLK)
}

/// What a helper reads at most into memory of its own; of more, the cache is made to have it.
const MOST_COPIED: usize = 256 * 1024;
/// The pieces in which the cache is filled.
const PIECE: usize = 128 * 1024;

/// The device of the file that was last asked about, and in the lowest bit whether it is remote.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Whether the file is another machine's or another process's, and does not say whether a read would wait. Asking
/// may take such a file system its time too: that is done once.
fn is_remote(fd: c_int) -> bool {
    let Ok(file) = sys::status(fd) else { return false };
    let last = LAST.load(Ordering::Relaxed);
    if last >> 1 == file.st_dev {
        return last & 1 != 0;
    }
    let remote = has_remote_system(fd);
    LAST.store(file.st_dev << 1 | u64::from(remote), Ordering::Relaxed);
    remote
}

fn has_remote_system(fd: c_int) -> bool {
    /// 9P, AFS, Ceph, CIFS, FUSE, NFS and SMB 2 (linux/magic.h and the file systems' own headers).
    const MAGICS: [u32; 7] =
        [0x0102_1997, 0x6b41_4653, 0x00c3_6400, 0xff53_4d42, 0x6573_5546, 0x6969, 0xfe53_4d42];
    // One that is local has an answer.
    sys::file_system(fd).map_or(true, |magic| MAGICS.contains(&magic))
}

/// Whether a read that is told not to wait says that it would, or that nobody knows.
fn waits(fd: c_int, result: &io::Result<usize>) -> bool {
    would_block(result) || sys::knows_no_nowait(result) && is_remote(fd)
}

/// Whether the byte at a position is not in the cache.
fn is_cold(fd: c_int, position: i64) -> bool {
    let mut byte = 0u8;
    let vector = libc::iovec { iov_base: ptr::from_mut(&mut byte).cast(), iov_len: 1 };
    // SAFETY: one valid piece.
    waits(fd, &unsafe { sys::preadv2(fd, &vector, 1, position, libc::RWF_NOWAIT) })
}

/// The call is over if the number means another file by now.
fn still(fd: c_int, generation: u32) -> io::Result<()> {
    if registry::generation(fd) == generation { Ok(()) } else { Err(error(libc::EBADF)) }
}

/// Has a helper read a part of a file, so that the cache has it. Whatever fails, the read itself will tell.
unsafe fn warm(scheduler: *mut Scheduler, fd: c_int, position: i64, count: usize) -> io::Result<()> {
    let generation = registry::generation(fd);
    // SAFETY: by contract of the callers; the helper reads into memory of its own.
    let _ = unsafe {
        offload::run(scheduler, move || {
            let Some(mut bytes) = heap::room::<u8>(PIECE.min(count)) else { return };
            let mut done = 0;
            while done < count {
                let piece = PIECE.min(count - done);
                match sys::pread(fd, bytes.as_mut_ptr().cast(), piece, position + done as i64) {
                    Ok(0) | Err(_) => return,
                    Ok(n) => done += n,
                }
            }
        })
    };
    still(fd, generation)
}

/// Waits until a read of `count` bytes at the file's own position is one of the cache. What it gives is for the plain
/// call to say.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs.
pub(super) unsafe fn await_own(scheduler: *mut Scheduler, fd: c_int, count: usize) -> io::Result<()> {
    let Ok(position) = sys::seek(fd, 0, libc::SEEK_CUR) else { return Ok(()) };
    if count == 0 {
        return Ok(());
    }
    let last = position.saturating_add(count as i64 - 1);
    let page = |position: i64| position / PAGE as i64;
    if is_cold(fd, position) || page(last) != page(position) && is_cold(fd, last) {
        // SAFETY: by contract.
        unsafe { warm(scheduler, fd, position, count)? };
    }
    Ok(())
}

/// Whether a read of one piece goes to the disk whatever the cache has (`O_DIRECT`), and is aligned as it must be then.
/// Told not to wait, it waits all the same.
unsafe fn passes_cache(fd: c_int, piece: *const libc::iovec, position: i64) -> bool {
    const SECTOR: usize = 512;
    // SAFETY: by contract of `preadv`. What cannot be read is for the kernel to refuse.
    let Ok(piece) = (unsafe { sys::read_in(piece) }) else { return false };
    let aligned = (piece.iov_base.addr() | piece.iov_len | position as usize).is_multiple_of(SECTOR);
    aligned && sys::fcntl(fd, libc::F_GETFL, 0).is_ok_and(|flags| flags & libc::O_DIRECT != 0)
}

/// `preadv` at a position that is not the file's own.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; the vector is the program's.
pub(super) unsafe fn preadv(
    scheduler: *mut Scheduler, fd: c_int, vector: *const libc::iovec, count: c_int, position: i64,
) -> io::Result<usize> {
    // SAFETY: by contract. The kernel has read the vector when it gives bytes, or says that it would wait.
    unsafe {
        let plain = || sys::preadv2(fd, vector, count, position, 0);
        let now = if count == 1 && passes_cache(fd, vector, position) {
            Err(error(libc::EAGAIN))
        } else {
            sys::preadv2(fd, vector, count, position, libc::RWF_NOWAIT)
        };
        let pieces = match now {
            Ok(0) => return now,
            Ok(got) => {
                let pieces = Vector::new(vector.cast_mut(), count as usize);
                let at_end = || sys::status(fd).is_ok_and(|file| position + got as i64 >= file.st_size);
                if got >= pieces.length() || at_end() {
                    return now;
                }
                pieces
            }
            _ if waits(fd, &now) => match Vector::refused(&now, vector, count) {
                Some(pieces) => pieces,
                None => return plain(),
            },
            Err(_) => return plain(),
        };
        let length = pieces.length();
        if length > MOST_COPIED || !offload::has_memory() {
            warm(scheduler, fd, position, length)?;
            return plain();
        }
        let generation = registry::generation(fd);
        let read = offload::run(scheduler, move || read_aside(fd, length, position));
        still(fd, generation)?;
        match read {
            Ok(Ok(bytes)) => hand_out(&bytes, pieces.pieces()),
            // The disk's errors are told as they are; without a helper or memory, the thread waits itself.
            Ok(Err(errno)) if errno != libc::ENOMEM => Err(error(errno)),
            _ => plain(),
        }
    }
}

/// What is at a position: in memory that is aligned as files without a cache want it.
struct Aside {
    bytes: Vec<u8>,
    begin: usize,
    count: usize,
}

fn read_aside(fd: c_int, length: usize, position: i64) -> Result<Aside, c_int> {
    let bytes = heap::room::<u8>(length + PAGE).ok_or(libc::ENOMEM)?;
    let begin = bytes.as_ptr().align_offset(PAGE);
    let place: *mut c_void = bytes.as_ptr().wrapping_add(begin).cast_mut().cast();
    // SAFETY: there is room for that much behind the first whole page.
    match unsafe { sys::pread(fd, place, length, position) } {
        Ok(count) => Ok(Aside { bytes, begin, count }),
        Err(error) => Err(error.raw_os_error().unwrap_or(libc::EIO)),
    }
}

/// Fills the program's pieces.
unsafe fn hand_out(read: &Aside, pieces: &[libc::iovec]) -> io::Result<usize> {
    let mut done = 0;
    for piece in pieces {
        let here = piece.iov_len.min(read.count - done);
        // SAFETY: the helper has read `count` bytes there; the kernel checks the target.
        let copied =
            unsafe { sys::copy_out(read.bytes.as_ptr().add(read.begin + done), piece.iov_base.cast(), here) };
        if let Err(error) = copied {
            return if done > 0 { Ok(done) } else { Err(error) };
        }
        done += here;
    }
    Ok(done)
}
