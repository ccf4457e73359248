//! The table of hooks: one row a symbol, with the family's function that it goes to.
//!
//! The first word says which word its trampoline tests (`symbols.rs`): `coroutine`, the thread's hook word;
//! `keeper`, whether the process has anything to keep; `jump`, whether a signal handler of the program runs;
//! `always`, none. A `locker` goes to its hook in coroutines, and everywhere while coroutines wait for locks or own
//! some; an `unlocker` does the latter, and looks for those who wait after the real function; a `meeting` is both.

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

    // Locks.
    locker fn pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> c_int => lock::lock;
    locker fn pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> c_int => lock::try_lock;
    unlocker fn pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int => lock::unlock;
    locker fn pthread_mutex_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int => lock::timed_lock;
    locker fn pthread_mutex_clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec) -> c_int => lock::clock_lock;
    locker fn mtx_lock(mutex: *mut pthread_mutex_t) -> c_int => lock::mtx_lock;
    locker fn mtx_trylock(mutex: *mut pthread_mutex_t) -> c_int => lock::mtx_trylock;
    locker fn mtx_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int => lock::mtx_timedlock;
    unlocker fn mtx_unlock(mutex: *mut pthread_mutex_t) -> c_int => lock::mtx_unlock;
    locker fn pthread_cond_wait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int => lock_cond::wait;
    locker fn pthread_cond_timedwait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int => lock_cond::timed_wait;
    locker fn pthread_cond_clockwait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec) -> c_int => lock_cond::clock_wait;
    unlocker fn pthread_cond_signal(cond: *mut pthread_cond_t) -> c_int => lock_cond::signal;
    unlocker fn pthread_cond_broadcast(cond: *mut pthread_cond_t) -> c_int => lock_cond::broadcast;
    locker fn cnd_wait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int => lock_cond::cnd_wait;
    locker fn cnd_timedwait(cond: *mut pthread_cond_t, mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int => lock_cond::cnd_timedwait;
    unlocker fn cnd_signal(cond: *mut pthread_cond_t) -> c_int => lock_cond::signal;
    unlocker fn cnd_broadcast(cond: *mut pthread_cond_t) -> c_int => lock_cond::broadcast;
    locker fn pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::read;
    locker fn pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::write;
    coroutine fn pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::try_write;
    unlocker fn pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> c_int => lock_rwlock::unlock;
    locker fn pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int => lock_rwlock::timed_read;
    locker fn pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int => lock_rwlock::timed_write;
    locker fn pthread_rwlock_clockrdlock(lock: *mut pthread_rwlock_t, clock: clockid_t, time: *const timespec) -> c_int => lock_rwlock::clock_read;
    locker fn pthread_rwlock_clockwrlock(lock: *mut pthread_rwlock_t, clock: clockid_t, time: *const timespec) -> c_int => lock_rwlock::clock_write;
    coroutine fn sem_wait(sem: *mut sem_t) -> c_int => lock_event::sem_wait;
    coroutine fn sem_timedwait(sem: *mut sem_t, time: *const timespec) -> c_int => lock_event::sem_timedwait;
    coroutine fn sem_clockwait(sem: *mut sem_t, clock: clockid_t, time: *const timespec) -> c_int => lock_event::sem_clockwait;
    unlocker fn sem_post(sem: *mut sem_t) -> c_int => lock_event::sem_post;
    meeting fn pthread_barrier_wait(barrier: *mut pthread_barrier_t) -> c_int => lock_event::barrier;
    locker fn pthread_once(control: *mut c_int, run: Routine) -> c_int => lock_event::once;
    locker fn call_once(control: *mut c_int, run: Routine) -> () => lock_event::call_once;
    coroutine fn pthread_join(thread: pthread_t, result: *mut *mut c_void) -> c_int => lock_event::join;
    coroutine fn pthread_timedjoin_np(thread: pthread_t, result: *mut *mut c_void, time: *const timespec) -> c_int => lock_event::timed_join;
    coroutine fn pthread_clockjoin_np(thread: pthread_t, result: *mut *mut c_void, clock: clockid_t, time: *const timespec) -> c_int => lock_event::clock_join;
    coroutine fn thrd_join(thread: pthread_t, result: *mut c_int) -> c_int => lock_event::thrd_join;

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
