//! One call of the running coroutine on a stream: who may touch it, how its buffer is filled and emptied.
//!
//! While the coroutine waits, the stream is as if nobody were in it: what is to be written has been taken out,
//! nothing is to be read, and no lock is held. Other threads, and this one outside coroutines, may use it then.

use core::ffi::{c_int, c_void};
use core::ptr;
use std::io;

use super::owner;
use super::stream::{self, Stream};
use crate::clock;
use crate::scheduler::{NAP, Scheduler};
use crate::threads::{self, Threads};
use crate::{sys, tls};

/// A call in progress.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub scheduler: *mut Scheduler,
    pub stream: *mut Stream,
    /// Whether it locks: the `_unlocked` functions do not, nor any on a stream that the program locks itself.
    locks: bool,
}

/// How an attempt to move data ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// It succeeded.
    Well,
    /// The end of the input, or an error: the stream's flags and `errno` tell.
    Not,
    /// The stream was closed meanwhile and must not be touched any more.
    Gone,
}

pub(super) fn set_errno(errno: c_int) {
    // SAFETY: always valid on its thread.
    unsafe { *libc::__errno_location() = errno };
}

pub(super) fn errno() -> c_int {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() }
}

/// Whether the thread that runs is to be cancelled, where threads are coroutines.
fn is_cancelled() -> bool {
    threads::on().is_some_and(Threads::is_cancelled)
}

/// Ends the thread that runs if it is to be cancelled, where threads are coroutines: nothing is held yet, or any more.
///
/// # Safety
/// As for [`on_stream`].
pub(super) unsafe fn cancellation_point() {
    unsafe extern "C" {
        fn pthread_testcancel();
    }
    if is_cancelled() {
        // Cleanup handlers run with hooks on.
        tls::set_hook_word(tls::HOOKED | tls::THREAD);
        // SAFETY: libc's function; the program's frames expect that their calls are cancelled.
        unsafe { pthread_testcancel() };
        tls::set_hook_word(0);
    }
}

/// The cancellation of the thread that runs ends a transfer before it begins, as one that comes meanwhile does.
fn not_cancelled() -> io::Result<()> {
    match is_cancelled() {
        true => Err(io::Error::from_raw_os_error(libc::EINTR)),
        false => Ok(()),
    }
}

/// Reads for a call on a stream, which lets the stream go and ends the thread if this is cancelled.
unsafe fn read(scheduler: *mut Scheduler, fd: c_int, to: *mut c_void, count: usize) -> io::Result<usize> {
    not_cancelled()?;
    // SAFETY: by contract of the callers.
    unsafe {
        match crate::io::drained(scheduler, fd, to, count) {
            Some(drained) => crate::io::receive_drained(scheduler, fd, to, count, drained),
            None => crate::io::read(scheduler, fd, to, count),
        }
    }
}

/// The same for what is written.
unsafe fn write(
    scheduler: *mut Scheduler, fd: c_int, from: *const c_void, count: usize,
) -> io::Result<usize> {
    not_cancelled()?;
    // SAFETY: by contract of the callers.
    unsafe { crate::io::write(scheduler, fd, from, count) }
}

/// Does work of libc's own without being a cancellation point, where threads are coroutines: what the call has taken
/// would not be given back.
///
/// # Safety
/// As for [`on_stream`].
pub(super) unsafe fn uncancelled<T>(work: impl FnOnce() -> T) -> T {
    const DISABLED: c_int = 1;
    unsafe extern "C" {
        fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    }
    if !Scheduler::serves_threads() {
        return work();
    }
    let mut before = 0;
    // SAFETY: changes a word of the running thread's own.
    unsafe { pthread_setcancelstate(DISABLED, &mut before) };
    let result = work();
    // SAFETY: as above.
    unsafe { pthread_setcancelstate(before, ptr::null_mut()) };
    result
}

