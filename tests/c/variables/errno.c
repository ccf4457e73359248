/* Each coroutine has its own errno, and hooks on or off. */
#include "../check.h"

#include "co_routine_inner.h"

static int done;

static void *has_its_errno(void *argument) {
  int mine = (int)(intptr_t)argument;
  CHECK_IS(errno, 0);
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) {
    errno = mine + i;
    if (i % 2)
      co_yield_ct();
    else
      usleep(500);
    CHECK_IS(errno, mine + i);
  }
  done++;
  return NULL;
}

TEST(errno_is_each_coroutines_own) {
  stCoRoutine_t *all[50];
  errno = 4711;
  for (long i = 0; i < 50; i++) all[i] = start(has_its_errno, (void *)(i * 100));
  CHECK_IS(errno, 4711);
  while (done < 50) {
    loop_for(1);
    for (int i = 0; i < 50; i++) {
      errno = 4711 + i;
      co_resume(all[i]);
      CHECK_IS(errno, 4711 + i);
    }
  }
}

static void *begins_with_errno(void *unused) {
  CHECK_IS(errno, 0);
  errno = 99;
  return unused;
}

TEST(errno_begins_with_zero_also_after_a_reset) {
  stCoRoutine_t *co = start(begins_with_errno, NULL);
  co_reset(co);
  errno = 5;
  co_resume(co);
  CHECK_IS(errno, 5);
}

static void *fails_in_its_way(void *argument) {
  int bad = (int)(intptr_t)argument;
  char byte;
  co_enable_hook_sys();
  for (int i = 0; i < 20; i++) {
    if (bad)
      CHECK(read(-1, &byte, 1) == -1 && errno == EBADF);
    else
      CHECK(lseek(0, 0, 77) == -1 && (errno == EINVAL || errno == ESPIPE));
    int mine = errno;
    usleep(100);
    CHECK_IS(errno, mine);
  }
  done++;
  return NULL;
}

TEST(errno_of_a_call_survives_waiting) {
  for (long i = 0; i < 20; i++) start(fails_in_its_way, (void *)(i % 2));
  loop_until(&done, 20);
}

static void *switches_hooks(void *unused) {
  CHECK(!co_is_enable_sys_hook());
  co_enable_hook_sys();
  co_yield_ct();
  CHECK(co_is_enable_sys_hook());
  co_disable_hook_sys();
  co_yield_ct();
  CHECK(!co_is_enable_sys_hook());
  return unused;
}

TEST(whether_hooks_are_on_is_each_coroutines_own) {
  CHECK(!co_is_enable_sys_hook());
  stCoRoutine_t *one = start(switches_hooks, NULL), *two = start(switches_hooks, NULL);
  CHECK(!co_is_enable_sys_hook());
  co_resume(one);
  co_resume(two);
  CHECK(!co_is_enable_sys_hook());
  co_enable_hook_sys();
  CHECK(co_is_enable_sys_hook());
  co_resume(one);
  co_resume(two);
  CHECK(co_is_enable_sys_hook());
  CHECK(one->cEnd && two->cEnd);
}

RUN_TESTS
