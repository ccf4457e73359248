/* Mutexes in coroutines. */
#include "locks.h"

#include <threads.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int done, inside, most_inside, count;

static void enter(void) {
  int now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
  if (now > most_inside) most_inside = now;
}
static void leave(void) { __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST); }

/* ---- one thread ------------------------------------------------------------------------------------- */

static void *sleeps_inside(void *ms) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&mutex), 0);
  enter();
  usleep((useconds_t)(intptr_t)ms * 1000);
  leave();
  CHECK_IS(pthread_mutex_unlock(&mutex), 0);
  done++;
  return NULL;
}

TEST(coroutines_of_one_thread_take_turns_at_a_mutex_that_is_held_across_a_sleep) {
  for (int i = 0; i < 20; i++) start(sleeps_inside, (void *)5);
  loop_until(&done, 20);
  CHECK_IS(most_inside, 1);
}

static void *stays_inside_while_others_go_on(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&mutex), 0);
  enter();
  while (ticks < 2) usleep(1000);
  leave();
  CHECK_IS(pthread_mutex_unlock(&mutex), 0);
  done++;
  return unused;
}

TEST(the_thread_goes_on_while_coroutines_wait_for_a_mutex) {
  start(ticks_on, NULL);
  start(stays_inside_while_others_go_on, NULL);
  start(sleeps_inside, (void *)1);
  loop_until(&done, 2);
}

TEST(a_mutex_works_the_same_on_a_shared_stack) {
  stShareStack_t *shared = co_alloc_sharestack(1, 128 * 1024);
  for (int i = 0; i < 10; i++) co_resume(spawn_on(shared, 0, sleeps_inside, (void *)3));
  loop_until(&done, 10);
  CHECK_IS(most_inside, 1);
}

static int order[10], ordered;
static void *notes_its_turn(void *number) {
  co_enable_hook_sys();
  pthread_mutex_lock(&mutex);
  order[ordered++] = (int)(intptr_t)number;
  usleep(1000);
  pthread_mutex_unlock(&mutex);
  done++;
  return NULL;
}

TEST(who_came_first_gets_the_mutex_first) {
  for (intptr_t i = 0; i < 10; i++) start(notes_its_turn, (void *)i);
  loop_until(&done, 10);
  for (int i = 0; i < 10; i++) CHECK_IS(order[i], i);
}

static int stop, turns[2];
static void *locks_again_and_again(void *which) {
  co_enable_hook_sys();
  while (!stop) {
    pthread_mutex_lock(&mutex);
    usleep(500);
    turns[(intptr_t)which]++;
    pthread_mutex_unlock(&mutex);
  }
  done++;
  return NULL;
}

TEST(one_that_locks_again_at_once_does_not_starve_the_other) {
  start(locks_again_and_again, (void *)0);
  start(locks_again_and_again, (void *)1);
  loop_for(300);
  stop = 1;
  loop_until(&done, 2);
  CHECK(turns[0] > 20 && turns[1] > 20);
  CHECK(abs(turns[0] - turns[1]) <= 2);
}

static void *locks_twice(void *unused) {
  co_enable_hook_sys();
  pthread_mutex_lock(&mutex);
  done++;
  pthread_mutex_lock(&mutex);
  done = 1000;
  return unused;
}

TEST(locking_a_plain_mutex_twice_stops_that_coroutine_only) {
  start(locks_twice, NULL);
  start(ticks_on, NULL);
  loop_until(&ticks, 30);
  CHECK_IS(done, 1);
  CHECK_IS(pthread_mutex_unlock(&mutex), 0);
  loop_until(&done, 1000);
}

/* ---- kinds ------------------------------------------------------------------------------------------ */

static pthread_mutex_t special;

static void *owns_recursive(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 3; i++) CHECK_IS(pthread_mutex_lock(&special), 0);
  CHECK_IS(pthread_mutex_trylock(&special), 0);
  enter();
  usleep(30000);
  for (int i = 0; i < 3; i++) CHECK_IS(pthread_mutex_unlock(&special), 0);
  usleep(10000);
  leave();
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  CHECK_IS(pthread_mutex_unlock(&special), EPERM);
  done++;
  return unused;
}

