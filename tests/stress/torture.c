/*
 * torture.c - threads that lock, wait, meet, join, cancel and fork all at once, and count what they do.
 *
 *     PROGRAM SECONDS      SEED in the environment repeats the choices, though not their order among threads
 *
 * Meant for threads that are coroutines, of several kernel threads above all; it must hold for plain ones too. Every activity
 * checks its own counters. Nothing may crash, hang, or miscount.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HANGS_SECONDS = 90 };

static atomic_int stop, mistakes;
static uint64_t seed;

static void check(int holds, const char *what) {
  if (!holds && atomic_fetch_add(&mistakes, 1) < 20) fprintf(stderr, "mistake: %s\n", what);
}
#define CHECK(expression) check((expression) != 0, #expression)

static uint64_t dice(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}
static unsigned below(uint64_t *state, unsigned limit) { return (unsigned)(dice(state) >> 20) % limit; }
static uint64_t new_dice(void) {
  static atomic_ulong number;
  uint64_t state = seed + 0x9e3779b97f4a7c15u * (atomic_fetch_add(&number, 1) + 1);
  for (int i = 0; i < 5; i++) dice(&state);
  return state | 1;
}
static void rest(uint64_t *state) {
  unsigned choice = below(state, 16);
  if (choice < 4) sched_yield();
  else if (choice == 4) usleep(below(state, 3000));
}
static struct timespec from_now(clockid_t clock, unsigned microseconds) {
  struct timespec at;
  clock_gettime(clock, &at);
  at.tv_nsec += 1000L * microseconds;
  at.tv_sec += at.tv_nsec / 1000000000;
  at.tv_nsec %= 1000000000;
  return at;
}

/* Mutexes of all kinds: a count that only one may change at a time, and changes in two steps. */
enum { KINDS = 6 };
static struct {
  pthread_mutex_t mutex;
  long count, copy;
  atomic_long expected;
  pthread_t owner;
} kinds[KINDS];

static void prepare_mutexes(void) {
  static const int types[KINDS] = {PTHREAD_MUTEX_NORMAL,      PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                                   PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_NORMAL,    PTHREAD_MUTEX_NORMAL};
  for (int i = 0; i < KINDS; i++) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, types[i]);
    if (i == 4) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (i == 5) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    CHECK(pthread_mutex_init(&kinds[i].mutex, &attributes) == 0);
  }
}

static int lock_somehow(pthread_mutex_t *mutex, uint64_t *state) {
  struct timespec at;
  switch (below(state, 4)) {
    case 0: return pthread_mutex_trylock(mutex);
    case 1: at = from_now(CLOCK_REALTIME, below(state, 2000)); return pthread_mutex_timedlock(mutex, &at);
    default: return pthread_mutex_lock(mutex);
  }
}

static void *locks(void *unused) {
  uint64_t state = new_dice();
  while (!stop) {
    int i = (int)below(&state, KINDS), error = lock_somehow(&kinds[i].mutex, &state);
    if (error != 0) {
      CHECK(error == EBUSY || error == ETIMEDOUT);
      rest(&state);
      continue;
    }
    kinds[i].owner = pthread_self();
    if (i == 1) CHECK(pthread_mutex_lock(&kinds[i].mutex) == 0);
    if (i == 2) CHECK(pthread_mutex_lock(&kinds[i].mutex) == EDEADLK);
    long seen = kinds[i].count;
    CHECK(kinds[i].copy == seen);
    kinds[i].count = seen + 1;
    rest(&state);
    kinds[i].copy = seen + 1;
    atomic_fetch_add(&kinds[i].expected, 1);
    CHECK(pthread_equal(kinds[i].owner, pthread_self()));
    if (i == 1) CHECK(pthread_mutex_unlock(&kinds[i].mutex) == 0);
    CHECK(pthread_mutex_unlock(&kinds[i].mutex) == 0);
    rest(&state);
  }
  return unused;
}

