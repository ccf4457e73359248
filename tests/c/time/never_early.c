/* Nobody wakes early, in whichever call, and sleepers sleep at the same time. */
#include "../refusal.h"
#include "sleepers.h"

static stCoCond_t *cond;

static long long realtime_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct timespec spec(long long ns) {
  struct timespec t = {ns / 1000000000, ns % 1000000000};
  return t;
}

static struct dice dice;
static int idle[2];

/* Sleeps for at most about `most` microseconds in one of the many ways. */
static void sleep_somehow(unsigned most) {
  unsigned us = below(&dice, most), ms = us / 1000;
  struct pollfd fd = {idle[0], POLLIN, -1};
  struct timespec t = spec(us * 1000LL + below(&dice, 1000));
  struct timeval v = {0, us};
  fd_set in;
  long long before = now_ns();
  FD_ZERO(&in);
  FD_SET(idle[0], &in);
  switch (below(&dice, 14)) {
    case 0:
      CHECK_IS(usleep(us), 0);
      check_slept(before, us * 1000LL, "usleep");
      break;
    case 1:
      CHECK_IS(nanosleep(&t, NULL), 0);
      check_slept(before, t.tv_nsec, "nanosleep");
      break;
    case 2:
      CHECK_IS(poll(NULL, 0, (int)ms), 0);
      check_slept(before, ms * 1000000LL, "poll of nothing");
      break;
    case 3:
      CHECK_IS(poll(&fd, 1, (int)ms), 0);
      CHECK_IS(fd.revents, 0);
      check_slept(before, ms * 1000000LL, "poll");
      break;
    case 4:
      CHECK_IS(co_poll(co_get_epoll_ct(), &fd, 1, (int)ms), 0);
      CHECK_IS(fd.revents, 0);
      check_slept(before, ms * 1000000LL, "co_poll");
      break;
    case 5:
      CHECK_IS(ppoll(&fd, 1, &t, NULL), 0);
      check_slept(before, t.tv_nsec, "ppoll");
      break;
    case 6:
      CHECK_IS(select(0, NULL, NULL, NULL, &v), 0);
      CHECK(v.tv_sec == 0 && v.tv_usec == 0);
      check_slept(before, us * 1000LL, "select of nothing");
      break;
    case 7:
      CHECK_IS(select(idle[0] + 1, &in, NULL, NULL, &v), 0);
      CHECK(!FD_ISSET(idle[0], &in));
      check_slept(before, us * 1000LL, "select");
      break;
    case 8:
      CHECK_IS(pselect(idle[0] + 1, &in, NULL, NULL, &t, NULL), 0);
      check_slept(before, t.tv_nsec, "pselect");
      break;
    case 9:
      if (ms == 0) break;
      CHECK(co_cond_timedwait(cond, (int)ms) == -1 && errno == ETIMEDOUT);
      check_slept(before, ms * 1000000LL, "co_cond_timedwait");
      break;
    case 10:
      CHECK_IS(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL), 0);
      check_slept(before, t.tv_nsec, "clock_nanosleep");
      break;
    case 11:
      CHECK_IS(clock_nanosleep(CLOCK_REALTIME, 0, &t, NULL), 0);
      check_slept(before, t.tv_nsec, "clock_nanosleep by the wall clock");
      break;
    case 12: {
      struct timespec until = spec(before + t.tv_nsec);
      CHECK_IS(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
      check_slept(before, t.tv_nsec, "clock_nanosleep until");
      break;
    }
    default: {
      long long until = realtime_ns() + t.tv_nsec;
      t = spec(until);
      CHECK_IS(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL), 0);
      if (realtime_ns() < until) early++;
    }
  }
}

static void *sleeps_often(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 20; i++) sleep_somehow(20000);
  done++;
  return unused;
}

TEST(nobody_wakes_early_in_forty_thousand_sleeps_of_random_length) {
  dice = cast_dice();
  cond = co_cond_alloc();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, idle) == 0);
  for (int i = 0; i < 2000; i++) start(sleeps_often, NULL);
  loop_until(&done, 2000);
  CHECK_IS(early, 0);
}

