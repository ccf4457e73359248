/*
 * Signals: the program's handlers are its own, run with the calls of a thread, and end waits of coroutines where they
 * should. Built with PLAIN and without the library, the cases of the first half are a check of themselves.
 */
#include "check.h"

#include <setjmp.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <ucontext.h>

/* siginterrupt and sigset are old, and called. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

typedef void (*function)(void);

/* Which waits of `body` may be interrupted: a coroutine's with hooks on are the library's. */
static const char *where = "thread";

#ifdef PLAIN
static void blocking(function body) {
  for (int i = 0; i < 2; i++) body();
}
#define everywhere blocking
#else
static int bodies_ended;

static void *unhooked(void *body) {
  (*(function *)body)();
  bodies_ended++;
  return NULL;
}

static void *hooked(void *body) {
  co_enable_hook_sys();
  return unhooked(body);
}

static void in_coroutine(const char *name, void *(*way)(void *), function body, stShareStack_t *shared) {
  where = name;
  stCoRoutine_t *co = spawn_on(shared, 256 * 1024, way, &body);
  bodies_ended = 0;
  co_resume(co);
  loop_until(&bodies_ended, 1);
  co_release(co);
}

/* On the thread before it has coroutines and after, and in one with hooks off. */
static void blocking(function body) {
  where = "thread";
  body();
  in_coroutine("coroutine with hooks off", unhooked, body, NULL);
  where = "thread that has coroutines";
  body();
}

static void everywhere(function body) {
  blocking(body);
  in_coroutine("coroutine with hooks on", hooked, body, NULL);
  stShareStack_t *shared = co_alloc_sharestack(1, 256 * 1024);
  in_coroutine("coroutine on a shared stack", hooked, body, shared);
  CHECK(co_free_sharestack(shared) == 0);
}
#endif

#define IN_PLACE(condition) \
  (CHECK(condition) ? 1 : (fprintf(stderr, "# in a %s\n", where), 0))

/* Set by the kernel interface for every handler; libc passes it on. */
static int visible(int flags) { return flags & ~0x04000000; }

static volatile sig_atomic_t count, last_signal, last_code, last_value, seen_stack, was_blocked;
static void *volatile last_address, *volatile frame;

static void counts(int signal) {
  int dummy;
  count++;
  last_signal = signal;
  frame = &dummy;
  sigset_t now;
  sigprocmask(SIG_BLOCK, NULL, &now);
  was_blocked = sigismember(&now, signal) | sigismember(&now, SIGUSR2) << 1;
}

static void counts_too(int signal) { counts(signal); }

static void informed(int signal, siginfo_t *info, void *context) {
  counts(signal);
  last_code = info->si_code;
  last_value = info->si_value.sival_int;
  last_address = info->si_addr;
  seen_stack = context != NULL && ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] != 0;
}

static struct sigaction action(int flags) {
  struct sigaction one;
  memset(&one, 0, sizeof one);
  one.sa_flags = flags;
  if (flags & SA_SIGINFO)
    one.sa_sigaction = informed;
  else
    one.sa_handler = counts;
  return one;
}

static void install(int signal, int flags) {
  struct sigaction one = action(flags);
  NEED(sigaction(signal, &one, NULL) == 0);
  count = last_signal = last_code = last_value = 0;
}

/* ---- what the program sees of its handlers ------------------------------------------------------------ */

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

/* ---- how handlers run --------------------------------------------------------------------------------- */

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

/* ---- what a signal interrupts --------------------------------------------------------------------------- */

static struct itimerval in_ms(int ms) { return (struct itimerval){.it_value = {ms / 1000, ms % 1000 * 1000}}; }

/* A signal after some time, and again should it come before the call has begun. */
static void alarm_in(int ms) {
  struct itimerval time = in_ms(ms);
  time.it_interval = time.it_value;
  setitimer(ITIMER_REAL, &time, NULL);
}

static void no_alarm(void) {
  struct itimerval none = in_ms(0);
  setitimer(ITIMER_REAL, &none, NULL);
}

