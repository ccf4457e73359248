//! The system log. libc sends messages to its own socket, inside itself, and may wait there for as long as whoever reads
//! the log takes; it holds a lock meanwhile that all functions of the log take.
//!
//! So each call is made by a helper, one at a time: its coroutine has the log as others have a stream. The text of a
//! message is made first, on the coroutine's own thread.

use core::ffi::{c_char, c_int};
use core::ptr;
use core::sync::atomic::AtomicU8;
use std::io;

use super::call::{errno, set_errno};
use super::format::{Arguments, Format, List, list_of};
use super::helped::by_helper;
use super::owner;
use super::stream::Stream;
use crate::heap;
use crate::io::offload::Kind;
use crate::scheduler::Scheduler;
use crate::waiter::Interrupt;

unsafe extern "C" {
    fn vsyslog(priority: c_int, format: *const c_char, arguments: Arguments);
    fn __vsyslog_chk(priority: c_int, flag: c_int, format: *const c_char, arguments: Arguments);
}

/// No handler of a signal ends it: libc goes on after the first. The cancellation of a thread does.
const SENDING: Kind = Kind::DEED.ended_by(Interrupt::Cancelled);

/// What stands for the log where streams are told apart by their addresses.
fn log() -> *mut Stream {
    static PLACE: AtomicU8 = AtomicU8::new(0);
    PLACE.as_ptr().cast()
}

/// Does a call on the log once no other coroutine is in one. `prepare` gives what a helper does; without memory for that,
/// or a helper, the call is `plain`. `None` when it was cancelled before it began, or was the parent's of this child of
/// fork.
///
/// # Safety
/// As for [`change`].
unsafe fn exclusively<T: Send + 'static, W: Fn() -> T + Send + Sync + 'static>(
    scheduler: *mut Scheduler, prepare: impl FnOnce() -> Option<W>, plain: impl FnOnce() -> T,
) -> Option<T> {
    let before = errno();
    // SAFETY: by contract; the log's address is compared only.
    unsafe {
        let owns = owner::acquire(scheduler, log());
        set_errno(before);
        let done = match prepare() {
            Some(work) => by_helper(scheduler, SENDING, work),
            None => Err(io::Error::from_raw_os_error(libc::ENOMEM)),
        };
        let result = match done {
            Ok(result) => Some(result),
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {
                set_errno(libc::EINTR);
                None
            }
            Err(_) => {
                set_errno(before);
                Some(plain())
            }
        };
        if owns {
            owner::release(scheduler, log());
        }
        result
    }
}

/// `openlog`, `closelog` and `setlogmask`, whose functions of libc's are `call`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs, with hooks off; all else is the program's, as for the call
/// itself. The same holds for every function of this file.
pub unsafe fn change<T: Send + 'static>(
    scheduler: *mut Scheduler, call: impl Fn() -> T + Copy + Send + Sync + 'static,
) -> Option<T> {
    // SAFETY: by contract.
    unsafe { exclusively(scheduler, || Some(call), call) }
}

/// A text that a job owns, and how libc is told of it: `%s`, and `%c` for each byte in it that is zero.
struct Message {
    text: *mut c_char,
    format: Vec<u8>,
    arguments: Vec<usize>,
}
// SAFETY: one thread has it at a time, and nobody changes it.
unsafe impl Send for Message {}
// SAFETY: as above.
unsafe impl Sync for Message {}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: `malloc`'s, or null.
        unsafe { libc::free(self.text.cast()) };
    }
}

impl Message {
    /// No text at all: libc is asked what it says of the priority.
    fn empty() -> Option<Self> {
        let mut format = heap::room(1)?;
        format.push(0);
        Some(Message { text: ptr::null_mut(), format, arguments: Vec::new() })
    }

    /// The text of a format; `None` when it cannot be made.
    unsafe fn new(made_of: &Format) -> Option<Self> {
        // SAFETY: by contract of `write`; the arguments are used up in a copy.
        unsafe {
            let mut text = ptr::null_mut();
            let mut list = *made_of.arguments.cast::<List>();
            let copy =
                Format { flag: made_of.flag, format: made_of.format, arguments: (&raw mut list).cast() };
            let length = usize::try_from(copy.long(&mut text)).ok()?;
            let mut message = Message { text, format: Vec::new(), arguments: Vec::new() };
            let bytes = core::slice::from_raw_parts(text.cast::<u8>(), length);
            let zeros = bytes.iter().filter(|&&byte| byte == 0).count();
            message.format = heap::room(2 + 4 * zeros + 1)?;
            message.arguments = heap::room(1 + 2 * zeros)?;
            message.format.extend_from_slice(b"%s");
            message.arguments.push(text as usize);
            for (at, _) in bytes.iter().enumerate().filter(|&(_, &byte)| byte == 0) {
                message.format.extend_from_slice(b"%c%s");
                message.arguments.extend_from_slice(&[0, text.add(at + 1) as usize]);
            }
            message.format.push(0);
            Some(message)
        }
    }

    unsafe fn send(&self, priority: c_int) {
        let mut list = list_of(self.arguments.as_ptr());
        // SAFETY: as many arguments as the format asks for, and all that they point at.
        unsafe { vsyslog(priority, self.format.as_ptr().cast(), (&raw mut list).cast()) };
    }
}

/// What libc leaves out of a priority, after it has complained of it.
const KNOWN: c_int = 0x3ff;

/// Whether libc has nothing at all to do for a message of that priority.
pub fn is_ignored(priority: c_int, mask: c_int) -> bool {
    priority & !KNOWN == 0 && is_masked(priority, mask)
}

fn is_masked(priority: c_int, mask: c_int) -> bool {
    mask & 1 << (priority & 7) == 0
}

/// `vsyslog`, under the mask of `setlogmask`. Gives whether the call was perhaps cancelled.
///
/// # Safety
/// As for [`change`].
pub unsafe fn write(scheduler: *mut Scheduler, priority: c_int, mask: c_int, text: &Format) -> bool {
    // SAFETY: by contract.
    unsafe {
        let prepare = || {
            let message = if is_masked(priority, mask) { Message::empty() } else { Message::new(text) }?;
            Some(move || message.send(priority))
        };
        let plain = || match text.flag {
            None => vsyslog(priority, text.format, text.arguments),
            Some(flag) => __vsyslog_chk(priority, flag, text.format, text.arguments),
        };
        exclusively(scheduler, prepare, plain);
        errno() == libc::EINTR
    }
}