static void *ends_process_when_all_slept(void *unused) {
  for (int i = 0; i < 20; i++) sleep_somehow(5000);
  if (++done == 200) {
    fflush(NULL);
    _exit(check_failures || early);
  }
  return unused;
}

static void *with_hooks(void *body) {
  co_enable_hook_sys();
  return ((void *(*)(void *))body)(NULL);
}

TEST(nobody_wakes_early_from_a_loop_without_a_callback) {
  dice = cast_dice();
  cond = co_cond_alloc();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, idle) == 0);
  for (int i = 0; i < 200; i++) start(with_hooks, (void *)ends_process_when_all_slept);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
}

struct sleeper {
  long long before, after, ns;
};
static struct sleeper *woken[1000];

static void *tells_when_it_wakes(void *argument) {
  struct sleeper *me = argument;
  struct timespec t = spec(me->ns);
  co_enable_hook_sys();
  nanosleep(&t, NULL);
  woken[done++] = me;
  return NULL;
}

TEST(sleepers_wake_in_the_order_of_their_deadlines) {
  static struct sleeper all[1000];
  dice = cast_dice();
  for (int i = 0; i < 1000; i++) {
    all[i].ns = below(&dice, 100000000);
    all[i].before = now_ns();
    start(tells_when_it_wakes, &all[i]);
    all[i].after = now_ns();
  }
  loop_until(&done, 1000);
  for (int i = 1; i < 1000; i++) {
    /* A deadline lies between what the clock said before and after, plus the time. */
    CHECK(woken[i - 1]->before + woken[i - 1]->ns <= woken[i]->after + woken[i]->ns);
  }
}

static long long shortest = LLONG_MAX;

static void *sleeps_a_moment(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 300; i++) {
    long long before = now_ns();
    usleep(100);
    if (now_ns() - before < shortest) shortest = now_ns() - before;
  }
  done = 1;
  return unused;
}

static void sleep_for_moments(void) {
  start(sleeps_a_moment, NULL);
  loop_until(&done, 1);
  CHECK(shortest >= 100000);
  /* The best of many, because the machine may be busy. */
  CHECK(shortest < 1000000);
}

TEST(short_sleeps_are_not_rounded_to_milliseconds) { sleep_for_moments(); }

TEST(nor_are_they_where_the_kernel_has_no_epoll_pwait2) {
  refuse(SYS_epoll_pwait2, ENOSYS);
  sleep_for_moments();
}

TEST(nor_where_a_filter_refuses_it) {
  refuse(SYS_epoll_pwait2, EPERM);
  sleep_for_moments();
}

/* Where returns are checked too, AddressSanitizer maps a second stack for each: a process may have 65,530 maps. */
#ifdef __SANITIZE_ADDRESS__
enum { CROWD = 20000 };
#else
enum { CROWD = 50000 };
#endif

static void *sleeps_once(void *argument) {
  unsigned us = (unsigned)(uintptr_t)argument;
  long long before = now_ns();
  co_enable_hook_sys();
  usleep(us);
  check_slept(before, us * 1000LL, "usleep");
  done++;
  return NULL;
}

TEST(a_crowd_sleeps_at_once) {
  long long before = now_ns();
  dice = cast_dice();
  for (int i = 0; i < CROWD; i++) co_resume(spawn_on(NULL, 4096, sleeps_once, (void *)(uintptr_t)below(&dice, 300000)));
  loop_until(&done, CROWD);
  CHECK_IS(early, 0);
  /* One after the other they would take two hours. */
  CHECK(since_ms(before) < 60000);
}

static void *sleeps_fifty_ms(void *unused) {
  co_enable_hook_sys();
  usleep(50000);
  done++;
  return unused;
}

TEST(sleepers_sleep_at_the_same_time) {
  long long before = now_ns();
  for (int i = 0; i < 100; i++) start(sleeps_fifty_ms, NULL);
  CHECK_IS(done, 0);
  loop_until(&done, 100);
  CHECK(since_ms(before) >= 50);
}

RUN_TESTS
