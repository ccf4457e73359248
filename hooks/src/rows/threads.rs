//! Rows of locks and threads.

/// Adds them to those before: all are there.
macro_rules! rows {
    ($macro:ident: $($before:tt)*) => {
        $crate::rows::each_name! { $macro: $($before)*
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
    always fn pthread_create(thread: *mut pthread_t, attributes: *const pthread_attr_t, routine: ThreadRoutine, argument: *mut c_void) -> c_int => thread::create;
    always fn thrd_create(thread: *mut pthread_t, routine: ThreadRoutine, argument: *mut c_void) -> c_int => thread::thrd_create;
    keeper fn pthread_exit(result: *mut c_void) -> () => thread::exit;
    keeper fn thrd_exit(result: c_int) -> () => thread::thrd_exit;
    coroutine fn pthread_cancel(thread: pthread_t) -> c_int => thread::cancel;
    coroutine fn pthread_detach(thread: pthread_t) -> c_int => thread::detach;
    coroutine fn thrd_detach(thread: pthread_t) -> c_int => thread::thrd_detach;
    either fn pthread_join(thread: pthread_t, result: *mut *mut c_void) -> c_int => thread_join::join;
    either fn pthread_tryjoin_np(thread: pthread_t, result: *mut *mut c_void) -> c_int => thread_join::try_join;
    either fn pthread_timedjoin_np(thread: pthread_t, result: *mut *mut c_void, time: *const timespec) -> c_int => thread_join::timed_join;
    either fn pthread_clockjoin_np(thread: pthread_t, result: *mut *mut c_void, clock: clockid_t, time: *const timespec) -> c_int => thread_join::clock_join;
    either fn thrd_join(thread: pthread_t, result: *mut c_int) -> c_int => thread_join::thrd_join;
    pauser fn sched_yield | __sched_yield | pthread_yield() -> c_int => thread::give_way;
    pauser fn thrd_yield() -> () => thread::thrd_yield;
    pauser fn pthread_spin_lock(lock: *mut pthread_spinlock_t) -> c_int => thread::spin;
    pauser fn pthread_spin_trylock(lock: *mut pthread_spinlock_t) -> c_int => thread::try_spin;

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
        }
    };
}

pub(crate) use rows;
