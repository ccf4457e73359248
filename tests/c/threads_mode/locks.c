/* pthread's locks, their owners and their errors: printed. */
#include "threads_mode.h"

static pthread_mutex_t mutex;
static pthread_rwlock_t rwlock;
static void make(int type, int robust, int protocol, int shared) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  SAY(pthread_mutexattr_settype(&attributes, type));
  SAY(pthread_mutexattr_setrobust(&attributes, robust));
  SAY(pthread_mutexattr_setprotocol(&attributes, protocol));
  SAY(pthread_mutexattr_setpshared(&attributes, shared));
  SAY(pthread_mutex_init(&mutex, &attributes));
}
static void in_a_thread(void *(*routine)(void *), void *argument) {
  pthread_t thread;
  pthread_create(&thread, NULL, routine, argument);
  pthread_join(thread, NULL);
}

static void *is_not_the_owner(void *type) {
  struct timespec past = {1, 0};
  SAY(pthread_mutex_trylock(&mutex));
  SAY(pthread_mutex_timedlock(&mutex, &past));
  SAY(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &past));
  if ((long)type == PTHREAD_MUTEX_RECURSIVE || (long)type == PTHREAD_MUTEX_ERRORCHECK) SAY(pthread_mutex_unlock(&mutex));
  return NULL;
}
static void mutexes_belong_to_threads(void) {
  static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
  for (int variant = 0; variant < 16; variant++) {
    int type = types[variant % 4];
    SAY(variant);
    make(type, variant / 4 == 1 ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED, variant / 4 == 2 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE,
         variant / 4 == 3 ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
    SAY(pthread_mutex_lock(&mutex));
    SAY(pthread_mutex_trylock(&mutex) == (type == PTHREAD_MUTEX_RECURSIVE ? 0 : variant / 4 == 1 && type == PTHREAD_MUTEX_ERRORCHECK ? EDEADLK : EBUSY));
    if (type == PTHREAD_MUTEX_ERRORCHECK) SAY(pthread_mutex_lock(&mutex));
    if (type == PTHREAD_MUTEX_RECURSIVE) SAY(pthread_mutex_lock(&mutex));
    in_a_thread(is_not_the_owner, (void *)(long)type);
    if (type == PTHREAD_MUTEX_RECURSIVE) SAY(pthread_mutex_unlock(&mutex) + pthread_mutex_unlock(&mutex));
    SAY(pthread_mutex_unlock(&mutex));
    SAY(pthread_mutex_destroy(&mutex));
  }
}

static int counter;
static void *counts(void *unused) {
  for (int i = 0; i < 50; i++) {
    pthread_mutex_lock(&mutex);
    int seen = counter;
    usleep(50);
    counter = seen + 1;
    pthread_mutex_unlock(&mutex);
  }
  return unused;
}
static void all_kinds_exclude(void) {
  for (int variant = 0; variant < 5; variant++) {
    pthread_t threads[5];
    counter = 0;
    make(variant == 1 ? PTHREAD_MUTEX_RECURSIVE : variant == 2 ? PTHREAD_MUTEX_ADAPTIVE_NP : PTHREAD_MUTEX_NORMAL,
         variant == 3 ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED, variant == 4 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE,
         PTHREAD_PROCESS_PRIVATE);
    for (int i = 0; i < 5; i++) pthread_create(&threads[i], NULL, counts, NULL);
    for (int i = 0; i < 5; i++) pthread_join(threads[i], NULL);
    SAY(counter);
    SAY(pthread_mutex_destroy(&mutex));
  }
}

static void *ends_as_owner(void *ready) {
  SAY(pthread_mutex_lock(&mutex));
  if (ready) sem_post(ready);
  usleep(10000);
  return NULL;
}
static void *locks(void *unused) {
  (void)unused;
  return (void *)(long)pthread_mutex_lock(&mutex);
}
static void robust_mutexes_tell_of_owners_that_ended(void) {
  for (int type = PTHREAD_MUTEX_NORMAL; type <= PTHREAD_MUTEX_ERRORCHECK; type++) {
    make(type, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE);
    in_a_thread(ends_as_owner, NULL);
    SAY(pthread_mutex_lock(&mutex));
    SAY(pthread_mutex_consistent(&mutex));
    SAY(pthread_mutex_unlock(&mutex));
    SAY(pthread_mutex_lock(&mutex));
    SAY(pthread_mutex_unlock(&mutex));
    /* Somebody waits when the owner ends. */
    pthread_t owner, waiter;
    void *result;
    sem_t ready;
    sem_init(&ready, 0, 0);
    pthread_create(&owner, NULL, ends_as_owner, &ready);
    sem_wait(&ready);
    pthread_create(&waiter, NULL, locks, NULL);
    pthread_join(owner, NULL);
    pthread_join(waiter, &result); /* it ends as owner in its turn */
    SAY((long)result == EOWNERDEAD);
    SAY(pthread_mutex_trylock(&mutex));
    SAY(pthread_mutex_unlock(&mutex)); /* not made consistent */
    SAY(pthread_mutex_lock(&mutex));
    SAY(pthread_mutex_destroy(&mutex));
  }
}

static void *tries_rwlock(void *unused) {
  struct timespec past = {1, 0};
  SAY(pthread_rwlock_tryrdlock(&rwlock));
  SAY(pthread_rwlock_trywrlock(&rwlock));
  SAY(pthread_rwlock_timedrdlock(&rwlock, &past));
  SAY(pthread_rwlock_timedwrlock(&rwlock, &past));
  return unused;
}
static void rwlocks_belong_to_threads(void) {
  SAY(pthread_rwlock_init(&rwlock, NULL));
  SAY(pthread_rwlock_wrlock(&rwlock));
  SAY(pthread_rwlock_rdlock(&rwlock));
  SAY(pthread_rwlock_wrlock(&rwlock));
  in_a_thread(tries_rwlock, NULL);
  SAY(pthread_rwlock_unlock(&rwlock));
  SAY(pthread_rwlock_rdlock(&rwlock));
  SAY(pthread_rwlock_trywrlock(&rwlock));
  SAY(pthread_rwlock_unlock(&rwlock));
  in_a_thread(tries_rwlock, NULL);
}

/* Who waits for a condition uses the mutex all the while. */
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int waiting, may_end, depth;
static void *waits_for_end(void *how) {
  struct timespec far;
  clock_gettime(CLOCK_REALTIME, &far);
  far.tv_sec += 1000;
  for (int i = 0; i < depth; i++) pthread_mutex_lock(&mutex);
  waiting = 1;
  while (!may_end)
    if (how) pthread_cond_timedwait(&cond, &mutex, &far);
    else pthread_cond_wait(&cond, &mutex);
  for (int i = 0; i < depth; i++) SAY(pthread_mutex_unlock(&mutex));
  return NULL;
}
static void a_mutex_is_in_use_while_somebody_waits_under_it(void) {
  static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ADAPTIVE_NP};
  for (long variant = 0; variant < 16; variant++) {
    pthread_t thread;
    SAY(variant);
    depth = 1;
    make(types[variant % 4], PTHREAD_MUTEX_STALLED, variant / 4 == 2 ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE,
         variant / 4 == 3 ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
    pthread_create(&thread, NULL, waits_for_end, (void *)(variant / 4 % 2));
    for (int waits = 0; !waits; usleep(1000)) {
      pthread_mutex_lock(&mutex);
      waits = waiting;
      pthread_mutex_unlock(&mutex);
    }
    SAY(pthread_mutex_destroy(&mutex));
    pthread_mutex_lock(&mutex);
    may_end = 1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    SAY(pthread_mutex_destroy(&mutex));
    waiting = may_end = 0;
  }
}
static void unlocks(void *unused) {
  (void)unused;
  pthread_mutex_unlock(&mutex);
}
/* What a wait leaves behind when it ends in another way, or fails. */
static void *waits_in_vain(void *unused) {
  struct timespec past = {1, 0};
  SAY(pthread_cond_timedwait(&cond, &mutex, &past));
  SAY(pthread_mutex_lock(&mutex));
  SAY(pthread_cond_timedwait(&cond, &mutex, &past));
  SAY(pthread_mutex_destroy(&mutex));
  SAY(pthread_mutex_unlock(&mutex));
  pthread_mutex_lock(&mutex);
  waiting = 1;
  pthread_cleanup_push(unlocks, NULL);
  for (;;) pthread_cond_wait(&cond, &mutex);
  pthread_cleanup_pop(0);
  return unused;
}
static void a_mutex_is_not_in_use_after_waits(void) {
  pthread_t thread;
  make(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, PTHREAD_PROCESS_PRIVATE);
  MAKE(pthread_create(&thread, NULL, waits_in_vain, NULL));
  for (int waits = 0; !waits; usleep(1000)) {
    pthread_mutex_lock(&mutex);
    waits = waiting;
    pthread_mutex_unlock(&mutex);
  }
  SAY(pthread_mutex_destroy(&mutex));
  SAY(pthread_cancel(thread));
  end_of(thread);
  SAY(pthread_mutex_destroy(&mutex));
}

static pthread_barrier_t barrier;
static int serial;
static void *meets(void *unused) {
  for (int i = 0; i < 10; i++) {
    int result = pthread_barrier_wait(&barrier);
    if (result == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED);
  }
  return unused;
}
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void only_once(void) {
  usleep(2000);
  puts("once");
}
static void *does_once(void *unused) {
  SAY(pthread_once(&once, only_once));
  return unused;
}
static void barriers_and_once(void) {
  pthread_t threads[4];
  SAY(pthread_barrier_init(&barrier, NULL, 0));
  SAY(pthread_barrier_init(&barrier, NULL, 4));
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, meets, NULL);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  SAY(serial);
  SAY(pthread_barrier_destroy(&barrier));
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, does_once, NULL);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

CASES(CASE(mutexes_belong_to_threads), CASE(all_kinds_exclude), CASE(robust_mutexes_tell_of_owners_that_ended),
      CASE(a_mutex_is_in_use_while_somebody_waits_under_it), CASE(a_mutex_is_not_in_use_after_waits), CASE(rwlocks_belong_to_threads),
      CASE(barriers_and_once))
