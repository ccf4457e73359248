/* time.c - time, and signals. */
#define _GNU_SOURCE
#include "park.h"

/* These end by themselves. */
static const struct timespec a_while = {0, WAIT_MS * 1000000};
static bool passed(struct waiter *me, int ms) { return now_ns() - me->began >= ms * 1000000LL; }

/* Twenty seconds one after another. */
PARKS_AS(sleep, "sleep", nothing, nothing, .again = false) { return sleep(1) == 0 && passed(me, 1000); }
PARKS(usleep, nothing, nothing) { return usleep(WAIT_MS * 1000) == 0 && passed(me, WAIT_MS); }
PARKS(nanosleep, nothing, nothing) { return nanosleep(&a_while, NULL) == 0 && passed(me, WAIT_MS); }
PARKS(thrd_sleep, nothing, nothing) { return thrd_sleep(&a_while, NULL) == 0 && passed(me, WAIT_MS); }
PARKS(clock_nanosleep, nothing, nothing) { return clock_nanosleep(CLOCK_MONOTONIC, 0, &a_while, NULL) == 0 && passed(me, WAIT_MS); }
PARKS_AS(clock_nanosleep_until, "clock_nanosleep", nothing, nothing) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += WAIT_MS * 1000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  /* The two clocks may run a little apart. */
  return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0 && passed(me, WAIT_MS - 10);
}

/* ---- signals ---------------------------------------------------------------------------------------- */

static volatile sig_atomic_t handled;
static void handle(int signal) { handled = signal; }

/* The same for the whole process: the first waiter does it. Threads made later, the library's helpers, inherit nothing of
   the mask that counts: signals are sent to the coroutines' thread, which is the process's first. */
static void handler(struct waiter *me) {
  struct sigaction action = {.sa_handler = handle};
  if (me->index == 0) NEED(sigaction(SIGUSR1, &action, NULL) == 0);
}

/* One signal may end several waits, and several signals may come as one: until all have ended. */
static void send_usr1(struct waiter *me) {
  (void)me;
  syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
}

PARKS_AS(pause, "pause", handler, send_usr1, .again = true) {
  (void)me;
  return pause() == -1 && errno == EINTR && handled == SIGUSR1;
}

PARKS_AS(sigsuspend, "sigsuspend", handler, send_usr1, .again = true) {
  sigset_t mask;
  (void)me;
  sigemptyset(&mask);
  return sigsuspend(&mask) == -1 && errno == EINTR && handled == SIGUSR1;
}

static int number_of(struct waiter *me) { return SIGRTMIN + me->index; }

static sigset_t set_of(struct waiter *me) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number_of(me));
  return set;
}

static void send_own(struct waiter *me) {
  union sigval value = {.sival_int = 100 + me->index};
  NEED(sigqueue(getpid(), number_of(me), value) == 0);
}

/* Signals that are waited for are blocked in every thread. */
static void block(struct waiter *me) {
  sigset_t set = set_of(me);
  NEED(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

PARKS(sigwait, nothing, send_own) {
  sigset_t set = set_of(me);
  int got = 0;
  block(me);
  return sigwait(&set, &got) == 0 && got == number_of(me);
}

PARKS(sigwaitinfo, nothing, send_own) {
  sigset_t set = set_of(me);
  siginfo_t info;
  block(me);
  return sigwaitinfo(&set, &info) == number_of(me) && info.si_value.sival_int == 100 + me->index;
}

PARKS(sigtimedwait, nothing, send_own) {
  sigset_t set = set_of(me);
  struct timespec time = {30, 0};
  siginfo_t info;
  block(me);
  return sigtimedwait(&set, &info, &time) == number_of(me) && info.si_value.sival_int == 100 + me->index;
}
