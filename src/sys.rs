//! The only kernel calls of the core, as raw system calls.
//!
//! They bypass every symbol a program or this library could interpose (invariant 2), leave `errno`
//! alone and are no cancellation points. The one exception is [`wait`], the loop's sleep, which goes
//! through libc because a thread that sleeps there must be cancellable (invariant 9).

use core::arch::asm;
use core::ffi::{c_int, c_void};
use core::mem::{MaybeUninit, size_of};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io;

use crate::clock;

/// Makes the system call `number`; unused arguments are zero.
///
/// # Safety
/// What the kernel does with these arguments must be sound: pointers it writes through are valid, and
/// memory it unmaps or descriptors it closes belong to the caller.
#[inline(always)]
pub unsafe fn call(number: i64, arguments: &[usize]) -> io::Result<usize> {
    let a = |i: usize| arguments.get(i).copied().unwrap_or(0);
    let result: isize;
    // SAFETY: the kernel clobbers rax, rcx and r11 alone; the rest is the caller's contract.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a(0), in("rsi") a(1), in("rdx") a(2),
            in("r10") a(3), in("r8") a(4), in("r9") a(5),
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    // The kernel's convention: the last page of addresses holds negated error numbers.
    if (-4095..0).contains(&result) {
        Err(io::Error::from_raw_os_error(-result as i32))
    } else {
        Ok(result as usize)
    }
}

macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        call(libc::$number, &[$($argument as usize),*])
    };
}

/// Whether `result` failed with the error number `errno`.
pub fn failed_with<T>(result: &io::Result<T>, errno: c_int) -> bool {
    matches!(result, Err(e) if e.raw_os_error() == Some(errno))
}

// ---- data -----------------------------------------------------------------------------------------
// Buffers are the program's own and may be bad: the kernel answers EFAULT, so raw pointers are safe to
// hand over here as long as the kernel, not we, touches them.

/// `read(2)` into the program's buffer.
///
/// # Safety
/// The program's own promise: `buffer` may be written for `count` bytes, or is not mapped at all.
pub unsafe fn read(fd: c_int, buffer: *mut c_void, count: usize) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_read, fd, buffer, count) }
}

/// `write(2)` of bytes of our own.
pub fn write(fd: c_int, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the slice is readable.
    unsafe { call!(SYS_write, fd, bytes.as_ptr(), bytes.len()) }
}

/// `write(2)` from the program's buffer, which the kernel checks.
pub fn write_from(fd: c_int, buffer: *const c_void, count: usize) -> io::Result<usize> {
    // SAFETY: the kernel only reads through `buffer` and answers EFAULT when it cannot.
    unsafe { call!(SYS_write, fd, buffer, count) }
}

/// `preadv2(2)` at the file's own position with `flags` (`RWF_*`).
///
/// # Safety
/// As for [`read`], for each element of the vector.
pub unsafe fn readv(fd: c_int, iov: *const libc::iovec, count: c_int, flags: c_int) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_preadv2, fd, iov, count, -1isize, -1isize, flags) }
}

/// `pwritev2(2)` at the file's own position with `flags` (`RWF_*`).
pub fn writev(fd: c_int, iov: *const libc::iovec, count: c_int, flags: c_int) -> io::Result<usize> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_pwritev2, fd, iov, count, -1isize, -1isize, flags) }
}

/// `recvfrom(2)`.
///
/// # Safety
/// As for [`read`]; `address` and `length` are null or writable.
pub unsafe fn recvfrom(
    fd: c_int, buffer: *mut c_void, count: usize, flags: c_int, address: *mut libc::sockaddr,
    length: *mut libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_recvfrom, fd, buffer, count, flags, address, length) }
}

/// `sendto(2)`.
pub fn sendto(
    fd: c_int, buffer: *const c_void, count: usize, flags: c_int, address: *const libc::sockaddr,
    length: libc::socklen_t,
) -> io::Result<usize> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_sendto, fd, buffer, count, flags, address, length) }
}

/// `recvmsg(2)`.
///
/// # Safety
/// As for [`read`], for everything that `message` points at.
pub unsafe fn recvmsg(fd: c_int, message: *mut libc::msghdr, flags: c_int) -> io::Result<usize> {
    // SAFETY: by contract.
    unsafe { call!(SYS_recvmsg, fd, message, flags) }
}

/// `sendmsg(2)`.
pub fn sendmsg(fd: c_int, message: *const libc::msghdr, flags: c_int) -> io::Result<usize> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_sendmsg, fd, message, flags) }
}

// ---- sockets and descriptors ------------------------------------------------------------------------

/// `accept4(2)`.
///
/// # Safety
/// `address` and `length` are null or writable.
pub unsafe fn accept4(
    fd: c_int, address: *mut libc::sockaddr, length: *mut libc::socklen_t, flags: c_int,
) -> io::Result<c_int> {
    // SAFETY: by contract.
    unsafe { call!(SYS_accept4, fd, address, length, flags) }.map(|fd| fd as c_int)
}

/// `connect(2)`.
pub fn connect(fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
    // SAFETY: the kernel only reads.
    unsafe { call!(SYS_connect, fd, address, length) }.map(drop)
}

/// A socket option whose value is a `T`.
pub fn getsockopt<T: Copy>(fd: c_int, level: c_int, name: c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes; every option asked for here is plain data.
    unsafe {
        call!(SYS_getsockopt, fd, level, name, value.as_mut_ptr(), &raw mut length)?;
        Ok(value.assume_init())
    }
}

