/*
 * EINTR: which coroutine a signal handler interrupts when several wait, and which calls go on.
 */
#include "../check.h"

#include <semaphore.h>

static int done;
static volatile sig_atomic_t handled;

static void handles(int signal) {
  (void)signal;
  handled++;
}

static void install(int signal, int flags) {
  struct sigaction one = {.sa_handler = handles, .sa_flags = flags};
  NEED(sigaction(signal, &one, NULL) == 0);
}

/* A thread that signals this one again and again, a while after it was started, until it is told to stop. */
static pthread_t victim, signaller;
static volatile int stop, every_ms;

static void *signals_on(void *unused) {
  while (!stop) {
    usleep(every_ms * 1000);
    if (!stop) pthread_kill(victim, SIGUSR1);
  }
  return unused;
}

static void signal_every(int ms) {
  victim = pthread_self();
  every_ms = ms;
  stop = 0;
  NEED(pthread_create(&signaller, NULL, signals_on, NULL) == 0);
}

static void signal_no_more(void) {
  stop = 1;
  pthread_join(signaller, NULL);
}

static void signal_once(void) {
  NEED(pthread_kill(pthread_self(), SIGUSR1) == 0);
}

/* ---- which coroutine ------------------------------------------------------------------------------------ */

enum { WAITERS = 5 };
static int pairs[WAITERS][2], results[WAITERS], errors[WAITERS];

static void *reads(void *number) {
  long i = (long)number;
  char byte;
  co_enable_hook_sys();
  results[i] = read(pairs[i][0], &byte, 1);
  errors[i] = errno;
  done++;
  return NULL;
}

static void *polls(void *number) {
  long i = (long)number;
  struct pollfd one = {.fd = pairs[i][0], .events = POLLIN};
  co_enable_hook_sys();
  results[i] = poll(&one, 1, -1);
  errors[i] = errno;
  done++;
  return NULL;
}

static void make_pairs(void) {
  for (int i = 0; i < WAITERS; i++) NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0);
}

static void end_all(void) {
  for (int i = 0; i < WAITERS; i++) CHECK(write(pairs[i][1], "x", 1) == 1);
  loop_until(&done, WAITERS);
}

TEST(of_several_coroutines_that_wait_the_oldest_is_interrupted) {
  make_pairs();
  install(SIGUSR1, 0);
  for (long i = 0; i < WAITERS; i++) start(reads, (void *)i);
  for (int i = 0; i < WAITERS; i++) {
    CHECK_IS(done, i);
    signal_once();
    loop_for(5);
    CHECK_IS(done, i + 1);
    CHECK(results[i] == -1 && errors[i] == EINTR);
  }
}

TEST(a_handler_that_restarts_calls_interrupts_no_read) {
  make_pairs();
  install(SIGUSR1, SA_RESTART);
  for (long i = 0; i < WAITERS; i++) start(reads, (void *)i);
  for (int i = 0; i < 20; i++) {
    signal_once();
    loop_for(1);
  }
  CHECK_IS(done, 0);
  CHECK_IS(handled, 20);
  end_all();
  for (int i = 0; i < WAITERS; i++) CHECK_IS(results[i], 1);
}

TEST(a_handler_that_restarts_calls_interrupts_poll_all_the_same) {
  make_pairs();
  install(SIGUSR1, SA_RESTART);
  for (long i = 0; i < WAITERS; i++) start(i < 2 ? reads : polls, (void *)i);
  signal_once();
  loop_for(5);
  CHECK_IS(done, 1);
  CHECK(results[2] == -1 && errors[2] == EINTR);
}

