/* locks.c - what another thread holds, has not done yet, or has not signalled yet. The plain thread that ends the wait is the one that
   took what it waits for. */
#define _GNU_SOURCE
#include "park.h"

#include <linux/futex.h>

static struct timespec in_half_a_minute(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += 30;
  return t;
}

static void empty_semaphore(struct waiter *me) { NEED(sem_init(&me->semaphore, 0, 0) == 0); }
static void post(struct waiter *me) { NEED(sem_post(&me->semaphore) == 0); }
PARKS(sem_wait, empty_semaphore, post) { return sem_wait(&me->semaphore) == 0; }
PARKS(sem_timedwait, empty_semaphore, post) {
  struct timespec until = in_half_a_minute();
  return sem_timedwait(&me->semaphore, &until) == 0;
}
PARKS(sem_clockwait, empty_semaphore, post) {
  struct timespec until = in_half_a_minute();
  return sem_clockwait(&me->semaphore, CLOCK_REALTIME, &until) == 0;
}

static void held_mutex(struct waiter *me) {
  NEED(pthread_mutex_init(&me->mutex, NULL) == 0 && pthread_mutex_lock(&me->mutex) == 0);
}
static void unlock(struct waiter *me) { NEED(pthread_mutex_unlock(&me->mutex) == 0); }
PARKS(pthread_mutex_lock, held_mutex, unlock) {
  return pthread_mutex_lock(&me->mutex) == 0 && pthread_mutex_unlock(&me->mutex) == 0;
}
/* What programs call that were linked with older libraries. */
int __pthread_mutex_lock(pthread_mutex_t *);
int __pthread_mutex_unlock(pthread_mutex_t *);
static void unlock_by_old_name(struct waiter *me) { NEED(__pthread_mutex_unlock(&me->mutex) == 0); }
PARKS(__pthread_mutex_lock, held_mutex, unlock_by_old_name) {
  return __pthread_mutex_lock(&me->mutex) == 0 && __pthread_mutex_unlock(&me->mutex) == 0;
}
PARKS(pthread_mutex_timedlock, held_mutex, unlock) {
  struct timespec until = in_half_a_minute();
  return pthread_mutex_timedlock(&me->mutex, &until) == 0 && pthread_mutex_unlock(&me->mutex) == 0;
}
PARKS(pthread_mutex_clocklock, held_mutex, unlock) {
  struct timespec until = in_half_a_minute();
  return pthread_mutex_clocklock(&me->mutex, CLOCK_REALTIME, &until) == 0 && pthread_mutex_unlock(&me->mutex) == 0;
}

static void held_spin_lock(struct waiter *me) {
  NEED(pthread_spin_init(&me->spin_lock, PTHREAD_PROCESS_PRIVATE) == 0 && pthread_spin_lock(&me->spin_lock) == 0);
}
static void unlock_spin_lock(struct waiter *me) { NEED(pthread_spin_unlock(&me->spin_lock) == 0); }
PARKS(pthread_spin_lock, held_spin_lock, unlock_spin_lock) {
  return pthread_spin_lock(&me->spin_lock) == 0 && pthread_spin_unlock(&me->spin_lock) == 0;
}

/* What others change meanwhile. */
static void clear(struct waiter *me) { me->number = 0; }
static void change(struct waiter *me) { __atomic_store_n(&me->number, 1, __ATOMIC_RELEASE); }
PARKS(sched_yield, clear, change) {
  while (!__atomic_load_n(&me->number, __ATOMIC_ACQUIRE))
    if (sched_yield() != 0) return false;
  return true;
}
PARKS(thrd_yield, clear, change) {
  while (!__atomic_load_n(&me->number, __ATOMIC_ACQUIRE)) thrd_yield();
  return true;
}

/* A word of the program's own. */
static void tell_of_word(struct waiter *me) {
  __atomic_store_n(&me->number, 1, __ATOMIC_SEQ_CST);
  NEED(syscall(SYS_futex, &me->number, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) >= 0);
}
PARKS_AS(syscall_futex, "syscall", clear, tell_of_word) {
  while (__atomic_load_n(&me->number, __ATOMIC_SEQ_CST) == 0)
    if (syscall(SYS_futex, &me->number, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) != 0) return errno == EAGAIN;
  return true;
}

