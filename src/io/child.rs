//! Waiting for children. The call itself is only ever made in the form that does not wait, so a child is never
//! taken by somebody who has stopped waiting: what is waited for before is that it finds something.
//!
//! The end of one child is readiness of its pidfd. For all else a helper looks on with `WNOWAIT`, which leaves
//! what it sees: children are the process's, not the thread's. One that the process traces also tells of its stops, and
//! no pidfd does: whoever waits for a pidfd looks again now and then, and once there was such a stop, helpers look on.

use core::ffi::{c_int, c_uint};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io;

use super::offload::{self, Kind};
use super::{error, is_nonblocking, owned};
use crate::clock::{self, Nanos};
use crate::scheduler::{NAP, Scheduler, Since};
use crate::sys;
use crate::waiter::{Interrupt, Wake};

/// How often to look where nothing tells: children of one thread alone.
const LOOK: Duration = Duration::from_millis(10);

/// A child has stopped for its tracer, which this process is.
static TRACES: AtomicBool = AtomicBool::new(false);

/// Whom to wait for, as `waitid` has it.
type Whom = (c_uint, libc::id_t);
/// Which signal handlers end the call, and when it began.
type EndedBy = (Interrupt, Since);

/// A call's looks at what no pidfd tells: how long until the next, and at most.
pub(super) struct Looks(Duration, Duration);

impl Looks {
    /// Whether a child has stopped for its tracer.
    const AT_STOPS: Looks = Looks(NAP, Duration::from_secs(1));
    /// Whether it has ended, where there is no pidfd.
    pub(super) const AT_THE_END: Looks = Looks(NAP, LOOK);

    /// When to look next.
    pub(super) fn next(&mut self) -> Nanos {
        let Looks(wait, most) = *self;
        self.0 = most.min(wait * 2);
        clock::after(wait)
    }
}

/// `wait4`, and with other arguments `wait`, `wait3` and `waitpid`.
///
/// # Safety
/// A coroutine of `scheduler`, the calling thread's, runs; the pointers are null or the program's.
pub unsafe fn wait4(
    scheduler: *mut Scheduler, pid: libc::pid_t, status: *mut c_int, options: c_int, usage: *mut libc::rusage,
) -> io::Result<libc::pid_t> {
    let whom = match pid {
        -1 => (libc::P_ALL, 0),
        1.. => (libc::P_PID, pid as libc::id_t),
        _ => (libc::P_PGID, pid.unsigned_abs()),
    };
    // SAFETY: by contract.
    let since = unsafe { Scheduler::moment(scheduler) };
    let (mut waited, mut looks, mut own) = (Ok(()), Looks::AT_STOPS, 0);
    let status = if status.is_null() { &raw mut own } else { status };
    loop {
        // SAFETY: by contract; the place of our own is touched only while the coroutine runs.
        unsafe {
            let found = sys::wait4(pid, status, options | libc::WNOHANG, usage)?;
            if found != 0 && options & libc::WUNTRACED == 0 && libc::WIFSTOPPED(*status) {
                TRACES.store(true, Ordering::Relaxed);
            }
            if found != 0 || options & libc::WNOHANG != 0 {
                return Ok(found);
            }
            // A child goes before the interruption.
            waited?;
            waited = await_news(scheduler, whom, options | libc::WEXITED, since, &mut looks);
        }
    }
}

/// `waitid`.
///
/// # Safety
/// As for [`wait4`].
pub unsafe fn waitid(
    scheduler: *mut Scheduler, kind: c_uint, id: libc::id_t, info: *mut libc::siginfo_t, options: c_int,
) -> io::Result<()> {
    // SAFETY: by contract; all zeroes are an answer that names nobody. The place of our own is touched only
    // while the coroutine runs, and the kernel has written to the program's before it is read.
    unsafe {
        if options & libc::WNOHANG != 0 {
            return sys::waitid(kind, id, info, options);
        }
        let mut own: libc::siginfo_t = core::mem::zeroed();
        let place = if info.is_null() { &raw mut own } else { info };
        let since = Scheduler::moment(scheduler);
        let (mut waited, mut looks) = (Ok(()), Looks::AT_STOPS);
        loop {
            sys::waitid(kind, id, place, options | libc::WNOHANG)?;
            if (*place).si_pid() != 0 {
                if (*place).si_code == libc::CLD_TRAPPED {
                    TRACES.store(true, Ordering::Relaxed);
                }
                return Ok(());
            }
            waited?;
            if kind == libc::P_PIDFD && is_nonblocking(id as c_int)? {
                return Err(error(libc::EAGAIN));
            }
            waited = await_news(scheduler, (kind, id), options, since, &mut looks);
        }
    }
}

