/*
 * storm.h - a storm of signals: timers and another thread interrupt whatever coroutines and the library do, some thousands of
 * times a second, and the handlers make hooked calls. What the coroutines do must come out right, and nothing may hang.
 * ROUNDS in the environment makes every case that many times as long.
 */
#ifndef STORM_H
#define STORM_H

#include "../check.h"

#include <sys/time.h>

enum { MAX_WORKERS = 4, ENOUGH = 30 /* signals of each kind, for a case to be about something */ };

static long handled[3], broken_calls;
static long long calm_at;
static timer_t ticks;
static pthread_t chaser, workers[MAX_WORKERS];
static int worker_count, chasing;

UNUSED static void complain_once(int line) {
  if (__atomic_fetch_add(&broken_calls, 1, __ATOMIC_RELAXED) < 5) {
    char text[60];
    int length = snprintf(text, sizeof text, "# a handler's call failed at line %d, errno %d\n", line, errno);
    if (write(2, text, (size_t)length) != length) abort();
  }
}

#define IN_HANDLER(condition) ((condition) ? (void)0 : complain_once(__LINE__))

/* What a thread's handler may do with descriptors of its own. */
UNUSED static void use_descriptors(int which) {
  int pair[2], copy;
  char bytes[4] = "";
  struct pollfd wait;
  int found, made = which & 1 ? pipe2(pair, O_CLOEXEC) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
  IN_HANDLER(made == 0);
  if (made != 0) return;
  IN_HANDLER(write(pair[1], "abc", 3) == 3);
  wait.fd = pair[0];
  wait.events = POLLIN;
  /* Another handler may interrupt this one. */
  while ((found = poll(&wait, 1, 1000)) < 0 && errno == EINTR) continue;
  IN_HANDLER(found == 1 && wait.revents == POLLIN);
  IN_HANDLER(read(pair[0], bytes, 4) == 3 && memcmp(bytes, "abc", 3) == 0);
  copy = dup(pair[0]);
  IN_HANDLER(copy >= 0);
  IN_HANDLER(dup2(pair[1], copy) == copy);
  if (!(which & 1)) {
    int kind = 0;
    socklen_t length = sizeof kind;
    IN_HANDLER(getsockopt(copy, SOL_SOCKET, SO_TYPE, &kind, &length) == 0 && kind == SOCK_STREAM);
    IN_HANDLER(send(copy, "d", 1, 0) == 1 && recv(pair[0], bytes, 1, 0) == 1 && bytes[0] == 'd');
    IN_HANDLER(shutdown(copy, SHUT_WR) == 0 && recv(pair[0], bytes, 1, 0) == 0);
  }
  IN_HANDLER((fcntl(copy, F_GETFD) & ~FD_CLOEXEC) == 0);
  IN_HANDLER(close(copy) == 0 && close(pair[0]) == 0 && close(pair[1]) == 0);
}

UNUSED static void on_storm(int signal) {
  int kept = errno, which = signal == SIGALRM ? 0 : signal == SIGUSR1 ? 1 : 2;
  struct timespec nothing = {0, 0};
  const char *value;
  long number = __atomic_add_fetch(&handled[which], 1, __ATOMIC_RELAXED);
  use_descriptors((int)number & 1);
  IN_HANDLER(nanosleep(&nothing, NULL) == 0 || errno == EINTR);
  /* Listed, and another in each coroutine: a handler gets the process's. */
  value = getenv("STORM_LISTED");
  IN_HANDLER(value != NULL && strcmp(value, "process") == 0);
  if (now_ns() > calm_at) {
    static const char text[] = "# the storm goes on long after its end\n";
    if (write(2, text, sizeof text - 1) > 0) _exit(99);
  }
  errno = kept;
}

UNUSED static void on_storm_informed(int signal, siginfo_t *info, void *context) {
  IN_HANDLER(info != NULL && context != NULL && info->si_signo == signal);
  on_storm(signal);
}

/* Timers' signals go to whichever thread does not block them; this thread sees to the workers one by one. */
UNUSED static void *chase(void *unused) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  while (__atomic_load_n(&chasing, __ATOMIC_ACQUIRE)) {
    struct timespec pause = {0, 400000};
    for (int w = 0; w < worker_count; w++) pthread_kill(workers[w], SIGUSR2);
    nanosleep(&pause, NULL);
  }
  return unused;
}

UNUSED static int rounds(void) {
  const char *given = getenv("ROUNDS");
  int number = given ? atoi(given) : 1;
  return number > 0 ? number : 1;
}

/* The alternate stack of the main thread. */
static char alternate[128 * 1024];

