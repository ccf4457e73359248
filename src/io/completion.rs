//! Waiting for the kernel's asynchronous input and output (`io_setup`): what has been completed is taken at once, for the
//! rest a helper waits. Nothing else tells of it. A helper has not the signals of who calls, so a call with a mask of its own
//! looks again and again.

use core::ffi::c_long;
use core::time::Duration;
use std::io;

use super::error;
use super::offload::{self, Kind};
use super::signal::{Admitted, Masked};
use crate::clock::{self, NEVER, Nanos};
use crate::scheduler::Scheduler;
use crate::waiter::{Interrupt, Wake};
use crate::{heap, sys};

/// How long a call with a mask waits between two looks: an eighth of the time that it has waited, within these bounds.
const LOOKS: [Duration; 2] = [Duration::from_micros(100), Duration::from_millis(10)];

/// How many completions a helper takes at most, unless more are waited for.
const BATCH: usize = 256;

/// `io_getevents`: at least `least` completions of the context and at most `most`, fewer at `deadline`. Gives how many; EINTR
/// when a signal handler ends the call before the first.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `events` is the program's, as for the call itself.
unsafe fn completions(
    scheduler: *mut Scheduler, context: usize, least: c_long, most: c_long, events: *mut libc::c_void,
    deadline: Nanos,
) -> io::Result<usize> {
    let events = events.cast::<sys::Completion>();
    let now = Some(Duration::ZERO);
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

/// `io_pgetevents`: the same with a signal mask.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `events` and `mask` are the program's, as for the call itself.
pub unsafe fn masked_completions(
    scheduler: *mut Scheduler, context: usize, least: c_long, most: c_long, events: *mut libc::c_void,
    deadline: Nanos, mask: *const sys::SizedMask,
) -> io::Result<usize> {
    let (events, began) = (events.cast::<sys::Completion>(), clock::now());
    // SAFETY: by contract.
    unsafe {
        let own = if mask.is_null() { core::ptr::null() } else { read_mask(mask)? };
        if own.is_null() {
            return completions(scheduler, context, least, most, events.cast(), deadline);
        }
        let mut masked = Masked::new(scheduler, Admitted::by(own)?);
        // The kernel refuses numbers that are none, at the first look.
        let look = |found: usize| {
            let (missing, room) = (least - found as c_long, most - found as c_long);
            sys::completions_now(context, missing, room, events.wrapping_add(found), mask)
        };
        let mut found = look(0)?;
        let mut wake = Wake::Ready;
        while (found as c_long) < least && clock::is_ahead(deadline) && !masked.ends(wake) {
            let now = clock::now();
            let pause = now.saturating_sub(began) / 8;
            let [shortest, longest] = LOOKS.map(|limit| limit.as_nanos() as Nanos);
            let until = deadline.min(now + pause.clamp(shortest, longest));
            wake = masked.park(scheduler, until, |signals, until| {
                Scheduler::wait_for(scheduler, (signals.unwrap_or(-1), libc::EPOLLIN as u32), until)
            });
            match look(found) {
                Ok(more) => found += more,
                // Those that are taken already are not lost.
                Err(_) if found > 0 => break,
                Err(error) => return Err(error),
            }
        }
        if found == 0 && masked.ends(wake) { Err(error(libc::EINTR)) } else { Ok(found) }
    }
}

/// The mask itself; EINVAL for one of another size than the kernel's.
unsafe fn read_mask(mask: *const sys::SizedMask) -> io::Result<*const libc::sigset_t> {
    // SAFETY: any bytes are one.
    let sized = unsafe { sys::read_in(mask) }?;
    match sized.mask.is_null() || sized.size == size_of::<u64>() {
        true => Ok(sized.mask),
        false => Err(error(libc::EINVAL)),
    }
}
