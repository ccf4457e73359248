/* How threads begin and end: what a program sees of it, printed. The same with threads that are coroutines. */
#include "threads_mode.h"

#include <dlfcn.h>
#include <threads.h>

static void *echo(void *argument) { return argument; }

static void *exits_deep_inside(void *argument) {
  pthread_cleanup_push(say_cleanup, "outer");
  pthread_cleanup_push(say_cleanup, "inner");
  pthread_exit(argument);
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return NULL;
}

static void join_gives_results(void) {
  pthread_t thread;
  void *result = NULL;
  MAKE(pthread_create(&thread, NULL, echo, (void *)7));
  SAY(pthread_join(thread, &result));
  SAY((long)result);
  MAKE(pthread_create(&thread, NULL, exits_deep_inside, (void *)9));
  SAY(pthread_join(thread, &result));
  SAY((long)result);
  MAKE(pthread_create(&thread, NULL, echo, NULL));
  SAY(pthread_join(thread, NULL));
}

static pthread_t main_thread;
static sem_t said;
static void *joins_itself(void *gate) {
  void *result;
  SAY(pthread_equal(pthread_self(), main_thread));
  SAY(pthread_join(pthread_self(), &result));
  sem_post(&said);
  sem_wait(gate);
  return NULL;
}

static void errors_of_join_and_detach(void) {
  pthread_t thread;
  sem_t gate;
  struct timespec past = {0, 0};
  sem_init(&gate, 0, 0);
  main_thread = pthread_self();
  SAY(pthread_join(pthread_self(), NULL));
  sem_init(&said, 0, 0);
  pthread_create(&thread, NULL, joins_itself, &gate);
  sem_wait(&said);
  SAY(pthread_tryjoin_np(thread, NULL));
  SAY(pthread_timedjoin_np(thread, NULL, &past));
  SAY(pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &past));
  SAY(pthread_detach(thread));
  SAY(pthread_detach(thread));
  SAY(pthread_join(thread, NULL));
  SAY(pthread_tryjoin_np(thread, NULL));
  sem_post(&gate);
  usleep(20000);
}

static void *sleeps(void *milliseconds) {
  usleep((long)milliseconds * 1000);
  return milliseconds;
}
static void timed_and_tried_joins_succeed(void) {
  pthread_t thread;
  void *result = NULL;
  struct timespec later;
  clock_gettime(CLOCK_REALTIME, &later);
  later.tv_sec += 60;
  pthread_create(&thread, NULL, sleeps, (void *)30);
  SAY(pthread_timedjoin_np(thread, &result, &later));
  SAY((long)result);
  pthread_create(&thread, NULL, sleeps, (void *)1);
  while (pthread_tryjoin_np(thread, &result) == EBUSY) usleep(1000);
  SAY((long)result);
}