TEST(a_read_with_a_time_out_is_not_restarted) {
  struct timeval time = {100, 0};
  make_pairs();
  install(SIGUSR1, SA_RESTART);
  CHECK(setsockopt(pairs[3][0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
  for (long i = 0; i < WAITERS; i++) start(reads, (void *)i);
  signal_once();
  loop_for(5);
  CHECK_IS(done, 1);
  CHECK(results[3] == -1 && errors[3] == EINTR);
}

/* ---- what ends nothing ---------------------------------------------------------------------------------- */

TEST(an_ignored_signal_interrupts_nobody) {
  make_pairs();
  signal(SIGUSR1, SIG_IGN);
  for (long i = 0; i < WAITERS; i++) start(polls, (void *)i);
  signal_once();
  loop_for(5);
  CHECK_IS(done, 0);
  end_all();
}

static void *signals_itself(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) signal_once();
  /* The handlers ran before this call began. */
  CHECK_IS(usleep(20000), 0);
  done++;
  return unused;
}

TEST(handlers_that_ran_before_a_call_do_not_interrupt_it) {
  install(SIGUSR1, 0);
  start(signals_itself, NULL);
  loop_until(&done, 1);
  CHECK_IS(handled, 10);
}

static void *breaks_pipes(void *unused) {
  int pipes[2];
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) {
    NEED(pipe(pipes) == 0);
    close(pipes[0]);
    CHECK(write(pipes[1], "x", 1) == -1 && errno == EPIPE);
    close(pipes[1]);
    usleep(1000);
  }
  done++;
  return unused;
}

TEST(sigpipe_interrupts_nobody_else) {
  make_pairs();
  install(SIGPIPE, 0);
  start(reads, (void *)0);
  start(breaks_pipes, NULL);
  loop_until(&done, 1);
  CHECK_IS(handled, 10);
  CHECK_IS(done, 1);
}

static stCoCond_t *cond;

static void *waits_for_a_condition(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(co_cond_timedwait(cond, -1), 0);
  done++;
  return unused;
}

TEST(a_wait_for_a_condition_is_not_interrupted) {
  cond = co_cond_alloc();
  install(SIGUSR1, 0);
  start(waits_for_a_condition, NULL);
  for (int i = 0; i < 5; i++) {
    signal_once();
    loop_for(2);
  }
  CHECK_IS(done, 0);
  co_cond_signal(cond);
  loop_until(&done, 1);
}

static sem_t semaphore;

static void *waits_for_a_semaphore(void *unused) {
  co_enable_hook_sys();
  CHECK(sem_wait(&semaphore) == -1 && errno == EINTR);
  CHECK_IS(sem_wait(&semaphore), 0);
  done++;
  return unused;
}

TEST(a_wait_for_a_semaphore_is_interrupted) {
  NEED(sem_init(&semaphore, 0, 0) == 0);
  install(SIGUSR1, 0);
  start(waits_for_a_semaphore, NULL);
  signal_once();
  loop_for(5);
  install(SIGUSR1, SA_RESTART);
  signal_once();
  loop_for(5);
  CHECK_IS(done, 0);
  sem_post(&semaphore);
  loop_until(&done, 1);
}

/* ---- what is told of the time ----------------------------------------------------------------------------- */

static void *is_told_what_is_left(void *unused) {
  struct timespec hour = {3600, 0}, left = {0, 0};
  struct timeval time = {3600, 0};
  fd_set set;
  co_enable_hook_sys();
  CHECK(nanosleep(&hour, &left) == -1 && errno == EINTR);
  CHECK(left.tv_sec > 3500 && left.tv_sec < 3600);
  left.tv_sec = 0;
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, &left) == EINTR);
  CHECK(left.tv_sec > 3500 && left.tv_sec < 3600);
  unsigned seconds = sleep(3600);
  CHECK(seconds > 3500 && seconds < 3600);
  FD_ZERO(&set);
  FD_SET(pairs[0][0], &set);
  CHECK(select(pairs[0][0] + 1, &set, NULL, NULL, &time) == -1 && errno == EINTR);
  CHECK(time.tv_sec > 3500 && time.tv_sec < 3600);
  CHECK(FD_ISSET(pairs[0][0], &set));
  done++;
  return unused;
}

TEST(interrupted_calls_tell_what_is_left_of_their_time) {
  make_pairs();
  install(SIGUSR1, 0);
  start(is_told_what_is_left, NULL);
  signal_every(10);
  loop_until(&done, 1);
  signal_no_more();
}

/* ---- partial transfers ------------------------------------------------------------------------------------ */

static char much[4 << 20];
static ssize_t written, received;

