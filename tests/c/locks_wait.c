/* Conditions, semaphores and read-write locks in coroutines. */
#include "locks.h"

#include <threads.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int done, value, woken;

/* ---- conditions ------------------------------------------------------------------------------------- */

static void *waits_for_value(void *wanted) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&mutex), 0);
  while (value < (intptr_t)wanted) CHECK_IS(pthread_cond_wait(&cond, &mutex), 0);
  CHECK_IS(pthread_mutex_trylock(&mutex), EBUSY);
  woken++;
  CHECK_IS(pthread_mutex_unlock(&mutex), 0);
  done++;
  return NULL;
}

TEST(a_signal_wakes_one_coroutine_and_a_broadcast_all) {
  for (int i = 0; i < 5; i++) start(waits_for_value, (void *)1);
  value = 1;
  pthread_cond_signal(&cond);
  loop_for(30);
  CHECK_IS(woken, 1);
  pthread_cond_broadcast(&cond);
  loop_until(&done, 5);
}

TEST(a_coroutine_that_was_signalled_and_released_passes_the_signal_on) {
  stCoRoutine_t *first = start(waits_for_value, (void *)1);
  start(waits_for_value, (void *)1);
  value = 1;
  pthread_cond_signal(&cond);
  co_release(first);
  loop_until(&done, 1);
  first = start(waits_for_value, (void *)2);
  co_release(first);
  CHECK_IS(pthread_mutex_trylock(&mutex), 0);
}

static void *times_out(void *unused) {
  static pthread_cond_t steady;
  pthread_condattr_t attr;
  struct timespec t, wrong = {0, -1};
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&steady, &attr);
  co_enable_hook_sys();
  pthread_mutex_lock(&mutex);
  long long before = now_ns();
  t = after_ms(CLOCK_REALTIME, 30);
  CHECK_IS(pthread_cond_timedwait(&cond, &mutex, &t), ETIMEDOUT);
  CHECK(since_ms(before) >= 29);
  t = after_ms(CLOCK_MONOTONIC, 30);
  CHECK_IS(pthread_cond_timedwait(&steady, &mutex, &t), ETIMEDOUT);
  CHECK(since_ms(before) >= 59);
  t = after_ms(CLOCK_REALTIME, 30);
  CHECK_IS(pthread_cond_clockwait(&steady, &mutex, CLOCK_REALTIME, &t), ETIMEDOUT);
  CHECK_IS(pthread_cond_clockwait(&steady, &mutex, CLOCK_BOOTTIME, &t), EINVAL);
  CHECK_IS(pthread_cond_timedwait(&cond, &mutex, &wrong), EINVAL);
  CHECK_IS(pthread_mutex_trylock(&mutex), EBUSY);
  CHECK_IS(pthread_cond_destroy(&steady), 0);
  pthread_mutex_unlock(&mutex);
  done++;
  return unused;
}

TEST(timed_waits_go_by_the_conditions_clock) {
  for (int i = 0; i < 3; i++) start(times_out, NULL);
  loop_until(&done, 3);
}

static pthread_mutex_t special;
static void *wrong_mutex(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_cond_wait(&cond, &special), EPERM);
  pthread_mutex_lock(&special);
  struct timespec t = after_ms(CLOCK_REALTIME, 10);
  CHECK_IS(pthread_cond_timedwait(&cond, &special, &t), ETIMEDOUT);
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  done++;
  return unused;
}

TEST(waiting_with_a_mutex_that_one_does_not_own_fails) {
  special = mutex_of(PTHREAD_MUTEX_ERRORCHECK);
  start(wrong_mutex, NULL);
  loop_until(&done, 1);
  special = mutex_of(PTHREAD_MUTEX_RECURSIVE);
  start(wrong_mutex, NULL);
  loop_until(&done, 2);
}

static cnd_t cnd;
static mtx_t mtx;
static void *c11_waits(void *unused) {
  struct timespec soon = after_ms(CLOCK_REALTIME, 20);
  co_enable_hook_sys();
  mtx_lock(&mtx);
  CHECK_IS(cnd_timedwait(&cnd, &mtx, &soon), thrd_timedout);
  while (value == 0) CHECK_IS(cnd_wait(&cnd, &mtx), thrd_success);
  mtx_unlock(&mtx);
  done++;
  return unused;
}

TEST(conditions_of_c11_are_the_same) {
  mtx_init(&mtx, mtx_plain);
  cnd_init(&cnd);
  for (int i = 0; i < 3; i++) start(c11_waits, NULL);
  loop_for(50);
  value = 1;
  cnd_signal(&cnd);
  cnd_broadcast(&cnd);
  loop_until(&done, 3);
}

/* ---- semaphores ------------------------------------------------------------------------------------- */