TEST(a_recursive_mutex_belongs_to_the_coroutine_and_not_to_its_thread) {
  special = mutex_of(PTHREAD_MUTEX_RECURSIVE);
  for (int i = 0; i < 4; i++) start(owns_recursive, NULL);
  loop_until(&done, 4);
  CHECK_IS(most_inside, 1);
}

static void *tries_others(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_trylock(&special), EBUSY);
  CHECK_IS(pthread_mutex_unlock(&special), EPERM);
  struct timespec soon = after_ms(CLOCK_REALTIME, 10);
  CHECK_IS(pthread_mutex_timedlock(&special, &soon), ETIMEDOUT);
  done++;
  return unused;
}

static void *has_special(void *expected) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&special), 0);
  CHECK_IS(pthread_mutex_lock(&special), (intptr_t)expected);
  if (expected == NULL) CHECK_IS(pthread_mutex_unlock(&special), 0);
  if (expected != NULL) CHECK_IS(pthread_mutex_trylock(&special), EBUSY);
  usleep(50000);
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  done++;
  return NULL;
}

TEST(what_one_coroutine_owns_another_can_neither_try_nor_unlock) {
  special = mutex_of(PTHREAD_MUTEX_RECURSIVE);
  start(has_special, NULL);
  start(tries_others, NULL);
  loop_until(&done, 2);
  special = mutex_of(PTHREAD_MUTEX_ERRORCHECK);
  start(has_special, (void *)EDEADLK);
  start(tries_others, NULL);
  loop_until(&done, 4);
}

static void *switches_hooks(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&special), 0);
  co_disable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&special), 0);
  CHECK_IS(pthread_mutex_trylock(&special), 0);
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  CHECK_IS(pthread_mutex_unlock(&special), EPERM);
  done++;
  return unused;
}

TEST(a_coroutine_owns_its_mutex_also_once_its_hooks_are_off) {
  special = mutex_of(PTHREAD_MUTEX_RECURSIVE);
  start(switches_hooks, NULL);
  CHECK_IS(done, 1);
}

static void *robust_holder(void *unused) {
  pthread_mutex_lock(&special);
  return unused;
}

static void *robust_heir(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&special), EOWNERDEAD);
  CHECK_IS(pthread_mutex_consistent(&special), 0);
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  CHECK_IS(pthread_mutex_lock(&special), 0);
  enter();
  usleep(20000);
  leave();
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  done++;
  return unused;
}

static void *locks_special(void *unused) {
  co_enable_hook_sys();
  usleep(1000);
  CHECK_IS(pthread_mutex_lock(&special), 0);
  enter();
  usleep(20000);
  leave();
  CHECK_IS(pthread_mutex_unlock(&special), 0);
  done++;
  return unused;
}

TEST(robust_inheriting_and_shared_mutexes_exclude_coroutines_of_one_thread) {
  for (int i = 0; i < 5; i++) {
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    if (i == 0 || i == 1) pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    if (i == 1) pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    if (i == 2) pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    if (i == 3) pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (i == 4) pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
    CHECK_IS(pthread_mutex_init(&special, &attr), 0);
    done = 0;
    if (i < 2) {
      pthread_t thread;
      pthread_create(&thread, NULL, robust_holder, NULL);
      pthread_join(thread, NULL);
      start(robust_heir, NULL);
    }
    for (int j = 0; j < 3; j++) start(locks_special, NULL);
    loop_until(&done, i < 2 ? 4 : 3);
    CHECK_IS(most_inside, 1);
    CHECK_IS(pthread_mutex_destroy(&special), 0);
  }
}

static void *locks_apart(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&special), 0);
  CHECK_IS(pthread_mutex_destroy(&special), EBUSY);
  done++;
  return unused;
}

