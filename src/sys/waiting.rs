//! Readiness and time.

use core::ffi::{c_int, c_long};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io;

use super::{KERNEL_SIGSET, close};
use crate::clock;

/// `ppoll(2)` that never sleeps; with a mask, pending signals it admits are taken.
///
/// # Safety
/// `fds` is writable for `count` elements, or not mapped at all; `mask` is null or readable.
pub unsafe fn poll_now(
    fds: *mut libc::pollfd, count: libc::nfds_t, mask: *const libc::sigset_t,
) -> io::Result<usize> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: by contract. The kernel writes the remaining time back only when it is not zero.
    unsafe { call!(SYS_ppoll, fds, count, &raw const zero, mask, KERNEL_SIGSET) }
}

/// What `poll` says of one descriptor right now: its `revents`.
pub fn readiness(fd: c_int, events: i16) -> i16 {
    let mut one = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: one valid pollfd.
    match unsafe { poll_now(&mut one, 1, ptr::null()) } {
        Ok(_) => one.revents,
        Err(_) => 0,
    }
}

/// `pselect6(2)` that never sleeps.
///
/// # Safety
/// The sets are null or writable for `count` bits, or not mapped at all; `mask` is null or readable.
pub unsafe fn select_now(
    count: c_int, sets: [*mut libc::fd_set; 3], mask: *const libc::sigset_t,
) -> io::Result<usize> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let with_size = [mask as usize, KERNEL_SIGSET];
    // SAFETY: by contract.
    unsafe { call!(SYS_pselect6, count, sets[0], sets[1], sets[2], &raw const zero, with_size.as_ptr()) }
}

/// A new epoll instance, close-on-exec.
pub fn epoll_create() -> io::Result<c_int> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_epoll_create1, libc::EPOLL_CLOEXEC) }.map(|fd| fd as c_int)
}

/// Adds `fd` to the epoll instance.
pub fn epoll_add(epoll: c_int, fd: c_int, events: u32, data: u64) -> io::Result<()> {
    let event = libc::epoll_event { events, u64: data };
    // SAFETY: the kernel reads one event.
    unsafe { call!(SYS_epoll_ctl, epoll, libc::EPOLL_CTL_ADD, fd, &raw const event) }.map(drop)
}

/// Changes what `fd` is registered for; what is ready already counts as new.
pub fn epoll_modify(epoll: c_int, fd: c_int, events: u32, data: u64) -> io::Result<()> {
    let event = libc::epoll_event { events, u64: data };
    // SAFETY: the kernel reads the event.
    unsafe { call!(SYS_epoll_ctl, epoll, libc::EPOLL_CTL_MOD, fd, &raw const event) }.map(drop)
}

/// Removes `fd` from the epoll instance.
pub fn epoll_delete(epoll: c_int, fd: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_epoll_ctl, epoll, libc::EPOLL_CTL_DEL, fd, 0) }.map(drop)
}

/// `epoll_wait(2)` that never sleeps.
///
/// # Safety
/// `events` is writable for `count` elements, or not mapped at all.
pub unsafe fn epoll_now(epoll: c_int, events: *mut libc::epoll_event, count: c_int) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_epoll_wait, epoll, events, count, 0) }
}

/// A new eventfd, non-blocking and close-on-exec.
pub fn eventfd() -> io::Result<c_int> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_eventfd2, 0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) }.map(|fd| fd as c_int)
}

/// A timer descriptor of `clock` that becomes readable at `at`, an absolute time of that clock.
pub fn timerfd_at(clock: libc::clockid_t, at: libc::timespec) -> io::Result<c_int> {
    let fd = timerfd(clock)?;
    timerfd_set(fd, at).inspect_err(|_| close(fd)).map(|()| fd)
}

/// A new timer descriptor of `clock`, non-blocking and close-on-exec, that is not set.
pub fn timerfd(clock: libc::clockid_t) -> io::Result<c_int> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_timerfd_create, clock, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) }.map(|fd| fd as c_int)
}

/// Lets the timer descriptor become readable at `at`, an absolute time of its clock, and not before.
pub fn timerfd_set(fd: c_int, at: libc::timespec) -> io::Result<()> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let setting = libc::itimerspec { it_interval: zero, it_value: at };
    // SAFETY: the kernel reads `setting`.
    unsafe { call!(SYS_timerfd_settime, fd, libc::TFD_TIMER_ABSTIME, &raw const setting, 0) }.map(drop)
}

/// The calling thread's timer slack, in nanoseconds: how late it may wake from a sleep.
pub fn timer_slack() -> usize {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_prctl, libc::PR_GET_TIMERSLACK) }.unwrap_or(0)
}

