/* The end of a thread: what is freed, ways to exit, and what still works in its destructors. */
#include "everything.h"

static void *uses_everything(void *tidy) {
  stCoRoutine_t *all[USED];
  stShareStack_t *shared = co_alloc_sharestack(2, 65536);
  use_everything(all, shared);
  close(quiet[0]);
  close(quiet[1]);
  loop_for(1);
  if (tidy) {
    for (int i = 0; i < USED; i++) co_release(all[i]);
    CHECK_IS(co_free_sharestack(shared), 0);
  }
  return NULL;
}

static void run_threads(int count, void *tidy) {
  for (int i = 0; i < count; i++) {
    pthread_t threads[4];
    for (int j = 0; j < 4; j++) NEED(pthread_create(&threads[j], NULL, uses_everything, tidy) == 0);
    join_all(threads, 4);
  }
}

TEST(all_that_a_thread_had_is_freed_at_its_end) {
  cond = co_cond_alloc();
  run_threads(20, "tidy");
  int descriptors = open_descriptors();
  long size = status_of("VmSize"), resident = resident_bytes();
  run_threads(100, "tidy");
  CHECK_IS(open_descriptors(), descriptors);
  CHECK(status_of("VmSize") - size <= 4096);
  CHECK(resident_bytes() - resident <= 2 << 20);
  fprintf(stderr, "# %ld KiB more of address space, %ld of memory\n", status_of("VmSize") - size,
          (resident_bytes() - resident) / 1024);
  CHECK_IS(co_cond_free(cond), 0);
}

TEST(of_coroutines_that_a_thread_leaves_behind_little_remains) {
  cond = co_cond_alloc();
  run_threads(20, NULL);
  int descriptors = open_descriptors();
  long size = status_of("VmSize"), resident = resident_bytes();
  run_threads(100, NULL);
  CHECK_IS(open_descriptors(), descriptors);
  /* The shared stacks are the program's to free, and the control blocks may still be released. */
  long left = 400L * USED * 600, stacks = 400L * 2 * (65536 + 32768);
  CHECK((status_of("VmSize") - size) * 1024 <= left + stacks + (8 << 20));
  CHECK(resident_bytes() - resident <= left + 400L * 2 * 3 * 4096 + (2 << 20));
  fprintf(stderr, "# %ld KiB more of address space, %ld of memory\n", status_of("VmSize") - size,
          (resident_bytes() - resident) / 1024);
  CHECK_IS(co_cond_free(cond), 0);
}

static pthread_key_t key;
static int destroyed;

static void *exits_the_thread(void *unused) {
  (void)unused;
  pthread_exit((void *)77);
}

static void cleans_up(void *unused) {
  (void)unused;
  add_done();
}

static void *exits_with_cleanup(void *unused) {
  pthread_cleanup_push(cleans_up, NULL);
  exits_the_thread(unused);
  pthread_cleanup_pop(0);
  return NULL;
}

static void *resumes_an_exit(void *body) {
  start(sleeps_long, NULL);
  start((void *(*)(void *))body, NULL);
  CHECK(!"pthread_exit returns");
  return NULL;
}

static void *resumes_an_exit_deep(void *body) {
  co_resume(spawn(resumes_an_exit, body));
  CHECK(!"pthread_exit returns");
  return NULL;
}

static int exits_in_the_callback(void *unused) {
  exits_the_thread(unused);
  return 0;
}

static void *exits_from_the_loop(void *unused) {
  start(sleeps_long, NULL);
  co_eventloop(co_get_epoll_ct(), exits_in_the_callback, unused);
  return NULL;
}

static void exits(void *(*thread_body)(void *), void *argument) {
  int descriptors = 0;
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, NULL, thread_body, argument);
    CHECK_IS(pthread_join(thread, &result), 0);
    CHECK(result == (void *)77);
    if (i == 5) descriptors = open_descriptors();
  }
  CHECK_IS(open_descriptors(), descriptors);
}

TEST(a_thread_may_exit_inside_a_coroutine) { exits(resumes_an_exit, (void *)exits_the_thread); }

TEST(a_thread_may_exit_inside_a_nested_coroutine_and_its_cleanup_runs) {
  exits(resumes_an_exit_deep, (void *)exits_with_cleanup);
  CHECK_IS(done, 50);
}

TEST(a_thread_may_exit_in_the_loops_callback) { exits(exits_from_the_loop, NULL); }

static void counts_destroyed(void *value) { destroyed += value != NULL; }

static void *uses_the_library_at_its_end(void *unused) {
  pthread_setspecific(key, "value");
  co_release(start(runs_out, NULL));
  return unused;
}

static void starts_again(void *value) {
  counts_destroyed(value);
  co_release(start(yields, NULL));
  usleep(10);
  co_yield_ct();
}

TEST(destructors_of_a_thread_may_still_use_the_library) {
  int descriptors = 0;
  pthread_key_create(&key, starts_again);
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, uses_the_library_at_its_end, NULL);
    pthread_join(thread, NULL);
    if (i == 5) descriptors = open_descriptors();
  }
  CHECK_IS(destroyed, 50);
  CHECK_IS(open_descriptors(), descriptors);
}

TEST(many_threads_begin_and_end_at_once) {
  enum { THREADS = 200 };
  pthread_t threads[THREADS];
  cond = co_cond_alloc();
  for (int i = 0; i < THREADS; i++) NEED(pthread_create(&threads[i], NULL, uses_everything, i % 2 ? "tidy" : NULL) == 0);
  join_all(threads, THREADS);
  CHECK_IS(co_cond_free(cond), 0);
}

/* A thread that has been joined gives its place in memory, which is its `pthread_t`, to the next one at once: another loop's. */
enum { LOOPS = 4, JOINERS = 25, JOINED = 200 };

static void *joins_one_after_another(void *own) {
  co_enable_hook_sys();
  for (intptr_t i = 0; i < JOINED; i++) {
    pthread_t thread;
    void *result = NULL;
    NEED(pthread_create(&thread, NULL, runs_out, (void *)i) == 0);
    CHECK_IS(pthread_join(thread, &result), 0);
    CHECK_IS((intptr_t)result, i);
  }
  ++*(int *)own;
  return NULL;
}

static void *has_who_join(void *unused) {
  int own = 0;
  for (int i = 0; i < JOINERS; i++) start(joins_one_after_another, &own);
  loop_until(&own, JOINERS);
  return unused;
}

TEST(coroutines_of_several_loops_join_threads_that_take_the_places_of_each_other) {
  pthread_t loops[LOOPS];
  for (int i = 0; i < LOOPS; i++) NEED(pthread_create(&loops[i], NULL, has_who_join, NULL) == 0);
  join_all(loops, LOOPS);
}

RUN_TESTS