/* One mutex for all: each passes it on, and the thread goes on meanwhile. */
static pthread_mutex_t everybodys = PTHREAD_MUTEX_INITIALIZER;
static void take_everybodys(struct waiter *me) {
  if (me->index == 0) pthread_mutex_lock(&everybodys);
}
static void release_everybodys(struct waiter *me) {
  static bool released;
  (void)me;
  if (!released) pthread_mutex_unlock(&everybodys);
  released = true;
}
PARKS_AS(pthread_mutex_lock_of_one_for_all, "pthread_mutex_lock", take_everybodys, release_everybodys) {
  (void)me;
  return pthread_mutex_lock(&everybodys) == 0 && pthread_mutex_unlock(&everybodys) == 0;
}

static void condition(struct waiter *me) {
  NEED(pthread_mutex_init(&me->mutex, NULL) == 0 && pthread_cond_init(&me->condition, NULL) == 0);
}
static void signal_it(struct waiter *me) {
  pthread_mutex_lock(&me->mutex);
  me->flag = true;
  pthread_cond_signal(&me->condition);
  pthread_mutex_unlock(&me->mutex);
}
#define WAITS(name, call)                                                         \
  PARKS(name, condition, signal_it) {                                             \
    struct timespec until = in_half_a_minute();                                   \
    int result = pthread_mutex_lock(&me->mutex);                                  \
    (void)until;                                                                  \
    while (result == 0 && !me->flag) result = call;                               \
    return result == 0 && pthread_mutex_unlock(&me->mutex) == 0;                  \
  }
WAITS(pthread_cond_wait, pthread_cond_wait(&me->condition, &me->mutex))
WAITS(pthread_cond_timedwait, pthread_cond_timedwait(&me->condition, &me->mutex, &until))
WAITS(pthread_cond_clockwait, pthread_cond_clockwait(&me->condition, &me->mutex, CLOCK_REALTIME, &until))

static void written(struct waiter *me) {
  NEED(pthread_rwlock_init(&me->rwlock, NULL) == 0 && pthread_rwlock_wrlock(&me->rwlock) == 0);
}
static void read_locked(struct waiter *me) {
  NEED(pthread_rwlock_init(&me->rwlock, NULL) == 0 && pthread_rwlock_rdlock(&me->rwlock) == 0);
}
static void unlock_rwlock(struct waiter *me) { NEED(pthread_rwlock_unlock(&me->rwlock) == 0); }
static bool locked(struct waiter *me, int result) { return result == 0 && pthread_rwlock_unlock(&me->rwlock) == 0; }
PARKS(pthread_rwlock_rdlock, written, unlock_rwlock) { return locked(me, pthread_rwlock_rdlock(&me->rwlock)); }
PARKS(pthread_rwlock_wrlock, read_locked, unlock_rwlock) { return locked(me, pthread_rwlock_wrlock(&me->rwlock)); }
PARKS(pthread_rwlock_timedrdlock, written, unlock_rwlock) {
  struct timespec until = in_half_a_minute();
  return locked(me, pthread_rwlock_timedrdlock(&me->rwlock, &until));
}
PARKS(pthread_rwlock_timedwrlock, written, unlock_rwlock) {
  struct timespec until = in_half_a_minute();
  return locked(me, pthread_rwlock_timedwrlock(&me->rwlock, &until));
}
static struct timespec in_half_a_minute_from_boot(void) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += 30;
  return until;
}
PARKS(pthread_rwlock_clockrdlock, written, unlock_rwlock) {
  struct timespec until = in_half_a_minute_from_boot();
  return locked(me, pthread_rwlock_clockrdlock(&me->rwlock, CLOCK_MONOTONIC, &until));
}
PARKS(pthread_rwlock_clockwrlock, written, unlock_rwlock) {
  struct timespec until = in_half_a_minute_from_boot();
  return locked(me, pthread_rwlock_clockwrlock(&me->rwlock, CLOCK_MONOTONIC, &until));
}