/// Does a call on a stream: `plain`, libc's own, where no transfer may wait, else `slowly`, as the stream's
/// owner. `failed` is what the call gives without memory.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; the stream is the program's. The same holds for every
/// function of this module.
pub(super) unsafe fn on_stream<T: Copy>(
    scheduler: *mut Scheduler, stream: *mut Stream, locks: bool, failed: T, plain: impl FnOnce() -> T,
    slowly: impl FnOnce(Call) -> T,
) -> T {
    // SAFETY: by contract.
    unsafe {
        let locks = locks && !Stream::is(stream, stream::USER_LOCK);
        let call = Call { scheduler, stream, locks };
        if locks && !owner::acquire(scheduler, stream) {
            set_errno(libc::ENOMEM);
            return failed;
        }
        let (failed_before, errno_before) = (Stream::is(stream, stream::ERROR_SEEN), errno());
        if threads::on().is_some() {
            set_errno(0);
        }
        let result = if Stream::may_wait(stream) {
            slowly(call)
        } else if call.lock() {
            let result = uncancelled(plain);
            call.unlock();
            result
        } else {
            failed
        };
        let cancelled = errno() == libc::EINTR && is_cancelled();
        if errno() == 0 {
            set_errno(errno_before);
        }
        if cancelled && !failed_before && !owner::was_closed(scheduler, stream) {
            // A call that never returns has not failed.
            (*stream).flags &= !stream::ERROR_SEEN;
        }
        if locks {
            owner::release(scheduler, stream);
        }
        if cancelled {
            cancellation_point();
        }
        result
    }
}

/// Does what the buffer alone can do, `attempt`, if nobody has the stream: the short way of every call. `None`
/// when the call must go the long way.
#[inline(always)]
pub(super) unsafe fn at_once<T>(
    scheduler: *mut Scheduler, stream: *mut Stream, locks: bool, attempt: impl FnOnce() -> Option<T>,
) -> Option<T> {
    // SAFETY: by contract.
    unsafe {
        if !locks {
            return attempt();
        }
        if !owner::is_free(stream) && !owner::is_free_for(scheduler, stream) || !Stream::try_lock(stream) {
            return None;
        }
        let result = attempt();
        Stream::unlock(stream);
        result
    }
}

impl Call {
    /// Takes libc's lock, and naps while another thread has it. `false` when the stream was closed meanwhile.
    pub unsafe fn lock(&self) -> bool {
        if !self.locks {
            return true;
        }
        // SAFETY: by contract; a stream that was closed is not looked at.
        unsafe {
            loop {
                if owner::was_closed(self.scheduler, self.stream) {
                    set_errno(libc::EBADF);
                    return false;
                }
                if Stream::try_lock(self.stream) {
                    return true;
                }
                Scheduler::sleep(self.scheduler, clock::after(NAP));
            }
        }
    }

    /// Gives libc's lock back.
    pub unsafe fn unlock(&self) {
        if self.locks {
            // SAFETY: by contract.
            unsafe { Stream::unlock(self.stream) };
        }
    }

    /// The stream's error mark, and `errno`.
    unsafe fn fail(&self, error: &io::Error) -> Moved {
        // SAFETY: by contract.
        unsafe { (*self.stream).flags |= stream::ERROR_SEEN };
        set_errno(error.raw_os_error().unwrap_or(libc::ENOMEM));
        Moved::Not
    }

    /// Sees to it that the locked stream has a byte to take: libc's `__underflow`. The lock is not held while the
    /// coroutine waits.
    pub unsafe fn fill(&self) -> Moved {
        let f = self.stream;
        // SAFETY: by contract; the stream is locked, and looked at again after each wait.
        unsafe {
            if Stream::is(f, stream::PUTTING) && Stream::unwritten(f) > 0 {
                match self.flush() {
                    Moved::Well => {}
                    other => return other,
                }
            }
            if Stream::prepare_reading(f) {
                return Moved::Well;
            }
            if Stream::is(f, stream::END_SEEN) {
                return Moved::Not;
            }
            if Stream::is(f, stream::NO_READS) {
                return self.fail(&io::Error::from_raw_os_error(libc::EBADF));
            }
            Stream::provide_buffer(f);
            if Stream::is(f, stream::LINE_BUFFERED | stream::UNBUFFERED) && !ptr::eq(f, stream::stdout) {
                self.unlock();
                flush_output(self.scheduler);
                if !self.lock() {
                    return Moved::Gone;
                }
                if Stream::unread(f) > 0 {
                    return Moved::Well;
                }
            }
            Stream::empty(f);
            (*f).write_end = (*f).buf_base;
            let (base, size, fd) = ((*f).buf_base, Stream::size(f), Stream::descriptor(f));
            self.unlock();
            let read = read(self.scheduler, fd, base.cast(), size);
            if !self.lock() {
                return Moved::Gone;
            }
            match read {
                Ok(count) if count > 0 && ptr::eq((*f).buf_base, base) => {
                    (*f).read_base = base;
                    (*f).read_ptr = base;
                    (*f).read_end = base.add(count);
                    Stream::moved(f, count);
                    return Moved::Well;
                }
                Ok(_) => (*f).flags |= stream::END_SEEN,
                Err(error) => {
                    self.fail(&error);
                }
            }
            (*f).offset = stream::UNKNOWN;
            Moved::Not
        }
    }

