//! System V message queues and semaphores. They have no readiness, so a helper waits in the call itself.

use core::ffi::{c_int, c_long, c_void};
use std::io;

use super::offload::{self, Kind};
use super::{error, would_block};
use crate::clock::{self, NEVER};
use crate::heap;
use crate::scheduler::Scheduler;
use crate::sys;
use crate::waiter::Interrupt;

/// These calls are never restarted after a signal handler (signal(7)).
const DEED: Kind = Kind::DEED.ended_by(Interrupt::Any);
/// What stands before the bytes of a message: its type.
const TYPE: usize = size_of::<c_long>();
/// The kernel's largest number of operations at once is 500, and can be set; more than this is none.
const MOST_OPERATIONS: usize = 1 << 16;

/// `msgrcv`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; `message` is the program's. The same holds for every
/// function of this file.
pub unsafe fn msgrcv(
    scheduler: *mut Scheduler, queue: c_int, message: *mut c_void, size: usize, kind: c_long, flags: c_int,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe {
        // A copy is only made without waiting, which the kernel wants to be told.
        if flags & (libc::IPC_NOWAIT | libc::MSG_COPY) != 0 {
            return sys::msgrcv(queue, message, size, kind, flags);
        }
        let attempt = || {
            sys::msgrcv(queue, message, size, kind, flags | libc::IPC_NOWAIT)
                .map(|length| (length, Vec::new()))
        };
        let none = |result: &io::Result<_>| sys::failed_with(result, libc::ENOMSG);
        let prepare = || {
            Ok(move || {
                let mut copy = heap::room::<u8>(TYPE + size).ok_or(error(libc::ENOMEM))?;
                let length = sys::msgrcv(queue, copy.as_mut_ptr().cast(), size, kind, flags)?;
                copy.set_len(TYPE + length);
                Ok((length, copy))
            })
        };
        let (length, copy) = offload::attempt_or_run(scheduler, DEED, attempt, none, prepare)?;
        if !copy.is_empty() {
            sys::copy_out(copy.as_ptr(), message.cast(), copy.len())?;
        }
        Ok(length)
    }
}

/// `msgsnd`.
///
/// # Safety
/// As for [`msgrcv`].
pub unsafe fn msgsnd(
    scheduler: *mut Scheduler, queue: c_int, message: *const c_void, size: usize, flags: c_int,
) -> io::Result<()> {
    if flags & libc::IPC_NOWAIT != 0 {
        return sys::msgsnd(queue, message, size, flags);
    }
    let attempt = || sys::msgsnd(queue, message, size, flags | libc::IPC_NOWAIT);
    let prepare = || {
        let mut copy = heap::room::<u8>(TYPE + size).ok_or(error(libc::ENOMEM))?;
        // SAFETY: there is room; the kernel has accepted the size, and checks the memory.
        unsafe {
            sys::copy_in(message.cast(), copy.as_mut_ptr(), TYPE + size)?;
            copy.set_len(TYPE + size);
        }
        Ok(move || sys::msgsnd(queue, copy.as_ptr().cast(), size, flags))
    };
    // SAFETY: by contract.
    unsafe { offload::attempt_or_run(scheduler, DEED, attempt, would_block, prepare) }
}

/// `semtimedop`, and with a null time-out `semop`.
///
/// # Safety
/// As for [`msgrcv`], for all pointers.
pub unsafe fn semtimedop(
    scheduler: *mut Scheduler, set: c_int, operations: *const libc::sembuf, count: usize,
    time_out: *const libc::timespec,
) -> io::Result<()> {
    let plain = || sys::semtimedop(set, operations, count, time_out);
    // SAFETY: by contract. The operations of an attempt are the coroutine's, those of the job its own.
    unsafe {
        let Some(time) = time_of(time_out) else { return plain() };
        if count == 0 || count > MOST_OPERATIONS {
            return plain();
        }
        let size = count * size_of::<libc::sembuf>();
        let at_once = Scheduler::scratch(scheduler, size)?.cast::<libc::sembuf>();
        if sys::copy_in(operations.cast(), at_once.cast(), size).is_err() {
            return plain();
        }
        // Which operation decides, one that waits or one that must not, only the call itself can tell, so a
        // helper makes it: without one the answer is EAGAIN.
        let mut patient = true;
        for i in 0..count {
            patient &= c_int::from((*at_once.add(i)).sem_flg) & libc::IPC_NOWAIT == 0;
            (*at_once.add(i)).sem_flg |= libc::IPC_NOWAIT as i16;
        }
        let attempt = || sys::semtimedop(set, at_once, count, time_out);
        let deadline = time.and_then(clock::duration).map_or(NEVER, clock::after);
        let waits = |result: &io::Result<()>| would_block(result) && clock::is_ahead(deadline);
        let prepare = || {
            let mut copy = heap::room::<libc::sembuf>(count).ok_or(error(libc::ENOMEM))?;
            sys::copy_in(operations.cast(), copy.as_mut_ptr().cast(), size)?;
            copy.set_len(count);
            Ok(move || {
                let time_out = time.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
                sys::semtimedop(set, copy.as_ptr(), count, time_out)
            })
        };
        if patient {
            return offload::attempt_or_run(scheduler, DEED, attempt, waits, prepare);
        }
        let first = attempt();
        if !would_block(&first) {
            return first;
        }
        let work = prepare()?;
        let done = offload::run_as(scheduler, DEED, move || {
            work().map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
        });
        done?.map_err(error)
    }
}

/// The program's time-out; `None` for one that the kernel refuses before anything else.
unsafe fn time_of(time_out: *const libc::timespec) -> Option<Option<libc::timespec>> {
    if time_out.is_null() {
        return Some(None);
    }
    // SAFETY: by contract of the callers; any bytes are a time.
    let time = unsafe { sys::read_in(time_out) }.ok()?;
    clock::duration(time).is_some().then_some(Some(time))
}
