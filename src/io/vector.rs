//! The program's vectors of buffers, and what is left of one after a part was done.

use core::mem::size_of;
use std::io;

use crate::scheduler::Scheduler;

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

    /// The pieces.
    pub(super) fn pieces(&self) -> &[libc::iovec] {
        if self.count == 0 {
            return &[];
        }
        // SAFETY: the kernel has read these pieces in the same call.
        unsafe { core::slice::from_raw_parts(self.pieces, self.count) }
    }

    /// The bytes of all pieces.
    pub(super) fn length(&self) -> usize {
        self.pieces().iter().fold(0usize, |sum, piece| sum.saturating_add(piece.iov_len))
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

/// What is left of a vector.
pub(super) struct Rest {
    whole: Vector,
    copy: *mut libc::iovec,
}

impl Rest {
    /// A message of all but the first `done` bytes, with nothing but data.
    pub(super) fn message(&self, done: usize) -> libc::msghdr {
        let (mut skip, mut count) = (done, 0);
        for piece in self.whole.pieces() {
            if skip >= piece.iov_len {
                skip -= piece.iov_len;
                continue;
            }
            let left = libc::iovec {
                iov_base: piece.iov_base.wrapping_byte_add(skip),
                iov_len: piece.iov_len - skip,
            };
            skip = 0;
            // SAFETY: the copy has room for every piece, and is the running coroutine's own. Vectors are
            // aligned to words, which the allocator's least alignment covers.
            unsafe { self.copy.add(count).write_unaligned(left) };
            count += 1;
        }
        // SAFETY: an empty header is all zeroes.
        let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
        message.msg_iov = self.copy;
        message.msg_iovlen = count;
        message
    }
}
