//! Rows of calls on descriptors.

/// Adds them to those before, and goes on with `streams`.
macro_rules! rows {
    ($macro:ident: $($before:tt)*) => {
        $crate::rows::streams::rows! { $macro: $($before)*
    // Data in.
    coroutine fn read | __read(fd: c_int, buffer: *mut c_void, count: usize) -> isize => input::read;
    coroutine fn __read_chk(fd: c_int, buffer: *mut c_void, count: usize, room: usize) -> isize => input::read_chk;
    coroutine fn readv(fd: c_int, vector: *const iovec, count: c_int) -> isize => input::readv;
    coroutine fn pread | pread64 | __pread64(fd: c_int, buffer: *mut c_void, count: usize, offset: off_t) -> isize => input::pread;
    coroutine fn __pread_chk | __pread64_chk(fd: c_int, buffer: *mut c_void, count: usize, offset: off_t, room: usize) -> isize => input::pread_chk;
    coroutine fn preadv | preadv64(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize => input::preadv;
    coroutine fn preadv2 | preadv64v2(fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int) -> isize => input::preadv2;
    coroutine fn recv(fd: c_int, buffer: *mut c_void, count: usize, flags: c_int) -> isize => input::recv;
    coroutine fn __recv_chk(fd: c_int, buffer: *mut c_void, count: usize, room: usize, flags: c_int) -> isize => input::recv_chk;
    coroutine fn recvfrom(fd: c_int, buffer: *mut c_void, count: usize, flags: c_int, address: *mut sockaddr, length: *mut socklen_t) -> isize => input::recvfrom;
    coroutine fn __recvfrom_chk(fd: c_int, buffer: *mut c_void, count: usize, room: usize, flags: c_int, address: *mut sockaddr, length: *mut socklen_t) -> isize => input::recvfrom_chk;
    coroutine fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> isize => input::recvmsg;
    coroutine fn recvmmsg(fd: c_int, vector: *mut mmsghdr, count: c_uint, flags: c_int, timeout: *mut timespec) -> c_int => input::recvmmsg;
    coroutine fn eventfd_read(fd: c_int, value: *mut u64) -> c_int => input::eventfd_read;

    // Data out.
    coroutine fn write | __write(fd: c_int, buffer: *const c_void, count: usize) -> isize => output::write;
    coroutine fn writev(fd: c_int, vector: *const iovec, count: c_int) -> isize => output::writev;
    coroutine fn pwrite | pwrite64 | __pwrite64(fd: c_int, buffer: *const c_void, count: usize, offset: off_t) -> isize => output::pwrite;
    coroutine fn pwritev | pwritev64(fd: c_int, vector: *const iovec, count: c_int, offset: off_t) -> isize => output::pwritev;
    coroutine fn pwritev2 | pwritev64v2(fd: c_int, vector: *const iovec, count: c_int, offset: off_t, flags: c_int) -> isize => output::pwritev2;
    coroutine fn send | __send(fd: c_int, buffer: *const c_void, count: usize, flags: c_int) -> isize => output::send;
    coroutine fn sendto(fd: c_int, buffer: *const c_void, count: usize, flags: c_int, address: *const sockaddr, length: socklen_t) -> isize => output::sendto;
    either fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> isize => output::sendmsg;
    either fn sendmmsg(fd: c_int, vector: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int => output::sendmmsg;
    coroutine fn eventfd_write(fd: c_int, value: u64) -> c_int => output::eventfd_write;

    // Connections.
    coroutine fn connect | __connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int => socket::connect;
    either fn accept(fd: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int => socket::accept;
    either fn accept4(fd: c_int, address: *mut sockaddr, length: *mut socklen_t, flags: c_int) -> c_int => socket::accept4;

    // Many descriptors at once.
    coroutine fn poll | __poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int => poll::poll;
    coroutine fn __poll_chk(fds: *mut pollfd, count: nfds_t, timeout: c_int, room: usize) -> c_int => poll::poll_chk;
    coroutine fn ppoll(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int => poll::ppoll;
    coroutine fn __ppoll_chk(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t, room: usize) -> c_int => poll::ppoll_chk;
    coroutine fn select | __select(count: c_int, reading: *mut fd_set, writing: *mut fd_set, except: *mut fd_set, timeout: *mut timeval) -> c_int => poll::select;
    coroutine fn pselect(count: c_int, reading: *mut fd_set, writing: *mut fd_set, except: *mut fd_set, timeout: *const timespec, mask: *const sigset_t) -> c_int => poll::pselect;
    coroutine fn epoll_wait(epoll: c_int, events: *mut epoll_event, count: c_int, timeout: c_int) -> c_int => epoll::epoll_wait;
    coroutine fn epoll_pwait(epoll: c_int, events: *mut epoll_event, count: c_int, timeout: c_int, mask: *const sigset_t) -> c_int => epoll::epoll_pwait;
    coroutine fn epoll_pwait2(epoll: c_int, events: *mut epoll_event, count: c_int, timeout: *const timespec, mask: *const sigset_t) -> c_int => epoll::epoll_pwait2;
    coroutine fn __io_uring_get_cqe(ring: *mut c_void, completion: *mut *mut c_void, submit: c_uint, wait: c_uint, mask: *const sigset_t) -> c_int => uring::get_cqe;
    coroutine fn io_getevents(context: usize, least: c_long, most: c_long, events: *mut c_void, time: *const timespec) -> c_int => libaio::io_getevents;
    coroutine fn io_pgetevents(context: usize, least: c_long, most: c_long, events: *mut c_void, time: *const timespec, mask: *const sigset_t) -> c_int => libaio::io_pgetevents;

    // What descriptors mean.
    keeper fn close | __close(fd: c_int) -> c_int => descriptor::close;
    keeper fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int => descriptor::close_range;
    keeper fn closefrom(first: c_int) -> () => descriptor::closefrom;
    keeper fn shutdown(fd: c_int, how: c_int) -> c_int => descriptor::shutdown;
    keeper fn dup(fd: c_int) -> c_int => descriptor::dup;
    keeper fn dup2 | __dup2(from: c_int, to: c_int) -> c_int => descriptor::dup2;
    keeper fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int => descriptor::dup3;
    either fn fcntl | fcntl64 | __fcntl(fd: c_int, command: c_int, argument: c_ulong) -> c_int => descriptor::fcntl;
    keeper fn ioctl(fd: c_int, request: c_ulong, argument: c_ulong) -> c_int => descriptor::ioctl;
    keeper fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, length: *mut socklen_t) -> c_int => descriptor::getsockopt;
    always fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, length: socklen_t) -> c_int => descriptor::setsockopt;

    // New descriptors.
    keeper fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int => descriptor::socket;
    keeper fn socketpair(domain: c_int, kind: c_int, protocol: c_int, pair: *mut c_int) -> c_int => descriptor::socketpair;
    keeper fn pipe | __pipe(pair: *mut c_int) -> c_int => descriptor::pipe;
    keeper fn pipe2(pair: *mut c_int, flags: c_int) -> c_int => descriptor::pipe2;
    keeper fn eventfd(value: c_uint, flags: c_int) -> c_int => fresh::eventfd;
    keeper fn timerfd_create(clock: clockid_t, flags: c_int) -> c_int => fresh::timerfd_create;
    keeper fn signalfd(fd: c_int, mask: *const sigset_t, flags: c_int) -> c_int => fresh::signalfd;
    keeper fn inotify_init() -> c_int => fresh::inotify_init;
    keeper fn inotify_init1(flags: c_int) -> c_int => fresh::inotify_init1;
    keeper fn epoll_create(size: c_int) -> c_int => fresh::epoll_create;
    keeper fn epoll_create1(flags: c_int) -> c_int => fresh::epoll_create1;
    keeper fn memfd_create(name: *const c_char, flags: c_uint) -> c_int => fresh::memfd_create;

    // Files.
    coroutine fn open | open64 | __open | __open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int => file::open;
    coroutine fn __open_2 | __open64_2(path: *const c_char, flags: c_int) -> c_int => file::open_2;
    coroutine fn openat | openat64(directory: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int => file::openat;
    coroutine fn __openat_2 | __openat64_2(directory: c_int, path: *const c_char, flags: c_int) -> c_int => file::openat_2;
    coroutine fn creat | creat64(path: *const c_char, mode: c_uint) -> c_int => file::creat;
    coroutine fn flock(fd: c_int, operation: c_int) -> c_int => file::flock;
    coroutine fn lockf | lockf64(fd: c_int, command: c_int, length: off_t) -> c_int => file::lockf;
    coroutine fn fsync(fd: c_int) -> c_int => file::fsync;
    coroutine fn fdatasync(fd: c_int) -> c_int => file::fdatasync;
    coroutine fn syncfs(fd: c_int) -> c_int => file::syncfs;
    coroutine fn sync() -> () => file::sync;
    coroutine fn sync_file_range(fd: c_int, from: off_t, count: off_t, flags: c_uint) -> c_int => file::sync_file_range;
    coroutine fn msync(address: *mut c_void, length: usize, flags: c_int) -> c_int => file::msync;
    coroutine fn tcdrain(fd: c_int) -> c_int => file::tcdrain;
    coroutine fn sendfile | sendfile64(out: c_int, from: c_int, offset: *mut off_t, count: usize) -> ssize_t => file::sendfile;
    coroutine fn copy_file_range(from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, count: usize, flags: c_uint) -> ssize_t => file::copy_file_range;
    coroutine fn splice(from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, count: usize, flags: c_uint) -> ssize_t => file::splice;
    coroutine fn tee(from: c_int, to: c_int, count: usize, flags: c_uint) -> ssize_t => file::tee;
    coroutine fn vmsplice(fd: c_int, vector: *const iovec, count: usize, flags: c_uint) -> ssize_t => file::vmsplice;
    coroutine fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> ssize_t => file::getrandom;
    coroutine fn getentropy(buffer: *mut c_void, length: usize) -> c_int => file::getentropy;
        }
    };
}

pub(crate) use rows;
