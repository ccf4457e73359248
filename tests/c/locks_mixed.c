/* Locks between coroutines of several threads, plain threads and processes. */
#include "locks.h"

static int done;

/* ---- random operations, with what must always hold --------------------------------------------------- */

enum { THREADS = 3, COROUTINES = 6, MUTEXES = 5 };
static pthread_mutex_t mutexes[MUTEXES];
static int inside[MUTEXES], depth[MUTEXES];
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int readers, writers;
static sem_t sem;
static int in_sem;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static int queue;
static long long until;

static int add(int *place, int n) { return __atomic_add_fetch(place, n, __ATOMIC_SEQ_CST); }

static void pause_a_little(struct dice *dice) {
  if (below(dice, 4) == 0) usleep(below(dice, 300));
}

static void use_a_mutex(struct dice *dice) {
  unsigned which = below(dice, MUTEXES), again = which == 1 || which == 3 ? below(dice, 3) : 0;
  struct timespec soon = after_ms(CLOCK_REALTIME, below(dice, 3));
  int got = 0;
  switch (below(dice, 3)) {
    case 0: got = pthread_mutex_trylock(&mutexes[which]); break;
    case 1: got = pthread_mutex_timedlock(&mutexes[which], &soon); break;
    default: got = pthread_mutex_lock(&mutexes[which]);
  }
  if (!CHECK(got == 0 || got == EBUSY || got == ETIMEDOUT) || got != 0) return;
  CHECK_IS(add(&inside[which], 1), 1);
  for (unsigned i = 0; i < again; i++) CHECK_IS(pthread_mutex_lock(&mutexes[which]), 0);
  depth[which] += 1;
  pause_a_little(dice);
  depth[which] -= 1;
  CHECK_IS(depth[which], 0);
  for (unsigned i = 0; i < again; i++) CHECK_IS(pthread_mutex_unlock(&mutexes[which]), 0);
  if (which == 2) CHECK_IS(pthread_mutex_lock(&mutexes[which]), EDEADLK);
  CHECK_IS(add(&inside[which], -1), 0);
  CHECK_IS(pthread_mutex_unlock(&mutexes[which]), 0);
}

static void use_the_rwlock(struct dice *dice) {
  if (below(dice, 3)) {
    if (pthread_rwlock_rdlock(&rwlock) != 0) return;
    add(&readers, 1);
    CHECK_IS(__atomic_load_n(&writers, __ATOMIC_SEQ_CST), 0);
    pause_a_little(dice);
    add(&readers, -1);
  } else {
    struct timespec soon = after_ms(CLOCK_REALTIME, below(dice, 5));
    if (pthread_rwlock_timedwrlock(&rwlock, &soon) != 0) return;
    CHECK_IS(add(&writers, 1), 1);
    CHECK_IS(__atomic_load_n(&readers, __ATOMIC_SEQ_CST), 0);
    pause_a_little(dice);
    add(&writers, -1);
  }
  CHECK_IS(pthread_rwlock_unlock(&rwlock), 0);
}

static void use_the_semaphore(struct dice *dice) {
  struct timespec soon = after_ms(CLOCK_REALTIME, below(dice, 3));
  if (below(dice, 2) ? sem_wait(&sem) : sem_timedwait(&sem, &soon)) return;
  CHECK(add(&in_sem, 1) <= 2);
  pause_a_little(dice);
  add(&in_sem, -1);
  CHECK_IS(sem_post(&sem), 0);
}

static void use_the_queue(struct dice *dice) {
  struct timespec soon = after_ms(CLOCK_REALTIME, 5 + below(dice, 5));
  pthread_mutex_lock(&queue_lock);
  if (below(dice, 2)) {
    queue++;
    if (below(dice, 2)) pthread_cond_signal(&queue_filled);
    else pthread_cond_broadcast(&queue_filled);
  } else {
    int error = 0;
    while (queue == 0 && error == 0) error = pthread_cond_timedwait(&queue_filled, &queue_lock, &soon);
    CHECK(error == 0 || error == ETIMEDOUT);
    if (queue > 0) queue--;
  }
  CHECK(queue >= 0);
  pthread_mutex_unlock(&queue_lock);
}

static void *uses_everything(void *seed) {
  struct dice dice = {(uint64_t)(uintptr_t)seed};
  co_enable_hook_sys();
  while (now_ns() < until) {
    switch (below(&dice, 4)) {
      case 0: use_a_mutex(&dice); break;
      case 1: use_the_rwlock(&dice); break;
      case 2: use_the_semaphore(&dice); break;
      default: use_the_queue(&dice);
    }
  }
  add(&done, 1);
  return NULL;
}

