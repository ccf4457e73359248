/* A coroutine with thread-local variables of its own is the kernel's thread that it runs on, to all that ask the kernel. */
#include "own.h"

#include <grp.h>
#include <sched.h>
#include <sys/time.h>

static __thread int number = 7;
static int ended, handled;

static void handler(int signal UNUSED) { handled++; }

static void *asks_about_itself(void *thread) {
  cpu_set_t set, of_thread;
  clockid_t clock;
  struct timespec time;
  struct sched_param parameters;
  pthread_attr_t attributes;
  char name[16], *low;
  size_t size;
  int policy;
  pthread_t self = pthread_self();
  co_enable_hook_sys();
  CHECK(!pthread_equal(self, *(pthread_t *)thread));
  CHECK_IS(gettid(), getpid());
  CHECK_IS(pthread_getaffinity_np(self, sizeof set, &set), 0);
  CHECK_IS(sched_getaffinity(0, sizeof of_thread, &of_thread), 0);
  CHECK(CPU_EQUAL(&set, &of_thread));
  CHECK_IS(pthread_setaffinity_np(self, sizeof set, &set), 0);
  CHECK_IS(pthread_getcpuclockid(self, &clock), 0);
  CHECK_IS(clock_gettime(clock, &time), 0);
  CHECK_IS(pthread_getschedparam(self, &policy, &parameters), 0);
  CHECK_IS(policy, SCHED_OTHER);
  CHECK_IS(pthread_setname_np(self, "a coroutine"), 0);
  CHECK_IS(pthread_getname_np(self, name, sizeof name), 0);
  CHECK_TEXT(name, "a coroutine");
  CHECK_IS(pthread_getattr_np(self, &attributes), 0);
  CHECK_IS(pthread_attr_getstack(&attributes, (void **)&low, &size), 0);
  CHECK((char *)&size >= low && (char *)&size < low + size);
  CHECK(size >= 128 * 1024 && size < 256 * 1024);
  pthread_attr_destroy(&attributes);
  signal(SIGUSR1, handler);
  CHECK_IS(pthread_kill(self, SIGUSR1), 0);
  CHECK_IS(handled, 1);
  CHECK_IS(pthread_sigqueue(self, SIGUSR1, (union sigval){0}), 0);
  CHECK_IS(raise(SIGUSR1), 0);
  CHECK_IS(handled, 3);
  CHECK_IS(pthread_join(self, NULL), EDEADLK);
  return NULL;
}
TEST(what_it_asks_about_itself_concerns_the_kernels_thread) {
  pthread_t self = pthread_self();
  finish(spawn_own(asks_about_itself, &self));
}
static pthread_mutex_t robust;
static void *keeps_a_mutex(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&robust), 0);
  return unused;
}
static void *finds_it_left(void *unused) {
  co_enable_hook_sys();
  CHECK_IS(pthread_mutex_lock(&robust), EOWNERDEAD);
  CHECK_IS(pthread_mutex_consistent(&robust), 0);
  CHECK_IS(pthread_mutex_unlock(&robust), 0);
  ended++;
  return unused;
}
TEST(a_robust_mutex_outlives_its_owner) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes);
  stCoRoutine_t *owner = spawn_own(keeps_a_mutex, NULL), *next = spawn_own(finds_it_left, NULL);
  co_resume(owner);
  co_resume(next);
  co_release(owner);
  loop_until(&ended, 1);
  finish(next);
}

