/* C11's threads, and signals that are waited for, sent with values, or handled: printed. */
#include "threads_mode.h"

#include <spawn.h>
#include <threads.h>

static mtx_t lock;
static cnd_t changed;
static tss_t value;
static once_flag once = ONCE_FLAG_INIT;
static int state, calls;

static int with_thread(thrd_start_t routine, void *argument) {
  thrd_t thread;
  int result = -1;
  if (thrd_create(&thread, routine, argument) != thrd_success || thrd_join(thread, &result) != thrd_success) return -2;
  return result;
}
static struct timespec soon(void) {
  struct timespec at;
  timespec_get(&at, TIME_UTC);
  at.tv_nsec += 5000000;
  if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
  return at;
}
static int tries(void *type) {
  struct timespec limit = soon(), invalid = {1, 1000000000};
  SAY(mtx_trylock(&lock) == thrd_busy);
  if ((int)(long)type & mtx_timed) {
    SAY(mtx_timedlock(&lock, &limit) == thrd_timedout);
    SAY(mtx_timedlock(&lock, &invalid) == thrd_error);
  }
  return 7;
}
static void mutexes_of_c11(void) {
  static const int types[] = {mtx_plain, mtx_timed, mtx_plain | mtx_recursive, mtx_timed | mtx_recursive};
  SAY(mtx_init(&lock, 99) == thrd_error);
  for (int i = 0; i < 4; i++) {
    SAY(mtx_init(&lock, types[i]) == thrd_success);
    SAY(mtx_lock(&lock) == thrd_success);
    SAY(mtx_trylock(&lock) == (types[i] & mtx_recursive ? thrd_success : thrd_busy));
    if (types[i] & mtx_recursive) SAY(mtx_unlock(&lock) == thrd_success);
    SAY(with_thread(tries, (void *)(long)types[i]));
    SAY(mtx_unlock(&lock) == thrd_success);
    mtx_destroy(&lock);
  }
}
static int changes(void *unused) {
  (void)unused;
  for (int i = 0; i < 3; i++) {
    mtx_lock(&lock);
    while (state != 2 * i) cnd_wait(&changed, &lock);
    state++;
    cnd_broadcast(&changed);
    mtx_unlock(&lock);
  }
  thrd_exit(-5);
}
static void conditions_of_c11(void) {
  thrd_t thread;
  int result;
  struct timespec limit = soon();
  SAY(mtx_init(&lock, mtx_plain) == thrd_success);
  SAY(cnd_init(&changed) == thrd_success);
  SAY(mtx_lock(&lock) == thrd_success);
  SAY(cnd_timedwait(&changed, &lock, &limit) == thrd_timedout);
  SAY(cnd_signal(&changed) == thrd_success);
  SAY(thrd_create(&thread, changes, NULL) == thrd_success);
  for (int i = 0; i < 3; i++) {
    while (state != 2 * i + 1) cnd_wait(&changed, &lock);
    state++;
    cnd_signal(&changed);
  }
  SAY(mtx_unlock(&lock) == thrd_success);
  SAY(thrd_join(thread, &result) == thrd_success);
  SAY(result);
  SAY(state);
  cnd_destroy(&changed);
}
static void count_call(void) {
  thrd_yield();
  calls++;
}
static void say_value(void *what) {
  printf("destroyed: %s\n", (char *)what);
  if (!strcmp(what, "first")) tss_set(value, "second");
}
static int uses(void *what) {
  struct timespec millisecond = {0, 1000000};
  call_once(&once, count_call);
  SAY(tss_get(value) != NULL);
  SAY(tss_set(value, what) == thrd_success);
  SAY(thrd_sleep(&millisecond, NULL));
  SAY(strcmp(tss_get(value), what));
  return calls;
}
static void values_of_c11(void) {
  struct timespec invalid = {1, 1000000000};
  SAY(tss_create(&value, say_value) == thrd_success);
  SAY(with_thread(uses, "first"));
  SAY(with_thread(uses, "another"));
  SAY(thrd_sleep(&invalid, NULL));
  tss_delete(value);
}

