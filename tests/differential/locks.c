/* Locks of pthread: what each call gives, to whom, and in which order. */
#include "scenario.h"

#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

static struct timespec ms_from_now(clockid_t clock, long ms) {
  struct timespec t;
  clock_gettime(clock, &t);
  int64_t ns = t.tv_sec * 1000000000LL + t.tv_nsec + ms * 1000000LL;
  return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
enum { TYPES = sizeof types / sizeof *types };

static pthread_mutex_t mutex_of(int type, bool robust) {
  pthread_mutex_t mutex;
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, type);
  if (robust) pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &attr);
  return mutex;
}

static pthread_mutex_t mutex;
static int type;
static const struct timespec no_time = {0, -1}, too_much = {0, 1000000000}, long_ago = {-5, 0}, zero = {0, 0};

static void try_what_another_has(void *argument) {
  (void)argument;
  TRACE_CODE(pthread_mutex_trylock(&mutex));
  if (type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK) TRACE_CODE(pthread_mutex_unlock(&mutex));
  TRACE_CODE(pthread_mutex_timedlock(&mutex, &no_time));
  TRACE_CODE(pthread_mutex_timedlock(&mutex, &too_much));
  TRACE_CODE(pthread_mutex_timedlock(&mutex, &long_ago));
  TRACE_CODE(pthread_mutex_timedlock(&mutex, &zero));
  TRACE_CODE(pthread_mutex_clocklock(&mutex, CLOCK_BOOTTIME, &zero));
  TRACE_CODE(pthread_mutex_clocklock(&mutex, -1, &zero));
  struct timespec soon = ms_from_now(CLOCK_MONOTONIC, 20);
  TRACE_CODE(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &soon));
  soon = ms_from_now(CLOCK_REALTIME, 20);
  TRACE_CODE(pthread_mutex_timedlock(&mutex, &soon));
  TRACE_CODE(pthread_mutex_lock(&mutex));
  TRACE_CODE(pthread_mutex_unlock(&mutex));
}

static void go_through_kinds(bool robust) {
  for (int i = 0; i < TYPES; i++) {
    char name[20];
    type = types[i];
    say("type %d", type);
    mutex = mutex_of(type, robust);
    TRACE_CODE(pthread_mutex_clocklock(&mutex, CLOCK_BOOTTIME, &zero));
    TRACE_CODE(pthread_mutex_timedlock(&mutex, &no_time));
    TRACE_CODE(pthread_mutex_unlock(&mutex));
    TRACE_CODE(pthread_mutex_trylock(&mutex));
    if (type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK) {
      TRACE_CODE(pthread_mutex_lock(&mutex));
      TRACE_CODE(pthread_mutex_timedlock(&mutex, &no_time));
      TRACE_CODE(pthread_mutex_timedlock(&mutex, &zero));
      TRACE_CODE(pthread_mutex_trylock(&mutex));
      while (TRACE_CODE(pthread_mutex_unlock(&mutex)) == 0) continue;
      TRACE_CODE(pthread_mutex_lock(&mutex));
    }
    snprintf(name, sizeof name, "other %d", type);
    start(name, try_what_another_has, NULL);
    settle();
    usleep(200000);
    if (!robust) TRACE_CODE(pthread_mutex_destroy(&mutex));
    TRACE_CODE(pthread_mutex_unlock(&mutex));
    while (!has_ended(name)) usleep(1000);
  }
}

SCENARIO(mutex_kinds, "mutexes of each kind, free, owned, and owned by another") { go_through_kinds(false); }

SCENARIO(robust_mutexes, "robust mutexes of each kind, free, owned, and owned by another") { go_through_kinds(true); }