static void *with_hooks_off(void *unused) {
  co_disable_hook_sys();
  signal(SIGUSR1, handler);
  CHECK_IS(raise(SIGUSR1), 0);
  CHECK_IS(pthread_kill(pthread_self(), SIGUSR1), 0);
  CHECK_IS(handled, 2);
  return unused;
}
TEST(signals_reach_it_with_hooks_off_too) { finish(spawn_own(with_hooks_off, NULL)); }

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t checking = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static void *locks(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) {
    CHECK_IS(pthread_mutex_lock(&recursive), 0);
    CHECK_IS(pthread_mutex_lock(&recursive), 0);
    CHECK_IS(pthread_mutex_lock(&checking), 0);
    CHECK_IS(pthread_mutex_lock(&checking), EDEADLK);
    usleep(100);
    CHECK_IS(pthread_mutex_unlock(&checking), 0);
    CHECK_IS(pthread_mutex_unlock(&recursive), 0);
    CHECK_IS(pthread_mutex_unlock(&recursive), 0);
    CHECK_IS(pthread_mutex_unlock(&recursive), EPERM);
  }
  ended++;
  return unused;
}
TEST(locks_keep_each_from_the_others) {
  stCoRoutine_t *all[10];
  for (int i = 0; i < 10; i++) co_resume(all[i] = i % 2 ? spawn_own(locks, NULL) : spawn(locks, NULL));
  loop_until(&ended, 10);
  for (int i = 0; i < 10; i++) co_release(all[i]);
}

static void *sleeps(void *done) {
  number++;
  usleep(2000);
  ++*(int *)done;
  return NULL;
}
static void *in_a_child(void *unused) {
  int done = 0;
  stCoRoutine_t *own = spawn_own(sleeps, &done);
  CHECK_IS(gettid(), getpid());
  CHECK_IS(number, 8);
  finish(own);
  elsewhere(sleeps, &done);
  CHECK_IS(done, 2);
  number++;
  return unused;
}
static void *forks(void *unused) {
  int status;
  co_enable_hook_sys();
  number = 8;
  pid_t child = fork();
  if (child == 0) {
    in_a_child(NULL);
    CHECK_IS(number, 9);
    ended++;
    co_yield_ct();
    return unused;
  }
  CHECK(child > 0);
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(status, 0);
  CHECK_IS(number, 8);
  ended++;
  return unused;
}
static void *goes_on_in_both(void *unused) {
  co_enable_hook_sys();
  number = 20;
  co_yield_ct();
  CHECK_IS(number, 20);
  ended++;
  return unused;
}
static void fork_here(void) {
  stCoRoutine_t *other = spawn_own(goes_on_in_both, NULL), *one;
  pid_t me = getpid();
  co_resume(other);
  one = spawn_own(forks, NULL);
  co_resume(one);
  if (getpid() != me) {
    /* The child is here too, on the thread's own. */
    CHECK_IS(number, 7);
    CHECK_IS(gettid(), getpid());
    finish(other);
    finish(one);
    CHECK_IS(ended, 2);
    elsewhere(sleeps, &ended);
    fflush(NULL);
    _exit(check_failures != 0);
  }
  loop_until(&ended, 1);
  finish(other);
  finish(one);
}
TEST(a_child_of_fork_goes_on_with_all_of_them) { fork_here(); }

static void *forks_by_number(void *unused) {
  int status;
  number = 8;
  pid_t child = (pid_t)syscall(SYS_fork);
  if (child == 0) {
    CHECK_IS(number, 8);
    finish(spawn_own(goes_on_in_both, NULL));
    CHECK_IS(ended, 1);
    fflush(NULL);
    _exit(check_failures != 0);
  }
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(status, 0);
  return unused;
}
TEST(a_child_that_libc_knows_nothing_of_makes_some_more) {
  finish(spawn_own(forks_by_number, NULL));
  forks_by_number(NULL);
}

static void *forks_in_a_thread(void *unused) {
  stCoRoutine_t *own = spawn_own(goes_on_in_both, NULL), *refused;
  int status;
  co_resume(own);
  pid_t child = fork();
  if (child == 0) {
    refused = spawn(sleeps, NULL);
    CHECK_IS(co_own_thread_locals(refused), -1);
    CHECK_IS(errno, ENOTSUP);
    co_release(refused);
    finish(own);
    CHECK_IS(ended, 1);
    elsewhere(sleeps, &ended);
    fflush(NULL);
    _exit(check_failures != 0);
  }
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(status, 0);
  finish(own);
  return unused;
}
TEST(a_child_of_another_threads_too_but_gets_no_more_of_them) { elsewhere(forks_in_a_thread, NULL); }