/* A bounded queue with two conditions, of which one goes by the monotonic clock. */
enum { ROOM = 8 };
static struct {
  pthread_mutex_t mutex;
  pthread_cond_t filled, emptied;
  long items[ROOM], head, count, put, taken, sum_put, sum_taken;
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void *puts_items(void *unused) {
  uint64_t state = new_dice();
  while (!stop) {
    pthread_mutex_lock(&queue.mutex);
    while (queue.count == ROOM && !stop) {
      struct timespec at = from_now(CLOCK_MONOTONIC, 1 + below(&state, 20000));
      int error = pthread_cond_timedwait(&queue.emptied, &queue.mutex, &at);
      CHECK(error == 0 || error == ETIMEDOUT);
    }
    if (queue.count < ROOM) {
      long item = below(&state, 1000);
      queue.items[(queue.head + queue.count++) % ROOM] = item;
      queue.put++;
      queue.sum_put += item;
      if (below(&state, 8) == 0) pthread_cond_broadcast(&queue.filled);
      else pthread_cond_signal(&queue.filled);
    }
    pthread_mutex_unlock(&queue.mutex);
    rest(&state);
  }
  return unused;
}

static void *takes_items(void *forever) {
  uint64_t state = new_dice();
  for (;;) {
    pthread_mutex_lock(&queue.mutex);
    while (queue.count == 0 && !(stop && forever == NULL)) {
      if (below(&state, 2)) {
        struct timespec at = from_now(CLOCK_REALTIME, 1 + below(&state, 20000));
        int error = pthread_cond_timedwait(&queue.filled, &queue.mutex, &at);
        CHECK(error == 0 || error == ETIMEDOUT);
      } else pthread_cond_wait(&queue.filled, &queue.mutex); /* whoever stops us signals */
    }
    int over = queue.count == 0;
    if (!over) {
      queue.sum_taken += queue.items[queue.head];
      queue.head = (queue.head + 1) % ROOM;
      queue.count--;
      queue.taken++;
      pthread_cond_signal(&queue.emptied);
    }
    pthread_mutex_unlock(&queue.mutex);
    if (over) return NULL;
    rest(&state);
  }
}

/* Readers see two words that are equal; writers change them one after the other. */
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static long words[2];
static atomic_int readers, writers;
static void *reads_and_writes(void *unused) {
  uint64_t state = new_dice();
  while (!stop) {
    struct timespec at = from_now(CLOCK_REALTIME, below(&state, 3000));
    unsigned way = below(&state, 8);
    int error = way == 0   ? pthread_rwlock_wrlock(&rwlock)
                : way == 1 ? pthread_rwlock_timedwrlock(&rwlock, &at)
                : way == 2 ? pthread_rwlock_tryrdlock(&rwlock)
                : way == 3 ? pthread_rwlock_timedrdlock(&rwlock, &at)
                           : pthread_rwlock_rdlock(&rwlock);
    if (error != 0) {
      CHECK(error == EBUSY || error == ETIMEDOUT);
      rest(&state);
      continue;
    }
    if (way < 2) {
      CHECK(atomic_fetch_add(&writers, 1) == 0 && readers == 0);
      words[0]++;
      rest(&state);
      words[1]++;
      atomic_fetch_sub(&writers, 1);
    } else {
      atomic_fetch_add(&readers, 1);
      CHECK(writers == 0);
      long seen = words[0];
      rest(&state);
      CHECK(words[0] == seen && words[1] == seen);
      atomic_fetch_sub(&readers, 1);
    }
    CHECK(pthread_rwlock_unlock(&rwlock) == 0);
    rest(&state);
  }
  return unused;
}

/* A party meets again and again; one of each round is told so. They end in the same round. */
enum { PARTY = 5 };
static pthread_barrier_t barrier;
static atomic_long rounds[PARTY], serials;
static atomic_int party_ends;
static void *meets(void *number) {
  uint64_t state = new_dice();
  int me = (int)(intptr_t)number;
  for (long round = 1;; round++) {
    rest(&state);
    atomic_store(&rounds[me], round);
    int serial = pthread_barrier_wait(&barrier);
    CHECK(serial == 0 || serial == PTHREAD_BARRIER_SERIAL_THREAD);
    for (int i = 0; i < PARTY; i++) CHECK(rounds[i] == round);
    if (serial != 0) {
      atomic_fetch_add(&serials, 1);
      atomic_store(&party_ends, stop);
    }
    pthread_barrier_wait(&barrier);
    if (party_ends) return (void *)round;
  }
}

/* No more are inside than there are tokens. */
enum { TOKENS = 3 };
static sem_t tokens;
static atomic_int inside;
static void *takes_tokens(void *unused) {
  uint64_t state = new_dice();
  while (!stop) {
    struct timespec at = from_now(CLOCK_REALTIME, below(&state, 3000));
    unsigned way = below(&state, 4);
    int result = way == 0 ? sem_trywait(&tokens) : way == 1 ? sem_timedwait(&tokens, &at) : sem_wait(&tokens);
    if (result != 0) {
      CHECK(errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR);
      rest(&state);
      continue;
    }
    CHECK(atomic_fetch_add(&inside, 1) < TOKENS);
    rest(&state);
    atomic_fetch_sub(&inside, 1);
    CHECK(sem_post(&tokens) == 0);
  }
  return unused;
}

/* Threads come and go: joined in all ways, detached, cancelled. */
static pthread_key_t key;
static atomic_long made, destroyed, cleaned, cancelled;
static __thread long own;
static void count_destroyed(void *value) {
  (void)value;
  atomic_fetch_add(&destroyed, 1);
}
static void *comes_and_goes(void *argument) {
  uint64_t state = new_dice();
  CHECK(own == 0);
  own = (long)(intptr_t)argument;
  pthread_setspecific(key, &own);
  rest(&state);
  void *memory = malloc(1 + below(&state, 5000));
  rest(&state);
  free(memory);
  CHECK(own == (long)(intptr_t)argument);
  if (below(&state, 2)) pthread_exit((char *)argument + 1);
  return (char *)argument + 1;
}

static pthread_mutex_t never_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static sem_t never_posted;
static void unlock_never(void *unused) {
  (void)unused;
  pthread_mutex_unlock(&never_mutex);
  atomic_fetch_add(&cleaned, 1);
}
static void count_cleaned(void *unused) {
  (void)unused;
  atomic_fetch_add(&cleaned, 1);
}
static void *waits_for_ever(void *way) {
  pthread_setspecific(key, &own);
  if (way == (void *)0) {
    pthread_mutex_lock(&never_mutex);
    pthread_cleanup_push(unlock_never, NULL);
    for (;;) pthread_cond_wait(&never, &never_mutex);
    pthread_cleanup_pop(1);
  }
  pthread_cleanup_push(count_cleaned, NULL);
  for (;;) {
    if (way == (void *)1) sem_wait(&never_posted);
    else if (way == (void *)2) pause();
    else usleep(500), pthread_testcancel();
  }
  pthread_cleanup_pop(1);
  return NULL;
}

static void *makes_threads(void *unused) {
  uint64_t state = new_dice();
  while (!stop) {
    pthread_t threads[8];
    long count = 1 + below(&state, 8), way = below(&state, 3);
    if (way == 0) {
      for (long i = 0; i < count; i++) {
        CHECK(pthread_create(&threads[i], NULL, waits_for_ever, (void *)(i % 4)) == 0);
        atomic_fetch_add(&made, 1);
      }
      rest(&state);
      for (long i = 0; i < count; i++) CHECK(pthread_cancel(threads[i]) == 0);
      for (long i = 0; i < count; i++) {
        void *result = NULL;
        CHECK(pthread_join(threads[i], &result) == 0);
        CHECK(result == PTHREAD_CANCELED);
        atomic_fetch_add(&cancelled, 1);
      }
      continue;
    }
    for (long i = 0; i < count; i++) {
      CHECK(pthread_create(&threads[i], NULL, comes_and_goes, (void *)(1000 + i)) == 0);
      atomic_fetch_add(&made, 1);
    }
    for (long i = 0; i < count; i++) {
      void *result = NULL;
      int error = EBUSY;
      if (way == 1 && i % 2) {
        CHECK(pthread_detach(threads[i]) == 0);
        continue;
      }
      if (below(&state, 3) == 0) error = pthread_tryjoin_np(threads[i], &result);
      else if (below(&state, 2)) {
        struct timespec at = from_now(CLOCK_REALTIME, below(&state, 2000));
        error = pthread_timedjoin_np(threads[i], &result, &at);
      }
      CHECK(error == 0 || error == EBUSY || error == ETIMEDOUT);
      if (error != 0) CHECK(pthread_join(threads[i], &result) == 0);
      CHECK(result == (void *)(1000 + i + 1));
    }
    rest(&state);
  }
  return unused;
}

/* Children, in which only the thread that forked is left, and can make others. */
static void *forks(void *unused) {
  uint64_t state = new_dice();
  while (!stop) {
    pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      void *result = NULL;
      alarm(HANGS_SECONDS);
      for (long i = 0; i < 3; i++) {
        if (pthread_create(&thread, NULL, comes_and_goes, (void *)i) || pthread_join(thread, &result)) _exit(1);
        if (result != (void *)(i + 1)) _exit(2);
      }
      usleep(100);
      _exit(atomic_load(&mistakes) ? 3 : 0);
    }
    int status = -1;
    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    check(status == 0, "a child is well");
    usleep(20000 + below(&state, 30000));
  }
  return unused;
}

