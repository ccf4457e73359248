/*
 * Handlers that run while a call looks again between two waits: the call ends as if it had been waiting.
 */
#include "../check.h"

#include <mqueue.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/uio.h>

static int done;
static sem_t semaphore;

static void handles(int signal) { (void)signal; }

static void install(int signal, int flags) {
  struct sigaction one = {.sa_handler = handles, .sa_flags = flags};
  NEED(sigaction(signal, &one, NULL) == 0);
}

static void signal_once(void) {
  NEED(pthread_kill(pthread_self(), SIGUSR1) == 0);
}

/* Each waits until a handler ends it, and gives what it gave. Somebody's co_resume lets it look again. */
static int some_pipe[2];
static const char some_file[] = "/tmp/colib-interrupted-XXXXXX";

static int waits_for_a_message(void) {
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  char name[40], bytes[8];
  snprintf(name, sizeof name, "/colib-interrupted-%d", (int)getpid());
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
  NEED(queue >= 0 && mq_unlink(name) == 0);
  return mq_receive(queue, bytes, sizeof bytes, NULL);
}

static int waits_for_room_for_a_message(void) {
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  char name[40];
  snprintf(name, sizeof name, "/colib-interrupted-%d", (int)getpid());
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
  NEED(queue >= 0 && mq_unlink(name) == 0 && mq_send(queue, "x", 1, 0) == 0);
  return mq_send(queue, "y", 1, 0);
}

/* It ends with its parent. */
static pid_t make_child(void) {
  int ends[2];
  NEED(pipe2(ends, O_CLOEXEC) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    co_disable_hook_sys();
    close(ends[1]);
    _exit(syscall(SYS_read, ends[0], &byte, 1) != 0);
  }
  NEED(child > 0);
  close(ends[0]);
  return child;
}

static int waits_for_a_child(void) { return waitpid(make_child(), NULL, 0); }
static int waits_for_any_child(void) { return make_child() > 0 ? waitpid(-1, NULL, 0) : 0; }
static int waits_for_a_child_of_the_thread(void) { return waitpid(make_child(), NULL, __WNOTHREAD); }

static int splices_memory(void) {
  static char page[4096];
  struct iovec vector = {page, sizeof page};
  NEED(pipe2(some_pipe, O_NONBLOCK) == 0);
  while (write(some_pipe[1], page, sizeof page) > 0) continue;
  fcntl(some_pipe[1], F_SETFL, 0);
  return vmsplice(some_pipe[1], &vector, 1, 0);
}

static int reads_a_pipe(void) {
  char byte;
  NEED(pipe(some_pipe) == 0);
  return read(some_pipe[0], &byte, 1);
}

static int sleeps_for_an_hour(void) {
  struct timespec hour = {3600, 0};
  return nanosleep(&hour, NULL);
}

static int sleeps_by(clockid_t clock, int flags) {
  struct timespec time = {3600, 0};
  if (flags) {
    clock_gettime(clock, &time);
    time.tv_sec += 3600;
  }
  errno = clock_nanosleep(clock, flags, &time, NULL);
  return errno ? -1 : 0;
}

static int sleeps_by_the_monotonic_clock(void) { return sleeps_by(CLOCK_MONOTONIC, 0); }
static int sleeps_until_a_real_time(void) { return sleeps_by(CLOCK_REALTIME, TIMER_ABSTIME); }
static int sleeps_by_the_time_of_the_process(void) { return sleeps_by(CLOCK_PROCESS_CPUTIME_ID, 0); }

