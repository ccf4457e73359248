/* Locks, conditions and semaphores: limits of time by each clock, and errors: printed. */
#include "threads_mode.h"

#include <limits.h>

static const struct timespec never_valid = {1, 1000000000};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static struct timespec soon(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  at.tv_nsec += 5000000;
  if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
  return at;
}
static int is_over(clockid_t clock, const struct timespec *limit) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec > limit->tv_sec || (now.tv_sec == limit->tv_sec && now.tv_nsec >= limit->tv_nsec);
}
static void in_a_thread(void *(*routine)(void *), void *argument) {
  pthread_t thread;
  pthread_create(&thread, NULL, routine, argument);
  pthread_join(thread, NULL);
}

static void *waits_for_mutex(void *unused) {
  struct timespec limit = soon(CLOCK_REALTIME);
  SAY(pthread_mutex_timedlock(&mutex, &limit));
  SAY(is_over(CLOCK_REALTIME, &limit));
  limit = soon(CLOCK_MONOTONIC);
  SAY(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &limit));
  SAY(is_over(CLOCK_MONOTONIC, &limit));
  limit = soon(CLOCK_REALTIME);
  SAY(pthread_mutex_clocklock(&mutex, CLOCK_REALTIME, &limit));
  SAY(pthread_mutex_clocklock(&mutex, CLOCK_PROCESS_CPUTIME_ID, &limit));
  SAY(pthread_mutex_clocklock(&mutex, 99, &limit));
  SAY(pthread_mutex_timedlock(&mutex, &never_valid));
  SAY(pthread_mutex_destroy(&mutex));
  return unused;
}
static void mutexes(void) {
  pthread_mutexattr_t attributes;
  int value;
  SAY(pthread_mutexattr_init(&attributes));
  SAY(pthread_mutexattr_settype(&attributes, 99));
  SAY(pthread_mutexattr_setprotocol(&attributes, 99));
  SAY(pthread_mutexattr_setpshared(&attributes, 99));
  SAY(pthread_mutexattr_setrobust(&attributes, 99));
  SAY(pthread_mutexattr_setprioceiling(&attributes, 1000));
  SAY(pthread_mutexattr_gettype(&attributes, &value));
  SAY(value);
  SAY(pthread_mutexattr_getprotocol(&attributes, &value));
  SAY(value);
  for (int type = PTHREAD_MUTEX_NORMAL; type <= PTHREAD_MUTEX_ADAPTIVE_NP; type++) {
    SAY(pthread_mutexattr_settype(&attributes, type));
    SAY(pthread_mutex_init(&mutex, &attributes));
    SAY(pthread_mutex_timedlock(&mutex, &never_valid)); /* nobody has it: the time is not looked at */
    SAY(pthread_mutex_getprioceiling(&mutex, &value));
    SAY(pthread_mutex_consistent(&mutex));
    in_a_thread(waits_for_mutex, NULL);
    SAY(pthread_mutex_unlock(&mutex));
    if (type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK) SAY(pthread_mutex_unlock(&mutex));
    SAY(pthread_mutex_destroy(&mutex));
  }
}