UNUSED static void begin_storm(void) {
  struct sigaction one;
  struct sigevent event;
  struct itimerval interval = {{0, 1000}, {0, 1000}};
  struct itimerspec period = {{0, 700000}, {0, 700000}};
  stack_t stack;
  const char *listed[] = {"STORM_LISTED"};
  setenv("STORM_LISTED", "process", 1);
  co_set_env_list(listed, 1);
  calm_at = now_ns() + 30000000000LL * rounds();
  memset(&stack, 0, sizeof stack);
  stack.ss_sp = alternate;
  stack.ss_size = sizeof alternate;
  NEED(sigaltstack(&stack, NULL) == 0);
  memset(&one, 0, sizeof one);
  one.sa_handler = on_storm;
  one.sa_flags = SA_RESTART;
  NEED(sigaction(SIGALRM, &one, NULL) == 0);
  one.sa_flags = 0;
  NEED(sigaction(SIGUSR2, &one, NULL) == 0);
  one.sa_sigaction = on_storm_informed;
  /* A checker that cannot follow to the alternate stack says ALTERNATE=no. */
  one.sa_flags = SA_SIGINFO | (getenv("ALTERNATE") ? 0 : SA_ONSTACK);
  NEED(sigaction(SIGUSR1, &one, NULL) == 0);
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  NEED(timer_create(CLOCK_MONOTONIC, &event, &ticks) == 0);
  NEED(timer_settime(ticks, 0, &period, NULL) == 0);
  NEED(setitimer(ITIMER_REAL, &interval, NULL) == 0);
  if (worker_count == 0) workers[worker_count++] = pthread_self();
  chasing = 1;
  NEED(pthread_create(&chaser, NULL, chase, NULL) == 0);
}

UNUSED static void end_storm(void) {
  struct itimerval none = {{0, 0}, {0, 0}};
  __atomic_store_n(&chasing, 0, __ATOMIC_RELEASE);
  pthread_join(chaser, NULL);
  setitimer(ITIMER_REAL, &none, NULL);
  timer_delete(ticks);
  CHECK_IS(broken_calls, 0);
  for (int i = 0; i < 3; i++) CHECK(handled[i] >= ENOUGH);
}

/* ---- work ------------------------------------------------------------------------------------------- */

static __thread long long until;
static __thread int working;
static __thread long done;

UNUSED static void *enabled(void) {
  co_enable_hook_sys();
  return NULL;
}

/* How many signals come in a time depends on the machine: work goes on until they are enough. */
static int has_stormed(void) {
  for (int i = 0; i < 3; i++)
    if (__atomic_load_n(&handled[i], __ATOMIC_RELAXED) < ENOUGH) return 0;
  return 1;
}

UNUSED static int time_is_left(void) {
  long long now = now_ns(), give_up_at = calm_at - 10000000000LL;
  return now < until || (now < give_up_at && !has_stormed());
}

UNUSED static int nobody_works(void *unused) {
  (void)unused;
  return working == 0 ? -1 : 0;
}

struct job {
  int number, fds[2];
  struct dice dice;
};

UNUSED static ssize_t read_all(int fd, void *to, size_t size) {
  size_t got = 0;
  while (got < size) {
    ssize_t n = read(fd, (char *)to + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n;
    got += (size_t)n;
  }
  return (ssize_t)got;
}

UNUSED static ssize_t write_all(int fd, const void *from, size_t size) {
  size_t sent = 0;
  while (sent < size) {
    ssize_t n = write(fd, (const char *)from + sent, size - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n;
    sent += (size_t)n;
  }
  return (ssize_t)sent;
}

/* Coroutines of `body`, one for each of `count` jobs, until all have ended. */
UNUSED static void run_jobs(struct job *jobs, int count, void *(*body)(void *), stShareStack_t *shared) {
  stCoRoutine_t **co = calloc((size_t)count, sizeof *co);
  working = count;
  for (int i = 0; i < count; i++) co[i] = spawn_on(shared, 64 * 1024, body, &jobs[i]);
  for (int i = 0; i < count; i++) co_resume(co[i]);
  co_eventloop(co_get_epoll_ct(), nobody_works, NULL);
  for (int i = 0; i < count; i++) co_release(co[i]);
  free(co);
}

enum { ROUNDS_MS = 500 };

UNUSED static void begin_work(void) {
  until = now_ns() + ROUNDS_MS * 1000000LL * rounds();
  done = 0;
}

UNUSED static void stormy(void (*work)(void)) {
  int before = open_descriptors();
  begin_storm();
  begin_work();
  work();
  end_storm();
  CHECK(done > 0);
  fprintf(stderr, "# %ld done, %ld + %ld + %ld signals\n", done, handled[0], handled[1], handled[2]);
  /* The library's own descriptors are not the program's; whatever is more was lost. */
  CHECK_IS(open_descriptors(), before);
}

#endif
