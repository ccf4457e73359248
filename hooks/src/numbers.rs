//! Which system calls the hook of `syscall` is for: its trampoline looks here and passes all others on.

use core::ffi::c_long;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::attributes;

/// Calls that a coroutine waits in.
const WAITING: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_recvmmsg,
    libc::SYS_sendmmsg,
    libc::SYS_connect,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_select,
    libc::SYS_pselect6,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_pause,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_syncfs,
    libc::SYS_sync_file_range,
    libc::SYS_msync,
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_creat,
    libc::SYS_sendfile,
    libc::SYS_copy_file_range,
    libc::SYS_splice,
    libc::SYS_tee,
    libc::SYS_vmsplice,
    libc::SYS_getrandom,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_msgrcv,
    libc::SYS_msgsnd,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_mq_timedreceive,
    libc::SYS_mq_timedsend,
    libc::SYS_futex,
    libc::SYS_io_getevents,
    colib_core::sys::IO_PGETEVENTS,
];

/// Calls that change what descriptors mean, and those that make processes.
const KEEPING: &[c_long] = &[
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_shutdown,
    libc::SYS_dup2,
    libc::SYS_dup3,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    libc::SYS_setsockopt,
    libc::SYS_fork,
    libc::SYS_clone,
    libc::SYS_clone3,
];

/// Calls that give a number anew.
pub const OPENING: &[c_long] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_dup,
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_creat,
    libc::SYS_socket,
    libc::SYS_eventfd,
    libc::SYS_eventfd2,
    libc::SYS_timerfd_create,
    libc::SYS_inotify_init,
    libc::SYS_inotify_init1,
    libc::SYS_epoll_create,
    libc::SYS_epoll_create1,
    libc::SYS_memfd_create,
    libc::SYS_pidfd_open,
];

/// One past the highest number.
pub const END: usize = 512;

/// A bit for each number that has a hook.
pub static NUMBERS: [AtomicU64; END / 64] = {
    let mut bits = [0; END / 64];
    let lists = [WAITING, KEEPING, OPENING, attributes::NUMBERS];
    let mut list = 0;
    while list < lists.len() {
        let mut i = 0;
        while i < lists[list].len() {
            let number = lists[list][i] as usize;
            bits[number / 64] |= 1 << (number % 64);
            i += 1;
        }
        list += 1;
    }
    let mut numbers = [const { AtomicU64::new(0) }; END / 64];
    let mut i = 0;
    while i < numbers.len() {
        numbers[i] = AtomicU64::new(bits[i]);
        i += 1;
    }
    numbers
};

/// From now on the trampoline takes `number` to the hook too.
pub fn add(number: c_long) {
    NUMBERS[number as usize / 64].fetch_or(1 << (number % 64), Ordering::Relaxed);
}