/// Parks until another attempt may find something. EBADF when the program's pidfd was closed, EINTR when a signal
/// handler ends the call.
unsafe fn await_news(
    scheduler: *mut Scheduler, whom: Whom, options: c_int, since: Since, looks: &mut Looks,
) -> io::Result<()> {
    let by = (Interrupt::Unrestarted, since);
    // SAFETY: by contract of the callers.
    unsafe {
        if options & libc::__WNOTHREAD != 0 {
            return nap(scheduler, LOOK, by);
        }
        let ends_alone = options & !(libc::WEXITED | libc::WNOWAIT | libc::__WALL) == 0;
        if ends_alone && !TRACES.load(Ordering::Relaxed) {
            match whom {
                (libc::P_PIDFD, fd) => return await_end_of(scheduler, fd as c_int, by, looks.next()),
                (libc::P_PID, pid) => {
                    if let Ok(fresh) = sys::pidfd(pid as libc::pid_t) {
                        return await_end_by(scheduler, fresh, by, looks.next());
                    }
                }
                _ => {}
            }
        }
        let look = move || {
            let mut seen = core::mem::zeroed();
            let seen = sys::waitid(whom.0, whom.1, &raw mut seen, options | libc::WNOWAIT);
            seen.map_err(|e| e.raw_os_error().unwrap_or(libc::ECHILD))
        };
        match offload::run_since(scheduler, Kind::WAIT, since, look) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(libc::EINTR)) => Err(error(libc::EINTR)),
            Err(e) if e.raw_os_error() == Some(libc::EINTR) => Err(e),
            // Either the next attempt says so too, or there is no helper to be had.
            _ => nap(scheduler, NAP, by),
        }
    }
}

unsafe fn nap(scheduler: *mut Scheduler, time: Duration, (by, since): EndedBy) -> io::Result<()> {
    // SAFETY: by contract of the callers.
    unsafe {
        Scheduler::interruptible(scheduler, by, since);
        match Scheduler::sleep(scheduler, clock::after(time)) {
            Wake::Interrupted => Err(error(libc::EINTR)),
            _ => Ok(()),
        }
    }
}

/// Parks until the process behind a pidfd has ended, or `until`. EBADF when the descriptor was closed meanwhile, EINTR
/// when a signal handler ends the call.
pub(super) unsafe fn await_end_of(
    scheduler: *mut Scheduler, pidfd: c_int, (by, since): EndedBy, until: Nanos,
) -> io::Result<()> {
    // SAFETY: by contract of the callers.
    unsafe {
        if sys::readiness(pidfd, libc::POLLIN) != 0 {
            // It has ended, and is kept from us, by who traces it say.
            return nap(scheduler, NAP, (by, since));
        }
        Scheduler::interruptible(scheduler, by, since);
        match Scheduler::wait_for(scheduler, (pidfd, libc::EPOLLIN as u32), until) {
            Wake::Closed => Err(error(libc::EBADF)),
            Wake::Interrupted => Err(error(libc::EINTR)),
            Wake::Ready | Wake::TimedOut | Wake::Resumed => Ok(()),
        }
    }
}

/// The same with a pidfd of our own, which is closed after, also when the coroutine is released meanwhile.
unsafe fn await_end_by(scheduler: *mut Scheduler, fresh: c_int, by: EndedBy, until: Nanos) -> io::Result<()> {
    // SAFETY: by contract of the callers.
    let waited =
        unsafe { owned::while_parked(scheduler, fresh, |pidfd| await_end_of(scheduler, pidfd, by, until))? };
    // Whoever closed it: the next attempt sees what is to be done.
    if sys::failed_with(&waited, libc::EBADF) { Ok(()) } else { waited }
}
