//! The table of hooks: one row a symbol, with the family's function that it goes to.
//!
//! The first word says which word its trampoline tests (`symbols.rs`): `coroutine`, the thread's hook word;
//! `keeper`, whether the process has anything to keep; `either`, both; `jump`, whether a signal handler of the program runs;
//! `always`, none.

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
    either fn fcntl(fd: c_int, command: c_int, argument: c_ulong) -> c_int => descriptor::fcntl;
    either fn fcntl64(fd: c_int, command: c_int, argument: c_ulong) -> c_int => descriptor::fcntl;
    keeper fn ioctl(fd: c_int, request: c_ulong, argument: c_ulong) -> c_int => descriptor::ioctl;
    keeper fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, length: *mut socklen_t) -> c_int => descriptor::getsockopt;
    always fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, length: socklen_t) -> c_int => descriptor::setsockopt;
    keeper fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int => descriptor::socket;
    keeper fn socketpair(domain: c_int, kind: c_int, protocol: c_int, pair: *mut c_int) -> c_int => descriptor::socketpair;
    keeper fn pipe(pair: *mut c_int) -> c_int => descriptor::pipe;
    keeper fn pipe2(pair: *mut c_int, flags: c_int) -> c_int => descriptor::pipe2;

    // Files.
    coroutine fn open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int => file::open;
    coroutine fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int => file::open;
    coroutine fn __open(path: *const c_char, flags: c_int, mode: c_uint) -> c_int => file::open;
    coroutine fn __open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int => file::open;
    coroutine fn __open_2(path: *const c_char, flags: c_int) -> c_int => file::open_2;
    coroutine fn __open64_2(path: *const c_char, flags: c_int) -> c_int => file::open_2;
    coroutine fn openat(directory: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int => file::openat;
    coroutine fn openat64(directory: c_int, path: *const c_char, flags: c_int, mode: c_uint) -> c_int => file::openat;
    coroutine fn __openat_2(directory: c_int, path: *const c_char, flags: c_int) -> c_int => file::openat_2;
    coroutine fn __openat64_2(directory: c_int, path: *const c_char, flags: c_int) -> c_int => file::openat_2;
    coroutine fn creat(path: *const c_char, mode: c_uint) -> c_int => file::creat;
    coroutine fn creat64(path: *const c_char, mode: c_uint) -> c_int => file::creat;
    coroutine fn flock(fd: c_int, operation: c_int) -> c_int => file::flock;
    coroutine fn lockf(fd: c_int, command: c_int, length: off_t) -> c_int => file::lockf;
    coroutine fn lockf64(fd: c_int, command: c_int, length: off_t) -> c_int => file::lockf;
    coroutine fn fsync(fd: c_int) -> c_int => file::fsync;
    coroutine fn fdatasync(fd: c_int) -> c_int => file::fdatasync;
    coroutine fn syncfs(fd: c_int) -> c_int => file::syncfs;
    coroutine fn sync() -> () => file::sync;
    coroutine fn sync_file_range(fd: c_int, from: off_t, count: off_t, flags: c_uint) -> c_int => file::sync_file_range;
    coroutine fn msync(address: *mut c_void, length: usize, flags: c_int) -> c_int => file::msync;
    coroutine fn tcdrain(fd: c_int) -> c_int => file::tcdrain;
    coroutine fn sendfile(out: c_int, from: c_int, offset: *mut off_t, count: usize) -> ssize_t => file::sendfile;
    coroutine fn sendfile64(out: c_int, from: c_int, offset: *mut off_t, count: usize) -> ssize_t => file::sendfile;
    coroutine fn copy_file_range(from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, count: usize, flags: c_uint) -> ssize_t => file::copy_file_range;
    coroutine fn splice(from: c_int, from_offset: *mut off_t, to: c_int, to_offset: *mut off_t, count: usize, flags: c_uint) -> ssize_t => file::splice;
    coroutine fn tee(from: c_int, to: c_int, count: usize, flags: c_uint) -> ssize_t => file::tee;
    coroutine fn vmsplice(fd: c_int, vector: *const iovec, count: usize, flags: c_uint) -> ssize_t => file::vmsplice;
    coroutine fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> ssize_t => file::getrandom;
    coroutine fn getentropy(buffer: *mut c_void, length: usize) -> c_int => file::getentropy;

    // Children.
    coroutine fn wait(status: *mut c_int) -> pid_t => process::wait;
    coroutine fn __wait(status: *mut c_int) -> pid_t => process::wait;
    coroutine fn waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t => process::waitpid;
    coroutine fn __waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t => process::waitpid;
    coroutine fn wait3(status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t => process::wait3;
    coroutine fn wait4(pid: pid_t, status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t => process::wait4;
    coroutine fn waitid(kind: c_uint, id: id_t, info: *mut siginfo_t, options: c_int) -> c_int => process::waitid;
    coroutine fn system(command: *const c_char) -> c_int => process::system;
    coroutine fn pclose(stream: *mut FILE) -> c_int => process::pclose;

    // Queues and semaphores between processes.
    coroutine fn msgrcv(queue: c_int, message: *mut c_void, size: usize, kind: c_long, flags: c_int) -> ssize_t => ipc::msgrcv;
    coroutine fn msgsnd(queue: c_int, message: *const c_void, size: usize, flags: c_int) -> c_int => ipc::msgsnd;
    coroutine fn semop(set: c_int, operations: *mut sembuf, count: usize) -> c_int => ipc::semop;
    coroutine fn semtimedop(set: c_int, operations: *mut sembuf, count: usize, time_out: *const timespec) -> c_int => ipc::semtimedop;
    coroutine fn mq_receive(queue: c_int, message: *mut c_char, size: usize, priority: *mut c_uint) -> ssize_t => ipc::mq_receive;
    coroutine fn mq_timedreceive(queue: c_int, message: *mut c_char, size: usize, priority: *mut c_uint, until: *const timespec) -> ssize_t => ipc::mq_timedreceive;
    coroutine fn mq_send(queue: c_int, message: *const c_char, size: usize, priority: c_uint) -> c_int => ipc::mq_send;
    coroutine fn mq_timedsend(queue: c_int, message: *const c_char, size: usize, priority: c_uint, until: *const timespec) -> c_int => ipc::mq_timedsend;
    keeper fn mq_open(name: *const c_char, flags: c_int, mode: mode_t, attributes: c_ulong) -> c_int => ipc::mq_open;
    keeper fn __mq_open_2(name: *const c_char, flags: c_int) -> c_int => ipc::mq_open_2;
    keeper fn mq_close(queue: c_int) -> c_int => ipc::mq_close;

    // What libc does in the background.
    coroutine fn aio_suspend(list: *const *mut c_void, count: c_int, time: *const timespec) -> c_int => asynchronous::aio_suspend;
    coroutine fn aio_suspend64(list: *const *mut c_void, count: c_int, time: *const timespec) -> c_int => asynchronous::aio_suspend;
    coroutine fn lio_listio(mode: c_int, list: *const *mut c_void, count: c_int, event: *mut c_void) -> c_int => asynchronous::lio_listio;
    coroutine fn lio_listio64(mode: c_int, list: *const *mut c_void, count: c_int, event: *mut c_void) -> c_int => asynchronous::lio_listio;
    coroutine fn gai_suspend(list: *const *mut c_void, count: c_int, time: *const timespec) -> c_int => asynchronous::gai_suspend;
    coroutine fn getaddrinfo_a(mode: c_int, list: *const *mut c_void, count: c_int, event: *mut c_void) -> c_int => asynchronous::getaddrinfo_a;

    // More names.
    coroutine fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent => resolve::gethostbyname2;
    coroutine fn gethostbyname2_r(name: *const c_char, family: c_int, entry: *mut hostent, buffer: *mut c_char, room: usize, found: *mut *mut hostent, error: *mut c_int) -> c_int => resolve::gethostbyname2_r;
    coroutine fn gethostbyaddr(address: *const c_void, size: socklen_t, family: c_int) -> *mut hostent => resolve::gethostbyaddr;
    coroutine fn gethostbyaddr_r(address: *const c_void, size: socklen_t, family: c_int, entry: *mut hostent, buffer: *mut c_char, room: usize, found: *mut *mut hostent, error: *mut c_int) -> c_int => resolve::gethostbyaddr_r;
    coroutine fn res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_query;
    coroutine fn res_nquery(state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_nquery;
    coroutine fn res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_search;
    coroutine fn res_nsearch(state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_nsearch;
    coroutine fn res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_querydomain;
    coroutine fn res_nquerydomain(state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_nquerydomain;
    coroutine fn res_send(message: *const c_uchar, size: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_send;
    coroutine fn res_nsend(state: *mut c_void, message: *const c_uchar, size: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_nsend;

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
