/* What the program sees of its handlers, how they run, and what they are told. */
#include "signals.h"

/* siginterrupt is old, and called. */

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* Set by the kernel interface for every handler; libc passes it on. */
static int visible(int flags) { return flags & ~0x04000000; }

static void counts_too(int signal) { counts(signal); }

/* ---- what the program sees of its handlers ---------------------------------------------------------- */

static void reports_what_was_installed(void) {
  static const int flags[] = {0, SA_RESTART, SA_SIGINFO, SA_SIGINFO | SA_ONSTACK, SA_NODEFER | SA_RESETHAND, SA_NOCLDSTOP};
  static const int signals[] = {SIGHUP, SIGUSR1, SIGSEGV, SIGBUS, SIGCHLD, SIGALRM, 34, 64};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction before, old;
    NEED(sigaction(signals[i], NULL, &before) == 0);
    for (size_t j = 0; j < sizeof flags / sizeof *flags; j++) {
      struct sigaction new = action(flags[j]);
      sigaddset(&new.sa_mask, SIGUSR2);
      CHECK(sigaction(signals[i], &new, NULL) == 0);
      CHECK(sigaction(signals[i], NULL, &old) == 0);
      IN_PLACE(old.sa_sigaction == new.sa_sigaction);
      IN_PLACE(visible(old.sa_flags) == flags[j]);
      IN_PLACE(sigismember(&old.sa_mask, SIGUSR2) == 1 && sigismember(&old.sa_mask, SIGTERM) == 0);
      /* What is replaced is reported, not what comes. */
      new.sa_handler = counts_too;
      new.sa_flags = 0;
      CHECK(sigaction(signals[i], &new, &old) == 0);
      IN_PLACE((flags[j] & SA_SIGINFO ? old.sa_sigaction == informed : old.sa_handler == counts));
      IN_PLACE(visible(old.sa_flags) == flags[j]);
    }
    CHECK(sigaction(signals[i], &before, &old) == 0);
    IN_PLACE(old.sa_handler == counts_too);
    CHECK(sigaction(signals[i], NULL, &old) == 0);
    IN_PLACE(old.sa_handler == before.sa_handler && visible(old.sa_flags) == visible(before.sa_flags));
  }
}

TEST(sigaction_reports_the_handlers_flags_and_mask_that_were_installed) { everywhere(reports_what_was_installed); }

TEST(a_handler_from_before_the_first_coroutine_is_reported_after_it) {
  install(SIGUSR1, SA_SIGINFO | SA_RESTART);
  install(SIGSEGV, SA_NODEFER);
  signal(SIGTERM, SIG_IGN);
#ifndef PLAIN
  co_release(start(unhooked, &(function){(function)abs}));
#endif
  struct sigaction old;
  sigaction(SIGUSR1, NULL, &old);
  CHECK(old.sa_sigaction == informed && visible(old.sa_flags) == (SA_SIGINFO | SA_RESTART));
  sigaction(SIGSEGV, NULL, &old);
  CHECK(old.sa_handler == counts && visible(old.sa_flags) == SA_NODEFER);
  sigaction(SIGTERM, NULL, &old);
  CHECK(old.sa_handler == SIG_IGN);
  raise(SIGUSR1);
  CHECK(count == 1 && last_signal == SIGUSR1 && last_code == SI_TKILL);
  raise(SIGSEGV);
  CHECK(count == 2 && last_signal == SIGSEGV);
  raise(SIGTERM);
}

static void returns_the_one_before(void) {
  static const int signals[] = {SIGUSR1, SIGSEGV, SIGPIPE};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    int s = signals[i];
    IN_PLACE(signal(s, counts) == SIG_DFL);
    IN_PLACE(signal(s, counts_too) == counts);
    IN_PLACE(signal(s, SIG_IGN) == counts_too);
    raise(s);
    IN_PLACE(signal(s, counts) == SIG_IGN);
    struct sigaction old;
    sigaction(s, NULL, &old);
    /* As glibc's: restarts calls and blocks the signal, not itself alone. */
    IN_PLACE(old.sa_handler == counts && visible(old.sa_flags) == SA_RESTART && sigismember(&old.sa_mask, s) == 1);
    IN_PLACE(signal(s, SIG_DFL) == counts);
    IN_PLACE(signal(s, SIG_DFL) == SIG_DFL);
  }
}

