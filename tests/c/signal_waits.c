/*
 * signal_waits.c - coroutines that wait for signals, while their thread goes on.
 *
 * What each call gives is compared with threads in tests/differential/awaiting.c.
 */
#include "ticks.h"

static int finished, taken;
static volatile sig_atomic_t handled;
static sigset_t set, none;

static void handler(int signal) {
  (void)signal;
  handled++;
}

static void prepare(int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  NEED(sigaction(SIGUSR1, &action, NULL) == 0);
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 3);
}

static void *wait_in(void *way) {
  siginfo_t info;
  int signal = 0;
  const struct timespec time = {0, 100000000};
  co_enable_hook_sys();
  switch ((int)(intptr_t)way) {
    case 0: CHECK(pause() == -1 && errno == EINTR); break;
    case 1: CHECK(sigsuspend(&none) == -1 && errno == EINTR); break;
    case 2: CHECK(sigtimedwait(&set, &info, &time) == -1 && errno == EAGAIN); break;
    case 3: CHECK(sigwait(&set, &signal) == 0 && signal == SIGRTMIN + 3); break;
    case 4: CHECK(sigwaitinfo(&set, &info) == SIGRTMIN + 3 && info.si_pid == getpid()); break;
  }
  finished++;
  return NULL;
}

TEST(pause_parks_the_coroutine_only) {
  prepare(SA_RESTART);
  start(tick, NULL);
  for (int i = 0; i < 20; i++) start(wait_in, (void *)0);
  loop_until(&ticks, 5);
  CHECK_IS(finished, 0);
  kill(getpid(), SIGUSR1);
  loop_until(&finished, 20);
  CHECK_IS(handled, 1);
}

TEST(sigsuspend_parks_the_coroutine_only) {
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  start(tick, NULL);
  start(wait_in, (void *)1);
  loop_until(&ticks, 5);
  CHECK_IS(finished, 0);
  CHECK_IS(handled, 0);
  kill(getpid(), SIGUSR1);
  loop_until(&finished, 1);
  CHECK_IS(handled, 1);
}

TEST(twenty_time_outs_of_sigtimedwait_pass_together) {
  long long before = now_ns();
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  start(tick, NULL);
  for (int i = 0; i < 20; i++) start(wait_in, (void *)2);
  CHECK_IS(finished, 0);
  loop_until(&finished, 20);
  CHECK(since_ms(before) >= 100);
}

TEST(signals_that_are_waited_for_come_to_one_each) {
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  start(tick, NULL);
  for (int i = 0; i < 20; i++) start(wait_in, (void *)(intptr_t)(3 + i % 2));
  loop_until(&ticks, 5);
  for (int i = 0; i < 20; i++) {
    CHECK_IS(finished, i);
    if (i % 2) NEED(kill(getpid(), SIGRTMIN + 3) == 0);
    else NEED(pthread_kill(pthread_self(), SIGRTMIN + 3) == 0);
    loop_until(&finished, i + 1);
  }
}

static void *take_ten(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++)
    if (CHECK(sigwaitinfo(&set, NULL) == SIGRTMIN + 3)) taken++;
  finished++;
  return nothing;
}

static void *send_forty(void *nothing) {
  for (int i = 0; i < 40; i++) {
    union sigval value = {.sival_int = i};
    NEED(sigqueue(getpid(), SIGRTMIN + 3, value) == 0);
    if (i % 5 == 0) usleep(2000);
  }
  return nothing;
}

TEST(none_is_lost_and_none_comes_twice) {
  pthread_t thread;
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  for (int i = 0; i < 4; i++) start(take_ten, NULL);
  NEED(pthread_create(&thread, NULL, send_forty, NULL) == 0);
  loop_until(&finished, 4);
  pthread_join(thread, NULL);
  CHECK_IS(taken, 40);
  CHECK(sigtimedwait(&set, NULL, &(struct timespec){0, 0}) == -1 && errno == EAGAIN);
}

/* A plain thread that takes the same signals. */
static void *take_on_a_thread(void *nothing) {
  int signal = 0;
  while (sigwait(&set, &signal) == 0 && signal == SIGRTMIN + 3) __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
  return nothing;
}

static void *take_for_ever(void *nothing) {
  co_enable_hook_sys();
  for (;;)
    if (sigwaitinfo(&set, NULL) == SIGRTMIN + 3) __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
  return nothing;
}

