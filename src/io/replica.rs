//! What a program writes, copied for a helper who writes it in the program's place.

use core::ffi::c_int;
use std::io;

use super::error;
use super::vector::LONGEST;
use crate::heap;
use crate::stack::PAGE;
use crate::sys;

/// Pieces with the bytes and the lengths of the program's, and beyond reach from where on the program's cannot be read:
/// how much of such pieces is written, each file decides for itself.
pub(super) struct Replica {
    memory: *mut u8,
    size: usize,
    pieces: Vec<libc::iovec>,
}

// SAFETY: nobody but the replica refers to the memory.
unsafe impl Send for Replica {}
// SAFETY: as above; it does not change.
unsafe impl Sync for Replica {}

impl Replica {
    /// The replica of pieces that the kernel has accepted.
    pub(super) fn new(originals: &[libc::iovec]) -> io::Result<Self> {
        let mut pieces = heap::room(originals.len()).ok_or(error(libc::ENOMEM))?;
        let mut length = 0;
        for original in originals {
            let iov_len = original.iov_len.min(LONGEST - length);
            pieces.push(libc::iovec { iov_len, ..*original });
            length += iov_len;
        }
        let size = length.next_multiple_of(PAGE) + PAGE;
        let mut replica = Replica { memory: sys::map(size)?, size, pieces };
        // SAFETY: the memory is fresh, and has a page more than the pieces.
        let mut place = unsafe { replica.fill(length)? };
        for piece in &mut replica.pieces {
            piece.iov_base = place.cast();
            place = place.wrapping_add(piece.iov_len);
        }
        Ok(replica)
    }

    /// Copies the pieces as far as they can be read, and gives where the copy begins: such that, if it is shorter than
    /// `length`, it ends with a page behind which nothing can be read.
    unsafe fn fill(&self, length: usize) -> io::Result<*mut u8> {
        let mut copied = 0;
        for piece in &self.pieces {
            // SAFETY: there is room for all pieces; the kernel checks the source.
            let here =
                unsafe { sys::copy_readable(piece.iov_base.cast(), self.memory.add(copied), piece.iov_len) };
            copied += here;
            if here < piece.iov_len {
                break;
            }
        }
        if copied == length {
            return Ok(self.memory);
        }
        let end = copied.next_multiple_of(PAGE);
        // SAFETY: by contract; nothing uses what is behind the copy.
        unsafe {
            let place = self.memory.add(end - copied);
            self.memory.copy_to(place, copied);
            sys::forbid(self.memory.add(end), self.size - end)?;
            Ok(place)
        }
    }

    /// Writes it as the program would have.
    pub(super) fn write(&self, fd: c_int) -> io::Result<usize> {
        sys::writev(fd, self.pieces.as_ptr(), self.pieces.len() as c_int, 0)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // SAFETY: nobody but the replica refers to it.
        unsafe { sys::unmap(self.memory, self.size) };
    }
}
