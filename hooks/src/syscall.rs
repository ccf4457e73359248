//! `syscall`: system calls by number that are hooked by name too, and what they do otherwise than by name.
//!
//! Only those of `numbers` come here. Calls that take threads' numbers do when threads are coroutines.

use core::ffi::{c_int, c_long, c_uint, c_ulong};
use core::ptr;
use std::io;

use colib_core::capi::{answer, set_errno};
use colib_core::reactor::registry;
use colib_core::{clock, fork, sys, tls};
use libc::{sigset_t, timespec, timeval};

use crate::{
    attributes, descriptor, epoll, file, futex, input, ipc, libaio, numbers, output, poll, process, real,
    sleep, socket, thread_number, wait_signal,
};

// SAFETY: as in `input`; what is hooked here is what the number's own call takes.

pub unsafe extern "C" fn syscall(
    number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize,
) -> c_long {
    // SAFETY: see above.
    unsafe {
        if !registry::is_active() {
            attributes::heed(number);
            return real::syscall(number, a, b, c, d, e, f);
        }
        if tls::hook_word() != 0
            && let Some(result) = wait(number, [a, b, c, d, e, f])
        {
            return result as c_long;
        }
        let kernel = || real::syscall(number, a, b, c, d, e, f);
        let fd = a as c_int;
        match number {
            libc::SYS_close | libc::SYS_fcntl | libc::SYS_dup if registry::is_own(fd) => {
                c_long::from(descriptor::not_open())
            }
            libc::SYS_close => descriptor::close_by(fd, kernel),
            libc::SYS_close_range => {
                c_long::from(descriptor::close_range(a as c_uint, b as c_uint, c as c_int))
            }
            libc::SYS_shutdown => c_long::from(descriptor::shutdown(fd, b as c_int)),
            libc::SYS_dup2 => c_long::from(descriptor::dup2(fd, b as c_int)),
            libc::SYS_dup3 => c_long::from(descriptor::dup3(fd, b as c_int, c as c_int)),
            libc::SYS_dup => c_long::from(descriptor::dup(fd)),
            libc::SYS_fcntl => c_long::from(descriptor::control(fd, b as c_int, || kernel() as c_int)),
            libc::SYS_ioctl => c_long::from(descriptor::ioctl(fd, b as c_ulong, c as c_ulong)),
            libc::SYS_setsockopt => descriptor::set_option(fd, b as c_int, c as c_int, kernel),
            libc::SYS_sendmsg => output::sendmsg(fd, b as _, c as c_int) as c_long,
            libc::SYS_sendmmsg => c_long::from(output::sendmmsg(fd, b as _, c as c_uint, d as c_int)),
            libc::SYS_fork => fork::without_libc(kernel),
            libc::SYS_clone if is_fork(a, b) => fork::without_libc(kernel),
            libc::SYS_clone3 if matches!(sys::read_in(a as *const [usize; 6]), Ok(how) if is_fork(how[0], how[5])) => {
                fork::without_libc(kernel)
            }
            libc::SYS_socket => c_long::from(descriptor::made_here(None, || kernel() as c_int)),
            libc::SYS_accept | libc::SYS_accept4 => {
                c_long::from(descriptor::made_here(Some(fd), || kernel() as c_int))
            }
            libc::SYS_futex => {
                let kernel = |c| real::syscall(number, a, b, c, d, e, f);
                futex::futex([a, b, c, d, e, f], kernel)
            }
            _ if numbers::OPENING.contains(&number) => c_long::from(descriptor::made(kernel() as c_int)),
            _ => {
                attributes::heed(number);
                thread_number::syscall(number, [a, b, c, d, e, f]).unwrap_or_else(kernel)
            }
        }
    }
}