static void *writes_much(void *unused) {
  co_enable_hook_sys();
  written = write(pairs[0][0], much, sizeof much);
  done++;
  return unused;
}

static void *receives_all(void *unused) {
  co_enable_hook_sys();
  received = recv(pairs[1][0], much, 100, MSG_WAITALL);
  done++;
  return unused;
}

TEST(what_was_transferred_before_the_interruption_counts) {
  make_pairs();
  install(SIGUSR1, 0);
  start(writes_much, NULL);
  loop_for(5);
  CHECK_IS(done, 0);
  signal_once();
  loop_until(&done, 1);
  CHECK(written > 0 && written < (ssize_t)sizeof much);
  start(receives_all, NULL);
  CHECK_IS(write(pairs[1][1], "some", 4), 4);
  loop_for(5);
  CHECK_IS(done, 1);
  signal_once();
  loop_until(&done, 2);
  CHECK_IS(received, 4);
}

/* ---- many ------------------------------------------------------------------------------------------------- */

static void *reads_all_the_same(void *number) {
  char byte = 0;
  ssize_t n;
  co_enable_hook_sys();
  for (int i = 0; i < 200; i++) {
    while ((n = read(pairs[(long)number][0], &byte, 1)) == -1 && errno == EINTR) continue;
    CHECK(n == 1 && byte == (char)i);
  }
  done++;
  return NULL;
}

static void *writes_all_the_same(void *number) {
  co_enable_hook_sys();
  for (int i = 0; i < 200; i++) {
    char byte = (char)i;
    usleep(300);
    CHECK_IS(write(pairs[(long)number][1], &byte, 1), 1);
  }
  done++;
  return NULL;
}

TEST(nothing_is_lost_among_many_interruptions) {
  make_pairs();
  install(SIGUSR1, 0);
  for (long i = 0; i < WAITERS; i++) start(reads_all_the_same, (void *)i);
  for (long i = 0; i < WAITERS; i++) start(writes_all_the_same, (void *)i);
  signal_every(1);
  loop_until(&done, 2 * WAITERS);
  signal_no_more();
}

TEST(a_waiting_coroutine_that_is_released_is_interrupted_no_more) {
  make_pairs();
  install(SIGUSR1, 0);
  for (int round = 0; round < 50; round++) {
    stCoRoutine_t *co = start(round % 2 ? reads : polls, (void *)0);
    if (round % 3) signal_once();
    co_release(co);
    loop_for(1);
  }
  CHECK_IS(done, 0);
  start(reads, (void *)1);
  signal_once();
  loop_until(&done, 1);
  CHECK(results[1] == -1 && errors[1] == EINTR);
}

/* ---- in the middle of a call ------------------------------------------------------------------------------ */

static int ended_early;

static void *waits_till_interrupted(void *unused) {
  co_enable_hook_sys();
  ended_early += sem_wait(&semaphore) == -1 && errno == EINTR;
  done++;
  return unused;
}

static void *naps_and_signals(void *unused) {
  co_enable_hook_sys();
  usleep(9000);
  signal_once();
  done++;
  return unused;
}

/* Keeps the thread from its loop until the times of all others are over. */
static void *hogs(void *unused) {
  co_enable_hook_sys();
  usleep(1000);
  for (long long before = now_ns(); since_ms(before) < 25;) continue;
  done++;
  return unused;
}

TEST(a_handler_interrupts_a_call_that_just_looks_again) {
  install(SIGUSR1, 0);
  sem_init(&semaphore, 0, 0);
  for (int i = 0; i < 20; i++) {
    ended_early = done = 0;
    stCoRoutine_t *waiter = start(waits_till_interrupted, NULL);
    /* It looks every 10 milliseconds. */
    loop_for(40 + i);
    start(naps_and_signals, NULL);
    start(hogs, NULL);
    loop_until(&done, 2);
    loop_for(30);
    CHECK_IS(ended_early, 1);
    sem_post(&semaphore);
    loop_until(&done, 3);
    while (sem_trywait(&semaphore) == 0) continue;
    co_release(waiter);
  }
}

RUN_TESTS
