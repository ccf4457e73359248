//! A small io_uring for the one call that has no other form which cannot block: `accept` on a blocking
//! listener.
//!
//! One request at a time, submitted and completed in one system call; nothing is ever pending. The kernel
//! knows `IORING_ACCEPT_DONTWAIT` since Linux 6.10; before, and where io_uring is forbidden, there is no ring.
//! Layouts and numbers are those of linux/io_uring.h.

use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};
use std::io;

use super::{descriptor, registry};
use crate::{annotate, sys};

const OP_ACCEPT: u8 = 13;
const ACCEPT_DONTWAIT: u16 = 1 << 1;
const FEATURE_SINGLE_MMAP: u32 = 1;
const OFFSET_RINGS: usize = 0;
const OFFSET_ENTRIES: usize = 0x1000_0000;

/// `struct io_uring_params`.
#[derive(Default)]
#[repr(C)]
struct Parameters {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    _thread: [u32; 2],
    features: u32,
    _reserved: [u32; 4],
    sq: SubmissionOffsets,
    cq: CompletionOffsets,
}

/// `struct io_sqring_offsets`.
#[derive(Default)]
#[repr(C)]
struct SubmissionOffsets {
    head: u32,
    tail: u32,
    mask: u32,
    _entries: u32,
    _flags: u32,
    _dropped: u32,
    array: u32,
    _reserved: [u32; 3],
}

/// `struct io_cqring_offsets`.
#[derive(Default)]
#[repr(C)]
struct CompletionOffsets {
    head: u32,
    tail: u32,
    mask: u32,
    _entries: u32,
    _overflow: u32,
    entries: u32,
    _reserved: [u32; 4],
}

/// `struct io_uring_sqe`, as far as accept uses it.
#[repr(C)]
struct Submission {
    opcode: u8,
    flags: u8,
    priority: u16,
    fd: i32,
    address_length: u64,
    address: u64,
    _length: u32,
    accept_flags: u32,
    data: u64,
    _rest: [u64; 3],
}

/// `struct io_uring_cqe`.
#[repr(C)]
struct Completion {
    _data: u64,
    result: i32,
    _flags: u32,
}

const _: () =
    assert!(size_of::<Parameters>() == 120 && size_of::<Submission>() == 64 && size_of::<Completion>() == 16);

/// A thread's ring.
///
/// Invariant: `rings` and `entries` are the kernel's mappings of `fd`, of the sizes beside them, and offsets of
/// `parameters` lie within; no request is pending between two calls.
#[derive(Debug)]
pub struct Ring {
    fd: c_int,
    rings: (*mut u8, usize),
    entries: (*mut u8, usize),
    sq_tail: u32,
    sq_array: u32,
    cq_head: u32,
    cq_mask: u32,
    cq_entries: u32,
}

impl Ring {
    /// A ring, or none where the kernel's do not know how not to wait; no answer yet when there is no room for
    /// its descriptor.
    pub fn open() -> Option<Option<Ring>> {
        if annotate::on_valgrind() {
            return Some(None);
        }
        match Ring::new() {
            Ok(mut ring) => Some(ring.knows_accept().then_some(ring)),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => None,
            Err(_) => Some(None),
        }
    }

