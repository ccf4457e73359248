/* What a process dies of, whatever it had installed before, and handlers of its own that mend faults or jump. */
#include "jumps.h"

static int deadly;

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

TEST(a_fault_handler_may_jump) { everywhere(jumps_from_a_fault); }

RUN_TESTS
