//! `FILE` as glibc lays it out, and what can be told from it.
//!
//! The layout is part of glibc's binary interface (`bits/types/struct_FILE.h`): programs have `getc_unlocked`
//! compiled into them. Whoever changes a stream here leaves it as libc's own functions would find it, at every
//! moment at which another thread, or `exit`, can look.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::{offset_of, size_of, swap};

use crate::sys;

/// `struct _IO_FILE`.
#[repr(C)]
pub struct Stream {
    /// [`LINE_BUFFERED`] and the others.
    pub(super) flags: c_int,
    /// The bytes that were read from the descriptor and not yet taken begin here.
    pub(super) read_ptr: *mut u8,
    /// And end here.
    pub(super) read_end: *mut u8,
    /// Where putting back ends.
    pub(super) read_base: *mut u8,
    /// The bytes that were put and not yet written begin here.
    pub(super) write_base: *mut u8,
    /// And end here.
    pub(super) write_ptr: *mut u8,
    /// Up to here `putc` may store without asking; `write_base` for lines and unbuffered streams.
    pub(super) write_end: *mut u8,
    /// The buffer; null before the first transfer.
    pub(super) buf_base: *mut u8,
    /// The buffer's end.
    pub(super) buf_end: *mut u8,
    save_base: *mut u8,
    backup_base: *mut u8,
    save_end: *mut u8,
    markers: *mut c_void,
    chain: *mut Stream,
    fileno: c_int,
    flags2: c_int,
    old_offset: i64,
    cur_column: u16,
    vtable_offset: i8,
    shortbuf: [u8; 1],
    lock: *mut c_void,
    /// The file's position as far as libc knows it, or [`UNKNOWN`].
    pub(super) offset: i64,
    codecvt: *mut c_void,
    wide_data: *mut c_void,
    freeres_list: *mut c_void,
    freeres_buf: *mut c_void,
    pad: usize,
    /// Negative for streams of bytes, positive for wide characters, zero for neither as yet.
    pub(super) mode: c_int,
    /// How many bytes have been written to the descriptor, since 2.43; nothing before.
    pub(super) written: u64,
    unused: [u8; 8],
    /// The functions of this sort of stream (`struct _IO_FILE_plus`).
    jumps: *const c_void,
}

const _: () = assert!(offset_of!(Stream, jumps) == 216 && size_of::<Stream>() == 224, "as in glibc");

/// Whether `fwrite` leaves out what it could not write of what it was given (since 2.43), or counts it as long as it once stood
/// in the buffer, as `fwrite_unlocked` still does.
pub fn counts_what_is_written() -> bool {
    // SAFETY: a string of libc's own.
    let version = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) }.to_str();
    let number = |part: Option<&str>| part.and_then(|part| part.parse().ok()).unwrap_or(0);
    let mut parts = version.unwrap_or("").split('.');
    (number(parts.next()), number(parts.next())) >= (2, 43)
}

/// No buffer.
pub const UNBUFFERED: c_int = 0x2;
/// Opened for writing only.
pub const NO_READS: c_int = 0x4;
/// Opened for reading only.
pub const NO_WRITES: c_int = 0x8;
/// `feof`.
pub const END_SEEN: c_int = 0x10;
/// `ferror`.
pub const ERROR_SEEN: c_int = 0x20;
/// In libc's list of all streams.
pub const LINKED: c_int = 0x80;
const IN_BACKUP: c_int = 0x100;
/// Written at the end of each line.
pub const LINE_BUFFERED: c_int = 0x200;
/// The buffer serves for writing.
pub const PUTTING: c_int = 0x800;
/// Opened with "a".
pub const APPENDING: c_int = 0x1000;
/// What it is on is a descriptor.
const HAS_DESCRIPTOR: c_int = 0x2000;
/// The program does the locking (`__fsetlocking`).
pub const USER_LOCK: c_int = 0x8000;
/// In `flags2`: the process has, or had, more than one thread.
const NEEDS_LOCK: c_int = 0x80;
/// An [`Stream::offset`] that libc does not know.
pub const UNKNOWN: i64 = -1;

