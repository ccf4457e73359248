/* Coroutines that are released while they sleep leave nothing behind. */
#include "../check.h"

static int begun;

static void *sleeps_by_clock(void *clock) {
  struct timespec time;
  co_enable_hook_sys();
  clock_gettime((clockid_t)(intptr_t)clock, &time);
  time.tv_sec += 1000;
  begun++;
  clock_nanosleep((clockid_t)(intptr_t)clock, TIMER_ABSTIME, &time, NULL);
  CHECK(!"released, it does not come back");
  return NULL;
}

static void sleep_and_release(clockid_t clock) {
  stCoRoutine_t *co = start(sleeps_by_clock, (void *)(intptr_t)clock);
  co_release(co);
}

TEST(a_coroutine_that_is_released_while_it_sleeps_by_any_clock_leaves_no_descriptor) {
  const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
  sleep_and_release(CLOCK_REALTIME); /* The thread's own descriptors stay. */
  int descriptors = open_descriptors();
  for (int i = 0; i < 40; i++) sleep_and_release(clocks[i % 4]);
  CHECK_IS(begun, 41);
  CHECK_IS(open_descriptors(), descriptors);
}

RUN_TESTS
