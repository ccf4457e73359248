/* Threads that ask again and again instead of waiting, for what another thread does later: printed. */
#include "threads_mode.h"

#include <sys/resource.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spinlock;
static sem_t sem, ready;
static int pipes[2];
static volatile int done;

static void *lets_go(void *unused) {
  pthread_mutex_lock(&mutex);
  pthread_rwlock_wrlock(&rwlock);
  pthread_spin_lock(&spinlock);
  sem_post(&ready);
  usleep(20000);
  done = 1;
  pthread_spin_unlock(&spinlock);
  pthread_rwlock_unlock(&rwlock);
  pthread_mutex_unlock(&mutex);
  sem_post(&sem);
  SAY(write(pipes[1], "x", 1));
  return unused;
}

static void *sets_it_under_the_lock(void *unused) {
  usleep(20000);
  pthread_mutex_lock(&mutex);
  done = 1;
  pthread_mutex_unlock(&mutex);
  return unused;
}

/* Gives what the last attempt gave. */
static long spin_by(int way) {
  struct pollfd input = {pipes[0], POLLIN, 0};
  char byte;
  long result;
  switch (way) {
    case 0: while ((result = pthread_mutex_trylock(&mutex)) == EBUSY); return result;
    case 1: while ((result = pthread_rwlock_tryrdlock(&rwlock)) == EBUSY); return result;
    case 2: while ((result = pthread_rwlock_trywrlock(&rwlock)) == EBUSY); return result;
    case 3: while ((result = pthread_spin_trylock(&spinlock)) == EBUSY); return result;
    case 4: while ((result = sem_trywait(&sem)) != 0 && errno == EAGAIN); return result;
    case 5: while ((result = read(pipes[0], &byte, 1)) < 0 && errno == EAGAIN); return result;
    case 6: while ((result = poll(&input, 1, 0)) == 0); return result;
    default: while ((result = recv(pipes[0], &byte, 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN); return result;
  }
}
enum { WAYS = 8 };
static void who_tries_again_and_again_gets_it(void) {
  sem_init(&ready, 0, 0);
  pthread_spin_init(&spinlock, 0);
  for (int way = 0; way < WAYS; way++) {
    pthread_t thread;
    pthread_mutex_init(&mutex, NULL);
    pthread_rwlock_init(&rwlock, NULL);
    sem_init(&sem, 0, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pipes)) return;
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    pthread_create(&thread, NULL, lets_go, NULL);
    sem_wait(&ready);
    long result = spin_by(way);
    if (way == 3) pthread_spin_unlock(&spinlock);
    pthread_join(thread, NULL);
    SAY(way);
    SAY(result);
    close(pipes[0]);
    close(pipes[1]);
  }
}

static void who_looks_under_a_lock_sees_it(void) {
  for (int way = 0; way < 2; way++) {
    pthread_t thread;
    int seen;
    done = 0;
    pthread_mutex_init(&mutex, NULL);
    pthread_rwlock_init(&rwlock, NULL);
    pthread_create(&thread, NULL, sets_it_under_the_lock, NULL);
    do {
      if (way) pthread_rwlock_rdlock(&rwlock);
      pthread_mutex_lock(&mutex);
      seen = done;
      pthread_mutex_unlock(&mutex);
      if (way) pthread_rwlock_unlock(&rwlock);
    } while (!seen);
    SAY(pthread_join(thread, NULL));
  }
}

static void *sleeps(void *unused) {
  usleep(20000);
  return unused;
}
static void who_tries_to_join_again_and_again_joins(void) {
  pthread_t thread;
  int result;
  pthread_create(&thread, NULL, sleeps, NULL);
  while ((result = pthread_tryjoin_np(thread, NULL)) == EBUSY);
  SAY(result);
}

/* Who gets no thread for want of memory tries again: some of those that are there end meanwhile. */
enum { MANY = 2000 };
static int ended;
static void *ends(void *unused) {
  __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
  return unused;
}
static void who_gets_no_thread_gets_one_later(void) {
  struct rlimit space = {1L << 30, 1L << 30};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 16 << 20);
  SAY(setrlimit(RLIMIT_AS, &space));
  for (int made = 0; made < MANY;) {
    pthread_t thread;
    int error = pthread_create(&thread, &attributes, ends, NULL);
    made += error == 0;
    if (error && error != EAGAIN) SAY(error);
  }
  while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) < MANY) usleep(1000);
  puts("all have ended");
}

