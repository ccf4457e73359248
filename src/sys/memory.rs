//! Memory.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;
use std::io;

use super::process_id;
use crate::annotate;

/// The place at which ThreadSanitizer, which does not see these calls, is told that what a thread did in memory that it
/// unmaps comes before what another does that is given the same addresses.
static UNMAPPED: u8 = 0;

/// Maps `size` bytes of zeroed private memory without reserving swap for it.
pub fn map(size: usize) -> io::Result<*mut u8> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh mapping disturbs nothing.
    let address = unsafe { call!(SYS_mmap, 0, size, protection, flags, -1isize, 0) }?;
    annotate::receive(&raw const UNMAPPED);
    Ok(address as *mut u8)
}

/// The size of a huge page on every x86-64.
pub const HUGE_PAGE: usize = 2 << 20;

/// [`map`] from the beginning of a huge page on, in huge pages as far as they fit and the kernel has them to spare.
pub fn map_huge(size: usize) -> io::Result<*mut u8> {
    map_aligned(size, libc::MADV_HUGEPAGE)
}

/// [`map`] from the beginning of a huge page on, in small pages until [`make_huge`].
pub fn map_small(size: usize) -> io::Result<*mut u8> {
    map_aligned(size, libc::MADV_NOHUGEPAGE)
}

fn map_aligned(size: usize, advice: c_int) -> io::Result<*mut u8> {
    let place = map(size + HUGE_PAGE)?;
    let before = place.align_offset(HUGE_PAGE);
    let kept = place.wrapping_add(before);
    // SAFETY: fresh memory, of which a part is kept. Kernels without huge pages refuse the advice, which is as good.
    unsafe {
        if before > 0 {
            unmap(place, before);
        }
        unmap(kept.wrapping_add(size), HUGE_PAGE - before);
        let _ = advise(kept, size, advice);
    }
    Ok(kept)
}

/// Lets memory be in huge pages, what is touched already at once.
///
/// # Safety
/// [`map_small`] gave it.
pub unsafe fn make_huge(address: *mut u8, size: usize) {
    /// Since Linux 6.1.
    const MADV_COLLAPSE: c_int = 25;
    // SAFETY: by contract; what the memory holds stays. Before 6.1 the kernel comes to it by and by.
    unsafe {
        let _ = advise(address, size, libc::MADV_HUGEPAGE);
        let _ = advise(address, size, MADV_COLLAPSE);
    }
}

/// Unmaps memory that [`map`] gave.
///
/// # Safety
/// Nothing refers to the range any more.
pub unsafe fn unmap(address: *mut u8, size: usize) {
    annotate::hand_over(&raw const UNMAPPED);
    // SAFETY: by contract.
    let result = unsafe { call!(SYS_munmap, address, size) };
    debug_assert!(result.is_ok());
}

/// `madvise(2)`.
///
/// # Safety
/// The advice must not discard memory that is still in use.
pub unsafe fn advise(address: *mut u8, size: usize, advice: c_int) -> io::Result<()> {
    // SAFETY: by contract.
    unsafe { call!(SYS_madvise, address, size, advice) }.map(drop)
}

/// Makes a range inaccessible with `mprotect(2)`.
///
/// # Safety
/// Nothing uses the range.
pub unsafe fn forbid(address: *mut u8, size: usize) -> io::Result<()> {
    // SAFETY: by contract.
    unsafe { call!(SYS_mprotect, address, size, libc::PROT_NONE) }.map(drop)
}

/// Copies `size` bytes of the program's memory; EFAULT where it is not readable.
///
/// # Safety
/// `to` is writable for `size` bytes.
pub unsafe fn copy_in(from: *const u8, to: *mut u8, size: usize) -> io::Result<()> {
    // SAFETY: by contract.
    whole(unsafe { copy_readable(from, to, size) }, size)
}

/// Copies of `size` bytes of the program's memory those before the first that is not readable, and gives their number.
///
/// # Safety
/// `to` is writable for `size` bytes.
pub unsafe fn copy_readable(from: *const u8, to: *mut u8, size: usize) -> usize {
    // SAFETY: by contract; the kernel checks the source.
    unsafe { copy(from, to, size, |own, [from, to]| call!(SYS_process_vm_readv, own, to, 1, from, 1, 0)) }
}

/// Copies `size` bytes into the program's memory; EFAULT where it is not writable.
///
/// # Safety
/// `from` is readable for `size` bytes; `to` is memory that the program gave for the purpose.
pub unsafe fn copy_out(from: *const u8, to: *mut u8, size: usize) -> io::Result<()> {
    // SAFETY: by contract; the kernel checks the target.
    let copied = unsafe {
        copy(from, to, size, |own, [from, to]| call!(SYS_process_vm_writev, own, from, 1, to, 1, 0))
    };
    whole(copied, size)?;
    annotate::written(to, size);
    Ok(())
}

fn whole(copied: usize, size: usize) -> io::Result<()> {
    if copied == size { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
}

/// Copies by a system call that checks what is the program's: of the process, from and to a place.
unsafe fn copy(
    from: *const u8, to: *mut u8, size: usize,
    by: impl FnOnce(c_int, [*const libc::iovec; 2]) -> io::Result<usize>,
) -> usize {
    let places = [from.cast_mut(), to].map(|place| libc::iovec { iov_base: place.cast(), iov_len: size });
    match by(process_id(), places.each_ref().map(ptr::from_ref)) {
        Ok(copied) => copied,
        Err(e) if e.raw_os_error() == Some(libc::EFAULT) => 0,
        // Forbidden by a filter.
        // SAFETY: by contract of the callers.
        Err(_) => match unsafe { copy_by_pipe(from, to, size) } {
            Ok(copied) => copied,
            Err(_) => {
                // There is no pipe to be had: then without the check, as libc's own functions read.
                // SAFETY: by contract of the callers, and the program's promise.
                unsafe { ptr::copy_nonoverlapping(from, to, size) };
                size
            }
        },
    }
}

/// Copies through a pipe, as `write` and `read` check what is the program's too.
unsafe fn copy_by_pipe(from: *const u8, to: *mut u8, size: usize) -> io::Result<usize> {
    let mut ends: [c_int; 2] = [-1; 2];
    // SAFETY: the kernel fills the array, and checks one of the two places; the other is ours.
    unsafe {
        call!(SYS_pipe2, ends.as_mut_ptr(), libc::O_CLOEXEC)?;
        let mut done = 0;
        while done < size {
            // So much an empty pipe takes, and gives back, without a wait. It takes all of a page or nothing.
            let page = libc::PIPE_BUF - from.addr().wrapping_add(done) % libc::PIPE_BUF;
            let copied = call!(SYS_write, ends[1], from.add(done), page.min(size - done))
                .and_then(|there| call!(SYS_read, ends[0], to.add(done), there));
            match copied {
                Ok(here) => done += here,
                Err(_) => break,
            }
        }
        for end in ends {
            let _ = call!(SYS_close, end);
        }
        Ok(done)
    }
}

/// The program's `T`, which may stand in memory that cannot be read: then EFAULT.
///
/// # Safety
/// Any bytes are a valid `T`.
pub unsafe fn read_in<T>(from: *const T) -> io::Result<T> {
    let mut copy = MaybeUninit::<T>::uninit();
    // SAFETY: the copy has the size, and is filled on success; by contract.
    unsafe {
        copy_in(from.cast(), copy.as_mut_ptr().cast(), size_of::<T>())?;
        Ok(copy.assume_init())
    }
}
