//! The table of hooks: one row a symbol, with the family's function that it goes to.
//!
//! The first word says which word its trampoline tests (`symbols.rs`): `coroutine`, the thread's hook word;
//! `keeper`, whether the process has anything to keep; `jump`, whether a signal handler of the program runs;
//! `numbered`, the same and the number of a system call; `always`, none.

/// Gives the rows to another macro.
macro_rules! rows {
    ($macro:ident) => {
        $macro! {
    // Data in.
    coroutine fn read(fd: c_int, buffer: *mut c_void, count: usize) -> isize => input::read;
    coroutine fn __read_chk(fd: c_int, buffer: *mut c_void, count: usize, room: usize) -> isize => input::read_chk;
    coroutine fn readv(fd: c_int, vector: *const iovec, count: c_int) -> isize => input::readv;
    coroutine fn recv(fd: c_int, buffer: *mut c_void, count: usize, flags: c_int) -> isize => input::recv;
    coroutine fn __recv_chk(fd: c_int, buffer: *mut c_void, count: usize, room: usize, flags: c_int) -> isize => input::recv_chk;
    coroutine fn recvfrom(fd: c_int, buffer: *mut c_void, count: usize, flags: c_int, address: *mut sockaddr, length: *mut socklen_t) -> isize => input::recvfrom;
    coroutine fn __recvfrom_chk(fd: c_int, buffer: *mut c_void, count: usize, room: usize, flags: c_int, address: *mut sockaddr, length: *mut socklen_t) -> isize => input::recvfrom_chk;
    coroutine fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> isize => input::recvmsg;

    // Data out.
    coroutine fn write(fd: c_int, buffer: *const c_void, count: usize) -> isize => output::write;
    coroutine fn writev(fd: c_int, vector: *const iovec, count: c_int) -> isize => output::writev;
    coroutine fn send(fd: c_int, buffer: *const c_void, count: usize, flags: c_int) -> isize => output::send;
    coroutine fn sendto(fd: c_int, buffer: *const c_void, count: usize, flags: c_int, address: *const sockaddr, length: socklen_t) -> isize => output::sendto;
    coroutine fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> isize => output::sendmsg;

    // Connections.
    coroutine fn connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int => socket::connect;
    coroutine fn accept(fd: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int => socket::accept;
    coroutine fn accept4(fd: c_int, address: *mut sockaddr, length: *mut socklen_t, flags: c_int) -> c_int => socket::accept4;

    // Many descriptors at once.
    coroutine fn poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int => poll::poll;
    coroutine fn __poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int => poll::poll;
    coroutine fn __poll_chk(fds: *mut pollfd, count: nfds_t, timeout: c_int, room: usize) -> c_int => poll::poll_chk;
    coroutine fn ppoll(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int => poll::ppoll;
    coroutine fn __ppoll_chk(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t, room: usize) -> c_int => poll::ppoll_chk;
    coroutine fn select(count: c_int, reading: *mut fd_set, writing: *mut fd_set, except: *mut fd_set, timeout: *mut timeval) -> c_int => poll::select;
    coroutine fn pselect(count: c_int, reading: *mut fd_set, writing: *mut fd_set, except: *mut fd_set, timeout: *const timespec, mask: *const sigset_t) -> c_int => poll::pselect;

    // Time.
    coroutine fn sleep(seconds: c_uint) -> c_uint => sleep::sleep;
    coroutine fn usleep(micros: c_uint) -> c_int => sleep::usleep;
    coroutine fn nanosleep(wait: *const timespec, left: *mut timespec) -> c_int => sleep::nanosleep;
    coroutine fn clock_nanosleep(clock: clockid_t, flags: c_int, time: *const timespec, left: *mut timespec) -> c_int => sleep::clock_nanosleep;

    // Names.
    coroutine fn getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo, found: *mut *mut addrinfo) -> c_int => resolve::getaddrinfo;
    coroutine fn getnameinfo(address: *const sockaddr, length: socklen_t, host: *mut c_char, host_room: socklen_t, service: *mut c_char, service_room: socklen_t, flags: c_int) -> c_int => resolve::getnameinfo;
    coroutine fn gethostbyname(name: *const c_char) -> *mut hostent => resolve::gethostbyname;
    coroutine fn gethostbyname_r(name: *const c_char, entry: *mut hostent, buffer: *mut c_char, room: usize, found: *mut *mut hostent, error: *mut c_int) -> c_int => resolve::gethostbyname_r;
    coroutine fn __res_state() -> *mut c_void => resolve::res_state;
    coroutine fn __h_errno_location() -> *mut c_int => resolve::h_errno_location;

    // What descriptors mean.
    keeper fn close(fd: c_int) -> c_int => descriptor::close;
    keeper fn fclose(stream: *mut FILE) -> c_int => descriptor::fclose;
    keeper fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int => descriptor::close_range;
    keeper fn closefrom(first: c_int) -> () => descriptor::closefrom;
    keeper fn shutdown(fd: c_int, how: c_int) -> c_int => descriptor::shutdown;
    keeper fn dup(fd: c_int) -> c_int => descriptor::dup;
    keeper fn dup2(from: c_int, to: c_int) -> c_int => descriptor::dup2;
    keeper fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int => descriptor::dup3;
    keeper fn fcntl(fd: c_int, command: c_int, argument: c_ulong) -> c_int => descriptor::fcntl;
    keeper fn fcntl64(fd: c_int, command: c_int, argument: c_ulong) -> c_int => descriptor::fcntl;
    keeper fn ioctl(fd: c_int, request: c_ulong, argument: c_ulong) -> c_int => descriptor::ioctl;
    keeper fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, length: *mut socklen_t) -> c_int => descriptor::getsockopt;
    always fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, length: socklen_t) -> c_int => descriptor::setsockopt;
    keeper fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int => descriptor::socket;
    keeper fn socketpair(domain: c_int, kind: c_int, protocol: c_int, pair: *mut c_int) -> c_int => descriptor::socketpair;
    keeper fn pipe(pair: *mut c_int) -> c_int => descriptor::pipe;
    keeper fn pipe2(pair: *mut c_int, flags: c_int) -> c_int => descriptor::pipe2;

    // More of the same, at positions and in batches; the other names of what stands above.
    coroutine fn recvmmsg(fd: c_int, vector: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec) -> c_int => input::recvmmsg;
    coroutine fn sendmmsg(fd: c_int, vector: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int => output::sendmmsg;
    coroutine fn pread(fd: c_int, buffer: *mut c_void, count: usize, offset: off_t) -> isize => input::pread;
    coroutine fn pread64(fd: c_int, buffer: *mut c_void, count: usize, offset: off_t) -> isize => input::pread;
    coroutine fn __pread64(fd: c_int, buffer: *mut c_void, count: usize, offset: off_t) -> isize => input::pread;
    coroutine fn __pread_chk(fd: c_int, buffer: *mut c_void, count: usize, offset: off_t, room: usize) -> isize => input::pread_chk;
    coroutine fn __pread64_chk(fd: c_int, buffer: *mut c_void, count: usize, offset: off_t, room: usize) -> isize => input::pread_chk;
    coroutine fn preadv(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize => input::preadv;
    coroutine fn preadv64(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize => input::preadv;
    coroutine fn preadv2(fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int) -> isize => input::preadv2;
    coroutine fn preadv64v2(fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int) -> isize => input::preadv2;
    coroutine fn pwrite(fd: c_int, buffer: *const c_void, count: usize, offset: off_t) -> isize => output::pwrite;
    coroutine fn pwrite64(fd: c_int, buffer: *const c_void, count: usize, offset: off_t) -> isize => output::pwrite;
    coroutine fn __pwrite64(fd: c_int, buffer: *const c_void, count: usize, offset: off_t) -> isize => output::pwrite;
    coroutine fn pwritev(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize => output::pwritev;
    coroutine fn pwritev64(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize => output::pwritev;
    coroutine fn pwritev2(fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int) -> isize => output::pwritev2;
    coroutine fn pwritev64v2(fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int) -> isize => output::pwritev2;
    coroutine fn eventfd_read(fd: c_int, value: *mut u64) -> c_int => input::eventfd_read;
    coroutine fn eventfd_write(fd: c_int, value: u64) -> c_int => output::eventfd_write;
    coroutine fn epoll_wait(epoll: c_int, events: *mut epoll_event, count: c_int, timeout: c_int) -> c_int => epoll::epoll_wait;
    coroutine fn epoll_pwait(epoll: c_int, events: *mut epoll_event, count: c_int, timeout: c_int, mask: *const sigset_t) -> c_int => epoll::epoll_pwait;
    coroutine fn epoll_pwait2(epoll: c_int, events: *mut epoll_event, count: c_int, timeout: *const timespec, mask: *const sigset_t) -> c_int => epoll::epoll_pwait2;
    coroutine fn thrd_sleep(wait: *const timespec, left: *mut timespec) -> c_int => sleep::thrd_sleep;
    coroutine fn __read(fd: c_int, buffer: *mut c_void, count: usize) -> isize => input::read;
    coroutine fn __write(fd: c_int, buffer: *const c_void, count: usize) -> isize => output::write;
    coroutine fn __send(fd: c_int, buffer: *const c_void, count: usize, flags: c_int) -> isize => output::send;
    coroutine fn __connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int => socket::connect;
    coroutine fn __select(count: c_int, reading: *mut fd_set, writing: *mut fd_set, except: *mut fd_set, timeout: *mut timeval) -> c_int => poll::select;
    coroutine fn __nanosleep(wait: *const timespec, left: *mut timespec) -> c_int => sleep::nanosleep;
    coroutine fn pause() -> c_int => wait_signal::pause;
    coroutine fn sigsuspend(mask: *const sigset_t) -> c_int => wait_signal::sigsuspend;
    coroutine fn __sigsuspend(mask: *const sigset_t) -> c_int => wait_signal::sigsuspend;
    coroutine fn sigpause(mask: c_int) -> c_int => wait_signal::sigpause;
    coroutine fn __sigpause(which: c_int, is_signal: c_int) -> c_int => wait_signal::either_sigpause;
    coroutine fn __xpg_sigpause(signal: c_int) -> c_int => wait_signal::xpg_sigpause;
    coroutine fn sigwait(set: *const sigset_t, signal: *mut c_int) -> c_int => wait_signal::sigwait;
    coroutine fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> c_int => wait_signal::sigwaitinfo;
    coroutine fn sigtimedwait(set: *const sigset_t, info: *mut siginfo_t, timeout: *const timespec) -> c_int => wait_signal::sigtimedwait;
    numbered fn syscall(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long => syscall::syscall;
    keeper fn __close(fd: c_int) -> c_int => descriptor::close;
    keeper fn _IO_fclose(stream: *mut FILE) -> c_int => descriptor::fclose;
    keeper fn __dup2(from: c_int, to: c_int) -> c_int => descriptor::dup2;
    keeper fn __fcntl(fd: c_int, command: c_int, argument: c_ulong) -> c_int => descriptor::fcntl;
    keeper fn __pipe(pair: *mut c_int) -> c_int => descriptor::pipe;
    keeper fn freopen(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE => descriptor::freopen;
    keeper fn freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE => descriptor::freopen;
    keeper fn mq_close(queue: c_int) -> c_int => descriptor::mq_close;
    keeper fn eventfd(value: c_uint, flags: c_int) -> c_int => fresh::eventfd;
    keeper fn timerfd_create(clock: clockid_t, flags: c_int) -> c_int => fresh::timerfd_create;
    keeper fn signalfd(fd: c_int, mask: *const sigset_t, flags: c_int) -> c_int => fresh::signalfd;
    keeper fn inotify_init() -> c_int => fresh::inotify_init;
    keeper fn inotify_init1(flags: c_int) -> c_int => fresh::inotify_init1;
    keeper fn epoll_create(size: c_int) -> c_int => fresh::epoll_create;
    keeper fn epoll_create1(flags: c_int) -> c_int => fresh::epoll_create1;
    keeper fn memfd_create(name: *const c_char, flags: c_uint) -> c_int => fresh::memfd_create;

    // Signal handlers.
    keeper fn sigaction(signal: c_int, new: *const action, old: *mut action) -> c_int => signal::sigaction;
    keeper fn __sigaction(signal: c_int, new: *const action, old: *mut action) -> c_int => signal::sigaction;
    keeper fn signal(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::bsd;
    keeper fn bsd_signal(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::bsd;
    keeper fn ssignal(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::bsd;
    keeper fn sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::system_v;
    keeper fn __sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::system_v;
    keeper fn sigset(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::sigset;
    jump fn longjmp(buffer: *mut c_void, value: c_int) -> () => signal::longjmp;
    jump fn _longjmp(buffer: *mut c_void, value: c_int) -> () => signal::underscore_longjmp;
    jump fn siglongjmp(buffer: *mut c_void, value: c_int) -> () => signal::siglongjmp;
    jump fn __longjmp_chk(buffer: *mut c_void, value: c_int) -> () => signal::longjmp_chk;
        }
    };
}

pub(crate) use rows;