    /// A ring whose accept does not wait; an error where the kernel has none.
    fn new() -> io::Result<Ring> {
        let mut parameters = Parameters::default();
        // SAFETY: the structure has the kernel's layout.
        let fd = unsafe { sys::ring_setup(1, (&raw mut parameters).cast()) }?;
        let fd = descriptor::adopt(fd)?;
        let Parameters { sq, cq, sq_entries, cq_entries, features, .. } = &parameters;
        let submissions = sq.array as usize + *sq_entries as usize * size_of::<u32>();
        let completions = cq.entries as usize + *cq_entries as usize * size_of::<Completion>();
        let sizes = (submissions.max(completions), *sq_entries as usize * size_of::<Submission>());
        let mapped = if features & FEATURE_SINGLE_MMAP == 0 {
            Err(io::ErrorKind::Unsupported.into())
        } else {
            sys::map_ring(fd, sizes.0, OFFSET_RINGS).and_then(|rings| {
                let entries = sys::map_ring(fd, sizes.1, OFFSET_ENTRIES);
                // SAFETY: just mapped, and nothing refers to it.
                entries.map(|entries| (rings, entries)).inspect_err(|_| unsafe { sys::unmap(rings, sizes.0) })
            })
        };
        let (rings, entries) = mapped.inspect_err(|_| descriptor::discard(fd))?;
        // SAFETY: the kernel's own offset into its own mapping.
        let cq_mask = unsafe { rings.add(cq.mask as usize).cast::<u32>().read() };
        Ok(Ring {
            fd,
            rings: (rings, sizes.0),
            entries: (entries, sizes.1),
            sq_tail: sq.tail,
            sq_array: sq.array,
            cq_head: cq.head,
            cq_mask,
            cq_entries: cq.entries,
        })
    }

    fn word(&self, offset: u32) -> &AtomicU32 {
        // SAFETY: invariant of `Ring`; the kernel shares these words with us.
        unsafe { &*self.rings.0.add(offset as usize).cast::<AtomicU32>() }
    }

    /// `accept4` that gives EAGAIN instead of waiting. EINVAL, also, where the kernel does not know how. The outer error
    /// says that it was not tried.
    ///
    /// # Safety
    /// `address` and `length` are the program's, as for the call itself.
    pub unsafe fn accept(
        &mut self, fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t, flags: c_int,
    ) -> io::Result<io::Result<c_int>> {
        let submission = Submission {
            opcode: OP_ACCEPT,
            flags: 0,
            priority: ACCEPT_DONTWAIT,
            fd,
            address_length: length as u64,
            address: address as u64,
            _length: 0,
            accept_flags: flags as u32,
            data: 0,
            _rest: [0; 3],
        };
        // SAFETY: invariant of `Ring`: there is one entry, and it is free.
        unsafe {
            self.entries.0.cast::<Submission>().write(submission);
            self.rings.0.add(self.sq_array as usize).cast::<u32>().write(0);
        }
        let tail = self.word(self.sq_tail);
        tail.store(tail.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        // SAFETY: by contract.
        unsafe { sys::ring_enter(self.fd, 1, 1) }?;
        let head = self.word(self.cq_head);
        let at = head.load(Ordering::Acquire);
        // SAFETY: invariant of `Ring`; one completion has come, because one was waited for.
        let result = unsafe {
            let completions = self.rings.0.add(self.cq_entries as usize).cast::<Completion>();
            (*completions.add((at & self.cq_mask) as usize)).result
        };
        head.store(at.wrapping_add(1), Ordering::Release);
        Ok(if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) })
    }

    /// Whether the descriptor is still the ring's.
    pub fn is_open(&self) -> bool {
        registry::is_own(self.fd) && sys::fcntl(self.fd, libc::F_GETFD, 0).is_ok()
    }

    /// Whether the kernel's accept knows how not to wait, asked of a listener that has nothing to accept.
    fn knows_accept(&mut self) -> bool {
        let Ok(listener) = sys::idle_listener() else { return false };
        // SAFETY: null pointers ask for no address.
        let result = unsafe { self.accept(listener, core::ptr::null_mut(), core::ptr::null_mut(), 0) };
        sys::close(listener);
        result.is_ok_and(|result| sys::failed_with(&result, libc::EAGAIN))
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: invariant of `Ring`; nothing is pending.
        unsafe {
            sys::unmap(self.rings.0, self.rings.1);
            sys::unmap(self.entries.0, self.entries.1);
        }
        // Once it was moved or closed from outside, the number is somebody else's.
        if registry::is_own(self.fd) {
            descriptor::discard(self.fd);
        }
    }
}
