/* The limit on descriptors stays the program's, though the library's own lie beyond it. */
#include "threads.h"
#include <sys/resource.h>

enum { SOFT = 1000, OTHER = 2000, MAKERS = 4, FORKS = 1000, LONG = 20 };

static int stop;

static rlim_t soft_limit(void) {
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_cur;
}

static void set_soft_limit(rlim_t soft) {
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = soft;
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void *sleeps_shortly(void *slept) {
  co_enable_hook_sys();
  usleep(1);
  *(int *)slept = 1;
  return NULL;
}

/* A thread's first wait makes its descriptors. */
static void *waits(void *unused) {
  int slept = 0;
  stCoRoutine_t *co = start(sleeps_shortly, &slept);
  loop_until(&slept, 1);
  co_release(co);
  return unused;
}

static void *makes_descriptors(void *unused) {
  while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
    pthread_t thread;
    NEED(pthread_create(&thread, NULL, waits, NULL) == 0);
    join_all(&thread, 1);
  }
  return unused;
}

static void while_threads_make_descriptors(void (*body)(void)) {
  pthread_t makers[MAKERS];
  set_soft_limit(SOFT);
  for (int i = 0; i < MAKERS; i++) NEED(pthread_create(&makers[i], NULL, makes_descriptors, NULL) == 0);
  body();
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  join_all(makers, MAKERS);
}

static void forks(void) {
  for (int i = 0; i < FORKS; i++) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) _exit(soft_limit() != SOFT);
    CHECK(waitpid(child, &status, 0) == child);
    if (!CHECK_IS(status, 0)) break;
  }
}

TEST(threads_that_make_descriptors_at_once_leave_the_limit_and_that_of_children_as_it_was) {
  while_threads_make_descriptors(forks);
  CHECK_IS(soft_limit(), SOFT);
}

static void changes_the_limit(void) {
  for (int i = 0; i < FORKS; i++) {
    set_soft_limit(OTHER + i);
    /* One that is lost does not come back. */
    time_t begun = time(NULL);
    while (soft_limit() != (rlim_t)(OTHER + i) && CHECK(time(NULL) - begun < LONG)) sched_yield();
    if (check_failures) break;
  }
}

TEST(a_limit_that_is_set_while_a_thread_makes_descriptors_stands) {
  while_threads_make_descriptors(changes_the_limit);
}

RUN_TESTS