/// Does a coroutine's call; `None` for those that do not wait, and those that the kernel refuses at once.
unsafe fn wait(number: c_long, arguments: [usize; 6]) -> Option<isize> {
    let [a, b, c, d, e, f] = arguments;
    let fd = a as c_int;
    // SAFETY: see above.
    unsafe {
        Some(match number {
            libc::SYS_read => input::read(fd, b as _, c),
            libc::SYS_write => output::write(fd, b as _, c),
            libc::SYS_readv => input::readv(fd, b as _, length(c)),
            libc::SYS_writev => output::writev(fd, b as _, length(c)),
            libc::SYS_preadv2 => input::preadv2(fd, b as _, length(c), d as i64, f as c_int),
            libc::SYS_pwritev2 => output::pwritev2(fd, b as _, length(c), d as i64, f as c_int),
            libc::SYS_recvfrom => input::recvfrom(fd, b as _, c, d as c_int, e as _, f as _),
            libc::SYS_sendto => output::sendto(fd, b as _, c, d as c_int, e as _, f as u32),
            libc::SYS_recvmsg => input::recvmsg(fd, b as _, c as c_int),
            libc::SYS_sendmsg => output::sendmsg(fd, b as _, c as c_int),
            libc::SYS_recvmmsg => input::recvmmsg(fd, b as _, c as c_uint, d as c_int, e as _) as isize,
            libc::SYS_sendmmsg => output::sendmmsg(fd, b as _, c as c_uint, d as c_int) as isize,
            libc::SYS_connect => socket::connect(fd, b as _, c as u32) as isize,
            libc::SYS_accept => socket::accept(fd, b as _, c as _) as isize,
            libc::SYS_accept4 => socket::accept4(fd, b as _, c as _, d as c_int) as isize,
            libc::SYS_poll => poll::poll(a as _, c_ulong::from(b as c_uint), c as c_int) as isize,
            libc::SYS_ppoll => {
                let mask = mask(d, e)?;
                timed(c as _, |time| poll::ppoll(a as _, c_ulong::from(b as c_uint), time, mask))
            }
            libc::SYS_select => {
                let time = e as *mut timeval;
                match readable(time) {
                    Err(error) => answer::<usize>(Err(error)),
                    Ok(()) => poll::select(fd, b as _, c as _, d as _, time) as isize,
                }
            }
            libc::SYS_pselect6 => {
                let with_size = if f == 0 { Ok([0, 0]) } else { sys::read_in(f as *const [usize; 2]) };
                let mask = with_size.map(|[set, size]| mask(set, size)).unwrap_or(None)?;
                timed(e as _, |time| poll::pselect(fd, b as _, c as _, d as _, time, mask))
            }
            libc::SYS_nanosleep => sleep::nanosleep(a as _, b as _) as isize,
            libc::SYS_clock_nanosleep => match sleep::clock_nanosleep(fd, b as c_int, c as _, d as _) {
                0 => 0,
                errno => {
                    set_errno(errno);
                    -1
                }
            },
            libc::SYS_epoll_wait => epoll::epoll_wait(fd, b as _, c as c_int, d as c_int) as isize,
            libc::SYS_epoll_pwait => {
                epoll::epoll_pwait(fd, b as _, c as c_int, d as c_int, mask(e, f)?) as isize
            }
            libc::SYS_epoll_pwait2 => {
                epoll::epoll_pwait2(fd, b as _, c as c_int, d as _, mask(e, f)?) as isize
            }
            libc::SYS_pause => wait_signal::pause() as isize,
            libc::SYS_rt_sigsuspend if b == SIGSET => wait_signal::sigsuspend(a as _) as isize,
            libc::SYS_rt_sigtimedwait if d == SIGSET => {
                wait_signal::raw_sigtimedwait(a as _, b as _, c as _) as isize
            }
            libc::SYS_open => file::open(a as _, b as c_int, c as c_uint) as isize,
            libc::SYS_openat => file::openat(fd, b as _, c as c_int, d as c_uint) as isize,
            libc::SYS_creat => file::creat(a as _, b as c_uint) as isize,
            libc::SYS_flock => file::flock(fd, b as c_int) as isize,
            libc::SYS_fsync => file::fsync(fd) as isize,
            libc::SYS_fdatasync => file::fdatasync(fd) as isize,
            libc::SYS_syncfs => file::syncfs(fd) as isize,
            libc::SYS_sync_file_range => file::sync_file_range(fd, b as i64, c as i64, d as c_uint) as isize,
            libc::SYS_msync => file::msync(a as _, b, c as c_int) as isize,
            libc::SYS_sendfile => file::sendfile(fd, b as c_int, c as _, d),
            libc::SYS_copy_file_range => {
                file::copy_file_range(fd, b as _, c as c_int, d as _, e, f as c_uint)
            }
            libc::SYS_splice => file::splice(fd, b as _, c as c_int, d as _, e, f as c_uint),
            libc::SYS_tee => file::tee(fd, b as c_int, c, d as c_uint),
            libc::SYS_vmsplice => file::vmsplice(fd, b as _, c, d as c_uint),
            libc::SYS_getrandom => file::getrandom(a as _, b, c as c_uint),
            libc::SYS_wait4 => process::wait4(fd, b as _, c as c_int, d as _) as isize,
            libc::SYS_waitid if e == 0 => process::waitid(a as c_uint, b as u32, c as _, d as c_int) as isize,
            libc::SYS_msgrcv => ipc::msgrcv(fd, b as _, c, d as c_long, e as c_int),
            libc::SYS_msgsnd => ipc::msgsnd(fd, b as _, c, d as c_int) as isize,
            libc::SYS_semop => ipc::semop(fd, b as _, c) as isize,
            libc::SYS_semtimedop => ipc::semtimedop(fd, b as _, c, d as _) as isize,
            libc::SYS_io_getevents => {
                answer(libaio::completions(a, b as c_long, c as c_long, d as _, e as _, ptr::null()))
            }
            sys::IO_PGETEVENTS => {
                answer(libaio::completions(a, b as c_long, c as c_long, d as _, e as _, f as _))
            }
            libc::SYS_mq_timedreceive => ipc::mq_timedreceive(fd, b as _, c, d as _, e as _),
            libc::SYS_mq_timedsend => ipc::mq_timedsend(fd, b as _, c, d as c_uint, e as _) as isize,
            libc::SYS_fcntl if matches!(b as c_int, libc::F_SETLKW | libc::F_OFD_SETLKW) => {
                descriptor::fcntl(fd, b as c_int, c as c_ulong) as isize
            }
            _ => return None,
        })
    }
}

