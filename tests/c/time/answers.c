/* What sleeping and polling give back, inside coroutines and outside. */
#include "sleepers.h"

static int idle[2];

struct answer {
  int result, error;
};

/* The calls of which a coroutine must see what a thread sees. */
static int ask(int which) {
  static const struct timespec negative = {-1, 0}, large = {0, 1000000000}, minus = {0, -1}, past = {1, 0}, zero = {0, 0};
  static const struct timespec short_one = {0, 1000};
  struct timespec left = {7, 7};
  struct timeval wrong = {-1, 0}, wrong_us = {0, -1}, none = {0, 0}, much = {0, 2000000};
  struct pollfd bad = {-1, POLLIN, 5}, *volatile nowhere = (struct pollfd *)8;
  volatile nfds_t too_many = (nfds_t)-1;
  switch (which) {
    case 0: return nanosleep(&negative, &left);
    case 1: return nanosleep(&large, &left);
    case 2: return nanosleep(&minus, NULL);
    case 3: return nanosleep((struct timespec *)8, NULL);
    case 4: return nanosleep(&zero, &left);
    case 5: return nanosleep(&short_one, &left) + (left.tv_sec == 7 ? 0 : 100);
    case 6: return clock_nanosleep(CLOCK_MONOTONIC, 0, &negative, NULL);
    case 7: return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &negative, NULL);
    case 8: return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL);
    case 9: return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL);
    case 10: return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &zero, NULL);
    case 11: return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &large, NULL);
    case 12: return clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &short_one, NULL);
    case 13: return clock_nanosleep(4711, 0, &short_one, NULL);
    case 14: return clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &short_one, NULL);
    case 15: return clock_nanosleep(CLOCK_BOOTTIME, 0, &short_one, &left);
    case 16: return clock_nanosleep(CLOCK_MONOTONIC, 0, (struct timespec *)8, NULL);
    case 17: return usleep(0);
    case 18: return usleep(1);
    case 19: return (int)sleep(0);
    case 20: return poll(NULL, 0, 0);
    case 21: return poll(NULL, 0, 1);
    case 22: return poll(&bad, 1, 1) + bad.revents;
    case 23: return poll(nowhere, 5, 1);
    case 24: return poll(&bad, too_many, 1);
    case 25: return select(0, NULL, NULL, NULL, &wrong);
    case 26: return select(0, NULL, NULL, NULL, &wrong_us);
    case 27: return select(0, NULL, NULL, NULL, &none);
    case 28: return select(-1, NULL, NULL, NULL, &none);
    case 29: return ppoll(NULL, 0, &negative, NULL);
    case 30: return ppoll(NULL, 0, &large, NULL);
    case 31: return pselect(0, NULL, NULL, NULL, &minus, NULL);
    case 32: return pselect(0, NULL, NULL, NULL, &short_one, NULL);
    case 33: {
      long long before = now_ns();
      int result = select(0, NULL, NULL, NULL, &much);
      return result + (now_ns() - before < 2000000000LL ? 10 : 0) + (much.tv_sec || much.tv_usec ? 100 : 0);
    }
    default: return INT_MIN;
  }
}

enum { QUESTIONS = 34 };
static struct answer answers[QUESTIONS];

static void *asks(void *argument) {
  int which = (int)(intptr_t)argument;
  co_enable_hook_sys();
  errno = 0;
  answers[which].result = ask(which);
  answers[which].error = errno;
  done++;
  return NULL;
}

TEST(results_and_errors_are_those_a_thread_gets) {
  for (intptr_t i = 0; i < QUESTIONS; i++) start(asks, (void *)i);
  loop_until(&done, QUESTIONS);
  for (int i = 0; i < QUESTIONS; i++) {
    errno = 0;
    int result = ask(i), error = errno;
    if (!CHECK(answers[i].result == result && answers[i].error == error))
      fprintf(stderr, "# question %d: %d, errno %d; a thread gets %d, errno %d\n", i, answers[i].result, answers[i].error,
              result, error);
  }
}

static void *sleeps_a_second(void *unused) {
  long long before = now_ns();
  co_enable_hook_sys();
  CHECK_IS(sleep(1), 0);
  check_slept(before, 1000000000, "sleep");
  before = now_ns();
  CHECK_IS(usleep(1100000), 0);
  check_slept(before, 1100000000, "usleep");
  done++;
  return unused;
}

TEST(sleep_and_usleep_take_more_than_a_second) {
  start(sleeps_a_second, NULL);
  loop_until(&done, 1);
  CHECK_IS(early, 0);
}

static void *blocks_the_thread(void *unused) {
  long long before = now_ns();
  co_disable_hook_sys();
  usleep(20000);
  check_slept(before, 20000000, "usleep with hooks off");
  done++;
  return unused;
}

TEST(outside_any_coroutine_and_with_hooks_off_sleeping_is_sleeping) {
  start(blocks_the_thread, NULL);
  CHECK_IS(done, 1);
  long long before = now_ns();
  CHECK_IS(usleep(20000), 0);
  CHECK_IS(poll(NULL, 0, 20), 0);
  CHECK_IS(co_poll(NULL, NULL, 0, 20), 0);
  check_slept(before, 60000000, "outside");
  CHECK_IS(early, 0);
}

static void *polls_without_hooks(void *unused) {
  long long before = now_ns();
  CHECK(!co_is_enable_sys_hook());
  CHECK_IS(co_poll(co_get_epoll_ct(), NULL, 0, 20), 0);
  check_slept(before, 20000000, "co_poll");
  done++;
  return unused;
}

TEST(co_poll_parks_also_with_hooks_off) {
  start(polls_without_hooks, NULL);
  CHECK_IS(done, 0);
  loop_until(&done, 1);
  CHECK_IS(early, 0);
}

static void *never_waits(void *unused) {
  struct pollfd fd = {idle[0], POLLIN, -1};
  co_enable_hook_sys();
  CHECK_IS(co_poll(co_get_epoll_ct(), &fd, 1, 0), 0);
  CHECK_IS(poll(&fd, 1, 0), 0);
  CHECK_IS(co_poll(NULL, NULL, 0, 0), 0);
  CHECK_IS(fd.revents, 0);
  done++;
  return unused;
}

TEST(a_time_out_of_zero_does_not_wait) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, idle) == 0);
  start(never_waits, NULL);
  CHECK_IS(done, 1);
}

RUN_TESTS