/* ---- conditions ------------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn, order[8], woken;

static void wait_for_a_signal(void *number) {
  TRACE_CODE(pthread_mutex_lock(&lock));
  TRACE_CODE(pthread_cond_wait(&cond, &lock));
  order[woken++] = *(int *)number;
  TRACE_CODE(pthread_mutex_unlock(&lock));
}

SCENARIO(signals_and_broadcasts, "each signal wakes one who waits, and a broadcast the rest") {
  static int numbers[] = {0, 1, 2, 3};
  static const char *const names[] = {"nought", "one", "two", "three"};
  TRACE_CODE(pthread_cond_signal(&cond));
  TRACE_CODE(pthread_cond_broadcast(&cond));
  for (int i = 0; i < 4; i++) {
    start(names[i], wait_for_a_signal, &numbers[i]);
    settle();
  }
  for (int i = 0; i < 2; i++) {
    TRACE_CODE(pthread_cond_signal(&cond));
    settle();
    say("%d woken", woken);
  }
  TRACE_CODE(pthread_cond_broadcast(&cond));
  join();
  say("%d woken", woken);
  TRACE_CODE(pthread_cond_destroy(&cond));
}

SCENARIO(conditions_and_time, "waits that end by the clock, and times that are none") {
  pthread_mutex_t checking = mutex_of(PTHREAD_MUTEX_ERRORCHECK, false), recursive = mutex_of(PTHREAD_MUTEX_RECURSIVE, false);
  static const struct timespec *const times[] = {&no_time, &too_much, &long_ago, &zero};
  MUST(pthread_mutex_lock(&lock));
  for (int i = 0; i < 4; i++) {
    TRACE_CODE(pthread_cond_timedwait(&cond, &lock, times[i]));
    TRACE_CODE(pthread_cond_clockwait(&cond, &lock, CLOCK_MONOTONIC, times[i]));
    TRACE_CODE(pthread_cond_clockwait(&cond, &lock, CLOCK_TAI, times[i]));
    TRACE_CODE(pthread_cond_timedwait(&cond, &checking, times[i]));
    TRACE_CODE(pthread_cond_timedwait(&cond, &recursive, times[i]));
  }
  struct timespec soon = ms_from_now(CLOCK_REALTIME, 30);
  TRACE_CODE(pthread_cond_timedwait(&cond, &lock, &soon));
  TRACE_CODE(pthread_cond_wait(&cond, &checking));
  TRACE_CODE(pthread_cond_wait(&cond, &recursive));
  MUST(pthread_mutex_lock(&checking));
  soon = ms_from_now(CLOCK_REALTIME, 30);
  TRACE_CODE(pthread_cond_timedwait(&cond, &checking, &soon));
  TRACE_CODE(pthread_mutex_trylock(&checking));
  TRACE_CODE(pthread_mutex_unlock(&checking));
  TRACE_CODE(pthread_mutex_unlock(&checking));
}

static pthread_mutex_t deep;
static void wait_two_deep(void *argument) {
  (void)argument;
  MUST(pthread_mutex_lock(&deep));
  MUST(pthread_mutex_lock(&deep));
  TRACE_CODE(pthread_cond_wait(&cond, &deep));
  TRACE_CODE(pthread_mutex_unlock(&deep));
  TRACE_CODE(pthread_mutex_unlock(&deep));
  TRACE_CODE(pthread_mutex_unlock(&deep));
}

SCENARIO(conditions_and_recursive_mutexes, "waiting releases one level of a recursive mutex") {
  deep = mutex_of(PTHREAD_MUTEX_RECURSIVE, false);
  start("deep", wait_two_deep, NULL);
  settle();
  TRACE_CODE(pthread_mutex_trylock(&deep));
  MUST(pthread_cond_signal(&cond));
  join();
  TRACE_CODE(pthread_mutex_trylock(&deep));
}

/* ---- semaphores ------------------------------------------------------------------------------------- */

static sem_t sem;
static void take_one(void *argument) {
  (void)argument;
  TRACE(sem_wait(&sem));
}