/// `fcntl(2)` with an integer argument.
pub fn fcntl(fd: c_int, command: c_int, argument: c_int) -> io::Result<c_int> {
    // SAFETY: none of the commands used with an integer touches memory.
    unsafe { call!(SYS_fcntl, fd, command, argument) }.map(|value| value as c_int)
}

/// The bytes that can be read at once.
pub fn unread(fd: c_int) -> usize {
    let mut count: c_int = 0;
    // SAFETY: the kernel writes one integer.
    match unsafe { call!(SYS_ioctl, fd, libc::FIONREAD, &raw mut count) } {
        Ok(_) => count.max(0) as usize,
        Err(_) => 0,
    }
}

/// The file's type bits.
pub fn file_type(fd: c_int) -> io::Result<libc::mode_t> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel fills `stat` on success.
    unsafe {
        call!(SYS_fstat, fd, stat.as_mut_ptr())?;
        Ok(stat.assume_init().st_mode & libc::S_IFMT)
    }
}

/// `close(2)` of one of the library's own descriptors.
pub fn close(fd: c_int) {
    // SAFETY: only own descriptors come here. There is nothing to do about a failure.
    let _ = unsafe { call!(SYS_close, fd) };
}

// ---- waiting ------------------------------------------------------------------------------------

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

/// The kernel's `sigset_t` is eight bytes, libc's is longer.
const KERNEL_SIGSET: usize = 8;

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

/// Removes `fd` from the epoll instance.
pub fn epoll_delete(epoll: c_int, fd: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_epoll_ctl, epoll, libc::EPOLL_CTL_DEL, fd, 0) }.map(drop)
}

/// A new eventfd, non-blocking and close-on-exec.
pub fn eventfd() -> io::Result<c_int> {
    // SAFETY: no memory is involved.
    unsafe { call!(SYS_eventfd2, 0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) }.map(|fd| fd as c_int)
}

/// A timer descriptor of `clock` that becomes readable at `at`, an absolute time of that clock.
pub fn timerfd_at(clock: libc::clockid_t, at: libc::timespec) -> io::Result<c_int> {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let setting = libc::itimerspec { it_interval: zero, it_value: at };
    // SAFETY: the kernel reads `setting`.
    unsafe {
        let fd = call!(SYS_timerfd_create, clock, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC)?;
        let set = call!(SYS_timerfd_settime, fd, libc::TFD_TIMER_ABSTIME, &raw const setting, 0);
        set.inspect_err(|_| close(fd as c_int)).map(|_| fd as c_int)
    }
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
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ENOSYS) {
            return Err(error);
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

// ---- memory -------------------------------------------------------------------------------------

/// Maps `size` bytes of zeroed private memory without reserving swap for it.
pub fn map(size: usize) -> io::Result<*mut u8> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh mapping disturbs nothing.
    unsafe { call!(SYS_mmap, 0, size, protection, flags, -1isize, 0) }.map(|address| address as *mut u8)
}

/// Unmaps memory that [`map`] gave.
///
/// # Safety
/// Nothing refers to the range any more.
pub unsafe fn unmap(address: *mut u8, size: usize) {
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
    let (source, target) = (
        libc::iovec { iov_base: from.cast_mut().cast(), iov_len: size },
        libc::iovec { iov_base: to.cast(), iov_len: size },
    );
    // SAFETY: by contract; the kernel checks the source.
    match unsafe { call!(SYS_process_vm_readv, process_id(), &raw const target, 1, &raw const source, 1, 0) }
    {
        Ok(copied) if copied == size => Ok(()),
        Ok(_) => Err(io::Error::from_raw_os_error(libc::EFAULT)),
        Err(e) if e.raw_os_error() == Some(libc::EFAULT) => Err(e),
        Err(_) => {
            // Forbidden by a filter: then without the check, as libc's own functions read.
            // SAFETY: the program's promise.
            unsafe { ptr::copy_nonoverlapping(from, to, size) };
            Ok(())
        }
    }
}

// ---- process ------------------------------------------------------------------------------------

/// The process's id, asked of the kernel: true in a `vfork` child too.
pub fn process_id() -> libc::pid_t {
    // SAFETY: always succeeds and touches nothing.
    unsafe { call!(SYS_getpid) }.map_or(0, |pid| pid as libc::pid_t)
}

/// Gets and optionally sets the limit on the number of open descriptors.
pub fn descriptor_limit(new: Option<&libc::rlimit64>) -> io::Result<libc::rlimit64> {
    let mut old = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: one readable and one writable structure.
    unsafe { call!(SYS_prlimit64, 0, libc::RLIMIT_NOFILE, new, &raw mut old) }?;
    Ok(old)
}

/// A signal's action as the kernel keeps it (`struct kernel_sigaction`).
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct SignalAction {
    /// `SIG_DFL`, `SIG_IGN` or a function.
    pub handler: usize,
    /// `SA_*`.
    pub flags: usize,
    /// Where the handler returns to.
    pub restorer: usize,
    /// Signals blocked meanwhile.
    pub mask: u64,
}

/// `rt_sigaction(2)`: gives the old action and sets a new one, if any.
pub fn signal_action(signal: c_int, new: Option<&SignalAction>) -> io::Result<SignalAction> {
    let mut old = SignalAction::default();
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: both structures are the kernel's; the callers answer for the handler.
    unsafe { call!(SYS_rt_sigaction, signal, new, &raw mut old, KERNEL_SIGSET) }?;
    Ok(old)
}

/// Sends a signal to the calling thread.
pub fn raise(signal: c_int) {
    // SAFETY: no memory is involved.
    unsafe {
        let thread = call!(SYS_gettid).unwrap_or(0);
        let _ = call!(SYS_tgkill, process_id(), thread, signal);
    }
}