unsafe extern "C" {
    /// What the program has for its standard output.
    pub static mut stdout: *mut Stream;
    /// What the program has for its standard input.
    pub static mut stdin: *mut Stream;
    /// What the program has for its standard error.
    pub static mut stderr: *mut Stream;
    static _IO_file_jumps: c_void;
    fn _IO_doallocbuf(stream: *mut Stream);
    fn _IO_free_backup_area(stream: *mut Stream);
    fn _IO_switch_to_get_mode(stream: *mut Stream) -> c_int;
    /// libc's own lock, if it is free. By the names that no hook has.
    #[link_name = "_IO_ftrylockfile"]
    pub fn ftrylockfile(stream: *mut Stream) -> c_int;
    /// Gives it back.
    #[link_name = "_IO_funlockfile"]
    pub fn funlockfile(stream: *mut Stream);
    /// Stores a byte where `putc` found no room; with -1 it only makes the stream ready for writing.
    pub fn __overflow(stream: *mut Stream, byte: c_int) -> c_int;
    /// Takes a byte where `getc` found none.
    pub fn __uflow(stream: *mut Stream) -> c_int;
    /// Sees to it that there is a byte.
    pub fn __underflow(stream: *mut Stream) -> c_int;
    /// `getc_unlocked`.
    pub fn getc_unlocked(stream: *mut Stream) -> c_int;
    /// `putc_unlocked`.
    pub fn putc_unlocked(byte: c_int, stream: *mut Stream) -> c_int;
    /// `ungetc`.
    pub fn ungetc(byte: c_int, stream: *mut Stream) -> c_int;
    /// `fgets_unlocked`.
    pub fn fgets_unlocked(line: *mut c_char, size: c_int, stream: *mut Stream) -> *mut c_char;
    /// `fread_unlocked`.
    pub fn fread_unlocked(data: *mut c_void, size: usize, count: usize, stream: *mut Stream) -> usize;
    /// `fwrite_unlocked`.
    pub fn fwrite_unlocked(data: *const c_void, size: usize, count: usize, stream: *mut Stream) -> usize;
    /// `fputs_unlocked`.
    pub fn fputs_unlocked(text: *const c_char, stream: *mut Stream) -> c_int;
    /// `fflush_unlocked`.
    pub fn fflush_unlocked(stream: *mut Stream) -> c_int;
    /// `getdelim`.
    pub fn getdelim(line: *mut *mut c_char, size: *mut usize, delimiter: c_int, stream: *mut Stream)
    -> isize;
}

/// # Safety
/// For every function here: `this` is a stream that is open, and nobody changes it at the same time unless the
/// function's words say so.
impl Stream {
    /// Bytes that were read and not yet taken.
    #[inline(always)]
    pub(super) unsafe fn unread(this: *const Stream) -> usize {
        // SAFETY: by contract.
        unsafe { ((*this).read_end as usize).saturating_sub((*this).read_ptr as usize) }
    }

    /// Bytes that were put and not yet written.
    #[inline(always)]
    pub(super) unsafe fn unwritten(this: *const Stream) -> usize {
        // SAFETY: by contract.
        unsafe { ((*this).write_ptr as usize).saturating_sub((*this).write_base as usize) }
    }

    /// Bytes that can be stored at once, in a stream that asks for no flush until it is full.
    #[inline(always)]
    pub(super) unsafe fn room(this: *const Stream) -> usize {
        // SAFETY: by contract.
        unsafe { ((*this).write_end as usize).saturating_sub((*this).write_ptr as usize) }
    }

    /// The size of the buffer.
    pub(super) unsafe fn size(this: *const Stream) -> usize {
        // SAFETY: by contract.
        unsafe { (*this).buf_end as usize - (*this).buf_base as usize }
    }

    /// Whether one of the flags is set.
    #[inline(always)]
    pub(super) unsafe fn is(this: *const Stream, flags: c_int) -> bool {
        // SAFETY: by contract.
        unsafe { (*this).flags & flags != 0 }
    }

    /// Takes `count` unread bytes.
    pub(super) unsafe fn take(this: *mut Stream, to: *mut u8, count: usize) {
        if count == 0 {
            return;
        }
        // SAFETY: by contract, there are as many.
        unsafe {
            core::ptr::copy_nonoverlapping((*this).read_ptr, to, count);
            (*this).read_ptr = (*this).read_ptr.add(count);
        }
    }

    /// Stores `count` bytes for which there is room.
    #[inline(always)]
    pub(super) unsafe fn store(this: *mut Stream, from: *const u8, count: usize) {
        if count == 0 {
            return;
        }
        // SAFETY: by contract.
        unsafe {
            core::ptr::copy_nonoverlapping(from, (*this).write_ptr, count);
            (*this).write_ptr = (*this).write_ptr.add(count);
        }
    }

    /// The descriptor; negative where there is none. Those of memory keep no number, and 0 stands in its place.
    #[inline(always)]
    pub(super) unsafe fn descriptor(this: *const Stream) -> c_int {
        // SAFETY: by contract.
        unsafe { if Self::is(this, HAS_DESCRIPTOR) { (*this).fileno } else { -1 } }
    }

    /// Whether a transfer may wait for somebody: not on a file on disk, not without a descriptor, not on a
    /// non-blocking one, and not where libc refuses the call for the stream's orientation.
    pub(super) unsafe fn may_wait(this: *const Stream) -> bool {
        // SAFETY: by contract.
        let (fd, mode) = unsafe { (Self::descriptor(this), (*this).mode) };
        fd >= 0 && mode <= 0 && waits(fd)
    }

    /// Whether libc closes it in a way of its own: it waits for the process behind a stream of `popen`.
    pub(super) unsafe fn closes_specially(this: *const Stream) -> bool {
        // SAFETY: by contract.
        unsafe { (*this).jumps != &raw const _IO_file_jumps }
    }

