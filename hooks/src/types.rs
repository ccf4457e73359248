//! C's names for the types in the rows.

pub use core::ffi::{c_char, c_int, c_long, c_uchar, c_uint, c_ulong, c_void};

pub use libc::{
    FILE, addrinfo, clockid_t, epoll_event, fd_set, gid_t, group, hostent, id_t, iovec, mmsghdr, mode_t,
    msghdr, nfds_t, off_t, passwd, pid_t, pollfd, protoent, pthread_attr_t, pthread_barrier_t,
    pthread_cond_t, pthread_mutex_t, pthread_rwlock_t, pthread_spinlock_t, pthread_t, rusage, sem_t, sembuf,
    servent, sigaction as action, sigevent, sighandler_t, siginfo_t, sigset_t, sockaddr, socklen_t, spwd,
    ssize_t, timespec, timeval, uid_t,
};

/// The routine of `pthread_once`.
pub type Routine = extern "C" fn();

/// The routine of a thread.
pub type ThreadRoutine = colib_core::coroutine::Routine;