static sigset_t set;
static void block(int one, int other) {
  sigemptyset(&set);
  sigaddset(&set, one);
  sigaddset(&set, other);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
}
static void say_information(int signal, siginfo_t *information, void *unused) {
  (void)unused;
  printf("handled %d, code %d, value %d\n", signal, information->si_code, information->si_value.sival_int);
}
static void *takes(void *unused) {
  siginfo_t information;
  for (int i = 0; i < 2; i++) {
    SAY(sigwaitinfo(&set, &information));
    SAY(information.si_code);
    SAY(information.si_value.sival_int);
    SAY(information.si_pid == getpid());
  }
  return unused;
}
static void signals_are_waited_for(void) {
  struct timespec none = {0, 0}, little = {0, 5000000}, invalid = {0, 1000000000};
  union sigval number = {.sival_int = 42};
  sigset_t pending;
  pthread_t thread;
  int signal = 0;
  block(SIGUSR1, SIGRTMIN + 3);
  SAY(sigtimedwait(&set, NULL, &none));
  SAY(errno);
  SAY(sigtimedwait(&set, NULL, &little));
  SAY(errno);
  SAY(sigtimedwait(&set, NULL, &invalid));
  SAY(errno);
  SAY(kill(getpid(), SIGUSR1));
  SAY(sigpending(&pending));
  SAY(sigismember(&pending, SIGUSR1));
  SAY(sigwait(&set, &signal));
  SAY(signal);
  SAY(sigpending(&pending));
  SAY(sigismember(&pending, SIGUSR1));
  SAY(raise(SIGUSR1));
  SAY(sigtimedwait(&set, NULL, &none));
  MAKE(pthread_create(&thread, NULL, takes, NULL));
  usleep(10000);
  sigqueue(getpid(), SIGRTMIN + 3, number);
  usleep(50000);
  number.sival_int++;
  pthread_sigqueue(thread, SIGRTMIN + 3, number);
  SAY(pthread_join(thread, NULL));
  SAY(pthread_sigqueue(pthread_self(), 99, number));
  SAY(pthread_sigmask(99, &set, NULL));
}
static void signals_are_handled(void) {
  struct sigaction action = {.sa_sigaction = say_information, .sa_flags = SA_SIGINFO};
  union sigval number = {.sival_int = 5};
  sigset_t none;
  sigemptyset(&action.sa_mask);
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGRTMIN + 1, &action, NULL);
  SAY(raise(SIGUSR1));
  SAY(pthread_sigqueue(pthread_self(), SIGRTMIN + 1, number));
  block(SIGUSR1, SIGRTMIN + 1);
  for (int i = 0; i < 3; i++) SAY(sigqueue(getpid(), SIGRTMIN + 1, number)); /* each of them comes */
  for (int i = 0; i < 3; i++) SAY(kill(getpid(), SIGUSR1));                   /* only one does */
  puts("unblocked");
  SAY(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
  block(SIGUSR1, SIGUSR1);
  SAY(kill(getpid(), SIGUSR1));
  sigemptyset(&none);
  SAY(sigsuspend(&none));
  SAY(errno);
  SAY(pthread_sigmask(SIG_BLOCK, NULL, &none));
  SAY(sigismember(&none, SIGUSR1));
}
static volatile int inner, outer, seen_inside;
static void handles_inner(int signal) { inner += signal > 0; }
static void handles_outer(int signal) {
  outer += signal > 0;
  raise(SIGUSR2); /* blocked meanwhile */
  seen_inside = inner;
}
static void handlers_have_masks(void) {
  struct sigaction action = {.sa_handler = handles_inner};
  sigaction(SIGUSR2, &action, NULL);
  action.sa_handler = handles_outer;
  sigaddset(&action.sa_mask, SIGUSR2);
  sigaction(SIGUSR1, &action, NULL);
  SAY(raise(SIGUSR1));
  SAY(outer);
  SAY(seen_inside);
  SAY(inner);
}
static void *spawns(void *unused) {
  extern char **environ;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  char *command[] = {"sh", "-c", "echo spawned; kill -USR1 $$; exit 9", NULL};
  pid_t child = 0;
  int status = 0;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, 0);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &set);
  fflush(stdout);
  SAY(posix_spawn(&child, "/nonexistent", NULL, NULL, command, environ));
  MAKE(posix_spawn(&child, "/bin/sh", &actions, &attributes, command, environ));
  SAY(waitpid(child, &status, 0) == child);
  SAY(WIFEXITED(status));
  SAY(WEXITSTATUS(status));
  SAY(posix_spawnp(&child, "true", NULL, NULL, (char *[]){"true", NULL}, environ));
  SAY(waitpid(child, &status, 0) == child);
  SAY(status);
  return unused;
}
static void threads_spawn_programs(void) {
  pthread_t thread;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  setbuf(stdout, NULL);
  pthread_create(&thread, NULL, spawns, NULL);
  pthread_join(thread, NULL);
}

CASES(CASE(mutexes_of_c11), CASE(conditions_of_c11), CASE(values_of_c11), CASE(signals_are_waited_for), CASE(signals_are_handled),
      CASE(handlers_have_masks), CASE(threads_spawn_programs))
