//! Waiting for what libc does in the background: asynchronous input and output, and look-ups. libc's own
//! functions wait, on helpers. Lists are copied; what they point at is shared with libc's threads anyway.

use core::ffi::{c_int, c_void};
use core::ptr;
use std::io::Result;

use colib_core::capi::set_errno;
use colib_core::heap;
use colib_core::io::offload::{self, Kind};
use colib_core::scheduler::Scheduler;
use colib_core::waiter::Interrupt;
use libc::timespec;

use crate::call::apart;
use crate::{look_ups, real};

// SAFETY: as in `input`.

/// What look-ups give for want of a helper.
const AGAIN: c_int = libc::EAI_AGAIN;
/// `LIO_WAIT`.
const WAIT: c_int = 0;
/// `EAI_INPROGRESS`.
const IN_PROGRESS: c_int = -100;
const NOW: timespec = timespec { tv_sec: 0, tv_nsec: 0 };

unsafe extern "C" {
    /// What has come of a `struct gaicb`.
    fn gai_error(request: *mut c_void) -> c_int;
}

/// A copy of a program's list of pointers.
struct List(Vec<*mut c_void>);
// SAFETY: what the pointers name is shared with libc's own threads, by the interface.
unsafe impl Send for List {}
// SAFETY: as above.
unsafe impl Sync for List {}

impl List {
    unsafe fn copy(list: *const *mut c_void, count: c_int) -> Option<List> {
        let mut copy = heap::room(count.max(0) as usize)?;
        // SAFETY: see above.
        copy.extend((0..count.max(0) as usize).map(|i| unsafe { *list.add(i) }));
        Some(List(copy))
    }

    fn place(&self) -> *const *mut c_void {
        self.0.as_ptr()
    }
}

/// The result and `errno` of a call that a helper makes.
fn elsewhere(
    scheduler: *mut Scheduler, kind: Kind, call: impl Fn() -> c_int + Send + Sync + 'static,
) -> Result<(c_int, c_int)> {
    // SAFETY: see above; `errno` is the helper's.
    unsafe { offload::run_as(scheduler, kind, move || (call(), *libc::__errno_location())) }
}

/// Answers as libc's function has on its helper.
fn answer(done: Result<(c_int, c_int)>) -> c_int {
    match done {
        Ok((0, _)) => 0,
        Ok((result, errno)) => {
            set_errno(errno);
            result
        }
        Err(error) => {
            set_errno(error.raw_os_error().unwrap_or(libc::EAGAIN));
            -1
        }
    }
}

pub unsafe extern "C" fn aio_suspend(list: *const *mut c_void, count: c_int, time: *const timespec) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        // Errors, and ends that have come already.
        let at_once = real::aio_suspend(list, count, &NOW);
        if at_once == 0 || *libc::__errno_location() != libc::EAGAIN {
            return at_once;
        }
        let (Some(list), time) = (List::copy(list, count), time.as_ref().copied()) else {
            set_errno(libc::ENOMEM);
            return -1;
        };
        answer(elsewhere(scheduler, Kind::WAIT.ended_by(Interrupt::Any), move || {
            real::aio_suspend(list.place(), count, time.as_ref().map_or(ptr::null(), ptr::from_ref))
        }))
    })
}

pub unsafe extern "C" fn lio_listio(
    mode: c_int, list: *const *mut c_void, count: c_int, event: *mut c_void,
) -> c_int {
    // SAFETY: see above. A call that waits does not look at the event.
    apart(|scheduler| unsafe {
        if mode != WAIT || count < 0 {
            return real::lio_listio(mode, list, count, event);
        }
        let Some(list) = List::copy(list, count) else {
            set_errno(libc::EAGAIN);
            return -1;
        };
        answer(elsewhere(scheduler, Kind::DEED.ended_by(Interrupt::Any), move || {
            real::lio_listio(mode, list.place(), count, ptr::null_mut())
        }))
    })
}

pub unsafe extern "C" fn gai_suspend(list: *const *mut c_void, count: c_int, time: *const timespec) -> c_int {
    // SAFETY: see above. These give their codes.
    apart(|scheduler| unsafe {
        // A waiter's note stands on its stack, and glibc forgets it there when the time is up just as a look-up ends. So
        // nobody asks with no time whether one has ended, unless the program does.
        let mut requests = (0..count.max(0) as usize).map(|i| *list.add(i));
        let under_way = requests.any(|request| !request.is_null() && gai_error(request) == IN_PROGRESS);
        if !under_way || time.as_ref().is_some_and(|time| (time.tv_sec, time.tv_nsec) == (0, 0)) {
            return real::gai_suspend(list, count, &NOW);
        }
        let (Some(list), time) = (List::copy(list, count), time.as_ref().copied()) else { return AGAIN };
        let done = elsewhere(scheduler, Kind::WAIT.ended_by(Interrupt::Any), move || {
            real::gai_suspend(list.place(), count, time.as_ref().map_or(ptr::null(), ptr::from_ref))
        });
        done.map_or(AGAIN, |(code, _)| code)
    })
}

pub unsafe extern "C" fn getaddrinfo_a(
    mode: c_int, list: *const *mut c_void, count: c_int, event: *mut c_void,
) -> c_int {
    // SAFETY: see above.
    apart(|scheduler| unsafe {
        if look_ups::is_known(mode) && look_ups::are_on_shared_stack(scheduler, list, count) {
            return look_ups::look_up(scheduler, mode, list, count, event);
        }
        if mode != look_ups::WAIT {
            return real::getaddrinfo_a(mode, list, count, event);
        }
        let Some(list) = List::copy(list, count) else { return libc::EAI_MEMORY };
        let done = elsewhere(scheduler, Kind::DEED.ended_by(Interrupt::Any), move || {
            real::getaddrinfo_a(mode, list.place(), count, ptr::null_mut())
        });
        done.map_or(AGAIN, |(code, _)| code)
    })
}
