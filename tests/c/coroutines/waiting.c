/*
 * Coroutines that wait, in every place: they are released, reset, resumed by hand, or lose their thread, and who waits
 * there next is none the worse for it.
 */
#include "places.h"
#include "values.h"

#include "co_routine_inner.h"

static void *waits(void *wait) {
  co_enable_hook_sys();
  if (keyed) co_setspecific(key, (void *)1);
  begun++;
  ((void (*)(void))wait)();
  done++;
  return NULL;
}

/* `co` waits, and when it need no longer, it ends once. */
static void ends_well(stCoRoutine_t *co, void (*end)(void)) {
  CHECK_IS(done, 0);
  end();
  loop_until(&done, 1);
  CHECK(co->cEnd);
  co_release(co);
  loop_for(2);
  CHECK_IS(done, 1);
}

/* A coroutine that waits as it should, on the same things as one before, which is gone. */
static void next_one_waits_well(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = spawn(waits, (void *)wait);
  begun = done = 0;
  co_resume(co);
  CHECK_IS(begun, 1);
  ends_well(co, end);
}

static void release_parked(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = start(waits, (void *)wait);
  CHECK_IS(begun, 1);
  co_release(co);
  next_one_waits_well(wait, end);
}

static void release_one_of_three(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *a = start(waits, (void *)wait), *b = start(waits, (void *)wait), *c = start(waits, (void *)wait);
  co_release(b);
  co_release(a);
  co_release(c);
  next_one_waits_well(wait, end);
}

static void reset_parked(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = start(waits, (void *)wait);
  co_reset(co);
  CHECK(!co->cStart && !co->cEnd);
  loop_for(30);
  CHECK_IS(begun, 1);
  co_resume(co);
  CHECK_IS(begun, 2);
  ends_well(co, end);
}

static void *leaves_one_waiting(void *wait) {
  start(waits, wait);
  return NULL;
}

static void end_thread_of_parked(void (*wait)(void), void (*end)(void)) {
  elsewhere(leaves_one_waiting, (void *)wait);
  CHECK_IS(begun, 1);
  next_one_waits_well(wait, end);
}

static void *releases_itself_and_waits(void *wait) {
  co_enable_hook_sys();
  co_setspecific(key, (void *)1);
  co_release(co_self());
  begun++;
  CHECK_IS(destroyed, 0);
  ((void (*)(void))wait)();
  done++;
  return NULL;
}

static void release_before_waiting(void (*wait)(void), void (*end)(void)) {
  count_values();
  start(releases_itself_and_waits, (void *)wait);
  CHECK_IS(begun, 1);
  loop_for(30);
  CHECK_IS(destroyed, 1);
  CHECK_IS(done, 0);
  keyed = 0;
  next_one_waits_well(wait, end);
}

static void release_parked_from_another_thread(void (*wait)(void), void (*end)(void)) {
  count_values();
  stCoRoutine_t *co = start(waits, (void *)wait);
  elsewhere(releases, co);
  CHECK_IS(destroyed, 0);
  loop_for(2);
  CHECK_IS(destroyed, 1);
  keyed = 0;
  next_one_waits_well(wait, end);
}

static void resume_goes_back_to_waiting(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = start(waits, (void *)wait);
  for (int i = 0; i < 3; i++) {
    co_resume(co);
    CHECK_IS(done, 0);
  }
  end();
  loop_until(&done, 1);
  co_resume(co);
  CHECK_IS(begun, 1);
  CHECK_IS(done, 1);
  co_release(co);
}

static void resume_ends_as_a_time_out(void (*wait)(void), void (*end)(void)) {
  stCoRoutine_t *co = start(waits, (void *)wait);
  long long before = now_ns();
  CHECK_IS(done, 0);
  result = -2;
  co_resume(co);
  CHECK_IS(done, 1);
  CHECK(since_ms(before) < 60000);
  if (result != 0) {
    CHECK_IS(result, -1);
    CHECK_IS(error, ETIMEDOUT);
  }
  co_release(co);
  next_one_waits_well(wait, end);
}

#define CASE(title, kind, prepare, happens)  \
  TEST(title) {                              \
    prepare();                               \
    happens(wait_in_##kind, end_##kind);     \
    remove_directory();                      \
  }

#define OF_KIND(kind, prepare)                                                                         \
  CASE(a_coroutine_that_waits_in_##kind##_can_be_released, kind, prepare, release_parked)               \
  CASE(several_that_wait_in_##kind##_can_be_released, kind, prepare, release_one_of_three)              \
  CASE(a_coroutine_that_waits_in_##kind##_can_be_reset, kind, prepare, reset_parked)                    \
  CASE(a_coroutine_that_waits_in_##kind##_is_forgotten_with_its_thread, kind, prepare, end_thread_of_parked) \
  CASE(a_coroutine_released_by_itself_is_freed_when_it_waits_in_##kind, kind, prepare, release_before_waiting) \
  CASE(a_coroutine_that_waits_in_##kind##_can_be_released_by_another_thread, kind, prepare,             \
       release_parked_from_another_thread)

#define GOES_BACK(kind, prepare) \
  OF_KIND(kind, prepare)         \
  CASE(a_coroutine_resumed_while_it_waits_in_##kind##_goes_back_to_waiting, kind, prepare, resume_goes_back_to_waiting)

#define TIMES_OUT(kind)  \
  OF_KIND(kind, set_up)  \
  CASE(a_coroutine_resumed_while_it_waits_in_##kind##_sees_a_time_out, kind, set_up, resume_ends_as_a_time_out)

GOES_BACK(read, set_up)
GOES_BACK(recv, set_up)
GOES_BACK(write, set_up)
GOES_BACK(accept, set_up)
GOES_BACK(co_accept, set_up)
GOES_BACK(connect, set_up)
GOES_BACK(select, set_up)
GOES_BACK(usleep, set_up)
GOES_BACK(nanosleep, set_up)
GOES_BACK(gethostbyname, set_up_look_ups)
TIMES_OUT(poll)
TIMES_OUT(ppoll)
TIMES_OUT(co_poll)
TIMES_OUT(poll_of_nothing)
TIMES_OUT(co_cond_timedwait)
TIMES_OUT(co_cond_timedwait_with_a_limit)

RUN_TESTS