    /// Reads past the empty buffer, straight to where the program wants it.
    pub unsafe fn read_directly(&self, to: *mut u8, count: usize) -> Result<usize, Moved> {
        let f = self.stream;
        // SAFETY: by contract; the stream is locked.
        unsafe {
            Stream::empty(f);
            (*f).write_end = (*f).buf_base;
            let fd = Stream::descriptor(f);
            self.unlock();
            let read = read(self.scheduler, fd, to.cast(), count);
            if !self.lock() {
                return Err(Moved::Gone);
            }
            match read {
                Ok(0) => {
                    (*f).flags |= stream::END_SEEN;
                    Err(Moved::Not)
                }
                Ok(count) => {
                    Stream::moved(f, count);
                    Ok(count)
                }
                Err(error) => Err(self.fail(&error)),
            }
        }
    }

    /// Writes all that stands in the locked stream's buffer. As libc does it, what cannot be written is lost.
    pub unsafe fn flush(&self) -> Moved {
        let f = self.stream;
        // SAFETY: by contract; the stream is locked.
        unsafe {
            let count = Stream::unwritten(f);
            if count == 0 {
                return Moved::Well;
            }
            if Stream::is(f, stream::APPENDING) {
                (*f).offset = stream::UNKNOWN;
            } else if (*f).read_end != (*f).write_base {
                // Something was read and not taken: the position must go back to where the program thinks it is.
                let back = (*f).write_base as i64 - (*f).read_end as i64;
                match sys::seek(Stream::descriptor(f), back, libc::SEEK_CUR) {
                    Ok(position) => (*f).offset = position,
                    Err(error) => {
                        set_errno(error.raw_os_error().unwrap_or(libc::ESPIPE));
                        return Moved::Not;
                    }
                }
            }
            let held = owner::holding(self.scheduler);
            if held.is_null() || (*held).pending.try_reserve_exact(count).is_err() {
                return self.fail(&io::Error::from_raw_os_error(libc::ENOMEM));
            }
            let pending: &mut Vec<u8> = &mut (*held).pending;
            pending.clear();
            pending.extend_from_slice(core::slice::from_raw_parts((*f).write_base, count));
            let from = pending.as_ptr();
            Stream::empty(f);
            let asks = Stream::is(f, stream::LINE_BUFFERED | stream::UNBUFFERED);
            (*f).write_end = if (*f).mode <= 0 && asks { (*f).buf_base } else { (*f).buf_end };
            (*held).writes_to = f;
            let (_, moved) = self.write(from, count);
            (*held).writes_to = ptr::null();
            (*held).pending = Vec::new();
            moved
        }
    }

    /// Writes `count` bytes past the buffer, which is empty: how many were written. The lock is not held meanwhile.
    pub unsafe fn write(&self, from: *const u8, count: usize) -> (usize, Moved) {
        // SAFETY: by contract; the bytes are not the stream's.
        unsafe {
            let fd = Stream::descriptor(self.stream);
            self.unlock();
            let (mut done, mut error) = (0, None);
            while done < count {
                match write(self.scheduler, fd, from.add(done).cast(), count - done) {
                    Ok(written) => done += written,
                    Err(e) => {
                        error = Some(e);
                        break;
                    }
                }
            }
            if !self.lock() {
                return (done, Moved::Gone);
            }
            Stream::moved(self.stream, done);
            (*self.stream).written = (*self.stream).written.wrapping_add(done as u64);
            (done, error.map_or(Moved::Well, |error| self.fail(&error)))
        }
    }
}

/// Writes what waits in a line-buffered standard output, as libc does before it reads from a stream at which
/// somebody may sit.
unsafe fn flush_output(scheduler: *mut Scheduler) {
    // SAFETY: by contract; `stdout` is the program's.
    unsafe {
        let output = stream::stdout;
        let flags = (*output).flags & (stream::LINKED | stream::NO_WRITES | stream::LINE_BUFFERED);
        if flags == stream::LINKED | stream::LINE_BUFFERED && Stream::unwritten(output) > 0 {
            super::fflush(scheduler, output, true);
        }
    }
}
