/* Handlers that interrupt a coroutine: nobody else runs while they wait; they may exit and start programs. */
#include "parking.h"

/* sigset is old, and called. */

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void by_signal(void) { signal(SIGUSR1, waits_in_handler); }
static void by_nothing(void) {}
static void by_sysv_signal(void) { sysv_signal(SIGUSR1, waits_in_handler); }
static void by_ssignal(void) { ssignal(SIGUSR1, waits_in_handler); }
static void by_sigset(void) { sigset(SIGUSR1, waits_in_handler); }

TEST(no_other_coroutine_runs_while_a_handler_waits) { handler_does_not_park(by_sigaction); }
TEST(no_other_coroutine_runs_while_a_handler_set_by_signal_waits) { handler_does_not_park(by_signal); }
TEST(no_other_coroutine_runs_while_a_handler_from_before_the_first_coroutine_waits) {
  by_sigaction();
  handler_does_not_park(by_nothing);
}
TEST(no_other_coroutine_runs_while_a_handler_set_by_sysv_signal_waits) { handler_does_not_park(by_sysv_signal); }
TEST(no_other_coroutine_runs_while_a_handler_set_by_ssignal_waits) { handler_does_not_park(by_ssignal); }
TEST(no_other_coroutine_runs_while_a_handler_set_by_sigset_waits) { handler_does_not_park(by_sigset); }

/* A program of strict X/Open is given this for `signal`. */
extern __typeof__(signal) __sysv_signal;
static void by_strict_signal(void) { __sysv_signal(SIGUSR1, waits_in_handler); }
TEST(no_other_coroutine_runs_while_a_handler_set_by_strict_signal_waits) { handler_does_not_park(by_strict_signal); }

static void says_so(void) {
  if (write(2, "at exit", 7) != 7) abort();
}

static void exits(int signal) {
  (void)signal;
  exit(6);
}

static void *is_ended(void *unused) {
  co_enable_hook_sys();
  atexit(says_so);
  signal(SIGUSR1, exits);
  usleep(1000);
  raise(SIGUSR1);
  return unused;
}

static void ends_in_a_handler(void *unused) {
  (void)unused;
  start(is_ended, NULL);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
}

TEST(exit_in_a_handler_in_a_coroutine_ends_the_process) {
  struct ending ended = apart(ends_in_a_handler, NULL);
  CHECK(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 6);
  CHECK_TEXT(ended.text, "at exit");
}

static void vfork_in_handler(int signal) {
  int status = -1, kept = errno;
  (void)signal;
  pid_t child = vfork();
  if (child == 0) {
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
  }
  waitpid(child, &status, 0);
  if (status == 0) count++;
  errno = kept;
}

static void *is_interrupted_by_vfork(void *unused) {
  co_enable_hook_sys();
  signal(SIGUSR1, vfork_in_handler);
  raise(SIGUSR1);
  check_hooks_are_on();
  finished++;
  return unused;
}

TEST(a_handler_starts_a_program_by_vfork) {
  stCoRoutine_t *one = start(runs_when_it_can, NULL), *other = start(is_interrupted_by_vfork, NULL);
  loop_until(&finished, 2);
  CHECK(count == 1);
  co_release(one);
  co_release(other);
}

static void *execs(void *unused) {
  /* A handler does not survive, what is ignored does, and the default of SIGSEGV stays the default. */
  signal(SIGUSR1, counts);
  signal(SIGUSR2, SIG_IGN);
  co_enable_hook_sys();
  execl("/bin/sh", "sh", "-c", "cat /proc/self/status | awk '/^Sig(Ign|Cgt)/ {print $2}' >&2; exit 5", (char *)NULL);
  return unused;
}

static void runs_execs(void *unused) {
  (void)unused;
  start(execs, NULL);
}

TEST(a_program_started_in_a_coroutine_inherits_only_what_is_ignored) {
  struct ending ended = apart(runs_execs, NULL);
  unsigned long long ignored_set = 0, caught_set = ~0ULL;
  CHECK(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 5);
  CHECK(sscanf(ended.text, "%llx %llx", &ignored_set, &caught_set) == 2);
  CHECK(ignored_set >> (SIGUSR2 - 1) & 1);
  CHECK(!(ignored_set >> (SIGSEGV - 1) & 1) && !(caught_set >> (SIGSEGV - 1) & 1) && !(caught_set >> (SIGUSR1 - 1) & 1));
}

RUN_TESTS