static void *has_coroutines(void *seed) {
  stShareStack_t *shared = co_alloc_sharestack(1, 128 * 1024);
  for (uintptr_t i = 0; i < COROUTINES; i++)
    co_resume(i < 2 ? spawn_on(shared, 0, uses_everything, (char *)seed + i) : spawn(uses_everything, (char *)seed + i));
  loop_until(&done, THREADS * COROUTINES + THREADS);
  return NULL;
}

TEST(whatever_coroutines_and_threads_do_with_locks_nothing_hangs_and_nobody_intrudes) {
  pthread_t threads[2 * THREADS];
  struct dice dice = cast_dice();
  int kinds[MUTEXES] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                        PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ADAPTIVE_NP};
  for (int i = 0; i < MUTEXES; i++) mutexes[i] = mutex_of(kinds[i]);
  sem_init(&sem, 0, 2);
  until = now_ns() + 4000000000LL;
  for (int i = 0; i < THREADS; i++) {
    pthread_create(&threads[i], NULL, has_coroutines, (void *)(uintptr_t)roll(&dice));
    pthread_create(&threads[THREADS + i], NULL, uses_everything, (void *)(uintptr_t)roll(&dice));
  }
  for (int i = 0; i < 2 * THREADS; i++) pthread_join(threads[i], NULL);
  CHECK_IS(done, THREADS * COROUTINES + THREADS);
}

/* ---- producers and consumers -------------------------------------------------------------------------- */

enum { GOODS = 20000 };
static int produced, consumed;
static pthread_cond_t emptied = PTHREAD_COND_INITIALIZER;

static void *produces(void *unused) {
  co_enable_hook_sys();
  for (;;) {
    pthread_mutex_lock(&queue_lock);
    while (queue >= 10 && produced < GOODS) pthread_cond_wait(&emptied, &queue_lock);
    int more = produced < GOODS;
    if (more) produced++, queue++;
    pthread_mutex_unlock(&queue_lock);
    pthread_cond_signal(&queue_filled);
    if (!more) break;
  }
  pthread_cond_broadcast(&emptied);
  add(&done, 1);
  return unused;
}

static void *consumes(void *unused) {
  co_enable_hook_sys();
  for (;;) {
    pthread_mutex_lock(&queue_lock);
    while (queue == 0 && consumed < GOODS) pthread_cond_wait(&queue_filled, &queue_lock);
    int more = queue > 0;
    if (more) queue--, consumed++;
    pthread_mutex_unlock(&queue_lock);
    pthread_cond_signal(&emptied);
    if (!more) break;
  }
  pthread_cond_broadcast(&queue_filled);
  add(&done, 1);
  return unused;
}

static void *market(void *unused) {
  for (int i = 0; i < 3; i++) {
    start(produces, NULL);
    start(consumes, NULL);
  }
  loop_until(&done, 14);
  return unused;
}

TEST(goods_pass_between_coroutines_of_two_threads_and_plain_threads) {
  pthread_t threads[4];
  pthread_create(&threads[0], NULL, market, NULL);
  pthread_create(&threads[1], NULL, market, NULL);
  pthread_create(&threads[2], NULL, produces, NULL);
  pthread_create(&threads[3], NULL, consumes, NULL);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  CHECK_IS(produced, GOODS);
  CHECK_IS(consumed, GOODS);
}

/* ---- threads that hold and wait ------------------------------------------------------------------------ */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int state;

static void *thread_waits_inside(void *unused) {
  pthread_mutex_lock(&mutex);
  __atomic_store_n(&state, 1, __ATOMIC_SEQ_CST);
  usleep(30000);
  while (state != 2) pthread_cond_wait(&cond, &mutex);
  pthread_mutex_unlock(&mutex);
  return unused;
}

static void *wakes_the_thread(void *unused) {
  co_enable_hook_sys();
  pthread_mutex_lock(&mutex);
  state = 2;
  pthread_mutex_unlock(&mutex);
  pthread_cond_signal(&cond);
  done++;
  return unused;
}

TEST(a_mutex_that_libc_releases_inside_a_threads_wait_is_found_free) {
  for (int i = 0; i < 5; i++) {
    pthread_t thread;
    state = done = 0;
    pthread_create(&thread, NULL, thread_waits_inside, NULL);
    while (!__atomic_load_n(&state, __ATOMIC_SEQ_CST)) usleep(100);
    for (int j = 0; j < 3; j++) start(wakes_the_thread, NULL);
    loop_until(&done, 3);
    pthread_join(thread, NULL);
  }
}