/// Whether a `clone` with these flags and this stack makes a process like `fork`, and leaves no trace in this one.
fn is_fork(flags: usize, stack: usize) -> bool {
    flags as c_int & (libc::CLONE_VM | libc::CLONE_FILES) == 0 && stack == 0
}

/// The size of the kernel's signal sets.
const SIGSET: usize = 8;

/// A number of pieces. The kernel refuses far fewer than do not fit.
fn length(count: usize) -> c_int {
    c_int::try_from(count).unwrap_or(c_int::MAX)
}

/// A signal mask that may be null; `None` when the kernel refuses its size.
fn mask(set: usize, size: usize) -> Option<*const sigset_t> {
    (set == 0 || size == SIGSET).then_some(set as *const sigset_t)
}

/// Whether something of the program's can be read, which may be null.
unsafe fn readable<T>(what: *const T) -> io::Result<()> {
    // SAFETY: see above; what is read is given up.
    if what.is_null() { Ok(()) } else { unsafe { sys::read_in(what.cast::<[u8; 16]>()) }.map(drop) }
}

/// A call whose time-out tells afterwards what is left of it, unlike libc's.
unsafe fn timed(time: *mut timespec, call: impl FnOnce(*const timespec) -> c_int) -> isize {
    // SAFETY: see above.
    unsafe {
        let end = match epoll::until(time) {
            Ok(end) => end,
            Err(error) => return answer::<usize>(Err(error)),
        };
        let result = call(if time.is_null() { ptr::null() } else { time });
        if !time.is_null() && end != clock::NEVER {
            let left = clock::timespec(clock::left(end));
            // Memory that cannot be written is no error here.
            let _ = sys::copy_out((&raw const left).cast(), time.cast(), size_of::<timespec>());
        }
        result as isize
    }
}