static void *changes_groups(void *unused) {
  gid_t groups[] = {5, 6}, now[4];
  co_enable_hook_sys();
  CHECK_IS(setgroups(2, groups), 0);
  CHECK_IS(getgroups(4, now), 2);
  CHECK_IS(setegid(getegid()), 0);
  return unused;
}
static volatile int stay = 1;
static void *stays(void *unused) {
  stCoRoutine_t *own = spawn_own(goes_on_in_both, NULL);
  co_resume(own);
  while (stay) usleep(1000);
  finish(own);
  return unused;
}
TEST(groups_are_changed_for_all_threads) {
  pthread_t thread;
  gid_t now[4];
  if (getuid() != 0) SKIP("only root changes groups");
  stCoRoutine_t *own = spawn_own(changes_groups, NULL), *parked = spawn_own(goes_on_in_both, NULL);
  co_resume(parked);
  NEED(pthread_create(&thread, NULL, stays, NULL) == 0);
  usleep(5000);
  finish(own);
  CHECK_IS(getgroups(4, now), 2);
  changes_groups(NULL); /* by the thread itself */
  stay = 0;
  pthread_join(thread, NULL);
  finish(parked);
}

static int cleaned;
static void cleans(void *unused UNUSED) { cleaned++; }
static void *exits_the_thread(void *hooks_on) {
  if (hooks_on) co_enable_hook_sys();
  pthread_cleanup_push(cleans, NULL);
  pthread_exit(&cleaned);
  pthread_cleanup_pop(0);
  return NULL;
}
static void *runs_one_that_exits(void *hooks_on) {
  co_resume(spawn_own(exits_the_thread, hooks_on));
  CHECK(!"the thread goes on");
  return NULL;
}
TEST(pthread_exit_ends_the_thread_that_it_runs_on) {
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    void *result = NULL;
    NEED(pthread_create(&thread, NULL, runs_one_that_exits, i ? &thread : NULL) == 0);
    CHECK_IS(pthread_join(thread, &result), 0);
    CHECK(result == &cleaned);
    CHECK_IS(cleaned, i + 1);
  }
}

static pthread_barrier_t barrier;
static void *many_in_a_thread(void *unused) {
  stCoRoutine_t *all[200];
  int done = 0;
  pthread_barrier_wait(&barrier);
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 200; i++) co_resume(all[i] = spawn_own(i % 2 ? sleeps : goes_on_in_both, &done));
    for (int i = 0; i < 200; i++) co_release(all[i]);
    CHECK_IS(number, 7);
  }
  return unused;
}
TEST(threads_make_them_at_once) {
  pthread_t threads[4];
  pthread_barrier_init(&barrier, NULL, 4);
  for (int i = 0; i < 4; i++) NEED(pthread_create(&threads[i], NULL, many_in_a_thread, NULL) == 0);
  for (int i = 0; i < 4; i++) CHECK_IS(pthread_join(threads[i], NULL), 0);
}

static __thread int in_handler;
static void counts(int signal UNUSED) { in_handler++; }
static void *is_interrupted(void *mine) {
  co_enable_hook_sys();
  for (volatile long i = 0; in_handler < 20; i++) {
    if (i % 200000 == 0) co_yield_ct();
  }
  *(int *)mine = in_handler;
  ended++;
  return NULL;
}
TEST(handlers_find_the_variables_of_whom_they_interrupt) {
  struct itimerval each = {{0, 500}, {0, 500}};
  int counted[3] = {0};
  stCoRoutine_t *all[3];
  signal(SIGALRM, counts);
  for (int i = 0; i < 3; i++) all[i] = i ? spawn_own(is_interrupted, &counted[i]) : spawn(is_interrupted, &counted[i]);
  setitimer(ITIMER_REAL, &each, NULL);
  while (ended < 3)
    for (int i = 0; i < 3; i++) co_resume(all[i]);
  memset(&each, 0, sizeof each);
  setitimer(ITIMER_REAL, &each, NULL);
  for (int i = 0; i < 3; i++) {
    CHECK(counted[i] >= 20);
    co_release(all[i]);
  }
}

RUN_TESTS
