/* Coroutines begin anew after co_reset, unless they run or belong to somebody else. */
#include "steps.h"

TEST(a_fresh_coroutine_can_be_reset) {
  stCoRoutine_t *co = spawn(three_steps, "a");
  co_reset(co);
  co_resume(co);
  CHECK_TEXT(trace, "a");
  co_release(co);
}

TEST(a_suspended_coroutine_begins_anew_after_reset) {
  stCoRoutine_t *co = start(three_steps, "a");
  co_resume(co);
  co_resume(co);
  co_reset(co);
  note(".");
  for (int i = 0; i < 4; i++) co_resume(co);
  CHECK_TEXT(trace, "aaa.aaa!");
  co_release(co);
}

TEST(a_finished_coroutine_runs_again_after_each_reset) {
  int runs = 0;
  stCoRoutine_t *co = spawn(returns_at_once, &runs);
  for (int i = 0; i < 1000; i++) {
    co_resume(co);
    CHECK(co->cEnd && co->cStart);
    co_reset(co);
    CHECK(!co->cEnd && !co->cStart);
  }
  CHECK_IS(runs, 1000);
  co_release(co);
}

static void *resets_itself(void *unused) {
  (void)unused;
  note("1");
  co_reset(co_self());
  note("2");
  co_yield_ct();
  note("3");
  return NULL;
}

TEST_SAYS(resetting_the_running_coroutine_is_logged_and_does_nothing, "co_reset") {
  stCoRoutine_t *co = start(resets_itself, NULL);
  co_resume(co);
  CHECK_TEXT(trace, "123");
  CHECK(co->cEnd);
}

static void *resets_its_resumer(void *co) {
  co_reset(co);
  return NULL;
}

static void *lets_itself_be_reset(void *unused) {
  (void)unused;
  co_release(start(resets_its_resumer, co_self()));
  note("on");
  return NULL;
}

TEST_SAYS(resetting_a_coroutine_that_waits_for_one_it_resumed_is_logged_and_does_nothing, "co_reset") {
  start(lets_itself_be_reset, NULL);
  CHECK_TEXT(trace, "on");
}

TEST_SAYS(resetting_another_threads_coroutine_is_logged_and_does_nothing, "another thread") {
  stCoRoutine_t *co = start(three_steps, "a");
  elsewhere(resets_its_resumer, co);
  for (int i = 0; i < 3; i++) co_resume(co);
  CHECK_TEXT(trace, "aaa!");
}

TEST_SAYS(resetting_null_is_logged_and_does_nothing, "co_reset") {
  co_reset(NULL);
}

RUN_TESTS
