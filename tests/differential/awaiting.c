/* awaiting.c - pause, sigsuspend, sigpause, sigwait and their kin. */
#include "scenario.h"

#include <pthread.h>

int bsd_sigpause(int) __asm__("sigpause");
int __sigpause(int, int), __sigsuspend(const sigset_t *), __xpg_sigpause(int);

static volatile sig_atomic_t ones, twos;
static sigset_t none, one, both, all;
static siginfo_t info;

static void handler(int signal) {
  if (signal == SIGUSR1) ones++;
  if (signal == SIGUSR2) twos++;
}

static void prepare(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigemptyset(&none);
  sigfillset(&all);
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  both = one;
  sigaddset(&both, SIGUSR2);
  MUST(sigaction(SIGUSR1, &action, NULL));
  MUST(sigaction(SIGUSR2, &action, NULL));
}

static void tell_handled(void) { say("handled: %d and %d", (int)ones, (int)twos); }

static void pausing(void *argument) {
  (void)argument;
  TRACE(pause());
  tell_handled();
}

SCENARIO(pausing_ends, "pause returns when a handler has run") {
  prepare();
  start("pausing", pausing, NULL);
  settle();
  say("still waiting: %d", !has_ended("pausing"));
  signal_actor("pausing", SIGUSR1);
  join();
  start("again", pausing, NULL);
  settle();
  signal_actor("again", SIGURG);
  settle();
  say("still waiting: %d", !has_ended("again"));
  signal_actor("again", SIGUSR2);
  join();
}

static void suspending(void *argument) {
  sigset_t before, after;
  MUST(sigprocmask(SIG_BLOCK, NULL, &before));
  TRACE(sigsuspend(argument));
  MUST(sigprocmask(SIG_BLOCK, NULL, &after));
  say("the mask is as before: %d", memcmp(&before, &after, 8) == 0);
  tell_handled();
}

SCENARIO(suspending_lets_through, "sigsuspend lets blocked signals through") {
  static sigset_t but_one;
  prepare();
  but_one = all;
  sigdelset(&but_one, SIGUSR1);
  MUST(sigprocmask(SIG_BLOCK, &both, NULL));
  start("suspending", suspending, &none);
  settle();
  say("still waiting: %d", !has_ended("suspending"));
  signal_actor("suspending", SIGUSR1);
  join();
  start("chosen", suspending, &but_one);
  settle();
  signal_actor("chosen", SIGUSR2);
  settle();
  say("still waiting: %d", !has_ended("chosen"));
  signal_actor("chosen", SIGUSR1);
  join();
  raise(SIGUSR1);
  tell_handled();
  TRACE(sigsuspend(&but_one));
  tell_handled();
  TRACE(sigsuspend(nowhere));
  TRACE(__sigsuspend(nowhere));
}

SCENARIO(suspending_unblocked, "sigsuspend and a signal that nobody blocked") {
  prepare();
  start("suspending", suspending, &none);
  settle();
  signal_actor("suspending", SIGUSR2);
  join();
}

SCENARIO(suspending_blocked, "a signal that only sigsuspend's mask blocks does not end it") {
  static sigset_t but_two;
  prepare();
  but_two = all;
  sigdelset(&but_two, SIGUSR2);
  start("suspending", suspending, &but_two);
  settle();
  signal_actor("suspending", SIGUSR1);
  settle();
  say("still waiting: %d", !has_ended("suspending"));
  signal_actor("suspending", SIGUSR2);
  join();
}

static void polling_masked(void *argument) {
  static struct pollfd p;
  static fd_set set;
  p = (struct pollfd){*(int *)argument, POLLIN, 0};
  FD_ZERO(&set);
  FD_SET(p.fd, &set);
  TRACE(ppoll(&p, 1, NULL, &one));
  TRACE(pselect(p.fd + 1, &set, NULL, NULL, NULL, &one));
}

SCENARIO(polling_blocked, "a signal that only the mask of ppoll or pselect blocks does not end it") {
  static int ends[2];
  prepare();
  make_pair(PIPE, ends);
  start("polling", polling_masked, ends);
  for (int i = 0; i < 2; i++) {
    settle();
    signal_actor("polling", SIGUSR1);
    settle();
    say("still waiting: %d", !has_ended("polling"));
    signal_actor("polling", SIGUSR2);
  }
  join();
  tell_handled();
}

static int way;
static void by_sigpause(void *argument) {
  (void)argument;
  MUST(sigprocmask(SIG_BLOCK, &both, NULL));
  switch (way) {
    case 0: TRACE(__xpg_sigpause(SIGUSR1)); break;
    case 1: TRACE(__sigpause(SIGUSR1, 1)); break;
    case 2: TRACE(__sigpause(1 << (SIGUSR2 - 1), 0)); break;
    case 3: TRACE(bsd_sigpause(1 << (SIGUSR2 - 1))); break;
  }
  tell_handled();
}

