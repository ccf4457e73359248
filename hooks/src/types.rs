//! C's names for the types in the rows.

pub use core::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void};

pub use libc::{
    FILE, addrinfo, clockid_t, fd_set, hostent, iovec, msghdr, nfds_t, pollfd, sigaction as action,
    sighandler_t, sigset_t, sockaddr, socklen_t, timespec, timeval,
};
