/* Faults of time: the wrong clock, coarse ticks, sleepers that wake early. */
#include "../sleeping_loop.h"
#include "faults.h"

#include <sys/time.h>

/* A wall clock that can be set back, for whoever asks it in this process. */
static volatile long set_back;

int gettimeofday(struct timeval *time, void *zone) {
  int result = (int)syscall(SYS_gettimeofday, time, zone);
  time->tv_sec -= set_back;
  return result;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec -= set_back;
  return result;
}

time_t time(time_t *place) {
  time_t now = (time_t)syscall(SYS_time, NULL) - set_back;
  if (place) *place = now;
  return now;
}

static void sleeps_fifty_ms(void) { CHECK_IS(usleep(50000), 0); }

TEST(timers_go_by_the_wall_clock) {
  struct timeval first, then;
  gettimeofday(&first, NULL);
  go(sleeps_fifty_ms);
  set_back = 3600;
  gettimeofday(&then, NULL);
  CHECK(then.tv_sec < first.tv_sec);
  loop_until(&done, 1);
  CHECK(took_ns >= 50000000);
  set_back = 0;
  go(sleeps_fifty_ms);
  set_back = -3600;
  loop_until(&done, 2);
  CHECK(took_ns >= 50000000);
}

static long long best = LLONG_MAX;

static void sleeps_short(void) {
  for (int i = 0; i < 200; i++) {
    long long before = now_ns();
    usleep(50);
    if (now_ns() - before < best) best = now_ns() - before;
  }
}

TEST(the_clock_ticks_in_milliseconds) {
  finish(sleeps_short);
  CHECK(best >= 50000 && best < 1000000);
}

static void polls_a_minute(void) { poll(NULL, 0, 61500); }

TEST(time_outs_above_60_seconds_are_rearmed_by_accident) {
  long sleeps = loop_sleeps_while(polls_a_minute);
  CHECK(sleeps >= 60 && sleeps <= 61);
}

static struct dice dice;

static void sleeps_at_random(void) {
  for (int i = 0; i < 50; i++) {
    unsigned ms = below(&dice, 8);
    long long before = now_ns();
    CHECK_IS(poll(NULL, 0, (int)ms), 0);
    CHECK(now_ns() - before >= ms * 1000000LL);
  }
}

TEST(sleepers_wake_early) {
  dice = cast_dice();
  for (int i = 0; i < 100; i++) go(sleeps_at_random);
  loop_until(&done, 100);
}

RUN_TESTS