static int signalled;
static void *signals(void *unused) {
  usleep(5000);
  pthread_mutex_lock(&mutex);
  signalled = 1;
  pthread_cond_signal(&cond);
  pthread_mutex_unlock(&mutex);
  return unused;
}
static void conditions(void) {
  pthread_condattr_t attributes;
  pthread_mutexattr_t checked;
  clockid_t clock;
  int value;
  SAY(pthread_condattr_init(&attributes));
  SAY(pthread_condattr_setclock(&attributes, CLOCK_PROCESS_CPUTIME_ID));
  SAY(pthread_condattr_setpshared(&attributes, 99));
  SAY(pthread_condattr_getpshared(&attributes, &value));
  SAY(value);
  pthread_mutexattr_init(&checked);
  pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
  SAY(pthread_mutex_init(&mutex, &checked));
  SAY(pthread_cond_wait(&cond, &mutex)); /* not locked */
  for (int i = 0; i < 2; i++) {
    clockid_t which = i ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    SAY(pthread_condattr_setclock(&attributes, which));
    SAY(pthread_condattr_getclock(&attributes, &clock));
    SAY(clock);
    SAY(pthread_cond_init(&cond, &attributes));
    SAY(pthread_mutex_lock(&mutex));
    struct timespec limit = soon(which), far = limit;
    far.tv_sec += 100;
    SAY(pthread_cond_timedwait(&cond, &mutex, &limit));
    SAY(is_over(which, &limit));
    SAY(pthread_cond_timedwait(&cond, &mutex, &never_valid));
    limit = soon(CLOCK_MONOTONIC);
    SAY(pthread_cond_clockwait(&cond, &mutex, CLOCK_MONOTONIC, &limit));
    SAY(is_over(CLOCK_MONOTONIC, &limit));
    SAY(pthread_cond_clockwait(&cond, &mutex, 99, &limit));
    SAY(pthread_cond_signal(&cond));
    SAY(pthread_cond_broadcast(&cond));
    pthread_t thread;
    signalled = 0;
    MAKE(pthread_create(&thread, NULL, signals, NULL));
    while (!signalled && (value = pthread_cond_timedwait(&cond, &mutex, &far)) == 0) continue;
    SAY(value);
    SAY(pthread_mutex_unlock(&mutex));
    pthread_join(thread, NULL);
    SAY(pthread_cond_destroy(&cond));
  }
}

static void *waits_for_rwlock(void *unused) {
  struct timespec limit = soon(CLOCK_REALTIME);
  SAY(pthread_rwlock_timedwrlock(&rwlock, &limit));
  SAY(is_over(CLOCK_REALTIME, &limit));
  limit = soon(CLOCK_MONOTONIC);
  SAY(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &limit));
  SAY(pthread_rwlock_clockwrlock(&rwlock, 99, &limit));
  SAY(pthread_rwlock_timedwrlock(&rwlock, &never_valid));
  limit = soon(CLOCK_REALTIME);
  int shared = pthread_rwlock_timedrdlock(&rwlock, &limit);
  SAY(shared);
  if (!shared) SAY(pthread_rwlock_unlock(&rwlock));
  limit = soon(CLOCK_MONOTONIC);
  shared = pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &limit);
  SAY(shared);
  if (!shared) SAY(pthread_rwlock_unlock(&rwlock));
  SAY(pthread_rwlock_clockrdlock(&rwlock, 99, &limit));
  SAY(pthread_rwlock_timedrdlock(&rwlock, &never_valid));
  return unused;
}
static void *writes(void *unused) {
  if (pthread_rwlock_wrlock(&rwlock) || pthread_rwlock_unlock(&rwlock)) puts("not locked");
  return unused;
}
static void rwlocks(void) {
  pthread_rwlockattr_t attributes;
  pthread_t thread;
  int value;
  SAY(pthread_rwlockattr_init(&attributes));
  SAY(pthread_rwlockattr_setpshared(&attributes, 99));
  SAY(pthread_rwlockattr_setkind_np(&attributes, 99));
  SAY(pthread_rwlock_wrlock(&rwlock));
  in_a_thread(waits_for_rwlock, NULL);
  SAY(pthread_rwlock_unlock(&rwlock));
  SAY(pthread_rwlock_rdlock(&rwlock));
  in_a_thread(waits_for_rwlock, NULL);
  SAY(pthread_rwlock_unlock(&rwlock));
  for (int kind = 0; kind < 3; kind++) {
    SAY(pthread_rwlockattr_setkind_np(&attributes, kind));
    SAY(pthread_rwlockattr_getkind_np(&attributes, &value));
    SAY(value);
    SAY(pthread_rwlock_init(&rwlock, &attributes));
    SAY(pthread_rwlock_rdlock(&rwlock));
    MAKE(pthread_create(&thread, NULL, writes, NULL));
    usleep(20000);
    /* A writer waits: one of the kinds keeps readers out. */
    if (kind != PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) {
      SAY(pthread_rwlock_tryrdlock(&rwlock));
      SAY(pthread_rwlock_unlock(&rwlock));
    }
    SAY(pthread_rwlock_unlock(&rwlock));
    pthread_join(thread, NULL);
    SAY(pthread_rwlock_destroy(&rwlock));
  }
}

