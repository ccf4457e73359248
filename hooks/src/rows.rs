//! The table of hooks: one row a call, with all its names, and the function of its family that it goes to.
//!
//! The names of a row have one signature and stand apart with `|`: 64-bit names, libc's own with underscores, and those
//! that only programs linked long ago still have. The first word says when the trampoline goes to the hook and not to
//! libc (`symbols.rs`):
//!
//! | word | goes to the hook |
//! |---|---|
//! | `coroutine` | where the thread's hook word is set: hooks are on |
//! | `keeper` | on every thread, once the process has anything to keep |
//! | `either` | where one of the two holds |
//! | `numbered` | as a `keeper`, if the system call of that number has a hook |
//! | `locker` | where hooks are on, and everywhere while coroutines wait for locks or own some |
//! | `unlocker` | everywhere while they do; else looks after the real function for those who wait |
//! | `meeting` | as a `locker`, and looks as an `unlocker` does |
//! | `jump` | while a signal handler of the program runs on the thread |
//! | `always` | always |

/// Gives the rows to another macro, one for each name.
macro_rules! rows {
    ($macro:ident) => {
        $crate::rows::each_name! { $macro:
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

    // Time.
    coroutine fn sleep(seconds: c_uint) -> c_uint => sleep::sleep;
    coroutine fn usleep(micros: c_uint) -> c_int => sleep::usleep;
    coroutine fn nanosleep | __nanosleep(wait: *const timespec, left: *mut timespec) -> c_int => sleep::nanosleep;
    coroutine fn clock_nanosleep(clock: clockid_t, flags: c_int, time: *const timespec, left: *mut timespec) -> c_int => sleep::clock_nanosleep;
    coroutine fn thrd_sleep(wait: *const timespec, left: *mut timespec) -> c_int => sleep::thrd_sleep;

    // Waits for signals.
    coroutine fn pause() -> c_int => wait_signal::pause;
    coroutine fn sigsuspend | __sigsuspend(mask: *const sigset_t) -> c_int => wait_signal::sigsuspend;
    coroutine fn sigpause(mask: c_int) -> c_int => wait_signal::sigpause;
    coroutine fn __sigpause(which: c_int, is_signal: c_int) -> c_int => wait_signal::either_sigpause;
    coroutine fn __xpg_sigpause(signal: c_int) -> c_int => wait_signal::xpg_sigpause;
    coroutine fn sigwait(set: *const sigset_t, signal: *mut c_int) -> c_int => wait_signal::sigwait;
    coroutine fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> c_int => wait_signal::sigwaitinfo;
    coroutine fn sigtimedwait(set: *const sigset_t, info: *mut siginfo_t, timeout: *const timespec) -> c_int => wait_signal::sigtimedwait;

    // By number.
    numbered fn syscall(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long => syscall::syscall;

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

    // Streams: bytes in.
    coroutine fn getc | fgetc | _IO_getc(stream: *mut FILE) -> c_int => stdio::getc;
    coroutine fn getchar() -> c_int => stdio::getchar;
    coroutine fn getc_unlocked | fgetc_unlocked | __uflow(stream: *mut FILE) -> c_int => stdio::getc_unlocked;
    coroutine fn getchar_unlocked() -> c_int => stdio::getchar_unlocked;
    coroutine fn __underflow(stream: *mut FILE) -> c_int => stdio::underflow;
    coroutine fn getw(stream: *mut FILE) -> c_int => stdio::getw;
    coroutine fn gets | _IO_gets(line: *mut c_char) -> *mut c_char => stdio::gets;
    coroutine fn __gets_chk(line: *mut c_char, room: usize) -> *mut c_char => stdio::gets_chk;
    coroutine fn fgets | _IO_fgets(line: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char => stdio::fgets;
    coroutine fn fgets_unlocked(line: *mut c_char, size: c_int, stream: *mut FILE) -> *mut c_char => stdio::fgets_unlocked;
    coroutine fn __fgets_chk(line: *mut c_char, room: usize, size: c_int, stream: *mut FILE) -> *mut c_char => stdio::fgets_chk;
    coroutine fn __fgets_unlocked_chk(line: *mut c_char, room: usize, size: c_int, stream: *mut FILE) -> *mut c_char => stdio::fgets_unlocked_chk;
    coroutine fn fread | _IO_fread(data: *mut c_void, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fread;
    coroutine fn fread_unlocked(data: *mut c_void, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fread_unlocked;
    coroutine fn __fread_chk(data: *mut c_void, room: usize, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fread_chk;
    coroutine fn __fread_unlocked_chk(data: *mut c_void, room: usize, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fread_unlocked_chk;
    coroutine fn getline(line: *mut *mut c_char, size: *mut usize, stream: *mut FILE) -> isize => stdio::getline;
    coroutine fn getdelim | __getdelim(line: *mut *mut c_char, size: *mut usize, delimiter: c_int, stream: *mut FILE) -> isize => stdio::getdelim;
    coroutine fn fscanf(stream: *mut FILE, format: *const c_char) -> c_int => stdio_format::fscanf;
    coroutine fn scanf(format: *const c_char) -> c_int => stdio_format::scanf;
    coroutine fn vfscanf | __vfscanf(stream: *mut FILE, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vfscanf;
    coroutine fn vscanf(format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vscanf;
    coroutine fn __isoc99_fscanf(stream: *mut FILE, format: *const c_char) -> c_int => stdio_format::isoc99_fscanf;
    coroutine fn __isoc99_scanf(format: *const c_char) -> c_int => stdio_format::isoc99_scanf;
    coroutine fn __isoc99_vfscanf(stream: *mut FILE, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::isoc99_vfscanf;
    coroutine fn __isoc99_vscanf(format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::isoc99_vscanf;

    // Streams: bytes out.
    coroutine fn putc | fputc | _IO_putc(byte: c_int, stream: *mut FILE) -> c_int => stdio::putc;
    coroutine fn putchar(byte: c_int) -> c_int => stdio::putchar;
    coroutine fn putc_unlocked | fputc_unlocked(byte: c_int, stream: *mut FILE) -> c_int => stdio::putc_unlocked;
    coroutine fn putchar_unlocked(byte: c_int) -> c_int => stdio::putchar_unlocked;
    coroutine fn __overflow(stream: *mut FILE, byte: c_int) -> c_int => stdio::overflow;
    coroutine fn putw(word: c_int, stream: *mut FILE) -> c_int => stdio::putw;
    coroutine fn puts | _IO_puts(text: *const c_char) -> c_int => stdio::puts;
    coroutine fn fputs | _IO_fputs(text: *const c_char, stream: *mut FILE) -> c_int => stdio::fputs;
    coroutine fn fputs_unlocked(text: *const c_char, stream: *mut FILE) -> c_int => stdio::fputs_unlocked;
    coroutine fn fwrite | _IO_fwrite(data: *const c_void, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fwrite;
    coroutine fn fwrite_unlocked(data: *const c_void, size: usize, count: usize, stream: *mut FILE) -> usize => stdio::fwrite_unlocked;
    coroutine fn fflush | _IO_fflush(stream: *mut FILE) -> c_int => stdio::fflush;
    coroutine fn fflush_unlocked(stream: *mut FILE) -> c_int => stdio::fflush_unlocked;
    coroutine fn fprintf | _IO_fprintf(stream: *mut FILE, format: *const c_char) -> c_int => stdio_format::fprintf;
    coroutine fn printf | _IO_printf(format: *const c_char) -> c_int => stdio_format::printf;
    coroutine fn dprintf(fd: c_int, format: *const c_char) -> c_int => stdio_format::dprintf;
    coroutine fn vfprintf | _IO_vfprintf(stream: *mut FILE, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vfprintf;
    coroutine fn vprintf(format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vprintf;
    coroutine fn vdprintf(fd: c_int, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vdprintf;
    coroutine fn __fprintf_chk(stream: *mut FILE, flag: c_int, format: *const c_char) -> c_int => stdio_format::fprintf_chk;
    coroutine fn __printf_chk(flag: c_int, format: *const c_char) -> c_int => stdio_format::printf_chk;
    coroutine fn __dprintf_chk(fd: c_int, flag: c_int, format: *const c_char) -> c_int => stdio_format::dprintf_chk;
    coroutine fn __vfprintf_chk(stream: *mut FILE, flag: c_int, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vfprintf_chk;
    coroutine fn __vprintf_chk(flag: c_int, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vprintf_chk;
    coroutine fn __vdprintf_chk(fd: c_int, flag: c_int, format: *const c_char, arguments: *mut c_void) -> c_int => stdio_format::vdprintf_chk;
    coroutine fn perror(what: *const c_char) -> () => stdio::perror;

    // Streams as a whole.
    coroutine fn fopen | fopen64 | _IO_fopen(path: *const c_char, mode: *const c_char) -> *mut FILE => stdio::fopen;
    keeper fn freopen | freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE => descriptor::freopen;
    keeper fn fclose | _IO_fclose(stream: *mut FILE) -> c_int => descriptor::fclose;
    coroutine fn pclose(stream: *mut FILE) -> c_int => stdio::pclose;
    coroutine fn fseek | fseeko | fseeko64(stream: *mut FILE, offset: c_long, whence: c_int) -> c_int => stdio::fseek;
    coroutine fn fsetpos | fsetpos64(stream: *mut FILE, position: *const c_void) -> c_int => stdio::fsetpos;
    coroutine fn rewind(stream: *mut FILE) -> () => stdio::rewind;
    coroutine fn setvbuf(stream: *mut FILE, buffer: *mut c_char, mode: c_int, size: usize) -> c_int => stdio::setvbuf;
    coroutine fn setbuf(stream: *mut FILE, buffer: *mut c_char) -> () => stdio::setbuf;
    coroutine fn setbuffer(stream: *mut FILE, buffer: *mut c_char, size: usize) -> () => stdio::setbuffer;
    coroutine fn flockfile(stream: *mut FILE) -> () => stdio::flockfile;
    coroutine fn ftrylockfile(stream: *mut FILE) -> c_int => stdio::ftrylockfile;
    keeper fn funlockfile(stream: *mut FILE) -> () => stdio::funlockfile;

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

    // Children.
    coroutine fn wait | __wait(status: *mut c_int) -> pid_t => process::wait;
    coroutine fn waitpid | __waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t => process::waitpid;
    coroutine fn wait3(status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t => process::wait3;
    coroutine fn wait4(pid: pid_t, status: *mut c_int, options: c_int, usage: *mut rusage) -> pid_t => process::wait4;
    coroutine fn waitid(kind: c_uint, id: id_t, info: *mut siginfo_t, options: c_int) -> c_int => process::waitid;
    coroutine fn system(command: *const c_char) -> c_int => process::system;
    always fn fork | __fork() -> pid_t => process::fork;
    always fn forkpty(controller: *mut c_int, name: *mut c_char, terms: *const c_void, size: *const c_void) -> pid_t => process::forkpty;
    always fn daemon(stay: c_int, keep: c_int) -> c_int => process::daemon;

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
    coroutine fn aio_suspend | aio_suspend64(list: *const *mut c_void, count: c_int, time: *const timespec) -> c_int => asynchronous::aio_suspend;
    coroutine fn lio_listio | lio_listio64(mode: c_int, list: *const *mut c_void, count: c_int, event: *mut c_void) -> c_int => asynchronous::lio_listio;
    coroutine fn gai_suspend(list: *const *mut c_void, count: c_int, time: *const timespec) -> c_int => asynchronous::gai_suspend;
    coroutine fn getaddrinfo_a(mode: c_int, list: *const *mut c_void, count: c_int, event: *mut c_void) -> c_int => asynchronous::getaddrinfo_a;

    // Names.
    coroutine fn getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo, found: *mut *mut addrinfo) -> c_int => resolve::getaddrinfo;
    coroutine fn getnameinfo(address: *const sockaddr, length: socklen_t, host: *mut c_char, host_room: socklen_t, service: *mut c_char, service_room: socklen_t, flags: c_int) -> c_int => resolve::getnameinfo;
    coroutine fn gethostbyname(name: *const c_char) -> *mut hostent => resolve::gethostbyname;
    coroutine fn gethostbyname_r(name: *const c_char, entry: *mut hostent, buffer: *mut c_char, room: usize, found: *mut *mut hostent, error: *mut c_int) -> c_int => resolve::gethostbyname_r;
    coroutine fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent => resolve::gethostbyname2;
    coroutine fn gethostbyname2_r(name: *const c_char, family: c_int, entry: *mut hostent, buffer: *mut c_char, room: usize, found: *mut *mut hostent, error: *mut c_int) -> c_int => resolve::gethostbyname2_r;
    coroutine fn gethostbyaddr(address: *const c_void, size: socklen_t, family: c_int) -> *mut hostent => resolve::gethostbyaddr;
    coroutine fn gethostbyaddr_r(address: *const c_void, size: socklen_t, family: c_int, entry: *mut hostent, buffer: *mut c_char, room: usize, found: *mut *mut hostent, error: *mut c_int) -> c_int => resolve::gethostbyaddr_r;
    coroutine fn __res_state() -> *mut c_void => resolve::res_state;
    coroutine fn __h_errno_location() -> *mut c_int => resolve::h_errno_location;
    coroutine fn res_query | __res_query(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_query;
    coroutine fn res_nquery | __res_nquery(state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_nquery;
    coroutine fn res_search | __res_search(name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_search;
    coroutine fn res_nsearch | __res_nsearch(state: *mut c_void, name: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_nsearch;
    coroutine fn res_querydomain | __res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_querydomain;
    coroutine fn res_nquerydomain | __res_nquerydomain(state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, kind: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_nquerydomain;
    coroutine fn res_send | __res_send(message: *const c_uchar, size: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_send;
    coroutine fn res_nsend | __res_nsend(state: *mut c_void, message: *const c_uchar, size: c_int, answer: *mut c_uchar, room: c_int) -> c_int => resolve::res_nsend;

    // Mutexes.
    locker fn pthread_mutex_lock | __pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> c_int => lock::lock;
    locker fn pthread_mutex_trylock | __pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> c_int => lock::try_lock;
    unlocker fn pthread_mutex_unlock | __pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int => lock::unlock;
    locker fn pthread_mutex_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int => lock::timed_lock;
    locker fn pthread_mutex_clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec) -> c_int => lock::clock_lock;
    locker fn mtx_lock(mutex: *mut pthread_mutex_t) -> c_int => lock::mtx_lock;
    locker fn mtx_trylock(mutex: *mut pthread_mutex_t) -> c_int => lock::mtx_trylock;
    locker fn mtx_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int => lock::mtx_timedlock;
    unlocker fn mtx_unlock(mutex: *mut pthread_mutex_t) -> c_int => lock::mtx_unlock;

    // Conditions.
    locker fn pthread_cond_wait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int => lock_cond::wait;
    locker fn pthread_cond_timedwait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int => lock_cond::timed_wait;
    locker fn pthread_cond_clockwait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec) -> c_int => lock_cond::clock_wait;
    unlocker fn pthread_cond_signal | cnd_signal(cond: *mut pthread_cond_t) -> c_int => lock_cond::signal;
    unlocker fn pthread_cond_broadcast | cnd_broadcast(cond: *mut pthread_cond_t) -> c_int => lock_cond::broadcast;
    locker fn cnd_wait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int => lock_cond::cnd_wait;
    locker fn cnd_timedwait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int => lock_cond::cnd_timedwait;

    // Read-write locks.
    locker fn pthread_rwlock_rdlock | __pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::read;
    locker fn pthread_rwlock_wrlock | __pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::write;
    coroutine fn pthread_rwlock_trywrlock | __pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::try_write;
    coroutine fn pthread_rwlock_tryrdlock | __pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::try_read;
    unlocker fn pthread_rwlock_unlock | __pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::unlock;
    locker fn pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int => lock_rwlock::timed_read;
    locker fn pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int => lock_rwlock::timed_write;
    locker fn pthread_rwlock_clockrdlock(lock: *mut pthread_rwlock_t, clock: clockid_t, time: *const timespec) -> c_int => lock_rwlock::clock_read;
    locker fn pthread_rwlock_clockwrlock(lock: *mut pthread_rwlock_t, clock: clockid_t, time: *const timespec) -> c_int => lock_rwlock::clock_write;

    // Semaphores, barriers, what is to happen once.
    coroutine fn sem_wait(sem: *mut sem_t) -> c_int => lock_sem::sem_wait;
    coroutine fn sem_timedwait(sem: *mut sem_t, time: *const timespec) -> c_int => lock_sem::sem_timedwait;
    coroutine fn sem_clockwait(sem: *mut sem_t, clock: clockid_t, time: *const timespec) -> c_int => lock_sem::sem_clockwait;
    coroutine fn sem_trywait(sem: *mut sem_t) -> c_int => lock_sem::sem_trywait;
    unlocker fn sem_post(sem: *mut sem_t) -> c_int => lock_sem::sem_post;
    meeting fn pthread_barrier_wait(barrier: *mut pthread_barrier_t) -> c_int => lock_barrier::wait;
    locker fn pthread_once | __pthread_once(control: *mut c_int, run: Routine) -> c_int => lock_once::once;
    locker fn call_once(control: *mut c_int, run: Routine) -> () => lock_once::call_once;

    // Threads: their lives.
    coroutine fn pthread_create(thread: *mut pthread_t, attributes: *const pthread_attr_t, routine: ThreadRoutine, argument: *mut c_void) -> c_int => thread::create;
    coroutine fn thrd_create(thread: *mut pthread_t, routine: ThreadRoutine, argument: *mut c_void) -> c_int => thread::thrd_create;
    coroutine fn pthread_exit(result: *mut c_void) -> () => thread::exit;
    coroutine fn thrd_exit(result: c_int) -> () => thread::thrd_exit;
    coroutine fn pthread_cancel(thread: pthread_t) -> c_int => thread::cancel;
    coroutine fn pthread_detach(thread: pthread_t) -> c_int => thread::detach;
    coroutine fn thrd_detach(thread: pthread_t) -> c_int => thread::thrd_detach;
    either fn pthread_join(thread: pthread_t, result: *mut *mut c_void) -> c_int => thread_join::join;
    either fn pthread_tryjoin_np(thread: pthread_t, result: *mut *mut c_void) -> c_int => thread_join::try_join;
    either fn pthread_timedjoin_np(thread: pthread_t, result: *mut *mut c_void, time: *const timespec) -> c_int => thread_join::timed_join;
    either fn pthread_clockjoin_np(thread: pthread_t, result: *mut *mut c_void, clock: clockid_t, time: *const timespec) -> c_int => thread_join::clock_join;
    either fn thrd_join(thread: pthread_t, result: *mut c_int) -> c_int => thread_join::thrd_join;
    coroutine fn sched_yield | __sched_yield | pthread_yield() -> c_int => thread::give_way;
    coroutine fn thrd_yield() -> () => thread::thrd_yield;
    coroutine fn pthread_spin_lock(lock: *mut pthread_spinlock_t) -> c_int => thread::spin;
    coroutine fn pthread_spin_trylock(lock: *mut pthread_spinlock_t) -> c_int => thread::try_spin;

    // Threads: what the kernel knows of them, by their names and by their numbers.
    coroutine fn pthread_getattr_np(thread: pthread_t, attributes: *mut pthread_attr_t) -> c_int => thread_kernel::attributes;
    coroutine fn pthread_getaffinity_np(thread: pthread_t, size: usize, set: *mut c_void) -> c_int => thread_kernel::affinity;
    coroutine fn pthread_setaffinity_np(thread: pthread_t, size: usize, set: *const c_void) -> c_int => thread_kernel::set_affinity;
    coroutine fn pthread_getschedparam(thread: pthread_t, policy: *mut c_int, parameters: *mut c_void) -> c_int => thread_kernel::scheduling;
    coroutine fn pthread_setschedparam(thread: pthread_t, policy: c_int, parameters: *const c_void) -> c_int => thread_kernel::set_scheduling;
    coroutine fn pthread_setschedprio(thread: pthread_t, priority: c_int) -> c_int => thread_kernel::set_priority;
    coroutine fn pthread_getcpuclockid(thread: pthread_t, clock: *mut clockid_t) -> c_int => thread_kernel::cpu_clock;
    coroutine fn pthread_setname_np(thread: pthread_t, name: *const c_char) -> c_int => thread_kernel::set_name;
    coroutine fn pthread_getname_np(thread: pthread_t, name: *mut c_char, room: usize) -> c_int => thread_kernel::name;
    keeper fn pthread_kill(thread: pthread_t, signal: c_int) -> c_int => thread_kernel::kill;
    keeper fn pthread_sigqueue(thread: pthread_t, signal: c_int, value: *mut c_void) -> c_int => thread_kernel::queue_signal;
    keeper fn tgkill(group: pid_t, number: pid_t, signal: c_int) -> c_int => thread_number::tgkill;
    keeper fn sched_setaffinity(number: pid_t, size: usize, set: *const c_void) -> c_int => thread_number::sched_setaffinity;
    keeper fn sched_getaffinity(number: pid_t, size: usize, set: *mut c_void) -> c_int => thread_number::sched_getaffinity;
    keeper fn sched_setscheduler(number: pid_t, policy: c_int, parameters: *const c_void) -> c_int => thread_number::sched_setscheduler;
    keeper fn sched_getscheduler(number: pid_t) -> c_int => thread_number::sched_getscheduler;
    keeper fn sched_setparam(number: pid_t, parameters: *const c_void) -> c_int => thread_number::sched_setparam;
    keeper fn sched_getparam(number: pid_t, parameters: *mut c_void) -> c_int => thread_number::sched_getparam;
    keeper fn sched_rr_get_interval(number: pid_t, time: *mut timespec) -> c_int => thread_number::sched_rr_get_interval;
    keeper fn getpriority(kind: c_int, who: id_t) -> c_int => thread_number::getpriority;
    keeper fn setpriority(kind: c_int, who: id_t, priority: c_int) -> c_int => thread_number::setpriority;
    keeper fn timer_create(clock: clockid_t, event: *mut sigevent, timer: *mut c_void) -> c_int => thread_number::timer_create;

    // Threads: their masks and keys.
    coroutine fn pthread_sigmask(how: c_int, set: *const sigset_t, old: *mut sigset_t) -> c_int => thread_mask::pthread_sigmask;
    coroutine fn sigprocmask(how: c_int, set: *const sigset_t, old: *mut sigset_t) -> c_int => thread_mask::sigprocmask;
    coroutine fn sighold(signal: c_int) -> c_int => thread_mask::sighold;
    coroutine fn sigrelse(signal: c_int) -> c_int => thread_mask::sigrelse;
    coroutine fn sigblock(mask: c_int) -> c_int => thread_mask::sigblock;
    coroutine fn sigsetmask(mask: c_int) -> c_int => thread_mask::sigsetmask;
    coroutine fn siggetmask() -> c_int => thread_mask::siggetmask;
    always fn __pthread_key_create(key: *mut c_uint, destructor: *mut c_void) -> c_int => thread_key::key_create;
    always fn tss_create(key: *mut c_uint, destructor: *mut c_void) -> c_int => thread_key::tss_create;
    always fn tss_delete(key: c_uint) -> () => thread_key::tss_delete;

    // Signal handlers.
    keeper fn sigaction | __sigaction(signal: c_int, new: *const action, old: *mut action) -> c_int => signal::sigaction;
    keeper fn signal | bsd_signal | ssignal(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::bsd;
    keeper fn sysv_signal | __sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::system_v;
    keeper fn sigset(signal: c_int, handler: sighandler_t) -> sighandler_t => signal::sigset;
    keeper fn sigignore(signal: c_int) -> c_int => signal::ignore;
    always fn siginterrupt(signal: c_int, interrupts: c_int) -> c_int => signal::siginterrupt;
    jump fn longjmp(buffer: *mut c_void, value: c_int) -> () => signal::longjmp;
    jump fn _longjmp(buffer: *mut c_void, value: c_int) -> () => signal::underscore_longjmp;
    jump fn siglongjmp(buffer: *mut c_void, value: c_int) -> () => signal::siglongjmp;
    jump fn __longjmp_chk(buffer: *mut c_void, value: c_int) -> () => signal::longjmp_chk;
        }
    };
}

/// Makes of each row as many as it has names. The arguments pass as one token, once the names are in brackets: what is
/// repeated in them could not be repeated again for each name.
macro_rules! each_name {
    ($macro:ident: $($kind:ident fn $($name:ident)|+ ($($argument:tt)*) -> $result:ty => $family:ident::$hook:ident;)*) => {
        $crate::rows::each_name! { @ $macro: $($kind [$($name)+] ($($argument)*) -> $result => $family::$hook;)* }
    };
    (@ $macro:ident: $($kind:ident [$($name:ident)+] $arguments:tt -> $result:ty => $family:ident::$hook:ident;)*) => {
        $macro! { $($($kind fn $name $arguments -> $result => $family::$hook;)+)* }
    };
}

pub(crate) use {each_name, rows};