static void barrier(struct waiter *me) { NEED(pthread_barrier_init(&me->barrier, NULL, 2) == 0); }
static void arrive(struct waiter *me) {
  int result = pthread_barrier_wait(&me->barrier);
  NEED(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
}
PARKS(pthread_barrier_wait, barrier, arrive) {
  int result = pthread_barrier_wait(&me->barrier);
  return result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD;
}

/* Another thread is in the initialisation, and stays there until the semaphore is posted. */
static struct waiter *initialising;
static sem_t begun;
static void initialise(void) {
  struct waiter *me = initialising;
  sem_post(&begun);
  while (sem_wait(&me->semaphore) != 0);
  me->flag = true;
}
static void *do_once(void *argument) {
  pthread_once(&((struct waiter *)argument)->once, initialise);
  return NULL;
}
static void begun_once(struct waiter *me) {
  static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
  empty_semaphore(me);
  me->once = fresh;
  initialising = me;
  NEED(sem_init(&begun, 0, 0) == 0 && pthread_create(&me->thread, NULL, do_once, me) == 0);
  while (sem_wait(&begun) != 0);
}
PARKS(pthread_once, begun_once, post) { return pthread_once(&me->once, initialise) == 0 && me->flag; }
PARKS(call_once, begun_once, post) {
  call_once((once_flag *)&me->once, initialise);
  return me->flag;
}

static void *stay(void *argument) {
  while (sem_wait(&((struct waiter *)argument)->semaphore) != 0);
  return argument;
}
static void staying_thread(struct waiter *me) {
  empty_semaphore(me);
  NEED(pthread_create(&me->thread, NULL, stay, me) == 0);
}
PARKS(pthread_join, staying_thread, post) {
  void *result = NULL;
  return pthread_join(me->thread, &result) == 0 && result == me;
}
PARKS(pthread_timedjoin_np, staying_thread, post) {
  struct timespec until = in_half_a_minute();
  void *result = NULL;
  return pthread_timedjoin_np(me->thread, &result, &until) == 0 && result == me;
}

/* ---- C's own names ---------------------------------------------------------------------------------- */

static void held_mtx(struct waiter *me) { NEED(mtx_init(&me->mtx, mtx_timed) == thrd_success && mtx_lock(&me->mtx) == thrd_success); }
static void unlock_mtx(struct waiter *me) { NEED(mtx_unlock(&me->mtx) == thrd_success); }
PARKS(mtx_lock, held_mtx, unlock_mtx) { return mtx_lock(&me->mtx) == thrd_success && mtx_unlock(&me->mtx) == thrd_success; }
PARKS(mtx_timedlock, held_mtx, unlock_mtx) {
  struct timespec until = in_half_a_minute();
  return mtx_timedlock(&me->mtx, &until) == thrd_success && mtx_unlock(&me->mtx) == thrd_success;
}

static void cnd(struct waiter *me) { NEED(mtx_init(&me->mtx, mtx_plain) == thrd_success && cnd_init(&me->cnd) == thrd_success); }
static void signal_cnd(struct waiter *me) {
  mtx_lock(&me->mtx);
  me->flag = true;
  cnd_signal(&me->cnd);
  mtx_unlock(&me->mtx);
}
PARKS(cnd_wait, cnd, signal_cnd) {
  int result = mtx_lock(&me->mtx);
  while (result == thrd_success && !me->flag) result = cnd_wait(&me->cnd, &me->mtx);
  return result == thrd_success && mtx_unlock(&me->mtx) == thrd_success;
}
PARKS(cnd_timedwait, cnd, signal_cnd) {
  struct timespec until = in_half_a_minute();
  int result = mtx_lock(&me->mtx);
  while (result == thrd_success && !me->flag) result = cnd_timedwait(&me->cnd, &me->mtx, &until);
  return result == thrd_success && mtx_unlock(&me->mtx) == thrd_success;
}

static int stay_too(void *argument) {
  stay(argument);
  return 42;
}
static void staying_thrd(struct waiter *me) {
  empty_semaphore(me);
  NEED(thrd_create(&me->thrd, stay_too, me) == thrd_success);
}
PARKS(thrd_join, staying_thrd, post) {
  int result = 0;
  return thrd_join(me->thrd, &result) == thrd_success && result == 42;
}