    /// Takes libc's own lock for a moment; `false` when another thread has it. Where libc's functions would not
    /// lock, there is nothing to take: the process never had a second thread, or the program does it itself.
    #[inline(always)]
    pub(super) unsafe fn try_lock(this: *mut Stream) -> bool {
        // SAFETY: by contract; many may do this at the same time.
        unsafe { !Self::needs_lock(this) || ftrylockfile(this) == 0 }
    }

    /// Gives libc's lock back.
    #[inline(always)]
    pub(super) unsafe fn unlock(this: *mut Stream) {
        // SAFETY: by contract. No thread is made between the two, so both see the same need.
        unsafe {
            if Self::needs_lock(this) {
                funlockfile(this);
            }
        }
    }

    #[inline(always)]
    unsafe fn needs_lock(this: *const Stream) -> bool {
        // SAFETY: by contract.
        unsafe { (*this).flags2 & NEEDS_LOCK != 0 && !Self::is(this, USER_LOCK) }
    }

    /// Makes a stream in whose buffer nothing waits ready for reading: what `__underflow` does before it looks
    /// for more. Gives whether there is something to take already.
    pub(super) unsafe fn prepare_reading(this: *mut Stream) -> bool {
        // SAFETY: by contract.
        unsafe {
            if (*this).mode == 0 {
                (*this).mode = -1;
            }
            if Self::is(this, PUTTING) {
                _IO_switch_to_get_mode(this);
            }
            if Self::unread(this) == 0 && Self::is(this, IN_BACKUP) {
                // What was put back has been taken: on with what was read.
                (*this).flags &= !IN_BACKUP;
                let stream = &mut *this;
                swap(&mut stream.read_end, &mut stream.save_end);
                swap(&mut stream.read_base, &mut stream.save_base);
                stream.read_ptr = stream.read_base;
            }
            if Self::unread(this) > 0 {
                return true;
            }
            if !(*this).save_base.is_null() {
                _IO_free_backup_area(this);
            }
            false
        }
    }

    /// Whether bytes that were put back stand before those that were read.
    pub(super) unsafe fn has_put_back(this: *const Stream) -> bool {
        // SAFETY: by contract.
        unsafe { Self::is(this, IN_BACKUP) }
    }

    /// Sees to it that there is a buffer.
    pub(super) unsafe fn provide_buffer(this: *mut Stream) {
        // SAFETY: by contract.
        unsafe {
            if (*this).buf_base.is_null() {
                _IO_doallocbuf(this);
            }
        }
    }

    /// Nothing to read and nothing to write.
    pub(super) unsafe fn empty(this: *mut Stream) {
        // SAFETY: by contract.
        unsafe {
            let base = (*this).buf_base;
            ((*this).read_base, (*this).read_ptr, (*this).read_end) = (base, base, base);
            ((*this).write_base, (*this).write_ptr) = (base, base);
        }
    }

    /// Where the bytes end that were put, counted from the first that was written.
    pub(super) unsafe fn end_of_what_was_put(this: *const Stream) -> u64 {
        // SAFETY: by contract.
        unsafe { (*this).written.wrapping_add(Self::unwritten(this) as u64) }
    }

    /// Notes that the descriptor's position has moved on.
    pub(super) unsafe fn moved(this: *mut Stream, bytes: usize) {
        // SAFETY: by contract.
        unsafe {
            if (*this).offset >= 0 {
                (*this).offset += bytes as i64;
            }
        }
    }
}

/// Whether reading or writing the descriptor may wait for somebody.
pub fn waits(fd: c_int) -> bool {
    let on_disk = |kind| matches!(kind, libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK);
    sys::file_type(fd).is_ok_and(|kind| !on_disk(kind))
        && sys::fcntl(fd, libc::F_GETFL, 0).is_ok_and(|flags| flags & libc::O_NONBLOCK == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_libc() {
        // SAFETY: a stream of this test's own.
        unsafe {
            let file = libc::fopen(c"/dev/null".as_ptr(), c"w".as_ptr());
            let stream: *mut Stream = file.cast();
            assert_eq!(Stream::descriptor(stream), libc::fileno(file));
            assert!(Stream::is(stream, NO_READS | LINKED) && !Stream::is(stream, NO_WRITES | USER_LOCK));
            libc::setvbuf(file, core::ptr::null_mut(), libc::_IOFBF, 0);
            assert_eq!((libc::fputc(97, file), libc::fputc(98, file)), (97, 98));
            assert_eq!((Stream::unwritten(stream), *(*stream).write_base), (2, 97));
            assert!(Stream::is(stream, PUTTING) && Stream::room(stream) > 0);
            assert_eq!(Stream::room(stream) + 2, Stream::size(stream));
            assert!(!Stream::closes_specially(stream) && (*stream).mode < 0);
            libc::fclose(file);
        }
    }
}