static void waits_are_interrupted(void) {
  char byte;
  int pair[2];
  struct timespec hour = {3600, 0}, left = {0, 0};
  struct pollfd wait = {.events = POLLIN};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  wait.fd = pair[0];
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "signals-%d-%p", getpid(), (void *)&address);
  NEED(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
  install(SIGALRM, 0);
  alarm_in(20);
  errno = 0;
  IN_PLACE(read(pair[0], &byte, 1) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(recv(pair[0], &byte, 1, 0) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(accept(listener, NULL, NULL) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(poll(&wait, 1, -1) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(select(0, NULL, NULL, NULL, NULL) == -1 && errno == EINTR);
  errno = 0;
  IN_PLACE(nanosleep(&hour, &left) == -1 && errno == EINTR && left.tv_sec >= 3590);
  left.tv_sec = 0;
  IN_PLACE(clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, &left) == EINTR && left.tv_sec >= 3590);
  IN_PLACE(sleep(3600) >= 3590);
  errno = 0;
  IN_PLACE(usleep(900000) == -1 && errno == EINTR);
  IN_PLACE(count >= 9);
  no_alarm();
  close(listener);
  close(pair[0]);
  close(pair[1]);
}

TEST(waits_are_interrupted_by_a_handler_that_restarts_nothing) { everywhere(waits_are_interrupted); }

static int writer_end;

static void writes_at_last(int signal) {
  counts(signal);
  if (count == 3 && write(writer_end, "r", 1) != 1) abort();
}

static void reads_are_restarted(void) {
  char byte = 0;
  int pair[2];
  struct sigaction one = {.sa_handler = writes_at_last, .sa_flags = SA_RESTART};
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  writer_end = pair[1];
  sigaction(SIGALRM, &one, NULL);
  count = 0;
  alarm_in(10);
  IN_PLACE(read(pair[0], &byte, 1) == 1 && byte == 'r' && count >= 3);
  no_alarm();
  close(pair[0]);
  close(pair[1]);
}

TEST(a_read_is_restarted_where_the_handler_says_so) { everywhere(reads_are_restarted); }

static void masks_are_swapped(void) {
  sigset_t blocked, old, admits, refuses;
  struct timespec ten_seconds = {10, 0}, short_time = {0, 30000000};
  int pair[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  struct pollfd wait = {.fd = pair[0], .events = POLLIN};
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGALRM);
  NEED(sigprocmask(SIG_BLOCK, &blocked, &old) == 0);
  sigfillset(&refuses);
  sigemptyset(&admits);
  install(SIGUSR1, 0);
  raise(SIGUSR1);
  IN_PLACE(count == 0);
  IN_PLACE(ppoll(&wait, 1, &short_time, &refuses) == 0 && count == 0);
  IN_PLACE(pselect(0, NULL, NULL, NULL, &short_time, &refuses) == 0 && count == 0);
  errno = 0;
  IN_PLACE(ppoll(&wait, 1, &ten_seconds, &admits) == -1 && errno == EINTR && count == 1);
  raise(SIGUSR1);
  errno = 0;
  IN_PLACE(pselect(0, NULL, NULL, NULL, &ten_seconds, &admits) == -1 && errno == EINTR && count == 2);
  /* A signal that comes while the call waits. */
  install(SIGALRM, SA_RESTART);
  alarm_in(20);
  errno = 0;
  IN_PLACE(ppoll(&wait, 1, &ten_seconds, &admits) == -1 && errno == EINTR && count >= 1);
  count = 0;
  errno = 0;
  IN_PLACE(ppoll(NULL, 0, NULL, &admits) == -1 && errno == EINTR && count >= 1);
  count = 0;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(pair[0], &set);
  errno = 0;
  IN_PLACE(pselect(pair[0] + 1, &set, NULL, NULL, NULL, &admits) == -1 && errno == EINTR && count >= 1);
  no_alarm();
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  IN_PLACE(sigismember(&now, SIGUSR1) == 1);
  /* Leave nothing pending. */
  struct timespec none = {0, 0};
  while (sigtimedwait(&blocked, NULL, &none) > 0) continue;
  NEED(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
  close(pair[0]);
  close(pair[1]);
}

TEST(ppoll_and_pselect_deliver_the_signals_that_their_mask_admits) { everywhere(masks_are_swapped); }

static void reads_signals(void) {
  sigset_t set, old;
  struct signalfd_siginfo info;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  NEED(sigprocmask(SIG_BLOCK, &set, &old) == 0);
  int fd = signalfd(-1, &set, SFD_CLOEXEC);
  struct itimerval soon = in_ms(15), none = in_ms(0);
  setitimer(ITIMER_REAL, &soon, NULL);
  IN_PLACE(read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGALRM);
  setitimer(ITIMER_REAL, &none, NULL);
  close(fd);
  NEED(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

TEST(a_signalfd_is_read) { everywhere(reads_signals); }

/* ---- death -------------------------------------------------------------------------------------------------- */

static int deadly;
static volatile int *volatile nowhere;

static void by_fault(void) { *nowhere = 1; }
static void by_noncanonical_fault(void) { *(volatile int *)0x8000000000000000 = 1; }
static void by_kill(void) {
  kill(getpid(), deadly);
  usleep(100000);
}
static void by_raise(void) { raise(deadly); }
static void by_thread_kill(void) { pthread_kill(pthread_self(), deadly); }
static void by_queue(void) {
  sigqueue(getpid(), deadly, (union sigval){.sival_int = 1});
  usleep(100000);
}
static void with_default_set_again(void) {
  struct sigaction one = action(SA_SIGINFO), old, before;
  sigaction(deadly, NULL, &before);
  sigaction(deadly, &one, &old);
  if (old.sa_handler != before.sa_handler) _exit(3);
  sigaction(deadly, &old, NULL);
  raise(deadly);
}
static void with_reset_handler(void) {
  struct sigaction one = action(SA_RESETHAND);
  sigaction(deadly, &one, NULL);
  raise(deadly);
  if (count != 1) _exit(3);
  raise(deadly);
}
static void while_blocked(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, deadly);
  sigprocmask(SIG_BLOCK, &set, NULL);
  by_fault();
}

static function way_to_die;

static void dies(void *in_coroutine_too) {
#ifdef PLAIN
  (void)in_coroutine_too;
#else
  if (in_coroutine_too == (void *)1) co_release(start(unhooked, &(function){(function)abs}));
  if (in_coroutine_too == (void *)2) in_coroutine("coroutine", unhooked, way_to_die, NULL);
  if (in_coroutine_too == (void *)3) in_coroutine("coroutine", hooked, way_to_die, NULL);
#endif
  way_to_die();
}

static void check_death(int signal, function way, const char *name) {
  for (intptr_t place = 0; place < 4; place++) {
    deadly = signal;
    way_to_die = way;
    struct ending ended = apart(dies, (void *)place);
    if (!CHECK(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == signal))
      fprintf(stderr, "# %s in place %ld: status %#x, %s\n", name, (long)place, (unsigned)ended.status, ended.text);
    CHECK_TEXT(ended.text, "");
  }
}

#define DIES(signal, way) check_death(signal, way, #way)

TEST(a_fault_kills_by_sigsegv) {
  DIES(SIGSEGV, by_fault);
  DIES(SIGSEGV, by_noncanonical_fault);
  DIES(SIGSEGV, while_blocked);
}

TEST(a_sent_signal_kills_by_its_default) {
  static const int signals[] = {SIGSEGV, SIGTERM, SIGBUS, SIGALRM, SIGUSR1};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    DIES(signals[i], by_kill);
    DIES(signals[i], by_raise);
    DIES(signals[i], by_thread_kill);
    DIES(signals[i], by_queue);
    DIES(signals[i], with_default_set_again);
    DIES(signals[i], with_reset_handler);
  }
  DIES(SIGABRT, abort);
}

static void sleeps_on(void *unused) {
  (void)unused;
#ifndef PLAIN
  co_release(start(unhooked, &(function){(function)abs}));
#endif
  if (write(2, ".", 1) != 1) return;
  for (;;) pause();
}

TEST(another_process_kills_by_sigsegv) {
  int status;
  int pipe_of[2];
  char byte;
  NEED(pipe(pipe_of) == 0);
  pid_t child = fork();
  if (child == 0) {
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(pipe_of[1], 2);
    sleeps_on(NULL);
  }
  CHECK(read(pipe_of[0], &byte, 1) == 1);
  kill(child, SIGSEGV);
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void ignored(void) {
  signal(SIGSEGV, SIG_IGN);
  IN_PLACE(kill(getpid(), SIGSEGV) == 0);
  IN_PLACE(raise(SIGSEGV) == 0);
  struct sigaction old;
  sigaction(SIGSEGV, NULL, &old);
  IN_PLACE(old.sa_handler == SIG_IGN);
}

TEST(an_ignored_sigsegv_is_ignored) { everywhere(ignored); }

/* ---- the program's own handler of faults ------------------------------------------------------------------- */

static char *page;

static void makes_writable(int signal, siginfo_t *info, void *context) {
  informed(signal, info, context);
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void faults_are_mended(void) {
  struct sigaction one = {.sa_sigaction = makes_writable, .sa_flags = SA_SIGINFO};
  page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  sigaction(SIGSEGV, &one, NULL);
  count = 0;
  page[123] = 5;
  IN_PLACE(page[123] == 5 && count == 1 && last_address == page + 123 && last_code == SEGV_ACCERR && last_signal == SIGSEGV);
  munmap(page, 4096);
}

TEST(a_fault_handler_learns_the_address_and_can_mend_it) { everywhere(faults_are_mended); }

static sigjmp_buf back;

static void jumps(int signal) {
  count++;
  siglongjmp(back, signal);
}

static volatile int caught;

static void jumps_from_a_fault(void) {
  struct sigaction one = {.sa_handler = jumps};
  sigaction(SIGSEGV, &one, NULL);
  for (volatile int i = 1; i <= 3; i++) {
    if (sigsetjmp(back, 1) == 0)
      by_fault();
    else
      caught++;
  }
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  IN_PLACE(caught == 3 && sigismember(&now, SIGSEGV) == 0);
  caught = 0;
  signal(SIGSEGV, SIG_DFL);
}

TEST(a_fault_handler_may_jump) { everywhere(jumps_from_a_fault); }

/* ---- children ------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t reaped;

static void reaps(int signal) {
  int kept = errno, status;
  pid_t child;
  (void)signal;
  while ((child = waitpid(-1, &status, WNOHANG)) > 0)
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9) {
      reaped++;
      if (write(ends[1], "c", 1) != 1) abort();
    }
  errno = kept;
}

static void children_are_reaped(void) {
  char byte;
  struct sigaction one = {.sa_handler = reaps, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  NEED(pipe(ends) == 0);
  sigaction(SIGCHLD, &one, NULL);
  reaped = 0;
  for (int i = 0; i < 4; i++)
    if (fork() == 0) {
      usleep(1000 * i);
      _exit(9);
    }
  /* The handler's pipe wakes whoever reads it. */
  for (int i = 0; i < 4; i++) IN_PLACE(read(ends[0], &byte, 1) == 1 && byte == 'c');
  IN_PLACE(reaped == 4);
  signal(SIGCHLD, SIG_DFL);
  close(ends[0]);
  close(ends[1]);
}

TEST(a_handler_of_sigchld_reaps_and_wakes_a_reader) { everywhere(children_are_reaped); }

static volatile sig_atomic_t in_thread;

static void notes_thread(int signal) {
  (void)signal;
  in_thread++;
}

static void *naps(void *unused) {
  while (in_thread == 0) usleep(500);
  return unused;
}

static void threads_get_signals(void) {
  pthread_t thread;
  struct sigaction one = {.sa_handler = notes_thread};
  sigaction(SIGUSR1, &one, NULL);
  in_thread = 0;
  NEED(pthread_create(&thread, NULL, naps, NULL) == 0);
  IN_PLACE(pthread_kill(thread, SIGUSR1) == 0);
  pthread_join(thread, NULL);
  IN_PLACE(in_thread == 1);
}

TEST(a_thread_without_coroutines_runs_handlers) { everywhere(threads_get_signals); }

#ifndef PLAIN
/* ---- handlers and coroutines ----------------------------------------------------------------------------------- */

static int ran_meanwhile, finished;

static void *runs_when_it_can(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 1000 && finished == 0; i++) {
    usleep(100);
    ran_meanwhile++;
  }
  finished++;
  return unused;
}

static volatile int during, handler_made;

static void waits_in_handler(int signal) {
  (void)signal;
  int before = ran_meanwhile;
  struct timespec some = {0, 5000000};
  struct pollfd none = {.fd = -1};
  nanosleep(&some, NULL);
  usleep(5000);
  poll(&none, 1, 5);
  during += ran_meanwhile - before;
  handler_made++;
}

static void (*how_to_install)(void);

static void *is_interrupted(void *unused) {
  co_enable_hook_sys();
  usleep(2000);
  how_to_install();
  raise(SIGUSR1);
  CHECK(handler_made == 1);
  int before = ran_meanwhile;
  usleep(20000);
  CHECK(ran_meanwhile > before);
  finished++;
  return unused;
}

static void handler_does_not_park(function way) {
  how_to_install = way;
  ran_meanwhile = finished = during = handler_made = 0;
  stCoRoutine_t *one = start(runs_when_it_can, NULL), *other = start(is_interrupted, NULL);
  loop_until(&finished, 2);
  CHECK_IS(during, 0);
  CHECK(ran_meanwhile > 0);
  co_release(one);
  co_release(other);
}

static void by_sigaction(void) {
  struct sigaction one = {.sa_handler = waits_in_handler};
  sigaction(SIGUSR1, &one, NULL);
}
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

/* Whether a hooked call of the calling coroutine lets others run. */
static void check_hooks_are_on(void) {
  int before = ran_meanwhile;
  usleep(20000);
  CHECK(ran_meanwhile > before);
}

static void (*jump_inside)(void);

static void *jumps_and_goes_on(void *unused) {
  co_enable_hook_sys();
  usleep(2000);
  for (int i = 0; i < 3; i++) jump_inside();
  CHECK(co_is_enable_sys_hook());
  check_hooks_are_on();
  /* And handlers still have them off. */
  by_sigaction();
  during = handler_made = 0;
  raise(SIGUSR1);
  CHECK(handler_made == 1);
  CHECK_IS(during, 0);
  check_hooks_are_on();
  finished++;
  return unused;
}

static void jump_and_go_on(function inside) {
  jump_inside = inside;
  ran_meanwhile = finished = 0;
  stCoRoutine_t *one = start(runs_when_it_can, NULL), *other = start(jumps_and_goes_on, NULL);
  loop_until(&finished, 2);
  co_release(one);
  co_release(other);
}

static void leaves_by_siglongjmp(void) {
  struct sigaction one = {.sa_handler = jumps};
  sigaction(SIGUSR1, &one, NULL);
  if (sigsetjmp(back, 1) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
}

static jmp_buf plain_back;

static void jumps_plainly(int signal) { longjmp(plain_back, signal); }

static void leaves_by_longjmp(void) {
  struct sigaction one = {.sa_handler = jumps_plainly, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR1, &one, NULL);
  if (setjmp(plain_back) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
}

static void jumps_by_underscore(int signal) { _longjmp(plain_back, signal); }

static void leaves_by_underscore_longjmp(void) {
  struct sigaction one = {.sa_handler = jumps_by_underscore, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR1, &one, NULL);
  if (_setjmp(plain_back) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
}

static void raises_another(int signal) {
  (void)signal;
  raise(SIGUSR2);
}

static void leaves_two_handlers(void) {
  struct sigaction one = {.sa_handler = raises_another}, other = {.sa_handler = jumps};
  sigaction(SIGUSR1, &one, NULL);
  sigaction(SIGUSR2, &other, NULL);
  if (sigsetjmp(back, 1) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
}

static void leaves_from_the_alternate_stack(void) {
  static char area[64 * 1024];
  stack_t mine = {.ss_sp = area, .ss_size = sizeof area}, old;
  struct sigaction one = {.sa_handler = jumps, .sa_flags = SA_ONSTACK};
  NEED(sigaltstack(&mine, &old) == 0);
  sigaction(SIGUSR1, &one, NULL);
  if (sigsetjmp(back, 1) == 0) {
    raise(SIGUSR1);
    CHECK(!"reached");
  }
  NEED(sigaltstack(&old, NULL) == 0);
}

static void leaves_a_blocking_call(void) {
  char byte;
  struct sigaction one = {.sa_handler = jumps};
  NEED(pipe(ends) == 0);
  sigaction(SIGALRM, &one, NULL);
  co_disable_hook_sys();
  alarm_in(5);
  if (sigsetjmp(back, 1) == 0) {
    CHECK(read(ends[0], &byte, 1) == 1);
    CHECK(!"reached");
  }
  no_alarm();
  co_enable_hook_sys();
  close(ends[0]);
  close(ends[1]);
}

TEST(hooks_are_on_after_siglongjmp_out_of_a_handler) { jump_and_go_on(leaves_by_siglongjmp); }
TEST(hooks_are_on_after_longjmp_out_of_a_handler) { jump_and_go_on(leaves_by_longjmp); }
TEST(hooks_are_on_after_underscore_longjmp_out_of_a_handler) { jump_and_go_on(leaves_by_underscore_longjmp); }
TEST(hooks_are_on_after_a_jump_out_of_two_handlers) { jump_and_go_on(leaves_two_handlers); }
TEST(hooks_are_on_after_a_jump_from_the_alternate_stack) { jump_and_go_on(leaves_from_the_alternate_stack); }
TEST(hooks_are_on_after_a_jump_out_of_a_blocking_call) { jump_and_go_on(leaves_a_blocking_call); }
TEST(hooks_are_on_after_a_jump_from_a_fault) { jump_and_go_on(jumps_from_a_fault); }

static void *jumps_with_hooks_off(void *unused) {
  leaves_by_siglongjmp();
  CHECK(!co_is_enable_sys_hook());
  int before = ran_meanwhile;
  usleep(5000);
  CHECK_IS(ran_meanwhile, before);
  finished++;
  return unused;
}

TEST(hooks_are_off_after_a_jump_where_they_were_off) {
  finished = 0;
  stCoRoutine_t *one = start(runs_when_it_can, NULL), *other = start(jumps_with_hooks_off, NULL);
  loop_until(&finished, 2);
  co_release(one);
  co_release(other);
}

/* A handler that jumps within itself has not left. */
static void jumps_inside(int signal) {
  jmp_buf here;
  if (setjmp(here) == 0) longjmp(here, 1);
  waits_in_handler(signal);
}

static void by_inside_jump(void) {
  struct sigaction one = {.sa_handler = jumps_inside};
  sigaction(SIGUSR1, &one, NULL);
}

TEST(a_handler_that_jumps_within_itself_still_does_not_park) { handler_does_not_park(by_inside_jump); }

/* One that looks whether an address can be read, as crash reporters do. */
static void probes(int signal) {
  struct sigaction one = {.sa_handler = jumps}, old;
  sigaction(SIGSEGV, &one, &old);
  if (sigsetjmp(back, 1) == 0) by_fault();
  sigaction(SIGSEGV, &old, NULL);
  waits_in_handler(signal);
}

static void by_probe(void) {
  struct sigaction one = {.sa_handler = probes};
  sigaction(SIGUSR1, &one, NULL);
}

TEST(a_handler_that_another_jumps_back_to_still_does_not_park) { handler_does_not_park(by_probe); }

/* ---- waits of coroutines -------------------------------------------------------------------------------------------- */

static void *writes_late(void *unused) {
  co_enable_hook_sys();
  long long end = now_ns() + 120000000;
  while (now_ns() < end) usleep(120000);
  CHECK(write(ends[1], "x", 1) == 1);
  finished++;
  return unused;
}

static void *in_the_loop(void *done) {
  stCoRoutine_t *one = start(writes_late, NULL);
  loop_until(&finished, 1);
  co_release(one);
  *(int *)done = 1;
  return NULL;
}

TEST(signals_to_a_thread_in_the_loop_do_no_harm) {
  pthread_t thread;
  int done = 0;
  NEED(pipe(ends) == 0);
  install(SIGUSR1, 0);
  NEED(pthread_create(&thread, NULL, in_the_loop, &done) == 0);
  while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
    pthread_kill(thread, SIGUSR1);
    usleep(200);
  }
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(count >= 10);
}

static volatile int victim, replacement = -1;

static void closes_victim(int signal) {
  int kept = errno;
  (void)signal;
  if (victim >= 0) {
    if (replacement >= 0)
      dup2(replacement, victim);
    else
      close(victim);
    victim = -1;
  }
  errno = kept;
}

static int woken;

static void *waits_to_read(void *fd) {
  char byte;
  co_enable_hook_sys();
  errno = 0;
  CHECK(read((int)(intptr_t)fd, &byte, 1) == -1);
  CHECK_IS(errno, EBADF);
  woken++;
  return NULL;
}

static void *waits_to_poll(void *fd) {
  struct pollfd wait = {.fd = (int)(intptr_t)fd, .events = POLLIN};
  CHECK_IS(co_poll(co_get_epoll_ct(), &wait, 1, 60000), 1);
  CHECK_IS(wait.revents, POLLNVAL);
  woken++;
  return NULL;
}

static void *raises_it(void *unused) {
  co_enable_hook_sys();
  usleep(2000);
  raise(SIGALRM);
  return unused;
}

static struct {
  stCoRoutine_t *co[2];
  int pair[2];
} waiting;

static void two_wait(void) {
  struct sigaction one = {.sa_handler = closes_victim, .sa_flags = SA_RESTART};
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, waiting.pair) == 0);
  sigaction(SIGALRM, &one, NULL);
  woken = 0;
  waiting.co[0] = start(waits_to_read, (void *)(intptr_t)waiting.pair[0]);
  waiting.co[1] = start(waits_to_poll, (void *)(intptr_t)waiting.pair[0]);
  victim = waiting.pair[0];
}

static void two_woken(void) {
  loop_until(&woken, 2);
  co_release(waiting.co[0]);
  co_release(waiting.co[1]);
  close(waiting.pair[1]);
}

TEST(a_handler_in_the_loops_sleep_closes_what_coroutines_wait_for) {
  two_wait();
  struct itimerval soon = in_ms(30);
  setitimer(ITIMER_REAL, &soon, NULL);
  /* No callback: the loop sleeps until something wakes it. */
  two_woken();
}

static void *loop_of_waiters(void *unused) {
  two_woken();
  return unused;
}

TEST(a_handler_in_a_coroutine_closes_what_others_wait_for) {
  two_wait();
  stCoRoutine_t *co = start(raises_it, NULL);
  two_woken();
  co_release(co);
}

TEST(a_handler_outside_closes_what_coroutines_wait_for) {
  two_wait();
  raise(SIGALRM);
  two_woken();
}

static void *owns_waiters(void *ready) {
  two_wait();
  __atomic_store_n((int *)ready, 1, __ATOMIC_RELEASE);
  return loop_of_waiters(NULL);
}

TEST(a_handler_of_another_thread_closes_what_coroutines_wait_for) {
  pthread_t thread;
  int ready = 0;
  NEED(pthread_create(&thread, NULL, owns_waiters, &ready) == 0);
  while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) usleep(1000);
  usleep(20000);
  CHECK(pthread_kill(pthread_self(), SIGALRM) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

TEST(a_handler_duplicates_over_what_coroutines_wait_for) {
  int other[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
  replacement = other[0];
  two_wait();
  struct itimerval soon = in_ms(30);
  setitimer(ITIMER_REAL, &soon, NULL);
  two_woken();
}

static void *sleeps_without_callback(void *thread) {
  co_enable_hook_sys();
  usleep(50000);
  while (woken < 2) usleep(1000);
  pthread_cancel(*(pthread_t *)thread);
  return NULL;
}

static void *loops_for_ever(void *self) {
  *(pthread_t *)self = pthread_self();
  two_wait();
  struct itimerval soon = in_ms(20);
  setitimer(ITIMER_REAL, &soon, NULL);
  start(sleeps_without_callback, self);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
  return NULL;
}

TEST(a_loop_without_a_callback_notices_what_a_handler_closed_and_is_cancelled) {
  pthread_t thread, self;
  void *result = NULL;
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  NEED(pthread_create(&thread, NULL, loops_for_ever, &self) == 0);
  pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
  CHECK(pthread_join(thread, &result) == 0);
  CHECK(result == PTHREAD_CANCELED);
  CHECK_IS(woken, 2);
}

/* ---- the end -------------------------------------------------------------------------------------------------------- */

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
#endif

RUN_TESTS
