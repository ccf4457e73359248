/* sleeping.c - every way to sleep, and that nobody wakes early. */
#include "scenario.h"

/* Waits by the clock that the call itself counts by: none may be short by a nanosecond. */
static int64_t now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

#define TRACE_SLEEP(ns, call)                                                 \
  do {                                                                        \
    int64_t before = now_ns(CLOCK_MONOTONIC);                                 \
    TRACE(call);                                                              \
    int64_t took = now_ns(CLOCK_MONOTONIC) - before;                          \
    if (took < (ns)) say("... which woke %d ns early", (int)((ns) - took));   \
    if (took > (ns) + 15000000000) say("... which slept much too long");      \
  } while (0)

SCENARIO(sleeps, "sleep, usleep, nanosleep, clock_nanosleep") {
  static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
  struct timespec little = {0, 30000001}, left = {7, 7};
  TRACE_SLEEP(0, sleep(0));
  TRACE_SLEEP(1000000000, sleep(1));
  TRACE_SLEEP(0, usleep(0));
  TRACE_SLEEP(30000000, usleep(30000));
  TRACE_SLEEP(1010000000, usleep(1010000));
  TRACE_SLEEP(30000001, nanosleep(&little, &left));
  TRACE_SLEEP(30000001, nanosleep(&little, NULL));
  for (int i = 0; i < 4; i++) {
    say("clock %d", clocks[i]);
    TRACE_SLEEP(30000001, clock_nanosleep(clocks[i], 0, &little, &left));
    int64_t until = now_ns(clocks[i]) + 30000001;
    struct timespec then = {until / 1000000000, until % 1000000000};
    TRACE(clock_nanosleep(clocks[i], TIMER_ABSTIME, &then, NULL));
    say("early: %d", now_ns(clocks[i]) < until);
    TRACE(clock_nanosleep(clocks[i], TIMER_ABSTIME, &then, &left));
    TRACE(clock_nanosleep(clocks[i], TIMER_ABSTIME, &(struct timespec){0, 0}, NULL));
    TRACE(clock_nanosleep(clocks[i], TIMER_ABSTIME, &(struct timespec){1, 0}, NULL));
  }
  say("%ld %ld", (long)left.tv_sec, left.tv_nsec);
}

static const struct timespec *volatile none = NULL;

SCENARIO(wrong_sleeps, "times and clocks that are refused") {
  static const struct timespec wrong[] = {{-1, 0}, {0, -1}, {0, 1000000000}, {0, LONG_MAX}, {LONG_MIN, 0}};
  static const clockid_t clocks[] = {CLOCK_REALTIME,        CLOCK_MONOTONIC,         CLOCK_MONOTONIC_RAW,
                                     CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,
                                     CLOCK_TAI,             CLOCK_THREAD_CPUTIME_ID, 77,
                                     -1,                    CLOCK_PROCESS_CPUTIME_ID};
  struct timespec zero = {0, 0};
  for (int i = 0; i < 5; i++) {
    TRACE(nanosleep(&wrong[i], NULL));
    for (int c = 0; c < 11; c++) {
      say("clock %d", clocks[c]);
      TRACE_CODE(clock_nanosleep(clocks[c], 0, &wrong[i], NULL));
      TRACE_CODE(clock_nanosleep(clocks[c], TIMER_ABSTIME, &wrong[i], NULL));
    }
  }
  for (int c = 0; c < 11; c++) {
    say("clock %d", clocks[c]);
    TRACE_CODE(clock_nanosleep(clocks[c], 0, none, NULL));
    TRACE_CODE(clock_nanosleep(clocks[c], 0, &zero, NULL));
    TRACE_CODE(clock_nanosleep(clocks[c], 1234, &zero, NULL));
  }
  TRACE(nanosleep(none, NULL));
  TRACE(nanosleep(nowhere, NULL));
  TRACE(nanosleep(&zero, nowhere));
}

static int order[4], next;

static void sleep_and_count(void *argument) {
  int mine = *(int *)argument;
  usleep((unsigned)mine * 150000 + 100000);
  order[__atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST)] = mine;
  say("%d", mine);
}

SCENARIO(order_of_sleeps, "sleepers wake in the order of their times") {
  static int numbers[] = {2, 0, 3, 1};
  static const char *const names[] = {"two", "nought", "three", "one"};
  for (int i = 0; i < 4; i++) start(names[i], sleep_and_count, &numbers[i]);
  join();
  for (int i = 0; i < 4; i++) say("%d", order[i]);
}

static void burn(void *argument) {
  (void)argument;
  /* Its clock runs only while the process computes. */
  struct timespec little = {0, 20000000};
  TRACE_CODE(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &little, NULL));
}

SCENARIO(processor_time, "a sleep by the process's processor time") {
  start("sleeper", burn, NULL);
  settle();
  say("still waiting: %d", !has_ended("sleeper"));
  /* A thread computes on; a coroutine must let others in now and then. */
  while (!has_ended("sleeper")) {
    int64_t until = now_ns(CLOCK_MONOTONIC) + 5000000;
    while (now_ns(CLOCK_MONOTONIC) < until) continue;
    usleep(1);
  }
  join();
}
