/* Attributes of threads, and what a thread that has them, or has ended, can be asked about: printed. */
#include "threads_mode.h"

#include <limits.h>
#include <stdint.h>

static pthread_attr_t attributes;
static void *returns(void *argument) { return argument; }

static void print(const pthread_attr_t *what) {
  struct sched_param parameters = {-1};
  size_t size = 0, guard = 0;
  int value = -1;
  SAY(pthread_attr_getdetachstate(what, &value));
  SAY(value);
  SAY(pthread_attr_getinheritsched(what, &value));
  SAY(value);
  SAY(pthread_attr_getscope(what, &value));
  SAY(value);
  SAY(pthread_attr_getschedpolicy(what, &value));
  SAY(value);
  SAY(pthread_attr_getschedparam(what, &parameters));
  SAY(parameters.sched_priority);
  SAY(pthread_attr_getstacksize(what, &size));
  SAY(size);
  SAY(pthread_attr_getguardsize(what, &guard));
  SAY(guard);
}
static void attributes_keep_what_they_are_given(void) {
  struct sched_param parameters = {0};
  SAY(pthread_attr_init(&attributes));
  print(&attributes);
  SAY(pthread_attr_setdetachstate(&attributes, 99));
  SAY(pthread_attr_setinheritsched(&attributes, 99));
  SAY(pthread_attr_setscope(&attributes, PTHREAD_SCOPE_PROCESS));
  SAY(pthread_attr_setscope(&attributes, 99));
  SAY(pthread_attr_setschedpolicy(&attributes, 99));
  SAY(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN - 1));
  SAY(pthread_attr_setstack(&attributes, NULL, 1));
  SAY(pthread_attr_setguardsize(&attributes, 12345));
  SAY(pthread_attr_setstacksize(&attributes, 300 * 1024));
  SAY(pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED));
  SAY(pthread_attr_setschedpolicy(&attributes, SCHED_OTHER));
  SAY(pthread_attr_setschedparam(&attributes, &parameters));
  parameters.sched_priority = 50;
  SAY(pthread_attr_setschedparam(&attributes, &parameters));
  print(&attributes);
  SAY(pthread_attr_destroy(&attributes));
}

static void *looks_at_itself(void *unused) {
  pthread_attr_t mine;
  SAY(pthread_getattr_np(pthread_self(), &mine));
  print(&mine);
  pthread_attr_destroy(&mine);
  return unused;
}
static void threads_have_the_attributes_asked_for(void) {
  const size_t sizes[][2] = {{81920, 0}, {100000, 1}, {200 * 1024, 4096}, {1 << 20, 100000}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    pthread_t thread;
    pthread_attr_init(&attributes);
    SAY(pthread_attr_setstacksize(&attributes, sizes[i][0]));
    SAY(pthread_attr_setguardsize(&attributes, sizes[i][1]));
    MAKE(pthread_create(&thread, &attributes, looks_at_itself, NULL));
    SAY(pthread_join(thread, NULL));
  }
}
static void the_smallest_stack_will_do(void) {
  pthread_t thread;
  void *result;
  pthread_attr_init(&attributes);
  SAY(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN));
  MAKE(pthread_create(&thread, &attributes, returns, &result));
  SAY(pthread_join(thread, &result));
  SAY(result == &result);
}
static void stacks_that_cannot_be_had_are_refused(void) {
  pthread_t thread;
  pthread_attr_init(&attributes);
  SAY(pthread_attr_setstacksize(&attributes, (size_t)1 << 47));
  SAY(pthread_create(&thread, &attributes, returns, NULL));
  SAY(pthread_attr_setstacksize(&attributes, SIZE_MAX / 2));
  SAY(pthread_create(&thread, &attributes, returns, NULL));
  SAY(pthread_attr_setstacksize(&attributes, 1 << 20));
  SAY(pthread_attr_setguardsize(&attributes, SIZE_MAX - 100));
  SAY(pthread_create(&thread, &attributes, returns, NULL));
}
static void defaults_can_be_changed(void) {
  pthread_t thread;
  pthread_attr_init(&attributes);
  SAY(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
  SAY(pthread_setattr_default_np(&attributes));
  SAY(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_JOINABLE));
  SAY(pthread_attr_setstacksize(&attributes, 256 * 1024));
  SAY(pthread_attr_setguardsize(&attributes, 8192));
  SAY(pthread_setattr_default_np(&attributes));
  SAY(pthread_getattr_default_np(&attributes));
  print(&attributes);
  MAKE(pthread_create(&thread, NULL, looks_at_itself, NULL));
  SAY(pthread_join(thread, NULL));
}