#define ANSWER(call) (errno = 0, (call) ? errno : 0)
static sem_t semaphore;
static void *waits_for_semaphore(void *named) { return (void *)(long)ANSWER(sem_wait(named)); }
static void semaphores(void) {
  int value;
  struct timespec limit = soon(CLOCK_REALTIME);
  SAY(ANSWER(sem_init(&semaphore, 0, (unsigned)SEM_VALUE_MAX + 1)));
  SAY(ANSWER(sem_init(&semaphore, 0, SEM_VALUE_MAX)));
  SAY(ANSWER(sem_post(&semaphore)));
  SAY(ANSWER(sem_trywait(&semaphore)));
  SAY(ANSWER(sem_init(&semaphore, 0, 1)));
  SAY(ANSWER(sem_timedwait(&semaphore, &never_valid))); /* there is one: the time need not be looked at */
  SAY(ANSWER(sem_trywait(&semaphore)));
  SAY(ANSWER(sem_timedwait(&semaphore, &never_valid)));
  SAY(ANSWER(sem_timedwait(&semaphore, &limit)));
  SAY(is_over(CLOCK_REALTIME, &limit));
  limit = soon(CLOCK_MONOTONIC);
  SAY(ANSWER(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &limit)));
  SAY(ANSWER(sem_clockwait(&semaphore, 99, &limit)));
  SAY(ANSWER(sem_getvalue(&semaphore, &value)));
  SAY(value);
  SAY(ANSWER(sem_destroy(&semaphore)));

  char name[64];
  pthread_t threads[2];
  snprintf(name, sizeof name, "/colib-test-%d", (int)getpid());
  SAY(sem_open(name, 0) == SEM_FAILED ? errno : 0);
  SAY(sem_open("", O_CREAT, 0600, 0) == SEM_FAILED ? errno : 0);
  sem_t *named = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
  SAY(named == SEM_FAILED);
  SAY(sem_open(name, O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED ? errno : 0);
  SAY(sem_open(name, 0) == named);
  for (int i = 0; i < 2; i++) MAKE(pthread_create(&threads[i], NULL, waits_for_semaphore, named));
  usleep(5000);
  for (int i = 0; i < 2; i++) SAY(ANSWER(sem_post(named)));
  for (int i = 0; i < 2; i++) {
    void *error;
    SAY(pthread_join(threads[i], &error));
    SAY((long)error);
  }
  fflush(stdout);
  if (fork() == 0) _exit(sem_post(named)); /* by another process */
  SAY(ANSWER(sem_wait(named)));
  wait(NULL);
  SAY(ANSWER(sem_close(named)));
  SAY(ANSWER(sem_close(named)));
  SAY(ANSWER(sem_unlink(name)));
  SAY(ANSWER(sem_unlink(name)));
}

static pthread_spinlock_t spinlock;
static pthread_barrier_t barrier;
static void *tries(void *unused) {
  SAY(pthread_spin_trylock(&spinlock));
  return unused;
}
static void spin_locks_and_barriers(void) {
  pthread_barrierattr_t attributes;
  int value;
  SAY(pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE));
  SAY(pthread_spin_lock(&spinlock));
  SAY(pthread_spin_trylock(&spinlock));
  in_a_thread(tries, NULL);
  SAY(pthread_spin_unlock(&spinlock));
  SAY(pthread_spin_destroy(&spinlock));
  SAY(pthread_barrierattr_init(&attributes));
  SAY(pthread_barrierattr_setpshared(&attributes, 99));
  SAY(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  SAY(pthread_barrierattr_getpshared(&attributes, &value));
  SAY(value);
  SAY(pthread_barrier_init(&barrier, &attributes, 1));
  SAY(pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
  SAY(pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
  SAY(pthread_barrier_destroy(&barrier));
  SAY(pthread_barrier_init(&barrier, NULL, (unsigned)INT_MAX + 1));
}

CASES(CASE(mutexes), CASE(conditions), CASE(rwlocks), CASE(semaphores), CASE(spin_locks_and_barriers))