static void *posts(void *semaphore) {
  sem_post(semaphore);
  return NULL;
}
static void detached_threads_run(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  static sem_t done;
  int state;
  sem_init(&done, 0, 0);
  pthread_attr_init(&attributes);
  SAY(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
  SAY(pthread_attr_setstacksize(&attributes, 64 * 1024));
  MAKE(pthread_create(&thread, &attributes, posts, &done));
  SAY(sem_wait(&done));
  SAY(pthread_attr_getdetachstate(&attributes, &state));
  SAY(state);
  for (int i = 0; i < 1000; i++) pthread_create(&thread, &attributes, posts, &done);
  for (int i = 0; i < 1000; i++) sem_wait(&done);
  puts("a thousand came and went");
}

/* Thread-local storage, errno, values by key. */
static __thread int own = 5;
static __thread char big[1000];
static pthread_key_t keys[3];
static pthread_barrier_t all;
static int destroyed[3];
static void destroy(void *value) {
  __atomic_fetch_add(&destroyed[(long)value % 10], 1, __ATOMIC_RELAXED);
  if ((long)value % 10 == 2 && (long)value < 100) pthread_setspecific(keys[2], (void *)((long)value + 100));
}
static void *has_its_own(void *number) {
  int mistakes = own != 5 || big[999] != 0 || errno != 0;
  own = (int)(long)number;
  big[999] = (char)own;
  errno = 1000 + own;
  mistakes += pthread_getspecific(keys[1]) != NULL;
  for (int i = 0; i < 3; i++) pthread_setspecific(keys[i], (void *)(long)(10 + i));
  for (int i = 0; i < 3; i++) {
    pthread_barrier_wait(&all);
    usleep(1000);
    mistakes += own != (int)(long)number || big[999] != (char)own || errno != 1000 + own;
    mistakes += pthread_getspecific(keys[1]) != (void *)11;
    mistakes += !isalpha('a') || strtod("1.5", NULL) != 1.5;
  }
  return (void *)(long)mistakes;
}
static void variables_are_a_threads_own(void) {
  pthread_t threads[50];
  long mistakes = 0;
  for (int i = 0; i < 3; i++) pthread_key_create(&keys[i], i == 1 ? NULL : destroy);
  for (int round = 0; round < 3; round++) {
    pthread_barrier_init(&all, NULL, 50);
    for (long i = 0; i < 50; i++) pthread_create(&threads[i], NULL, has_its_own, (void *)i);
    for (int i = 0; i < 50; i++) {
      void *one;
      pthread_join(threads[i], &one);
      mistakes += (long)one;
    }
    pthread_barrier_destroy(&all);
  }
  SAY(mistakes);
  SAY(own);
  for (int i = 0; i < 3; i++) SAY(destroyed[i]);
}

static tss_t tss;
static int c11(void *argument) {
  tss_set(tss, argument);
  if (argument) thrd_exit(3);
  thrd_yield();
  return -4;
}
static void c11_threads(void) {
  thrd_t thread;
  int result;
  SAY(tss_create(&tss, say_cleanup));
  MAKE(thrd_create(&thread, c11, NULL));
  SAY(thrd_join(thread, &result));
  SAY(result);
  MAKE(thrd_create(&thread, c11, "value of a tss"));
  SAY(thrd_join(thread, &result));
  SAY(result);
  MAKE(thrd_create(&thread, c11, NULL));
  SAY(thrd_detach(thread));
  SAY(thrd_equal(thrd_current(), thrd_current()));
  usleep(10000);
}

static void *sees_its_stack(void *unused) {
  pthread_attr_t attributes;
  void *low;
  size_t size, guard;
  int state;
  (void)unused;
  SAY(pthread_getattr_np(pthread_self(), &attributes));
  SAY(pthread_attr_getstack(&attributes, &low, &size));
  SAY(pthread_attr_getguardsize(&attributes, &guard));
  SAY(pthread_attr_getdetachstate(&attributes, &state));
  SAY((long)size);
  SAY((long)guard);
  SAY(state);
  SAY((char *)&attributes > (char *)low && (char *)&attributes < (char *)low + size);
  char used[150 * 1024];
  memset(used, 1, sizeof used);
  SAY(used[100]);
  pthread_attr_destroy(&attributes);
  return NULL;
}
static void a_stack_has_the_size_asked_for(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  SAY(pthread_attr_setstacksize(&attributes, 200 * 1024));
  MAKE(pthread_create(&thread, &attributes, sees_its_stack, NULL));
  SAY(pthread_join(thread, NULL));
}

static pthread_spinlock_t spinlock;
static void *spins(void *counter) {
  for (int i = 0; i < 100; i++) {
    pthread_spin_lock(&spinlock);
    int seen = *(int *)counter;
    sched_yield();
    *(int *)counter = seen + 1;
    pthread_spin_unlock(&spinlock);
  }
  return NULL;
}
static void spin_locks_exclude(void) {
  pthread_t threads[4];
  int counter = 0;
  SAY(pthread_spin_init(&spinlock, 0));
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, spins, &counter);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  SAY(counter);
}

static void *runs_on(void *unused) {
  (void)unused;
  pthread_join(main_thread, NULL);
  puts("the last thread ends the process");
  return NULL;
}
static void say_at_exit(void) { puts("at exit"); }
static void main_exits_first(void) {
  pthread_t thread;
  main_thread = pthread_self();
  atexit(say_at_exit);
  pthread_key_create(&keys[0], say_cleanup);
  pthread_setspecific(keys[0], "value of main");
  pthread_create(&thread, NULL, runs_on, NULL);
  pthread_cleanup_push(say_cleanup, "of main");
  pthread_exit(NULL);
  pthread_cleanup_pop(0);
}
static void *joins_it(void *thread) {
  void *result;
  SAY(pthread_join(*(pthread_t *)thread, &result));
  SAY((long)result);
  return NULL;
}
static void main_exits_and_is_joined(void) {
  static pthread_t self;
  pthread_t thread;
  self = pthread_self();
  pthread_create(&thread, NULL, joins_it, &self);
  usleep(10000);
  pthread_exit((void *)77);
}
static void *ends_the_process(void *unused) {
  (void)unused;
  exit(3);
}
static void a_thread_exits_the_process(void) {
  pthread_t thread;
  atexit(say_at_exit);
  pthread_create(&thread, NULL, ends_the_process, NULL);
  pause();
}

static void *fails_to_load(void *unused) {
  SAY(dlopen("/nonexistent", RTLD_NOW) != NULL);
  return unused;
}
static void *asks_for_errors(void *unused) {
  SAY(dlerror() != NULL);
  return unused;
}
static void errors_of_dlopen_end_with_their_thread(void) {
  pthread_t thread;
  for (int i = 0; i < 3; i++) {
    pthread_create(&thread, NULL, i == 1 ? asks_for_errors : fails_to_load, NULL);
    pthread_join(thread, NULL);
  }
  asks_for_errors(NULL);
}

CASES(CASE(errors_of_dlopen_end_with_their_thread), CASE(join_gives_results), CASE(errors_of_join_and_detach),
      CASE(timed_and_tried_joins_succeed), CASE(detached_threads_run), CASE(variables_are_a_threads_own), CASE(c11_threads),
      CASE(a_stack_has_the_size_asked_for), CASE(spin_locks_exclude), CASE(main_exits_first), CASE(main_exits_and_is_joined),
      CASE(a_thread_exits_the_process))
