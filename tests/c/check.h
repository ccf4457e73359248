/*
 * check.h - cases in C and C++ that speak TAP.
 *
 *     TEST(a_case_is_named_by_a_sentence) { CHECK(1 + 1 == 2); }
 *     TEST_SAYS(what_it_says_on_standard_error_is_expected, "words") { fprintf(stderr, "a few words\n"); }
 *     RUN_TESTS
 *
 * Each case runs in a process of its own, so that one that crashes, hangs or leaves coroutines behind fails
 * alone and finds the library as if nobody had used it before. Arguments of the program choose cases: those
 * whose names contain one of them.
 */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "co_routine.h"

#define UNUSED __attribute__((unused))
#define NOINLINE __attribute__((noinline))

/* A case that takes longer than this hangs. */
#define CASE_SECONDS 120

struct check_case {
  const char *name;
  void (*run)(void);
  int line;
  struct check_case *next;
};

static struct check_case *check_cases;
static int check_failures;

UNUSED static void check_add(struct check_case *one) {
  struct check_case **place = &check_cases;
  while (*place && (*place)->line <= one->line) place = &(*place)->next;
  one->next = *place;
  *place = one;
}

#define TEST(title)                                                   \
  static void title(void);                                            \
  __attribute__((constructor)) static void add_##title(void) {        \
    static struct check_case one = {#title, title, __LINE__, NULL};   \
    check_add(&one);                                                  \
  }                                                                   \
  static void title(void)

/* Threads check as well. After the hundredth failure the rest is only counted. */
UNUSED static int check_that(int holds, const char *what, const char *file, int line) {
  if (!holds && __atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED) <= 100)
    fprintf(stderr, "# %s:%d: failed: %s (errno %d)\n", file, line, what, errno);
  return holds;
}

UNUSED static int check_equal(long long got, long long expected, const char *what, const char *file, int line) {
  if (got != expected && __atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED) <= 100)
    fprintf(stderr, "# %s:%d: %s is %lld, not %lld\n", file, line, what, got, expected);
  return got == expected;
}

UNUSED static int check_text(const char *got, const char *expected, const char *what, const char *file, int line) {
  int same = got && strcmp(got, expected) == 0;
  if (!same && __atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED) <= 100)
    fprintf(stderr, "# %s:%d: %s is \"%s\", not \"%s\"\n", file, line, what, got ? got : "(null)", expected);
  return same;
}

#define CHECK(condition) check_that(!!(condition), #condition, __FILE__, __LINE__)
#define CHECK_IS(got, expected) check_equal((long long)(got), (long long)(expected), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, expected) check_text(got, expected, #got, __FILE__, __LINE__)
/* For what the rest of a case cannot do without. */
#define NEED(condition)                                                       \
  do {                                                                        \
    if (!CHECK(condition)) {                                                  \
      fflush(NULL);                                                           \
      _exit(1);                                                               \
    }                                                                         \
  } while (0)

/* Ends a case that this machine cannot run, and says why. */
#define SKIP(reason)                   \
  do {                                 \
    fprintf(stderr, "# skipped: %s\n", reason); \
    _exit(77);                         \
  } while (0)

UNUSED static int check_chosen(const char *name, int argc, char **argv) {
  int i;
  for (i = 1; i < argc; i++)
    if (strstr(name, argv[i])) return 1;
  return argc == 1;
}

/* A case may set the alarm itself. */
static void end_in_time(pid_t child) {
  struct pollfd ends = {(int)syscall(SYS_pidfd_open, child, 0), POLLIN, 0};
  int ended;
  if (ends.fd < 0) return;
  while ((ended = poll(&ends, 1, (CASE_SECONDS + 10) * 1000)) < 0 && errno == EINTR) continue;
  if (ended == 0) kill(child, SIGKILL);
  close(ends.fd);
}