static sem_t sem;

static void *takes(void *unused) {
  co_enable_hook_sys();
  errno = 0;
  CHECK_IS(sem_wait(&sem), 0);
  CHECK_IS(errno, 0);
  done++;
  return unused;
}

TEST(each_post_lets_one_coroutine_through) {
  sem_init(&sem, 0, 2);
  for (int i = 0; i < 6; i++) start(takes, NULL);
  CHECK_IS(done, 2);
  sem_post(&sem);
  loop_for(40);
  CHECK_IS(done, 3);
  for (int i = 0; i < 3; i++) sem_post(&sem);
  loop_until(&done, 6);
  sem_getvalue(&sem, &value);
  CHECK_IS(value, 0);
}

static void *sem_times_out(void *unused) {
  struct timespec t = after_ms(CLOCK_REALTIME, 30), wrong = {0, 2000000000};
  co_enable_hook_sys();
  CHECK(sem_timedwait(&sem, &t) == -1 && errno == ETIMEDOUT);
  t = after_ms(CLOCK_MONOTONIC, 30);
  CHECK(sem_clockwait(&sem, CLOCK_MONOTONIC, &t) == -1 && errno == ETIMEDOUT);
  CHECK(sem_timedwait(&sem, &wrong) == -1 && errno == EINVAL);
  CHECK(sem_clockwait(&sem, CLOCK_TAI, &t) == -1 && errno == EINVAL);
  done++;
  return unused;
}

TEST(timed_waits_for_semaphores_give_up) {
  sem_init(&sem, 0, 0);
  for (int i = 0; i < 3; i++) start(sem_times_out, NULL);
  loop_until(&done, 3);
}

static void posts(int signal) {
  (void)signal;
  sem_post(&sem);
}

TEST(a_signal_handler_may_post) {
  signal(SIGUSR1, posts);
  sem_init(&sem, 0, 0);
  for (int i = 0; i < 4; i++) start(takes, NULL);
  for (int i = 0; i < 4; i++) {
    loop_for(30);
    raise(SIGUSR1);
  }
  loop_until(&done, 4);
}

/* ---- read-write locks ------------------------------------------------------------------------------- */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int readers, most_readers, writers;

static void *reads(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_rwlock_rdlock(&rwlock), 0);
  if (++readers > most_readers) most_readers = readers;
  CHECK_IS(writers, 0);
  usleep(10000);
  readers--;
  CHECK_IS(pthread_rwlock_unlock(&rwlock), 0);
  done++;
  return unused;
}

static void *writes(void *unused) {
  struct timespec t = after_ms(CLOCK_REALTIME, 10);
  co_enable_hook_sys();
  CHECK_IS(pthread_rwlock_wrlock(&rwlock), 0);
  CHECK_IS(++writers, 1);
  CHECK_IS(readers, 0);
  CHECK_IS(pthread_rwlock_wrlock(&rwlock), EDEADLK);
  CHECK_IS(pthread_rwlock_rdlock(&rwlock), EDEADLK);
  CHECK_IS(pthread_rwlock_timedwrlock(&rwlock, &t), EDEADLK);
  CHECK_IS(pthread_rwlock_trywrlock(&rwlock), EBUSY);
  CHECK_IS(pthread_rwlock_tryrdlock(&rwlock), EBUSY);
  usleep(10000);
  writers--;
  CHECK_IS(pthread_rwlock_unlock(&rwlock), 0);
  done++;
  return unused;
}

TEST(readers_share_and_writers_do_not) {
  for (int i = 0; i < 30; i++) start(i % 5 == 0 ? writes : reads, NULL);
  loop_until(&done, 30);
  CHECK(most_readers > 3);
  CHECK_IS(pthread_rwlock_destroy(&rwlock), 0);
}

static void *rwlock_times_out(void *unused) {
  struct timespec t = after_ms(CLOCK_REALTIME, 20), wrong = {0, -1};
  co_enable_hook_sys();
  CHECK_IS(pthread_rwlock_timedrdlock(&rwlock, &t), ETIMEDOUT);
  t = after_ms(CLOCK_MONOTONIC, 20);
  CHECK_IS(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &t), ETIMEDOUT);
  CHECK_IS(pthread_rwlock_clockrdlock(&rwlock, CLOCK_BOOTTIME, &t), EINVAL);
  CHECK_IS(pthread_rwlock_timedwrlock(&rwlock, &wrong), EINVAL);
  done++;
  return unused;
}

TEST(timed_waits_for_read_write_locks_give_up) {
  CHECK_IS(pthread_rwlock_wrlock(&rwlock), 0);
  for (int i = 0; i < 3; i++) start(rwlock_times_out, NULL);
  loop_until(&done, 3);
}

RUN_TESTS