/* Signals that are sent to one thread end its sleep, and nobody's but its. */
static atomic_long interrupted;
static atomic_int asleep;
static void handle(int signal) { (void)signal; }
static void *sleeps(void *unused) {
  while (!stop) {
    struct timespec whole = {5, 0};
    atomic_store(&asleep, 1);
    if (nanosleep(&whole, NULL) != 0) {
      CHECK(errno == EINTR);
      atomic_fetch_add(&interrupted, 1);
    }
  }
  return unused;
}
static void *sends(void *sleeper) {
  uint64_t state = new_dice();
  while (!stop) {
    usleep(1000 + below(&state, 5000));
    CHECK(pthread_kill(*(pthread_t *)sleeper, SIGUSR1) == 0);
  }
  return NULL;
}

int main(int count, char **arguments) {
  int seconds = count > 1 ? atoi(arguments[1]) : 5;
  const char *given = getenv("SEED");
  pthread_t threads[64], consumers[2], sleeper, party[PARTY];
  int made_here = 0;
  seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
  alarm((unsigned)(seconds + HANGS_SECONDS)); /* who hangs, fails */
  prepare_mutexes();
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&queue.emptied, &monotonic);
  pthread_barrier_init(&barrier, NULL, PARTY);
  sem_init(&tokens, 0, TOKENS);
  sem_init(&never_posted, 0, 0);
  pthread_key_create(&key, count_destroyed);
  struct sigaction action = {.sa_handler = handle};
  sigaction(SIGUSR1, &action, NULL);