SCENARIO(sigpauses, "sigpause by mask and by signal") {
  static const char *const names[] = {"x/open", "by flag", "by mask", "bsd"};
  prepare();
  for (way = 0; way < 4; way++) {
    start(names[way], by_sigpause, NULL);
    settle();
    signal_actor(names[way], SIGUSR1);
    settle();
    if (!has_ended(names[way])) say("%s: again", names[way]);
    if (!has_ended(names[way])) signal_actor(names[way], SIGUSR2);
    join();
  }
  TRACE(__xpg_sigpause(0));
  TRACE(__xpg_sigpause(65));
}

/* ---- taking signals --------------------------------------------------------------------------------- */

static void tell_info(long signal) {
  if (signal <= 0) return;
  say("signal %d code %d own %d value %d", info.si_signo - SIGRTMIN, info.si_code, info.si_pid == getpid(),
      info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
}

static void taking(void *argument) {
  memset(&info, 0, sizeof info);
  tell_info(TRACE(sigwaitinfo(argument, &info)));
}

static void waiting(void *argument) {
  int signal = 0;
  TRACE_CODE(sigwait(argument, &signal));
  say("signal %d", signal);
}

SCENARIO(sigwaits, "sigwait and sigwaitinfo take what is sent to the thread") {
  prepare();
  MUST(sigprocmask(SIG_BLOCK, &both, NULL));
  start("info", taking, &both);
  settle();
  say("still waiting: %d", !has_ended("info"));
  signal_actor("info", SIGUSR2);
  join();
  start("wait", waiting, &both);
  settle();
  signal_actor("wait", SIGUSR1);
  join();
  tell_handled();
}

SCENARIO(sigwaits_pending, "what is pending is taken at once, the lowest first") {
  int signal;
  sigset_t set;
  prepare();
  MUST(sigprocmask(SIG_BLOCK, &all, NULL));
  MUST(pthread_sigqueue(pthread_self(), SIGRTMIN + 1, (union sigval){.sival_int = 1}));
  MUST(pthread_sigqueue(pthread_self(), SIGRTMIN, (union sigval){.sival_int = 2}));
  MUST(pthread_sigqueue(pthread_self(), SIGRTMIN, (union sigval){.sival_int = 3}));
  raise(SIGUSR1);
  raise(SIGUSR1);
  tell_info(TRACE(sigwaitinfo(&all, &info)) > 0);
  for (int i = 0; i < 3; i++) tell_info(TRACE(sigwaitinfo(&all, &info)) > 0);
  TRACE(sigtimedwait(&all, &info, &(struct timespec){0, 0}));
  raise(SIGUSR2);
  raise(SIGUSR1);
  TRACE_CODE(sigwait(&one, &signal));
  MUST(sigpending(&set));
  say("pending %d %d", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
}

static void interrupted(void *argument) {
  (void)argument;
  memset(&info, 0, sizeof info);
  tell_info(TRACE(sigwaitinfo(&one, &info)));
  tell_handled();
}

SCENARIO(sigwait_interrupted, "another handler interrupts sigwaitinfo but not sigwait") {
  prepare();
  MUST(sigprocmask(SIG_BLOCK, &one, NULL));
  start("info", interrupted, NULL);
  settle();
  signal_actor("info", SIGUSR2);
  join();
  start("wait", waiting, &one);
  settle();
  signal_actor("wait", SIGUSR2);
  settle();
  say("still waiting: %d", !has_ended("wait"));
  signal_actor("wait", SIGUSR1);
  join();
  tell_handled();
}

SCENARIO(sigwait_times, "sigtimedwait: time-outs, and what it refuses") {
  static const struct timespec time = {0, 45000000}, zero = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
  int signal;
  prepare();
  MUST(sigprocmask(SIG_BLOCK, &both, NULL));
  TRACE_WAIT(45, sigtimedwait(&both, &info, &time));
  TRACE_WAIT(45, sigtimedwait(&both, NULL, &time));
  TRACE_WAIT(45, sigtimedwait(&none, NULL, &time));
  TRACE(sigtimedwait(&both, NULL, &zero));
  TRACE(sigtimedwait(&both, NULL, &bad));
  TRACE(sigtimedwait(&both, NULL, &negative));
  TRACE(sigtimedwait(nowhere, NULL, &bad));
  TRACE(sigtimedwait(&both, NULL, nowhere));
  TRACE(sigwaitinfo(nowhere, NULL));
  TRACE_CODE(sigwait(nowhere, &signal));
  raise(SIGUSR1);
  TRACE(sigtimedwait(&both, NULL, &bad));
  TRACE(sigtimedwait(&both, NULL, &zero));
  raise(SIGUSR1);
  TRACE(sigtimedwait(&both, NULL, &time));
  raise(SIGUSR2);
  tell_info(TRACE(sigtimedwait(&both, &info, NULL)));
  raise(SIGUSR2);
  TRACE(syscall(SYS_rt_sigtimedwait, &both, nowhere, &zero, 8));
  TRACE(sigtimedwait(&both, NULL, &zero));
}