TEST(signal_returns_the_handler_it_replaces) { everywhere(returns_the_one_before); }

static void refuses_bad_arguments(void) {
  static const int bad[] = {0, -1, 65, 1 << 20, SIGKILL, SIGSTOP, 32, 33};
  struct sigaction new = action(0), old;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    errno = 0;
    IN_PLACE(sigaction(bad[i], &new, NULL) == -1 && errno == EINVAL);
    errno = 0;
    IN_PLACE(signal(bad[i], counts) == SIG_ERR && errno == EINVAL);
  }
  errno = 0;
  IN_PLACE(signal(SIGUSR1, SIG_ERR) == SIG_ERR && errno == EINVAL);
  IN_PLACE(sigaction(SIGUSR1, NULL, NULL) == 0);
  IN_PLACE(sigaction(SIGKILL, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
}

TEST(sigaction_refuses_what_the_kernel_refuses) { everywhere(refuses_bad_arguments); }

static void interrupts_itself(void) {
  struct sigaction old;
  install(SIGUSR1, SA_RESTART);
  IN_PLACE(siginterrupt(SIGUSR1, 1) == 0);
  sigaction(SIGUSR1, NULL, &old);
  IN_PLACE(old.sa_handler == counts && visible(old.sa_flags) == 0);
  IN_PLACE(siginterrupt(SIGUSR1, 0) == 0);
  sigaction(SIGUSR1, NULL, &old);
  IN_PLACE(old.sa_handler == counts && visible(old.sa_flags) == SA_RESTART);
  raise(SIGUSR1);
  IN_PLACE(count == 1);
}

TEST(siginterrupt_changes_a_handlers_flag) { everywhere(interrupts_itself); }

/* ---- how handlers run ------------------------------------------------------------------------------- */

static void resets(void) {
  struct sigaction old;
  install(SIGUSR1, SA_RESETHAND);
  raise(SIGUSR1);
  IN_PLACE(count == 1);
  sigaction(SIGUSR1, NULL, &old);
  IN_PLACE(old.sa_handler == SIG_DFL);
  install(SIGSEGV, SA_RESETHAND | SA_SIGINFO);
  raise(SIGSEGV);
  IN_PLACE(count == 1);
  sigaction(SIGSEGV, NULL, &old);
  IN_PLACE(old.sa_handler == SIG_DFL);
}

TEST(sa_resethand_leaves_the_default_after_one_signal) { everywhere(resets); }

static volatile int depth, deepest, raised;

static void nests(int signal) {
  if (++depth > deepest) deepest = depth;
  if (++raised < 3) raise(signal);
  depth--;
}

static void nests_when_told(void) {
  struct sigaction one = {.sa_handler = nests, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR1, &one, NULL);
  depth = deepest = raised = 0;
  raise(SIGUSR1);
  IN_PLACE(deepest == 3);
  one.sa_flags = 0;
  sigaction(SIGUSR1, &one, NULL);
  depth = deepest = raised = 0;
  raise(SIGUSR1);
  /* Those it raised inside itself came one after another. */
  IN_PLACE(deepest == 1 && raised == 3);
}

TEST(sa_nodefer_lets_a_handler_interrupt_itself) { everywhere(nests_when_told); }

static void blocks_its_mask(void) {
  struct sigaction one = action(0);
  sigset_t before, after;
  sigprocmask(SIG_BLOCK, NULL, &before);
  sigaction(SIGUSR1, &one, NULL);
  raise(SIGUSR1);
  IN_PLACE(was_blocked == 1);
  sigaddset(&one.sa_mask, SIGUSR2);
  sigaction(SIGUSR1, &one, NULL);
  raise(SIGUSR1);
  IN_PLACE(was_blocked == 3);
  one.sa_flags = SA_NODEFER;
  sigaction(SIGUSR1, &one, NULL);
  raise(SIGUSR1);
  IN_PLACE(was_blocked == 2);
  sigprocmask(SIG_BLOCK, NULL, &after);
  /* The kernel's part of the set. */
  IN_PLACE(memcmp(&before, &after, 8) == 0);
}

TEST(a_handlers_mask_holds_while_it_runs_and_no_longer) { everywhere(blocks_its_mask); }

static void informs(void) {
  union sigval value = {.sival_int = 77};
  install(SIGUSR1, SA_SIGINFO);
  IN_PLACE(sigqueue(getpid(), SIGUSR1, value) == 0);
  IN_PLACE(count == 1 && last_signal == SIGUSR1 && last_code == SI_QUEUE && last_value == 77 && seen_stack == 1);
  install(SIGUSR1, 0);
  IN_PLACE(kill(getpid(), SIGUSR1) == 0);
  IN_PLACE(count == 1 && last_signal == SIGUSR1);
}

TEST(sa_siginfo_handlers_are_informed_and_others_get_the_number) { everywhere(informs); }

static volatile int order[8], places;

static void notes_value(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  if (places < 8) order[places++] = info->si_value.sival_int;
}

static void queue(void) {
  struct sigaction one = {.sa_sigaction = notes_value, .sa_flags = SA_SIGINFO};
  sigset_t set, old;
  sigaction(SIGRTMIN + 3, &one, NULL);
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  sigprocmask(SIG_BLOCK, &set, &old);
  places = 0;
  for (int i = 0; i < 5; i++) sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = i});
  IN_PLACE(places == 0);
  sigprocmask(SIG_SETMASK, &old, NULL);
  IN_PLACE(places == 5 && order[0] == 0 && order[4] == 4);
}