SCENARIO(semaphores, "semaphores: posts, waits, times") {
  int value;
  static const struct timespec *const times[] = {&no_time, &too_much, &long_ago, &zero};
  MUST(sem_init(&sem, 0, 1));
  for (int i = 0; i < 4; i++) {
    TRACE(sem_timedwait(&sem, times[i]));
    TRACE(sem_clockwait(&sem, CLOCK_MONOTONIC, times[i]));
    TRACE(sem_clockwait(&sem, CLOCK_BOOTTIME, times[i]));
  }
  struct timespec soon = ms_from_now(CLOCK_REALTIME, 20);
  TRACE(sem_trywait(&sem));
  TRACE(sem_timedwait(&sem, &soon));
  start("one", take_one, NULL);
  start("two", take_one, NULL);
  settle();
  say("%d %d", has_ended("one"), has_ended("two"));
  TRACE(sem_post(&sem));
  settle();
  say("%d ended", has_ended("one") + has_ended("two"));
  TRACE(sem_post(&sem));
  join();
  TRACE(sem_post(&sem));
  TRACE(sem_getvalue(&sem, &value));
  say("value %d", value);
  MUST(sem_init(&sem, 0, SEM_VALUE_MAX));
  TRACE(sem_post(&sem));
}

static void post_to_sem(int signal) {
  (void)signal;
  sem_post(&sem);
}

static void do_nothing(int signal) { (void)signal; }

static void take_until(void *argument) {
  struct timespec later = ms_from_now(CLOCK_REALTIME, 20000);
  TRACE(argument ? sem_timedwait(&sem, &later) : sem_wait(&sem));
}

SCENARIO(semaphores_and_handlers, "handlers end a wait for a semaphore unless they restart it") {
  static char timed;
  for (int i = 0; i < 8; i++) {
    char name[20];
    int value;
    /* A wait that its own handler both serves and ends may give either. */
    if ((i & 1) && i != 3) continue;
    struct sigaction action = {.sa_handler = i & 1 ? post_to_sem : do_nothing, .sa_flags = i & 2 ? SA_RESTART : 0};
    MUST(sigaction(SIGUSR1, &action, NULL));
    MUST(sem_init(&sem, 0, 0));
    snprintf(name, sizeof name, "waiter %d", i);
    start(name, take_until, i & 4 ? &timed : NULL);
    settle();
    signal_actor(name, SIGUSR1);
    settle();
    usleep(50000);
    say("%d has ended: %d", i, has_ended(name));
    if (!has_ended(name)) MUST(sem_post(&sem));
    join();
    MUST(sem_getvalue(&sem, &value));
    say("value %d", value);
  }
}

/* ---- read-write locks ------------------------------------------------------------------------------- */

static pthread_rwlock_t rwlock;
static void read_and_write(void *argument) {
  (void)argument;
  static const struct timespec *const times[] = {&no_time, &too_much, &long_ago, &zero};
  TRACE_CODE(pthread_rwlock_tryrdlock(&rwlock));
  TRACE_CODE(pthread_rwlock_trywrlock(&rwlock));
  for (int i = 0; i < 4; i++) {
    TRACE_CODE(pthread_rwlock_timedrdlock(&rwlock, times[i]));
    TRACE_CODE(pthread_rwlock_timedwrlock(&rwlock, times[i]));
    TRACE_CODE(pthread_rwlock_clockrdlock(&rwlock, CLOCK_TAI, times[i]));
    TRACE_CODE(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, times[i]));
  }
  TRACE_CODE(pthread_rwlock_wrlock(&rwlock));
  TRACE_CODE(pthread_rwlock_wrlock(&rwlock));
  TRACE_CODE(pthread_rwlock_rdlock(&rwlock));
  TRACE_CODE(pthread_rwlock_timedrdlock(&rwlock, &no_time));
  TRACE_CODE(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &zero));
  TRACE_CODE(pthread_rwlock_tryrdlock(&rwlock));
  TRACE_CODE(pthread_rwlock_unlock(&rwlock));
  TRACE_CODE(pthread_rwlock_rdlock(&rwlock));
  TRACE_CODE(pthread_rwlock_rdlock(&rwlock));
  TRACE_CODE(pthread_rwlock_unlock(&rwlock));
  TRACE_CODE(pthread_rwlock_unlock(&rwlock));
}

SCENARIO(rwlocks, "a read-write lock that another has for writing") {
  MUST(pthread_rwlock_init(&rwlock, NULL));
  TRACE_CODE(pthread_rwlock_wrlock(&rwlock));
  start("other", read_and_write, NULL);
  settle();
  TRACE_CODE(pthread_rwlock_unlock(&rwlock));
  join();
}