static void *posts_soon(void *unused) {
  usleep(20000);
  for (int i = 0; i < 5; i++) sem_post(&sem);
  return unused;
}

static void *takes(void *unused) {
  co_enable_hook_sys();
  sem_wait(&sem);
  done++;
  return unused;
}

TEST(a_plain_thread_posts_for_coroutines) {
  pthread_t thread;
  sem_init(&sem, 0, 0);
  for (int i = 0; i < 5; i++) start(takes, NULL);
  pthread_create(&thread, NULL, posts_soon, NULL);
  loop_until(&done, 5);
  pthread_join(thread, NULL);
}

static void *thread_of_waiters(void *unused) {
  for (int i = 0; i < 3; i++) start(takes, NULL);
  return unused;
}

TEST(waiters_whose_thread_has_ended_are_in_nobodys_way) {
  pthread_t thread;
  sem_init(&sem, 0, 0);
  pthread_create(&thread, NULL, thread_of_waiters, NULL);
  pthread_join(thread, NULL);
  start(takes, NULL);
  sem_post(&sem);
  loop_until(&done, 1);
}

/* ---- processes ---------------------------------------------------------------------------------------- */

struct common {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  sem_t sem;
  int inside, told;
};
static struct common *common;

static void *meets_the_other_process(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 50; i++) {
    pthread_mutex_lock(&common->mutex);
    CHECK_IS(add(&common->inside, 1), 1);
    usleep(200);
    CHECK_IS(add(&common->inside, -1), 0);
    pthread_mutex_unlock(&common->mutex);
  }
  pthread_mutex_lock(&common->mutex);
  while (!common->told) pthread_cond_wait(&common->cond, &common->mutex);
  pthread_mutex_unlock(&common->mutex);
  CHECK_IS(sem_wait(&common->sem), 0);
  done++;
  return unused;
}

static void play(void) {
  for (int i = 0; i < 2; i++) start(meets_the_other_process, NULL);
  loop_until(&done, 2);
}

TEST(processes_share_locks) {
  pthread_mutexattr_t mutexattr;
  pthread_condattr_t condattr;
  int status;
  common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&mutexattr);
  pthread_mutexattr_setpshared(&mutexattr, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&common->mutex, &mutexattr);
  pthread_condattr_init(&condattr);
  pthread_condattr_setpshared(&condattr, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&common->cond, &condattr);
  sem_init(&common->sem, 1, 0);
  pid_t child = fork();
  if (child == 0) {
    play();
    _exit(check_failures != 0);
  }
  for (int i = 0; i < 2; i++) start(meets_the_other_process, NULL);
  loop_for(300);
  pthread_mutex_lock(&common->mutex);
  common->told = 1;
  pthread_cond_broadcast(&common->cond);
  pthread_mutex_unlock(&common->mutex);
  for (int i = 0; i < 4; i++) sem_post(&common->sem);
  loop_until(&done, 2);
  waitpid(child, &status, 0);
  CHECK_IS(status, 0);
}

static void *keeps_locking(void *stop) {
  co_enable_hook_sys();
  while (!__atomic_load_n((int *)stop, __ATOMIC_SEQ_CST)) {
    pthread_mutex_lock(&mutex);
    free(malloc(100));
    pthread_mutex_unlock(&mutex);
    sem_post(&sem);
    sem_wait(&sem);
  }
  add(&done, 1);
  return NULL;
}

static void *keeps_coroutines_locking(void *stop) {
  for (int i = 0; i < 5; i++) start(keeps_locking, stop);
  start(ticks_on, NULL);
  struct check_goal goal = {stop, 1};
  co_eventloop(co_get_epoll_ct(), check_goal_reached, &goal);
  return NULL;
}

static int in_child;
static void *waits_in_the_child(void *unused) {
  co_enable_hook_sys();
  sem_wait(&sem);
  in_child++;
  return unused;
}

TEST(a_child_of_fork_finds_only_its_own_thread_waiting) {
  pthread_t threads[2];
  int stop = 0, status;
  sem_init(&sem, 0, 0);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, keeps_coroutines_locking, &stop);
  for (int i = 0; i < 100; i++) {
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      sem_init(&sem, 0, 0);
      for (int j = 0; j < 3; j++) start(waits_in_the_child, NULL);
      for (int j = 0; j < 3; j++) sem_post(&sem);
      loop_until(&in_child, 3);
      _exit(0);
    }
    waitpid(child, &status, 0);
    CHECK_IS(status, 0);
    usleep(200);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

RUN_TESTS