static sigset_t set_of(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

static int suspends(void) {
  sigset_t set = set_of(SIGUSR2);
  return sigsuspend(&set);
}

static int waits_for_a_signal(void) {
  sigset_t set = set_of(SIGUSR2);
  return sigwaitinfo(&set, NULL);
}

static int waits_for_events(void) {
  struct epoll_event event;
  return epoll_wait(epoll_create1(0), &event, 1, -1);
}

static int selects_for_an_hour(void) {
  struct timeval hour = {3600, 0};
  return select(0, NULL, NULL, NULL, &hour);
}

static int locks_a_file(void) {
  char name[sizeof some_file];
  strcpy(name, some_file);
  int one = mkstemp(name), other = open(name, O_RDWR);
  NEED(one >= 0 && other >= 0 && unlink(name) == 0 && flock(one, LOCK_EX) == 0);
  return flock(other, LOCK_EX);
}

static int waits_for_a_semaphore_of_memory(void) {
  NEED(sem_init(&semaphore, 0, 0) == 0);
  return sem_wait(&semaphore);
}

#define CALL(name, restarts) {#name, name, restarts}
static const struct kind_of_call {
  const char *name;
  int (*make)(void);
  /* A handler with SA_RESTART does not end it. */
  int restarts;
} calls[] = {
    CALL(waits_for_a_message, 1),
    CALL(waits_for_room_for_a_message, 1),
    CALL(waits_for_a_child, 1),
    CALL(waits_for_any_child, 1),
    CALL(waits_for_a_child_of_the_thread, 1),
    CALL(splices_memory, 1),
    CALL(reads_a_pipe, 1),
    CALL(sleeps_for_an_hour, 0),
    CALL(sleeps_by_the_monotonic_clock, 0),
    CALL(sleeps_until_a_real_time, 0),
    CALL(sleeps_by_the_time_of_the_process, 0),
    CALL(pause, 0),
    CALL(suspends, 0),
    CALL(waits_for_a_signal, 0),
    CALL(waits_for_events, 0),
    CALL(selects_for_an_hour, 0),
    CALL(locks_a_file, 1),
    CALL(waits_for_a_semaphore_of_memory, 1),
};
enum { CALLS = sizeof calls / sizeof *calls, SLEEP = 7, SUSPEND = 12 };

static int call_results[CALLS], call_errors[CALLS];

static void *makes_a_call(void *call) {
  const struct kind_of_call *kind = call;
  long i = kind - calls;
  co_enable_hook_sys();
  call_results[i] = kind->make();
  call_errors[i] = errno;
  done++;
  return NULL;
}

static int is_over(void *until) { return done > 0 || now_ns() >= *(long long *)until ? -1 : 0; }

/* The handler runs first, then the call looks again, before the loop hears of the handler. */
static void looks_again_after_a_handler(stCoRoutine_t *co, int ends) {
  loop_for(5);
  CHECK_IS(done, 0);
  signal_once();
  co_resume(co);
  /* A helper may have to tell that it was interrupted; a call that goes on is given some time to show it. */
  long long until = now_ns() + (ends ? 20000 : 20) * 1000000LL;
  co_eventloop(co_get_epoll_ct(), is_over, &until);
}

TEST(a_handler_interrupts_every_call_that_somebody_lets_look_again) {
  install(SIGUSR1, 0);
  for (int i = 0; i < CALLS; i++) {
    done = 0;
    stCoRoutine_t *co = start(makes_a_call, (void *)&calls[i]);
    looks_again_after_a_handler(co, 1);
    if (check_that(done == 1, calls[i].name, __FILE__, __LINE__)) {
      check_equal(call_results[i], -1, calls[i].name, __FILE__, __LINE__);
      check_equal(call_errors[i], EINTR, calls[i].name, __FILE__, __LINE__);
    }
    co_release(co);
  }
}

TEST(a_handler_that_restarts_calls_interrupts_none_that_looks_again) {
  install(SIGUSR1, SA_RESTART);
  for (int i = 0; i < CALLS; i++) {
    done = 0;
    stCoRoutine_t *co = start(makes_a_call, (void *)&calls[i]);
    looks_again_after_a_handler(co, !calls[i].restarts);
    check_equal(done, !calls[i].restarts, calls[i].name, __FILE__, __LINE__);
    co_release(co);
  }
}

static void *pauses(void *unused) {
  co_enable_hook_sys();
  CHECK(pause() == -1 && errno == EINTR);
  done++;
  return unused;
}

TEST(a_handler_ends_every_pause_though_some_just_look_again) {
  stCoRoutine_t *all[3];
  install(SIGUSR1, 0);
  for (int i = 0; i < 3; i++) all[i] = start(pauses, NULL);
  stCoRoutine_t *sleeper = start(makes_a_call, (void *)&calls[SLEEP]);
  loop_for(5);
  signal_once();
  co_resume(all[1]);
  loop_until(&done, 3);
  /* It was for those who waited for a handler. */
  co_resume(sleeper);
  loop_for(5);
  CHECK_IS(done, 3);
}

TEST(a_handler_that_its_mask_keeps_out_leaves_sigsuspend_waiting_idle) {
  install(SIGUSR1, 0);
  install(SIGUSR2, 0);
  stCoRoutine_t *co = start(makes_a_call, (void *)&calls[SUSPEND]);
  loop_for(5);
  NEED(pthread_kill(pthread_self(), SIGUSR2) == 0);
  co_resume(co);
  struct timespec before, after;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  long long began = now_ns();
  loop_for(200);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  long long used = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
  /* What the loop itself costs is far from half of the time. */
  CHECK(used < (now_ns() - began) / 2);
  CHECK_IS(done, 0);
  signal_once();
  loop_until(&done, 1);
  CHECK(call_results[SUSPEND] == -1 && call_errors[SUSPEND] == EINTR);
}

RUN_TESTS
