/* What cannot be resumed, yields outside any coroutine, and what cannot be made. */
#include "steps.h"

TEST_SAYS(resuming_a_finished_coroutine_does_nothing, NULL) {
  int runs = 0;
  stCoRoutine_t *co = start(returns_at_once, &runs);
  CHECK(co->cEnd);
  for (int i = 0; i < 3; i++) co_resume(co);
  CHECK_IS(runs, 1);
  co_release(co);
}

static void *resumes_itself(void *unused) {
  (void)unused;
  co_resume(co_self());
  note("on");
  return NULL;
}

TEST_SAYS(resuming_the_running_coroutine_is_logged_and_does_nothing, "co_resume") {
  stCoRoutine_t *co = start(resumes_itself, NULL);
  CHECK_TEXT(trace, "on");
  CHECK(co->cEnd);
}

static void *resumes_its_child(void *unused) {
  (void)unused;
  stCoRoutine_t *child = spawn(resumes_its_argument, co_self());
  co_resume(child);
  CHECK(child->cEnd);
  note("p");
  co_release(child);
  return NULL;
}

TEST_SAYS(resuming_a_coroutine_that_waits_for_one_it_resumed_is_logged_and_does_nothing, "co_resume") {
  co_release(start(resumes_its_child, NULL));
  CHECK_TEXT(trace, "rp");
}

TEST_SAYS(resuming_what_stands_for_the_thread_is_logged_and_does_nothing, "thread itself") {
  co_init_curr_thread_env();
  co_release(start(resumes_its_argument, co_self()));
  CHECK_TEXT(trace, "r");
}

TEST_SAYS(resuming_null_is_logged_and_does_nothing, "co_resume") {
  co_resume(NULL);
}

static void *resumes_from_a_thread_of_its_own(void *co) {
  co_resume(co);
  co_init_curr_thread_env();
  co_resume(co);
  return NULL;
}

TEST_SAYS(resuming_another_threads_coroutine_is_logged_and_does_nothing, "another thread") {
  stCoRoutine_t *fresh = spawn(three_steps, "f"), *suspended = start(three_steps, "s");
  elsewhere(resumes_from_a_thread_of_its_own, fresh);
  elsewhere(resumes_from_a_thread_of_its_own, suspended);
  CHECK_TEXT(trace, "s");
  co_resume(fresh);
  co_resume(suspended);
  CHECK_TEXT(trace, "sfs");
}

static void *leaves_a_coroutine(void *place) {
  *(stCoRoutine_t **)place = start(three_steps, "t");
  return NULL;
}

TEST_SAYS(resuming_a_coroutine_of_a_thread_that_has_ended_does_nothing, NULL) {
  stCoRoutine_t *co;
  elsewhere(leaves_a_coroutine, &co);
  co_resume(co);
  co_init_curr_thread_env();
  co_resume(co);
  CHECK_TEXT(trace, "t");
  co_release(co);
}

TEST_SAYS(yielding_outside_any_coroutine_does_nothing, NULL) {
  for (int i = 0; i < 2; i++) {
    co_yield_ct();
    co_yield(NULL);
    co_yield_env(co_get_curr_thread_env());
    co_release(start(returns_at_once, NULL));
  }
  co_yield(co_self());
}

TEST(co_create_refuses_what_it_cannot_make) {
  stCoRoutine_t *co = (stCoRoutine_t *)&co;
  errno = 0;
  CHECK(co_create(NULL, NULL, returns_at_once, NULL) == -1 && errno == EINVAL);
  errno = 0;
  CHECK(co_create(&co, NULL, NULL, NULL) == -1 && errno == EINVAL);
  CHECK(co == NULL);
}

RUN_TESTS