static void hold_for_reading(void *argument) {
  (void)argument;
  TRACE_CODE(pthread_rwlock_rdlock(&rwlock));
  usleep(100000);
  TRACE_CODE(pthread_rwlock_rdlock(&rwlock));
  usleep(100000);
  TRACE_CODE(pthread_rwlock_unlock(&rwlock));
  __atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
  TRACE_CODE(pthread_rwlock_unlock(&rwlock));
}

SCENARIO(readers_of_rwlocks, "readers share, read again, and keep writers out") {
  MUST(pthread_rwlock_init(&rwlock, NULL));
  start("first", hold_for_reading, NULL);
  start("second", hold_for_reading, NULL);
  usleep(20000);
  TRACE_CODE(pthread_rwlock_trywrlock(&rwlock));
  TRACE_CODE(pthread_rwlock_wrlock(&rwlock));
  say("%d have read", turn);
  usleep(20000);
  TRACE_CODE(pthread_rwlock_unlock(&rwlock));
  join();
  TRACE_CODE(pthread_rwlock_destroy(&rwlock));
}

/* ---- the rest --------------------------------------------------------------------------------------- */

static pthread_barrier_t barrier;
static int serial;

static void meet(void *argument) {
  (void)argument;
  for (int i = 0; i < 5; i++) {
    int got = pthread_barrier_wait(&barrier);
    if (got == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
    say("%d", got == 0 || got == PTHREAD_BARRIER_SERIAL_THREAD);
    __atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
  }
}

SCENARIO(barriers, "rounds of a barrier") {
  TRACE_CODE(pthread_barrier_init(&barrier, NULL, 0));
  MUST(pthread_barrier_init(&barrier, NULL, 1));
  TRACE_CODE(pthread_barrier_wait(&barrier));
  TRACE_CODE(pthread_barrier_destroy(&barrier));
  MUST(pthread_barrier_init(&barrier, NULL, 3));
  for (int i = 0; i < 5; i++) {
    static const char *const names[] = {"one", "two"};
    if (i < 2) start(names[i], meet, NULL);
  }
  settle();
  say("serial %d", serial);
  for (int i = 0; i < 5; i++) {
    int got = pthread_barrier_wait(&barrier);
    if (got == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
    /* Who comes last to a round is chance; that nobody is a round ahead or behind is not. */
    int passed = __atomic_load_n(&turn, __ATOMIC_SEQ_CST);
    say("%d", (got == 0 || got == PTHREAD_BARRIER_SERIAL_THREAD) && passed >= 2 * i && passed <= 2 * (i + 1));
  }
  join();
  say("serial %d", serial);
  TRACE_CODE(pthread_barrier_destroy(&barrier));
}

static int may_end;

static void *end_when_it_may(void *number) {
  while (!__atomic_load_n(&may_end, __ATOMIC_SEQ_CST)) usleep(1000);
  usleep(20000);
  return number;
}

static void let_end(int may) { __atomic_store_n(&may_end, may, __ATOMIC_SEQ_CST); }

SCENARIO(joins, "threads are joined, once, in time") {
  pthread_t thread;
  void *result = NULL;
  struct timespec soon;
  MUST(pthread_create(&thread, NULL, end_when_it_may, (void *)150));
  TRACE_CODE(pthread_timedjoin_np(thread, &result, &long_ago));
  TRACE_CODE(pthread_clockjoin_np(thread, &result, CLOCK_TAI, &zero));
  TRACE_CODE(pthread_tryjoin_np(thread, &result));
  soon = ms_from_now(CLOCK_MONOTONIC, 20);
  TRACE_CODE(pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &soon));
  let_end(1);
  TRACE_CODE(pthread_timedjoin_np(thread, &result, NULL));
  say("%d", (int)(intptr_t)result);
  let_end(0);
  MUST(pthread_create(&thread, NULL, end_when_it_may, (void *)300));
  MUST(pthread_detach(thread));
  TRACE_CODE(pthread_join(thread, &result));
  let_end(1);
  MUST(pthread_create(&thread, NULL, end_when_it_may, (void *)20));
  TRACE_CODE(thrd_join(thread, NULL));
}