/* Ends what a case has left behind: it would have the output open, and go on for ever if it hangs. */
static void end_what_is_left(void) {
  char path[64], pids[4096];
  snprintf(path, sizeof path, "/proc/self/task/%ld/children", syscall(SYS_gettid));
  for (;;) {
    FILE *file = fopen(path, "r");
    char *pid = file ? fgets(pids, sizeof pids, file) : NULL;
    long one;
    if (file) fclose(file);
    if (!pid) return;
    while ((one = strtol(pid, &pid, 10)) > 0) kill((pid_t)one, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0) continue;
  }
}

UNUSED static int check_main(int argc, char **argv) {
  struct check_case *one;
  int number = 0, failed = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (one = check_cases; one; one = one->next) number += check_chosen(one->name, argc, argv);
  printf("1..%d\n", number);
  number = 0;
  for (one = check_cases; one; one = one->next) {
    char name[200];
    size_t i;
    int status = 0, good, skipped;
    pid_t child;
    if (!check_chosen(one->name, argc, argv)) continue;
    snprintf(name, sizeof name, "%s", one->name);
    for (i = 0; name[i]; i++)
      if (name[i] == '_') name[i] = ' ';
    fflush(NULL);
    child = fork();
    if (child == 0) {
      alarm(CASE_SECONDS);
      one->run();
      fflush(NULL);
      _exit(check_failures ? 1 : 0);
    }
    if (child < 0) return 2;
    end_in_time(child);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    end_what_is_left();
    skipped = WIFEXITED(status) && WEXITSTATUS(status) == 77;
    good = skipped || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    failed += !good;
    printf("%s %d - %s%s\n", good ? "ok" : "not ok", ++number, skipped ? "# SKIP " : "", name);
    if (WIFSIGNALED(status)) printf("# ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  return failed ? 1 : 0;
}

#define RUN_TESTS \
  int main(int argc, char **argv) { return check_main(argc, argv); }

/* How a body ended that ran in a process of its own, and what it wrote to standard error. */
struct ending {
  int status;
  char text[8192];
};

/* Runs `body(argument)` in a child. One that returns exits with 0 when all its checks held. */
UNUSED static struct ending apart(void (*body)(void *), void *argument) {
  struct ending ended;
  size_t got = 0;
  ssize_t n;
  int ends[2];
  pid_t child;
  memset(&ended, 0, sizeof ended);
  fflush(NULL);
  NEED(pipe(ends) == 0);
  child = fork();
  if (child == 0) {
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(CASE_SECONDS / 2);
    check_failures = 0;
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    body(argument);
    fflush(NULL);
    _exit(check_failures ? 1 : 0);
  }
  close(ends[1]);
  while (got < sizeof ended.text - 1 && (n = read(ends[0], ended.text + got, sizeof ended.text - 1 - got)) > 0)
    got += (size_t)n;
  close(ends[0]);
  waitpid(child, &ended.status, 0);
  return ended;
}

/* Runs `body` apart, where it must come to its end, and expects `words` on standard error; none for NULL. */
UNUSED static void check_says(void (*body)(void *), const char *words) {
  struct ending said = apart(body, NULL);
  if (!CHECK(WIFEXITED(said.status) && WEXITSTATUS(said.status) == 0) ||
      !CHECK(words ? strstr(said.text, words) != NULL : said.text[0] == 0))
    fprintf(stderr, "# status %#x, standard error: %s\n", (unsigned)said.status, said.text);
}

/* A case about what the library says: its body runs apart. */
#define TEST_SAYS(title, words)                             \
  static void title##_apart(void *);                        \
  TEST(title) { check_says(title##_apart, words); }         \
  static void title##_apart(void *nothing UNUSED)

/* ---- coroutines ------------------------------------------------------------------------------------- */

/* A coroutine with a stack of its own that takes no particular size. */
UNUSED static stCoRoutine_t *spawn(void *(*body)(void *), void *argument) {
  stCoRoutine_t *co = NULL;
  NEED(co_create(&co, NULL, body, argument) == 0 && co != NULL);
  return co;
}

/* A coroutine on shared stacks, or on one of `size` bytes of its own. */
UNUSED static stCoRoutine_t *spawn_on(stShareStack_t *shared, int size, void *(*body)(void *), void *argument) {
  stCoRoutine_t *co = NULL;
  stCoRoutineAttr_t attr;
  memset((void *)&attr, 0, sizeof attr);
  attr.stack_size = size;
  attr.share_stack = shared;
  NEED(co_create(&co, &attr, body, argument) == 0 && co != NULL);
  return co;
}

/* A coroutine that runs up to its first wait. */
UNUSED static stCoRoutine_t *start(void *(*body)(void *), void *argument) {
  stCoRoutine_t *co = spawn(body, argument);
  co_resume(co);
  return co;
}

/* Runs `body(argument)` in another thread to its end. */
UNUSED static void elsewhere(void *(*body)(void *), void *argument) {
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, body, argument) == 0);
  NEED(pthread_join(thread, NULL) == 0);
}

UNUSED static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

UNUSED static long long since_ms(long long before) { return (now_ns() - before) / 1000000; }

struct check_goal {
  int *place, value;
};

UNUSED static int check_goal_reached(void *argument) {
  struct check_goal *goal = (struct check_goal *)argument;
  return __atomic_load_n(goal->place, __ATOMIC_ACQUIRE) >= goal->value ? -1 : 0;
}

/* Turns the loop until the number at `place` has reached `value`. The case's own limit ends a vain wait. */
UNUSED static void loop_until(int *place, int value) {
  struct check_goal goal = {place, value};
  co_eventloop(co_get_epoll_ct(), check_goal_reached, &goal);
}

UNUSED static int check_time_reached(void *argument) { return now_ns() >= *(long long *)argument ? -1 : 0; }

/* Turns the loop for some time. */
UNUSED static void loop_for(int ms) {
  long long until = now_ns() + ms * 1000000LL;
  co_eventloop(co_get_epoll_ct(), check_time_reached, &until);
}

/* ---- the process ------------------------------------------------------------------------------------ */

/* A number of kilobytes, or a count, from /proc/self/status. */
UNUSED static long status_of(const char *name) {
  char line[200];
  long value = -1;
  size_t length = strlen(name);
  FILE *file = fopen("/proc/self/status", "r");
  NEED(file != NULL);
  while (fgets(line, sizeof line, file))
    if (strncmp(line, name, length) == 0 && line[length] == ':') value = atol(line + length + 1);
  fclose(file);
  return value;
}

/* Resident bytes, exact: status is counted in batches per thread. */
UNUSED static long resident_bytes(void) {
  char line[200];
  long value = 0;
  FILE *file = fopen("/proc/self/smaps_rollup", "r");
  NEED(file != NULL);
  while (fgets(line, sizeof line, file))
    if (strncmp(line, "Rss:", 4) == 0) value = atol(line + 4);
  fclose(file);
  return value * 1024;
}

/* How many descriptors are open. */
UNUSED static int open_descriptors(void) {
  int fd, count = 0;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  for (fd = 0; fd < (int)limit.rlim_cur && fd < (1 << 20); fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* A reproducible generator: seeds are printed, so that a failing run can be repeated. */
struct dice {
  uint64_t state;
};

UNUSED static uint64_t roll(struct dice *dice) {
  uint64_t x = dice->state += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

UNUSED static unsigned below(struct dice *dice, unsigned limit) { return (unsigned)(roll(dice) % limit); }

/* SEED in the environment repeats a run. */
UNUSED static struct dice cast_dice(void) {
  struct dice dice;
  const char *given = getenv("SEED");
  dice.state = given ? strtoull(given, NULL, 0) : (uint64_t)now_ns() ^ (uint64_t)getpid() << 32;
  fprintf(stderr, "# SEED=%#llx\n", (unsigned long long)dice.state);
  return dice;
}

#endif
