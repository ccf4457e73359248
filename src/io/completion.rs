//! Waiting for the kernel's asynchronous input and output (`io_setup`): what has been completed is taken at once, for the
//! rest a helper waits. Nothing else tells of it.

use core::ffi::c_long;
use std::io;

use super::error;
use super::offload::{self, Kind};
use crate::clock::{self, NEVER, Nanos};
use crate::scheduler::Scheduler;
use crate::waiter::Interrupt;
use crate::{heap, sys};

/// How many completions a helper takes at most, unless more are waited for.
const BATCH: usize = 256;

/// `io_getevents`: at least `least` completions of the context and at most `most`, fewer at `deadline`. Gives how many; EINTR
/// when a signal handler ends the call before the first.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `events` is the program's, as for the call itself.
pub unsafe fn completions(
    scheduler: *mut Scheduler, context: usize, least: c_long, most: c_long, events: *mut libc::c_void,
    deadline: Nanos,
) -> io::Result<usize> {
    let events = events.cast::<sys::Completion>();
    let now = Some(core::time::Duration::ZERO);
    // SAFETY: by contract; the kernel refuses numbers that are none.
    unsafe {
        let found = sys::completions(context, least, most, events, now)?;
        let (least, most) = (least as usize, most as usize);
        if found >= least || !clock::is_ahead(deadline) {
            return Ok(found);
        }
        let (missing, room) = (least - found, (least - found).max(BATCH).min(most - found));
        let waited = offload::run_as(scheduler, Kind::DEED.ended_by(Interrupt::Any), move || {
            let mut taken = heap::room::<sys::Completion>(room).ok_or(libc::ENOMEM)?;
            let limit = (deadline != NEVER).then(|| clock::left(deadline));
            let count =
                sys::completions(context, missing as c_long, room as c_long, taken.as_mut_ptr(), limit)
                    .map_err(|error| error.raw_os_error().unwrap_or(libc::EINVAL))?;
            taken.set_len(count);
            Ok(taken)
        });
        match waited.and_then(|taken| taken.map_err(error)) {
            Ok(taken) => {
                let place = events.wrapping_add(found).cast();
                sys::copy_out(taken.as_ptr().cast(), place, size_of_val(taken.as_slice()))?;
                Ok(found + taken.len())
            }
            // Those that are taken already are not lost.
            Err(_) if found > 0 => Ok(found),
            Err(error) => Err(error),
        }
    }
}
