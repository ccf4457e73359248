/* Coroutines are released in every state but waiting: by others, by themselves, by other threads, after their thread. */
#include "steps.h"
#include "values.h"

#include <sched.h>

TEST_SAYS(fresh_suspended_and_finished_coroutines_can_be_released, NULL) {
  co_release(NULL);
  co_free(NULL);
  co_release(spawn(three_steps, "a"));
  co_release(start(three_steps, "b"));
  co_free(start(returns_at_once, NULL));
  CHECK_TEXT(trace, "b");
}

TEST_SAYS(releasing_what_stands_for_the_thread_is_logged_and_does_nothing, "co_release") {
  co_init_curr_thread_env();
  co_release(co_self());
  co_release(start(three_steps, "a"));
  CHECK_TEXT(trace, "a");
}

static void *releases_itself(void *how) {
  char locals[2000];
  memset(locals, 7, sizeof locals);
  co_setspecific(key, (void *)1);
  co_release(co_self());
  /* Others come and go; the stack must not be theirs. */
  for (int i = 0; i < 20; i++) co_release(start(three_steps, "."));
  for (size_t i = 0; i < sizeof locals; i++) CHECK_IS(locals[i], 7);
  CHECK_IS(destroyed, 0);
  if (how) co_yield_ct();
  if (how) note("never");
  return NULL;
}

TEST(a_coroutine_that_releases_itself_runs_on_until_it_yields) {
  count_values();
  start(releases_itself, "yield");
  loop_for(2);
  CHECK_IS(destroyed, 1);
  CHECK(strstr(trace, "never") == NULL);
}

TEST(a_coroutine_that_releases_itself_runs_on_until_it_ends) {
  count_values();
  start(releases_itself, NULL);
  loop_for(2);
  CHECK_IS(destroyed, 1);
}

static void *releases_and_yields(void *co) {
  co_release(co);
  CHECK_IS(destroyed, 0);
  co_yield_ct();
  note("c");
  return NULL;
}

static void *lets_itself_be_released(void *unused) {
  (void)unused;
  co_setspecific(key, (void *)1);
  stCoRoutine_t *child = start(releases_and_yields, co_self());
  note("p");
  co_resume(child);
  note("q");
  CHECK(child->cEnd);
  CHECK_IS(destroyed, 0);
  co_release(child);
  co_yield_ct();
  note("never");
  return NULL;
}

TEST(a_coroutine_released_by_one_it_resumed_runs_on_until_it_yields) {
  count_values();
  start(lets_itself_be_released, NULL);
  loop_for(2);
  CHECK_TEXT(trace, "pcq");
  CHECK_IS(destroyed, 1);
}

static stCoRoutine_t *stepper;

static void *runs_long(void *stop) {
  co_setspecific(key, (void *)1);
  while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE)) sched_yield();
  note("on");
  co_yield_ct();
  note("never");
  return NULL;
}

static void *releases_stepper(void *stop) {
  while (!__atomic_load_n(&stepper, __ATOMIC_ACQUIRE)) sched_yield();
  co_release(stepper);
  __atomic_store_n((int *)stop, 1, __ATOMIC_RELEASE);
  return NULL;
}

TEST(a_running_coroutine_can_be_released_by_another_thread) {
  pthread_t thread;
  int stop = 0;
  count_values();
  pthread_create(&thread, NULL, releases_stepper, &stop);
  stCoRoutine_t *co = spawn(runs_long, &stop);
  __atomic_store_n(&stepper, co, __ATOMIC_RELEASE);
  co_resume(co);
  loop_for(2);
  CHECK_TEXT(trace, "on");
  CHECK_IS(destroyed, 1);
  pthread_join(thread, NULL);
}

static void *holds_a_value(void *unused) {
  (void)unused;
  co_setspecific(key, (void *)1);
  co_yield_ct();
  return NULL;
}

TEST(another_threads_coroutine_is_released_in_that_threads_next_turn) {
  count_values();
  stCoRoutine_t *co = start(holds_a_value, NULL);
  elsewhere(releases, co);
  CHECK_IS(destroyed, 0);
  loop_for(1);
  CHECK_IS(destroyed, 1);
}

static void *loops_until_destroyed(void *place) {
  stCoRoutine_t *co = start(holds_a_value, NULL);
  __atomic_store_n((stCoRoutine_t **)place, co, __ATOMIC_RELEASE);
  loop_until(&destroyed, 1);
  return NULL;
}

TEST(a_release_by_another_thread_wakes_the_loop) {
  pthread_t thread;
  stCoRoutine_t *co = NULL;
  count_values();
  pthread_create(&thread, NULL, loops_until_destroyed, &co);
  while (!__atomic_load_n(&co, __ATOMIC_ACQUIRE)) sched_yield();
  co_release(co);
  pthread_join(thread, NULL);
  CHECK_IS(destroyed, 1);
}

static void *leaves_a_value(void *place) {
  *(stCoRoutine_t **)place = start(holds_a_value, NULL);
  return NULL;
}

TEST_SAYS(a_coroutine_can_be_released_after_its_thread_has_ended, NULL) {
  stCoRoutine_t *co;
  count_values();
  elsewhere(leaves_a_value, &co);
  CHECK_IS(destroyed, 1);
  co_release(co);
  CHECK_IS(destroyed, 1);
}

enum { HEIRS = 2000 };

static void *makes_many(void *place) {
  for (int i = 0; i < HEIRS; i++) {
    stCoRoutine_t *co = start(holds_a_value, NULL);
    __atomic_store_n((stCoRoutine_t **)place + i, co, __ATOMIC_RELEASE);
  }
  return NULL;
}

TEST(releases_that_race_with_the_end_of_the_thread_free_each_coroutine_once) {
  static stCoRoutine_t *all[HEIRS];
  count_values();
  for (int round = 1; round <= 20; round++) {
    pthread_t thread;
    memset(all, 0, sizeof all);
    pthread_create(&thread, NULL, makes_many, all);
    for (int i = 0; i < HEIRS; i++) {
      stCoRoutine_t *co;
      while (!(co = __atomic_load_n(&all[i], __ATOMIC_ACQUIRE))) sched_yield();
      co_release(co);
    }
    pthread_join(thread, NULL);
    CHECK_IS(destroyed, round * HEIRS);
  }
}

static void *creates_and_is_outlived(void *place) {
  *(stCoRoutine_t **)place = start(three_steps, "c");
  return NULL;
}

TEST(a_coroutine_outlives_the_one_that_made_it) {
  stCoRoutine_t *child = NULL;
  co_release(start(creates_and_is_outlived, &child));
  for (int i = 0; i < 3; i++) co_resume(child);
  CHECK_TEXT(trace, "ccc!");
  CHECK(child->cEnd);
  co_release(child);
}

RUN_TESTS