TEST(coroutines_and_a_thread_share_the_signals) {
  pthread_t thread;
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  NEED(pthread_create(&thread, NULL, take_on_a_thread, NULL) == 0);
  start(take_for_ever, NULL);
  start(take_for_ever, NULL);
  for (int i = 0; i < 200; i++) {
    union sigval value = {.sival_int = i};
    NEED(sigqueue(getpid(), SIGRTMIN + 3, value) == 0);
    if (i % 9 == 0) loop_for(2);
  }
  loop_until(&taken, 200);
  CHECK_IS(taken, 200);
  NEED(kill(getpid(), SIGUSR1) == 0);
  CHECK_IS(pthread_join(thread, NULL), 0);
}

/* Lets the child end when the thread has gone on for some time. */
static int may_end[2];
static void *let_child_end(void *nothing) {
  co_enable_hook_sys();
  while (ticks < 2) usleep(1000);
  CHECK_IS(write(may_end[1], "x", 1), 1);
  return nothing;
}

/* The signal of a child's end is blocked, and by default nobody is told. */
static void *await_child(void *nothing) {
  siginfo_t info;
  sigset_t ended;
  int status;
  pid_t child;
  co_enable_hook_sys();
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  NEED(sigprocmask(SIG_BLOCK, &ended, NULL) == 0);
  child = fork();
  if (child == 0) {
    char byte;
    co_disable_hook_sys();
    _exit(read(may_end[0], &byte, 1) == 1 ? 7 : 1);
  }
  CHECK_IS(sigwaitinfo(&ended, &info), SIGCHLD);
  CHECK_IS(info.si_pid, child);
  CHECK_IS(info.si_status, 7);
  CHECK_IS(waitpid(child, &status, WNOHANG), child);
  finished++;
  return nothing;
}

TEST(the_end_of_a_child_can_be_waited_for) {
  start(tick, NULL);
  NEED(pipe(may_end) == 0);
  start(let_child_end, NULL);
  start(await_child, NULL);
  loop_until(&finished, 1);
}

TEST(whoever_is_released_leaves_no_descriptor_behind) {
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  start(tick, NULL);
  loop_for(5);
  struct rlimit limit, wide;
  getrlimit(RLIMIT_NOFILE, &limit);
  wide = limit;
  wide.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
  NEED(setrlimit(RLIMIT_NOFILE, &wide) == 0);
  for (int i = 0; i < 300; i++) {
    stCoRoutine_t *co = start(wait_in, (void *)3);
    if (i % 10 == 0) loop_for(1);
    co_release(co);
  }
  int count = 0;
  for (int fd = 0; fd < 70000; fd++) count += fcntl(fd, F_GETFD) >= 0;
  CHECK(count < 20);
}

static void *wait_without_descriptors(void *nothing) {
  int signal = 0;
  co_enable_hook_sys();
  CHECK_IS(sigwait(&set, &signal), 0);
  finished++;
  return nothing;
}

TEST(signals_come_also_when_no_descriptor_is_left) {
  struct rlimit tight = {16, 16};
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  start(tick, NULL);
  loop_for(5);
  NEED(setrlimit(RLIMIT_NOFILE, &tight) == 0);
  while (dup(0) >= 0) continue;
  start(wait_without_descriptors, NULL);
  loop_for(50);
  NEED(kill(getpid(), SIGUSR1) == 0);
  loop_until(&finished, 1);
}

/* A close loop takes the private descriptor away, by a call that no hook sees too. */
static void *close_all(void *nothing) {
  co_enable_hook_sys();
  usleep(20000);
  closefrom(3);
  usleep(20000);
  syscall(SYS_close_range, 3, ~0U, 0);
  usleep(50000);
  kill(getpid(), SIGRTMIN + 3);
  return nothing;
}

TEST(a_close_loop_does_no_harm) {
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  start(tick, NULL);
  start(wait_in, (void *)3);
  start(close_all, NULL);
  loop_until(&finished, 1);
}

/* A child of fork waits on. */
static void *wait_over_fork(void *way) {
  int status = 0;
  pid_t child;
  co_enable_hook_sys();
  usleep(20000);
  child = fork();
  if (child == 0) {
    usleep(20000);
    kill(getpid(), SIGRTMIN + 3);
    while (finished < 1) usleep(1000);
    _exit(check_failures ? 1 : 0);
  }
  CHECK(kill(getpid(), SIGRTMIN + 3) == 0);
  while (waitpid(child, &status, WNOHANG) == 0) usleep(1000);
  CHECK_IS(status, 0);
  finished++;
  return way;
}

TEST(a_wait_goes_on_in_a_child_of_fork) {
  prepare(0);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  start(tick, NULL);
  start(wait_in, (void *)3);
  start(wait_over_fork, NULL);
  loop_until(&finished, 2);
}

RUN_TESTS
