//! Rows of calls for time, signals, children and other processes, and of look-ups.

/// Adds them to those before, and goes on with `threads`.
macro_rules! rows {
    ($macro:ident: $($before:tt)*) => {
        $crate::rows::threads::rows! { $macro: $($before)*
    // Time.
    coroutine fn sleep(seconds: c_uint) -> c_uint => sleep::sleep;
    pauser fn usleep(micros: c_uint) -> c_int => sleep::usleep;
    pauser fn nanosleep | __nanosleep(wait: *const timespec, left: *mut timespec) -> c_int => sleep::nanosleep;
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

    // The program's beginning and end.
    always fn __libc_start_main(main: *mut c_void, count: c_int, arguments: *mut c_void, begin: *mut c_void, end: *mut c_void, end_of_loader: *mut c_void, stack: *mut c_void) -> c_int => process::start;
    always fn exit(status: c_int) -> () => process::exit;
    always fn quick_exit(status: c_int) -> () => process::quick_exit;

    // By number.
    numbered fn syscall(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long => syscall::syscall;

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
    always fn __register_atfork(prepare: Option<Routine>, parent: Option<Routine>, child: Option<Routine>, object: *mut c_void) -> c_int => process::__register_atfork;

    // What is a thread's own.
    always fn setfsuid(user: uid_t) -> c_int => attributes::setfsuid;
    always fn setfsgid(group: gid_t) -> c_int => attributes::setfsgid;
    always fn capset(whose: *mut c_void, rights: *const c_void) -> c_int => attributes::capset;
    always fn unshare(what: c_int) -> c_int => attributes::unshare;
    always fn setns(namespace: c_int, kind: c_int) -> c_int => attributes::setns;

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

    // Users, groups, services, protocols.
    coroutine fn getpwnam(name: *const c_char) -> *mut passwd => databases::getpwnam;
    coroutine fn getpwnam_r(name: *const c_char, entry: *mut passwd, buffer: *mut c_char, room: usize, found: *mut *mut passwd) -> c_int => databases::getpwnam_r;
    coroutine fn getpwuid(user: uid_t) -> *mut passwd => databases::getpwuid;
    coroutine fn getpwuid_r(user: uid_t, entry: *mut passwd, buffer: *mut c_char, room: usize, found: *mut *mut passwd) -> c_int => databases::getpwuid_r;
    coroutine fn getpwent() -> *mut passwd => databases::getpwent;
    coroutine fn getpwent_r(entry: *mut passwd, buffer: *mut c_char, room: usize, found: *mut *mut passwd) -> c_int => databases::getpwent_r;
    coroutine fn setpwent() -> () => databases::setpwent;
    coroutine fn endpwent() -> () => databases::endpwent;
    coroutine fn getgrnam(name: *const c_char) -> *mut group => databases::getgrnam;
    coroutine fn getgrnam_r(name: *const c_char, entry: *mut group, buffer: *mut c_char, room: usize, found: *mut *mut group) -> c_int => databases::getgrnam_r;
    coroutine fn getgrgid(number: gid_t) -> *mut group => databases::getgrgid;
    coroutine fn getgrgid_r(number: gid_t, entry: *mut group, buffer: *mut c_char, room: usize, found: *mut *mut group) -> c_int => databases::getgrgid_r;
    coroutine fn getgrent() -> *mut group => databases::getgrent;
    coroutine fn getgrent_r(entry: *mut group, buffer: *mut c_char, room: usize, found: *mut *mut group) -> c_int => databases::getgrent_r;
    coroutine fn setgrent() -> () => databases::setgrent;
    coroutine fn endgrent() -> () => databases::endgrent;
    coroutine fn getgrouplist(user: *const c_char, number: gid_t, groups: *mut gid_t, count: *mut c_int) -> c_int => databases::getgrouplist;
    coroutine fn initgroups(user: *const c_char, number: gid_t) -> c_int => databases::initgroups;
    coroutine fn getspnam(name: *const c_char) -> *mut spwd => databases::getspnam;
    coroutine fn getspnam_r(name: *const c_char, entry: *mut spwd, buffer: *mut c_char, room: usize, found: *mut *mut spwd) -> c_int => databases::getspnam_r;
    coroutine fn getservbyname(name: *const c_char, protocol: *const c_char) -> *mut servent => databases::getservbyname;
    coroutine fn getservbyname_r(name: *const c_char, protocol: *const c_char, entry: *mut servent, buffer: *mut c_char, room: usize, found: *mut *mut servent) -> c_int => databases::getservbyname_r;
    coroutine fn getservbyport(port: c_int, protocol: *const c_char) -> *mut servent => databases::getservbyport;
    coroutine fn getservbyport_r(port: c_int, protocol: *const c_char, entry: *mut servent, buffer: *mut c_char, room: usize, found: *mut *mut servent) -> c_int => databases::getservbyport_r;
    coroutine fn getprotobyname(name: *const c_char) -> *mut protoent => databases::getprotobyname;
    coroutine fn getprotobyname_r(name: *const c_char, entry: *mut protoent, buffer: *mut c_char, room: usize, found: *mut *mut protoent) -> c_int => databases::getprotobyname_r;
    coroutine fn getprotobynumber(number: c_int) -> *mut protoent => databases::getprotobynumber;
    coroutine fn getprotobynumber_r(number: c_int, entry: *mut protoent, buffer: *mut c_char, room: usize, found: *mut *mut protoent) -> c_int => databases::getprotobynumber_r;
        }
    };
}

pub(crate) use rows;