TEST(queued_signals_arrive_in_order_with_their_values) { everywhere(queue); }

static void runs_on_its_stack(void) {
  static char area[64 * 1024];
  int here;
  stack_t mine = {.ss_sp = area, .ss_size = sizeof area}, old;
  NEED(sigaltstack(&mine, &old) == 0);
  install(SIGUSR1, SA_ONSTACK | SA_SIGINFO);
  raise(SIGUSR1);
  IN_PLACE(count == 1 && (char *)frame >= area && (char *)frame < area + sizeof area);
  install(SIGUSR1, SA_SIGINFO);
  raise(SIGUSR1);
  IN_PLACE(count == 1 && labs((char *)frame - (char *)&here) < 64 * 1024);
  stack_t now;
  sigaltstack(NULL, &now);
  IN_PLACE(now.ss_sp == area && now.ss_size == sizeof area && now.ss_flags == 0);
  NEED(sigaltstack(&old, NULL) == 0);
}

TEST(a_handler_runs_on_the_alternate_stack_when_it_says_so) { everywhere(runs_on_its_stack); }

static int ends[2];

static void makes_calls(int signal) {
  char byte = 0;
  int kept = errno, copy, more[2];
  struct pollfd wait = {.fd = ends[0], .events = POLLIN};
  struct timespec nothing = {0, 1000};
  int good = write(ends[1], "h", 1) == 1 && poll(&wait, 1, 1000) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'h';
  good = good && (copy = dup(ends[0])) >= 0 && dup2(ends[1], copy) == copy && close(copy) == 0;
  good = good && pipe(more) == 0 && close(more[0]) == 0 && close(more[1]) == 0;
  good = good && socketpair(AF_UNIX, SOCK_STREAM, 0, more) == 0 && shutdown(more[0], SHUT_RDWR) == 0;
  good = good && recv(more[1], &byte, 1, 0) == 0 && fcntl(more[1], F_GETFD) == 0 && close(more[0]) == 0 && close(more[1]) == 0;
  good = good && nanosleep(&nothing, NULL) == 0 && getenv("SIGNALS_TEST_UNSET") == NULL;
  errno = 0;
  good = good && read(-1, &byte, 1) == -1 && errno == EBADF;
  last_value = good ? signal : -1;
  count++;
  errno = kept;
}

static void calls_work(void) {
  struct sigaction one = {.sa_handler = makes_calls};
  NEED(pipe(ends) == 0);
  sigaction(SIGUSR1, &one, NULL);
  count = last_value = 0;
  errno = ERANGE;
  raise(SIGUSR1);
  IN_PLACE(errno == ERANGE && count == 1 && last_value == SIGUSR1);
  close(ends[0]);
  close(ends[1]);
}

TEST(a_handler_makes_hooked_calls) { everywhere(calls_work); }

RUN_TESTS
