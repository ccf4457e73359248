//! The program's vectors of buffers, and what is left of one after a part was done.

use core::ffi::c_int;
use core::mem::size_of;
use std::io;

use super::file::beyond_memory;
use crate::scheduler::Scheduler;
use crate::sys;

/// What one call transfers at most, a page less than the largest `int` (`MAX_RW_COUNT`); the kernel cuts off the rest.
pub(super) const LONGEST: usize = 0x7fff_f000;

/// A vector of buffers.
pub(super) struct Vector {
    pieces: *mut libc::iovec,
    count: usize,
}

impl Vector {
    /// The vector of `count` pieces that the kernel has accepted.
    pub(super) unsafe fn new(pieces: *mut libc::iovec, count: usize) -> Self {
        Vector { pieces, count }
    }

    /// The vector of a call of which the kernel has said that it does not know its flags, for which it has to have read the
    /// vector. Unless a filter spoke in its place: then `None` where the kernel would refuse the vector.
    pub(super) unsafe fn refused(
        result: &io::Result<usize>, pieces: *const libc::iovec, count: c_int,
    ) -> Option<Self> {
        let acceptable = || {
            (0..=libc::UIO_MAXIOV).contains(&count)
                // SAFETY: any bytes are a piece; where they cannot be read there is none.
                && (0..count as usize).all(|i| unsafe { sys::read_in(pieces.wrapping_add(i)) }.is_ok_and(is_acceptable))
        };
        if sys::is_lacking(result) && !acceptable() {
            return None;
        }
        Some(Vector { pieces: pieces.cast_mut(), count: count as usize })
    }

    /// The pieces.
    pub(super) fn pieces(&self) -> &[libc::iovec] {
        if self.count == 0 {
            return &[];
        }
        // SAFETY: the kernel has read these pieces in the same call.
        unsafe { core::slice::from_raw_parts(self.pieces, self.count) }
    }

    /// The bytes of all pieces, as far as one call goes.
    pub(super) fn length(&self) -> usize {
        self.pieces().iter().fold(0usize, |sum, piece| sum.saturating_add(piece.iov_len)).min(LONGEST)
    }

    /// A message of all pieces, with nothing but data.
    pub(super) fn message(&self) -> libc::msghdr {
        data(self.pieces, self.count)
    }

    /// A copy that [`Rest::message`] may shorten, in the coroutine's scratch memory.
    pub(super) unsafe fn copy(&self, scheduler: *mut Scheduler) -> io::Result<Rest> {
        // SAFETY: by contract of the callers; the scratch has room for all pieces.
        unsafe {
            let copy = Scheduler::scratch(scheduler, (self.count + 1) * size_of::<libc::iovec>())?;
            Ok(Rest { whole: Vector::new(self.pieces, self.count), copy: copy.cast() })
        }
    }
}

/// Whether the kernel takes it for a piece of a vector, whatever the memory holds.
fn is_acceptable(piece: libc::iovec) -> bool {
    piece.iov_len <= isize::MAX as usize && !beyond_memory(piece.iov_base, piece.iov_len)
}

/// What is left of a vector.
pub(super) struct Rest {
    whole: Vector,
    copy: *mut libc::iovec,
}

impl Rest {
    /// A message of all but the first `done` bytes, with nothing but data.
    pub(super) fn message(&self, done: usize) -> libc::msghdr {
        let (mut skip, mut count, mut room) = (done, 0, LONGEST.saturating_sub(done));
        for piece in self.whole.pieces() {
            if skip >= piece.iov_len {
                skip -= piece.iov_len;
                continue;
            }
            let left = libc::iovec {
                iov_base: piece.iov_base.wrapping_byte_add(skip),
                iov_len: (piece.iov_len - skip).min(room),
            };
            (skip, room) = (0, room - left.iov_len);
            // SAFETY: the copy has room for every piece, and is the running coroutine's own. Vectors are
            // aligned to words, which the allocator's least alignment covers.
            unsafe { self.copy.add(count).write_unaligned(left) };
            count += 1;
        }
        data(self.copy, count)
    }
}

fn data(pieces: *mut libc::iovec, count: usize) -> libc::msghdr {
    // SAFETY: an empty header is all zeroes.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = pieces;
    message.msg_iovlen = count;
    message
}
