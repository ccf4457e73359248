/* What is kept of a released coroutine for the next one must not show: a new coroutine has nothing of an old one. */
#include "../check.h"

#include <poll.h>
#include <xmmintrin.h>

#include "co_routine_inner.h"

enum { ROUNDS = 200 };

static pthread_key_t key;
static int rounds;

static void expect_nothing(void) {
  stCoRoutine_t *me = co_self();
  CHECK(!co_is_enable_sys_hook());
  CHECK_IS(errno, 0);
  CHECK(co_getspecific(key) == NULL);
  CHECK_TEXT(getenv("CHECK_AGAIN"), "process");
  CHECK_IS((int)_MM_GET_ROUNDING_MODE(), rounds % 2 ? _MM_ROUND_UP : _MM_ROUND_NEAREST);
  CHECK(me->cStart && !me->cEnd);
}

/* Leaves all that can be left, and then goes the way that `how` says. */
static void *leaves_all(void *how) {
  struct pollfd none = {-1, POLLIN, 0};
  rounds++;
  _MM_SET_ROUNDING_MODE(rounds % 2 ? _MM_ROUND_UP : _MM_ROUND_NEAREST);
  co_enable_hook_sys();
  co_setspecific(key, &key);
  setenv("CHECK_AGAIN", "coroutine", 1);
  _MM_SET_ROUNDING_MODE(_MM_ROUND_DOWN);
  errno = 7;
  switch ((int)(intptr_t)how) {
    case 0: return NULL;
    case 1: co_yield_ct(); break;
    case 2: poll(&none, 1, 60000); break;
    case 3: co_release(co_self()); break;
  }
  return NULL;
}

static void *has_nothing(void *unused) {
  (void)unused;
  rounds++;
  expect_nothing();
  co_yield_ct();
  return NULL;
}

static void goes_again(int way) {
  const char *names[] = {"CHECK_AGAIN"};
  pthread_key_create(&key, NULL);
  setenv("CHECK_AGAIN", "process", 1);
  co_set_env_list(names, 1);
  for (int i = 0; i < ROUNDS; i++) {
    stCoRoutine_t *old = start(leaves_all, (void *)(intptr_t)way);
    CHECK_IS((int)_MM_GET_ROUNDING_MODE(), _MM_ROUND_NEAREST);
    if (way != 3) co_release(old);
    _MM_SET_ROUNDING_MODE((rounds + 1) % 2 ? _MM_ROUND_UP : _MM_ROUND_NEAREST);
    stCoRoutine_t *new = spawn(has_nothing, NULL);
    CHECK(!new->cStart && !new->cEnd);
    _MM_SET_ROUNDING_MODE(_MM_ROUND_NEAREST);
    errno = 5;
    co_resume(new);
    CHECK_IS(errno, 5);
    CHECK(!new->cEnd);
    co_resume(new);
    CHECK(new->cEnd);
    co_resume(new);
    co_release(new);
  }
  CHECK_IS(rounds, 2 * ROUNDS);
}

TEST(a_coroutine_has_nothing_of_one_that_ended_and_was_released) { goes_again(0); }
TEST(a_coroutine_has_nothing_of_one_that_was_released_suspended) { goes_again(1); }
TEST(a_coroutine_has_nothing_of_one_that_was_released_waiting) { goes_again(2); }
TEST(a_coroutine_has_nothing_of_one_that_released_itself) { goes_again(3); }

static void *counts(void *count) {
  ++*(int *)count;
  return NULL;
}

TEST(each_stack_has_the_size_that_was_asked_for_whatever_was_released_before) {
  static const int sizes[] = {16384, 131072, 16384, 1048576, 65536};
  int count = 0;
  for (int i = 0; i < ROUNDS; i++) {
    stCoRoutine_t *all[5];
    for (int j = 0; j < 5; j++) {
      stCoRoutineAttr_t attr = {sizes[(i + j) % 5], NULL};
      NEED(co_create(&all[j], &attr, counts, &count) == 0);
    }
    for (int j = 0; j < 5; j++) co_resume(all[j]);
    for (int j = 0; j < 5; j++) co_release(all[(i * j) % 2 ? 4 - j : j]);
  }
  CHECK_IS(count, 5 * ROUNDS);
}

RUN_TESTS
