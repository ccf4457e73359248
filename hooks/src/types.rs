//! C's names for the types in the rows.

pub use core::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

pub use libc::{
    FILE, addrinfo, clockid_t, fd_set, hostent, iovec, msghdr, nfds_t, pollfd, pthread_barrier_t,
    pthread_cond_t, pthread_mutex_t, pthread_rwlock_t, pthread_t, sem_t, sigaction as action, sighandler_t,
    sigset_t, sockaddr, socklen_t, timespec, timeval,
};

/// The routine of `pthread_once`.
pub type Routine = extern "C" fn();