static void *says_its_mask(void *unused) {
  sigset_t mask;
  SAY(pthread_sigmask(SIG_BLOCK, NULL, &mask));
  SAY(sigismember(&mask, SIGUSR1));
  SAY(sigismember(&mask, SIGUSR2));
  return unused;
}
static void a_mask_can_be_an_attribute(void) {
  sigset_t one, other;
  pthread_t thread;
  sigemptyset(&one);
  sigemptyset(&other);
  sigaddset(&one, SIGUSR1);
  sigaddset(&other, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &other, NULL);
  pthread_attr_init(&attributes);
  SAY(pthread_attr_getsigmask_np(&attributes, &other));
  SAY(pthread_attr_setsigmask_np(&attributes, &one));
  SAY(pthread_attr_getsigmask_np(&attributes, &other));
  SAY(sigismember(&other, SIGUSR1));
  MAKE(pthread_create(&thread, &attributes, says_its_mask, NULL));
  pthread_join(thread, NULL);
  SAY(pthread_attr_setsigmask_np(&attributes, NULL));
  MAKE(pthread_create(&thread, &attributes, says_its_mask, NULL));
  pthread_join(thread, NULL);
  says_its_mask(NULL);
}

static void *waits(void *gate) {
  sem_wait(gate);
  return NULL;
}
static void ask_about(pthread_t thread) {
  cpu_set_t set;
  struct sched_param parameters = {0};
  int policy = -1;
  clockid_t clock;
  size_t size = 0;
  CPU_ZERO(&set);
  SAY(pthread_getaffinity_np(thread, sizeof set, &set));
  SAY(pthread_getaffinity_np(thread, 0, &set));
  CPU_ZERO(&set);
  SAY(pthread_setaffinity_np(thread, sizeof set, &set));
  SAY(pthread_getschedparam(thread, &policy, &parameters));
  SAY(pthread_setschedparam(thread, 99, &parameters));
  parameters.sched_priority = 1;
  SAY(pthread_setschedparam(thread, SCHED_OTHER, &parameters));
  SAY(pthread_setschedprio(thread, 1));
  SAY(pthread_getcpuclockid(thread, &clock));
  SAY(pthread_kill(thread, 0));
  SAY(pthread_kill(thread, -1));
  SAY(pthread_kill(thread, 65));
  SAY(pthread_getattr_np(thread, &attributes));
  SAY(pthread_attr_getstacksize(&attributes, &size));
  SAY(size);
}
static void threads_that_wait_and_that_have_ended_can_be_asked_about(void) {
  pthread_t thread;
  sem_t gate;
  sem_init(&gate, 0, 0);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_create(&thread, &attributes, waits, &gate);
  ask_about(thread);
  sem_post(&gate);
  usleep(100000);
  ask_about(thread);
  SAY(pthread_cancel(thread));
  SAY(pthread_join(thread, NULL));
  SAY(pthread_setconcurrency(-1));
  SAY(pthread_setconcurrency(5));
  SAY(pthread_getconcurrency());
}

CASES(CASE(attributes_keep_what_they_are_given), CASE(threads_have_the_attributes_asked_for), CASE(the_smallest_stack_will_do),
      CASE(stacks_that_cannot_be_had_are_refused), CASE(defaults_can_be_changed), CASE(a_mask_can_be_an_attribute),
      CASE(threads_that_wait_and_that_have_ended_can_be_asked_about))