/* Readers give way to a writer that waits, where the lock is made so, even if they only try. */
static void *writes(void *lock) {
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_sec++;
  sem_post(&ready);
  SAY(pthread_rwlock_timedwrlock(lock, &soon) == ETIMEDOUT);
  return NULL;
}
static void who_tries_to_read_lets_a_writer_go_first(void) {
  static pthread_rwlock_t polite = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
  pthread_t thread;
  sem_init(&ready, 0, 0);
  SAY(pthread_rwlock_tryrdlock(&polite));
  pthread_create(&thread, NULL, writes, &polite);
  sem_wait(&ready);
  while (pthread_rwlock_tryrdlock(&polite) == 0) pthread_rwlock_unlock(&polite);
  SAY(pthread_rwlock_tryrdlock(&polite) == EBUSY);
  SAY(pthread_join(thread, NULL));
  SAY(pthread_rwlock_tryrdlock(&polite));
}

/* Threads that go round a loop of waits, and spin for a lock of their own that is held for long, but in no call that waits: of
 * those that may, only in such as wake others. */
enum { ROUNDS = 10, HELD = 10, TOO_LONG = 2000 };
static volatile char own_lock;
static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
static void *goes_round(void *of_ours) {
  int *ours = of_ours;
  char byte;
  for (int i = 0; i < ROUNDS; i++) {
    long long began = now_ms();
    poll(NULL, 0, 0);
    while (__atomic_test_and_set(&own_lock, __ATOMIC_ACQUIRE))
      if (now_ms() - began > TOO_LONG) return puts("it was never let go"), NULL;
    for (began = now_ms(); now_ms() - began < HELD;);
    for (int j = 0; j < 60; j++) {
      if (write(ours[1], "x", 1) != 1 || recv(ours[0], &byte, 1, MSG_DONTWAIT) != 1) puts("lost");
      if (recv(ours[2], &byte, 1, 0) != -1) puts("something");
      if (recv(ours[0], &byte, 1, MSG_DONTWAIT) != -1) puts("more");
      if (pthread_mutex_trylock(&mutex) == 0) pthread_mutex_unlock(&mutex);
    }
    __atomic_clear(&own_lock, __ATOMIC_RELEASE);
  }
  return NULL;
}
static void spin_for_a_lock_beside_calls_that(int do_not_block) {
  pthread_t threads[3];
  int own[3][4];
  for (int i = 0; i < 3; i++) {
    if (socketpair(AF_UNIX, SOCK_STREAM | do_not_block, 0, own[i])) return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, own[i] + 2)) return;
    MAKE(pthread_create(&threads[i], NULL, goes_round, own[i]));
  }
  for (int i = 0; i < 3; i++) SAY(pthread_join(threads[i], NULL));
}

static void who_spins_beside_calls_that_do_not_block_gets_the_lock(void) { spin_for_a_lock_beside_calls_that(SOCK_NONBLOCK); }
static void who_spins_beside_calls_that_may_block_gets_the_lock(void) { spin_for_a_lock_beside_calls_that(0); }

/* One that computes, and receives what is always there already; another waits for a moment, and then for a moment again. */
enum { PIECES = 200, PIECE_US = 1000 };
static void *computes(void *unused) {
  int own[2];
  char byte;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, own)) return unused;
  for (int i = 0; i < PIECES && !done; i++) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    for (long long end = now.tv_nsec / 1000 + 1000000LL * now.tv_sec + PIECE_US; now.tv_nsec / 1000 + 1000000LL * now.tv_sec < end;)
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    if (write(own[1], "x", 1) != 1 || read(own[0], &byte, 1) != 1) puts("lost");
  }
  return done ? "others ran meanwhile" : "nobody else ran";
}
static void *waits_twice(void *unused) {
  usleep(1000);
  usleep(1000);
  done = 1;
  return unused;
}
static void who_computes_and_receives_lets_others_run(void) {
  pthread_t threads[2];
  done = 0;
  MAKE(pthread_create(&threads[0], NULL, waits_twice, NULL));
  MAKE(pthread_create(&threads[1], NULL, computes, NULL));
  for (int i = 0; i < 2; i++) {
    void *said;
    SAY(pthread_join(threads[i], &said));
    if (said) puts(said);
  }
}

CASES(CASE(who_computes_and_receives_lets_others_run), CASE(who_spins_beside_calls_that_do_not_block_gets_the_lock),
      CASE(who_spins_beside_calls_that_may_block_gets_the_lock), CASE(who_tries_again_and_again_gets_it), CASE(who_looks_under_a_lock_sees_it), CASE(who_tries_to_join_again_and_again_joins),
      CASE(who_gets_no_thread_gets_one_later), CASE(who_tries_to_read_lets_a_writer_go_first))
