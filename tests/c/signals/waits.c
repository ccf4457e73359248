/* Signals to a thread in its loop do no harm, and no wait of a coroutine outlives what a handler closed. */
#include "signals.h"

static int ends[2], finished;

static void *writes_late(void *unused) {
  co_enable_hook_sys();
  long long end = now_ns() + 120000000;
  while (now_ns() < end || count < 10) usleep(120000);
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

RUN_TESTS
