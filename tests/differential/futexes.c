/* The system call futex, of which programs make locks of their own. */
#include "scenario.h"

#include <linux/futex.h>

static unsigned word, other;

static long futex(void *at, int operation, unsigned value, const void *time, void *second, unsigned third) {
  return syscall(SYS_futex, at, operation, value, time, second, third);
}

static const struct timespec soon = {0, 20000000}, too_much = {0, 1000000000}, negative = {-1, 0}, long_ago = {1, 0};

SCENARIO(futex_refusals, "waits that end at once, in time, or are refused") {
  word = 1;
  for (int shared = 0; shared < 2; shared++) {
    int private = shared ? 0 : FUTEX_PRIVATE_FLAG;
    TRACE(futex(&word, FUTEX_WAIT | private, 0, NULL, NULL, 0));
    TRACE_WAIT(20, futex(&word, FUTEX_WAIT | private, 1, &soon, NULL, 0));
    TRACE(futex(&word, FUTEX_WAIT | private, 1, &too_much, NULL, 0));
    TRACE(futex(&word, FUTEX_WAIT | private, 1, &negative, NULL, 0));
    TRACE(futex(&word, FUTEX_WAIT | private, 1, (void *)8, NULL, 0));
    TRACE(futex(&word, FUTEX_WAIT_BITSET | private, 1, &long_ago, NULL, FUTEX_BITSET_MATCH_ANY));
    TRACE(futex(&word, FUTEX_WAIT_BITSET | private, 1, NULL, NULL, 0));
    TRACE(futex((char *)&word + 1, FUTEX_WAIT | private, 1, NULL, NULL, 0));
    TRACE(futex((void *)64, FUTEX_WAIT | private, 1, NULL, NULL, 0));
    TRACE(futex((char *)&word + 1, FUTEX_WAKE | private, 1, NULL, NULL, 0));
    TRACE(futex(&word, FUTEX_WAKE_BITSET | private, 1, NULL, NULL, 0));
    TRACE(futex((void *)64, FUTEX_WAKE | private, 1, NULL, NULL, 0));
    TRACE(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME | private, 1, &soon, NULL, 0));
    TRACE(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME | private, 1, NULL, NULL, 0));
    TRACE(futex(&word, 99 | private, 1, NULL, NULL, 0));
  }
}

static void wait_for_bits(void *bits) {
  TRACE(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (unsigned)(uintptr_t)bits));
}

SCENARIO(futex_bits, "wake-ups choose by bits, by place, and by number") {
  start("one", wait_for_bits, (void *)1);
  settle();
  start("two", wait_for_bits, (void *)2);
  settle();
  start("three", wait_for_bits, (void *)3);
  settle();
  TRACE(futex(&other, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
  TRACE(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, 4));
  TRACE(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL, 2));
  settle();
  say("%d%d%d", has_ended("one"), has_ended("two"), has_ended("three"));
  TRACE(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0));
  settle();
  say("%d%d%d", has_ended("one"), has_ended("two"), has_ended("three"));
  TRACE(futex(&word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0));
  TRACE(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
  join();
}

static void do_nothing(int signal) { (void)signal; }

static void wait_with_time(void *time) { TRACE(futex(&word, FUTEX_WAIT_PRIVATE, 0, time, NULL, 0)); }

SCENARIO(futex_handlers, "handlers end a wait, unless they restart one without a time") {
  static struct timespec long_time = {20, 0};
  for (int i = 0; i < 4; i++) {
    char name[20];
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = i & 1 ? SA_RESTART : 0};
    MUST(sigaction(SIGUSR1, &action, NULL));
    snprintf(name, sizeof name, "waiter %d", i);
    start(name, wait_with_time, i & 2 ? &long_time : NULL);
    settle();
    signal_actor(name, SIGUSR1);
    settle();
    usleep(50000);
    say("%d has ended: %d", i, has_ended(name));
    TRACE(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    join();
  }
}