#define MAKE(number, routine) \
  for (int i = 0; i < (number); i++) CHECK(pthread_create(&threads[made_here++], NULL, routine, NULL) == 0)
  MAKE(12, locks);
  MAKE(3, puts_items);
  MAKE(6, reads_and_writes);
  MAKE(7, takes_tokens);
  MAKE(4, makes_threads);
  MAKE(1, forks);
  for (long i = 0; i < 2; i++) CHECK(pthread_create(&consumers[i], NULL, takes_items, NULL) == 0);
  for (long i = 0; i < PARTY; i++) CHECK(pthread_create(&party[i], NULL, meets, (void *)i) == 0);
  CHECK(pthread_create(&sleeper, NULL, sleeps, NULL) == 0);
  CHECK(pthread_create(&threads[made_here++], NULL, sends, &sleeper) == 0);

  struct timespec end = from_now(CLOCK_MONOTONIC, 0);
  end.tv_sec += seconds;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) CHECK(!"main was interrupted");
  atomic_store(&stop, 1);
  for (int i = 0; i < made_here; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  pthread_mutex_lock(&queue.mutex);
  pthread_cond_broadcast(&queue.filled);
  pthread_mutex_unlock(&queue.mutex);
  for (int i = 0; i < 2; i++) CHECK(pthread_join(consumers[i], NULL) == 0);
  while (pthread_tryjoin_np(sleeper, NULL) == EBUSY) {
    pthread_kill(sleeper, SIGUSR1);
    usleep(1000);
  }
  void *first = NULL;
  for (int i = 0; i < PARTY; i++) {
    void *round = NULL;
    CHECK(pthread_join(party[i], &round) == 0);
    if (i == 0) first = round;
    CHECK(round == first);
  }
  CHECK(serials == (long)(intptr_t)first);
  for (int i = 0; i < KINDS; i++) CHECK(kinds[i].count == kinds[i].expected && kinds[i].copy == kinds[i].count);
  CHECK(queue.put == queue.taken && queue.sum_put == queue.sum_taken && queue.count == 0);
  CHECK(words[0] == words[1]);
  int value = -1;
  sem_getvalue(&tokens, &value);
  CHECK(value == TOKENS && inside == 0);
  CHECK(cleaned <= cancelled && interrupted > 0 && asleep);
  for (int i = 0; i < 1000 && destroyed < made - (cancelled - cleaned); i++) usleep(10000); /* detached ones may be left */
  CHECK(destroyed <= made && destroyed >= made - (cancelled - cleaned));
  printf("%s: %ld locks, %ld items, %ld writes, %ld meetings, %ld threads, %ld cancelled, %ld interrupted\n",
         mistakes ? "FAILED" : "well", kinds[0].count + kinds[1].count + kinds[2].count + kinds[3].count + kinds[4].count + kinds[5].count,
         queue.taken, words[0], (long)serials, (long)made, (long)cancelled, (long)interrupted);
  if (mistakes) printf("%d mistakes, SEED=%#llx\n", (int)mistakes, (unsigned long long)seed);
  return mistakes != 0;
}