/// Sets the calling thread's timer slack, in nanoseconds.
pub fn set_timer_slack(nanos: usize) {
    // SAFETY: no memory is involved; PR_SET_TIMERSLACK cannot fail with a nonzero slack.
    let _ = unsafe { call!(SYS_prctl, libc::PR_SET_TIMERSLACK, nanos) };
}

type WaitFn = unsafe extern "C" fn(
    c_int,
    *mut libc::epoll_event,
    c_int,
    *const libc::timespec,
    *const libc::sigset_t,
) -> c_int;

/// libc's `epoll_pwait2`; 0 before it was looked up, 1 where it cannot be used.
static EPOLL_PWAIT2: AtomicUsize = AtomicUsize::new(0);

fn epoll_pwait2() -> Option<WaitFn> {
    let mut address = EPOLL_PWAIT2.load(Ordering::Relaxed);
    if address == 0 {
        // SAFETY: a valid name. Valgrind 3.19 does not know the system call behind it.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"epoll_pwait2".as_ptr()) } as usize;
        address = if found == 0 || crate::annotate::on_valgrind() { 1 } else { found };
        EPOLL_PWAIT2.store(address, Ordering::Relaxed);
    }
    // SAFETY: anything but 0 and 1 is the address of the function of that name.
    (address > 1).then(|| unsafe { core::mem::transmute::<usize, WaitFn>(address) })
}

/// Whether [`wait`] keeps a limit to the nanosecond, as far as is known; else to the millisecond.
pub fn waits_exactly() -> bool {
    EPOLL_PWAIT2.load(Ordering::Relaxed) != 1
}

/// Sleeps in the epoll instance until an event, `limit` or a signal; a cancellation point.
///
/// No frame from here up to the program may own anything that needs dropping: a cancelled thread
/// unwinds through them all.
pub fn wait(
    epoll: c_int, events: &mut [MaybeUninit<libc::epoll_event>], limit: Option<Duration>,
) -> io::Result<usize> {
    let (buffer, room) = (events.as_mut_ptr().cast(), events.len() as c_int);
    if let Some(function) = epoll_pwait2() {
        let time = limit.map(clock::timespec);
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: the buffer holds `room` events; a null mask leaves the thread's in force.
        let n = unsafe { function(epoll, buffer, room, time, ptr::null()) };
        if n >= 0 {
            return Ok(n as usize);
        }
        let failed = Err(io::Error::last_os_error());
        if !super::is_lacking(&failed) {
            return failed;
        }
        EPOLL_PWAIT2.store(1, Ordering::Relaxed);
    }
    // Milliseconds, rounded up: nobody wakes early. A day at most, after which the loop comes again.
    let millis = limit.map_or(-1, |l| l.as_nanos().div_ceil(1_000_000).min(86_400_000) as c_int);
    // SAFETY: as above.
    match unsafe { libc::epoll_wait(epoll, buffer, room, millis) } {
        n if n >= 0 => Ok(n as usize),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sleeps for so many nanoseconds, less than a thousand million, unless a signal handler runs. The thread sleeps, not the
/// coroutine.
pub fn nap(nanos: u64) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: nanos as i64 };
    // SAFETY: the kernel only reads.
    let _ = unsafe { call!(SYS_nanosleep, &raw const time, 0) };
}

/// What the kernel tells of a request that it has completed: `struct io_event` of linux/aio_abi.h.
#[repr(C)]
pub struct Completion {
    data: u64,
    request: u64,
    result: i64,
    result2: i64,
}

/// `io_getevents`.
///
/// # Safety
/// `events` is writable for `most`, or the program's, which the kernel makes sure of.
pub unsafe fn completions(
    context: usize, least: c_long, most: c_long, events: *mut Completion, limit: Option<Duration>,
) -> io::Result<usize> {
    let time = limit.map(clock::timespec);
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: by contract.
    unsafe { call!(SYS_io_getevents, context, least, most, events, time) }
}

/// What `io_pgetevents` takes: a signal mask, and its size.
#[repr(C)]
pub struct SizedMask {
    /// Null for none.
    pub mask: *const libc::sigset_t,
    /// In bytes.
    pub size: usize,
}

/// The number of `io_pgetevents`, which the crate `libc` does not have (`asm/unistd_64.h`).
pub const IO_PGETEVENTS: c_long = 333;

/// `io_pgetevents` that never sleeps.
///
/// # Safety
/// As for [`completions`]; `mask` is null or the program's.
pub unsafe fn completions_now(
    context: usize, least: c_long, most: c_long, events: *mut Completion, mask: *const SizedMask,
) -> io::Result<usize> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: by contract.
    unsafe {
        let (least, most, zero) = (least as usize, most as usize, (&raw const zero).addr());
        super::call(IO_PGETEVENTS, &[context, least, most, events.addr(), zero, mask.addr()])
    }
}
