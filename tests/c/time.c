/* Sleeping and time-outs: nobody wakes early, nobody wakes who need not. */
#include "check.h"
#include "sleeping_loop.h"

#include "co_routine_inner.h"

static int done, early;
static stCoCond_t *cond;

static void check_slept(long long before, long long ns, const char *how) {
  long long took = now_ns() - before;
  if (took < ns) {
    early++;
    fprintf(stderr, "# %s: %lld ns instead of %lld\n", how, took, ns);
  }
}

static long long realtime_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct timespec spec(long long ns) {
  struct timespec t = {ns / 1000000000, ns % 1000000000};
  return t;
}

/* ---- never early ------------------------------------------------------------------------------------ */

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

TEST(short_sleeps_are_not_rounded_to_milliseconds) {
  start(sleeps_a_moment, NULL);
  loop_until(&done, 1);
  CHECK(shortest >= 100000);
  /* The best of many, because the machine may be busy. */
  CHECK(shortest < 1000000);
}

enum { CROWD = 50000 };

static void *sleeps_once(void *argument) {
  unsigned us = (unsigned)(uintptr_t)argument;
  long long before = now_ns();
  co_enable_hook_sys();
  usleep(us);
  check_slept(before, us * 1000LL, "usleep");
  done++;
  return NULL;
}

TEST(fifty_thousand_sleep_at_once) {
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
  CHECK(since_ms(before) >= 50 && since_ms(before) < 4500);
}

/* ---- for ever --------------------------------------------------------------------------------------- */

enum { DAYS = 86400 };

static void sleeps_for(void (*wait)(void), long seconds) {
  cond = co_cond_alloc();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, idle) == 0);
  long sleeps = loop_sleeps_while(wait);
  if (seconds == FOREVER)
    CHECK_IS(sleeps, FOREVER);
  else
    CHECK(sleeps == FOREVER || (sleeps <= seconds && sleeps >= seconds - 100));
  usleep(50000);
  CHECK_IS(waits_over, 0);
}

static void in_poll_minus_one(void) { poll(NULL, 0, -1); }
static void in_poll_int_min(void) { poll(NULL, 0, INT_MIN); }
static void in_poll_int_max(void) { poll(NULL, 0, INT_MAX); }
static void in_poll_a_minute(void) { poll(NULL, 0, 61000); }
static void in_co_poll_of_one(void) {
  struct pollfd fd = {idle[0], POLLIN, 0};
  co_poll(co_get_epoll_ct(), &fd, 1, -1);
}
static void in_co_poll_int_max(void) {
  struct pollfd fd = {idle[0], POLLIN, 0};
  co_poll(co_get_epoll_ct(), &fd, 1, INT_MAX);
}
static void in_ppoll_null(void) { ppoll(NULL, 0, NULL, NULL); }
static void in_ppoll_a_hundred_years(void) {
  struct timespec t = {36500L * DAYS, 0};
  ppoll(NULL, 0, &t, NULL);
}
static void in_select_null(void) { select(0, NULL, NULL, NULL, NULL); }
static void in_select_a_hundred_years(void) {
  struct timeval t = {36500L * DAYS, 0};
  select(0, NULL, NULL, NULL, &t);
}
static void in_sleep_uint_max(void) { sleep(UINT_MAX); }
static void in_usleep_uint_max(void) { usleep(UINT_MAX); }
static void in_nanosleep_long_max(void) {
  struct timespec t = {LONG_MAX, 999999999};
  nanosleep(&t, NULL);
}
static void in_nanosleep_thirty_days(void) {
  struct timespec t = {30 * DAYS, 0};
  nanosleep(&t, NULL);
}
static void in_co_cond_timedwait_zero(void) { co_cond_timedwait(cond, 0); }
static void in_co_cond_timedwait_int_max(void) { co_cond_timedwait(cond, INT_MAX); }
static void in_read(void) {
  char byte;
  CHECK_IS(read(idle[0], &byte, 1), -2);
}
static void in_read_with_a_zero_time_out(void) {
  char byte;
  struct timeval none = {0, 0};
  setsockopt(idle[0], SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
  CHECK_IS(recv(idle[0], &byte, 1, 0), -2);
}

#define SLEEPS(wait, seconds) \
  TEST(the_loop_sleeps_as_long_as_need_be_for_##wait) { sleeps_for(in_##wait, seconds); }
SLEEPS(poll_minus_one, FOREVER)
SLEEPS(poll_int_min, FOREVER)
SLEEPS(poll_int_max, INT_MAX / 1000)
SLEEPS(poll_a_minute, 61)
SLEEPS(co_poll_of_one, FOREVER)
SLEEPS(co_poll_int_max, INT_MAX / 1000)
SLEEPS(ppoll_null, FOREVER)
SLEEPS(ppoll_a_hundred_years, 36500L * DAYS)
SLEEPS(select_null, FOREVER)
SLEEPS(select_a_hundred_years, 36500L * DAYS)
SLEEPS(sleep_uint_max, UINT_MAX)
SLEEPS(usleep_uint_max, UINT_MAX / 1000000)
SLEEPS(nanosleep_long_max, FOREVER)
SLEEPS(nanosleep_thirty_days, 30 * DAYS)
SLEEPS(co_cond_timedwait_zero, FOREVER)
SLEEPS(co_cond_timedwait_int_max, INT_MAX / 1000)
SLEEPS(read, FOREVER)
SLEEPS(read_with_a_zero_time_out, FOREVER)

static long wake_ups_of(pid_t thread) {
  char path[64], line[200];
  long count = -1;
  snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file)) sscanf(line, "voluntary_ctxt_switches: %ld", &count);
  if (file) fclose(file);
  return count;
}

static int sockets[500][2];

static void *waits_in_many_ways(void *argument) {
  intptr_t me = (intptr_t)argument;
  struct pollfd fd = {sockets[me % 500][0], POLLIN, 0};
  char byte;
  co_enable_hook_sys();
  switch (me % 6) {
    case 0: sleep(1000); break;
    case 1: CHECK(read(fd.fd, &byte, 1) < 0); break;
    case 2: poll(&fd, 1, -1); break;
    case 3: poll(&fd, 1, 1000000); break;
    case 4: co_cond_timedwait(cond, -1); break;
    default: co_cond_timedwait(cond, 1000000);
  }
  waits_over++;
  return NULL;
}

static void *is_idle(void *unused) {
  for (intptr_t i = 0; i < 3000; i++) start(waits_in_many_ways, (void *)i);
  __atomic_store_n(&loop_thread, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
  return unused;
}

TEST(an_idle_loop_never_wakes) {
  pthread_t thread;
  cond = co_cond_alloc();
  for (int i = 0; i < 500; i++) NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[i]) == 0);
  pthread_create(&thread, NULL, is_idle, NULL);
  while (!__atomic_load_n(&loop_thread, __ATOMIC_ACQUIRE)) usleep(1000);
  /* It comes to rest after a while. */
  long before = -1, now = wake_ups_of(loop_thread);
  for (int i = 0; i < 100 && before != now; i++) {
    before = now;
    usleep(100000);
    now = wake_ups_of(loop_thread);
  }
  CHECK(now > 0);
  usleep(1500000);
  CHECK_IS(wake_ups_of(loop_thread) - now, 0);
  CHECK_IS(waits_over, 0);
}

/* ---- what each call gives back ------------------------------------------------------------------------ */

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