TEST(a_new_mutex_at_the_place_of_an_owned_one_is_free) {
  for (int i = 0; i < 3; i++) {
    special = mutex_of(PTHREAD_MUTEX_RECURSIVE);
    start(locks_apart, NULL);
  }
  CHECK_IS(done, 3);
}

/* ---- time ------------------------------------------------------------------------------------------- */

static void *times_out(void *unused) {
  struct timespec t, wrong = {0, 1000000000};
  long long before = now_ns();
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_timedlock(&mutex, &wrong), EINVAL);
  CHECK_IS(pthread_mutex_clocklock(&mutex, CLOCK_BOOTTIME, &t), EINVAL);
  t = after_ms(CLOCK_REALTIME, 50);
  CHECK_IS(pthread_mutex_timedlock(&mutex, &t), ETIMEDOUT);
  CHECK(since_ms(before) >= 49);
  t = after_ms(CLOCK_MONOTONIC, 50);
  CHECK_IS(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &t), ETIMEDOUT);
  CHECK(since_ms(before) >= 99);
  t = after_ms(CLOCK_REALTIME, -1000);
  CHECK_IS(pthread_mutex_timedlock(&mutex, &t), ETIMEDOUT);
  t = after_ms(CLOCK_REALTIME, 60000);
  done++;
  CHECK_IS(pthread_mutex_timedlock(&mutex, &t), 0);
  CHECK(since_ms(before) < 30000);
  CHECK_IS(pthread_mutex_unlock(&mutex), 0);
  CHECK_IS(pthread_mutex_timedlock(&mutex, &wrong), 0);
  CHECK_IS(pthread_mutex_unlock(&mutex), 0);
  done++;
  return unused;
}

TEST(timed_locks_give_up_in_time_and_not_before) {
  pthread_mutex_lock(&mutex);
  start(times_out, NULL);
  loop_until(&done, 1);
  loop_for(20);
  pthread_mutex_unlock(&mutex);
  loop_until(&done, 2);
}

/* ---- release ---------------------------------------------------------------------------------------- */

TEST(a_coroutine_that_is_released_while_it_waits_leaves_the_mutex_to_the_others) {
  stCoRoutine_t *waiting[5];
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < 5; i++) waiting[i] = start(sleeps_inside, (void *)1);
  start(ticks_on, NULL);
  loop_until(&ticks, 3);
  co_release(waiting[0]);
  co_release(waiting[3]);
  pthread_mutex_unlock(&mutex);
  /* Told that it is free, but it never comes to look. */
  co_release(waiting[1]);
  loop_until(&done, 2);
  CHECK_IS(pthread_mutex_trylock(&mutex), 0);
}

TEST(somebodys_resume_does_not_end_the_wait_for_a_mutex) {
  pthread_mutex_lock(&mutex);
  stCoRoutine_t *co = start(sleeps_inside, (void *)1);
  for (int i = 0; i < 10; i++) co_resume(co);
  CHECK_IS(inside, 0);
  pthread_mutex_unlock(&mutex);
  loop_until(&done, 1);
}

static void *uses_c11(void *m) {
  struct timespec soon = after_ms(CLOCK_REALTIME, 20);
  co_enable_hook_sys();
  if (mtx_trylock(m) == thrd_busy) CHECK_IS(mtx_timedlock(m, &soon), thrd_timedout);
  else CHECK_IS(mtx_unlock(m), thrd_success);
  CHECK_IS(mtx_lock(m), thrd_success);
  enter();
  usleep(30000);
  leave();
  CHECK_IS(mtx_unlock(m), thrd_success);
  done++;
  return NULL;
}

TEST(mutexes_of_c11_are_the_same) {
  static mtx_t plain, recursive;
  mtx_init(&plain, mtx_timed);
  mtx_init(&recursive, mtx_timed | mtx_recursive);
  for (int i = 0; i < 3; i++) start(uses_c11, &plain);
  loop_until(&done, 3);
  for (int i = 0; i < 3; i++) start(uses_c11, &recursive);
  loop_until(&done, 6);
  CHECK_IS(most_inside, 1);
  (void)count;
}

RUN_TESTS
