/* sharing.h - threads that share mutexes, conditions, read-write locks, barriers and semaphores. */
#ifndef SHARING_H
#define SHARING_H

#include "common.h"

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
  int no_more; /* whoever puts has ended */
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

static void *takes_items(void *unused) {
  uint64_t state = new_dice();
  for (;;) {
    pthread_mutex_lock(&queue.mutex);
    while (queue.count == 0 && !queue.no_more) {
      if (below(&state, 2)) {
        struct timespec at = from_now(CLOCK_REALTIME, 1 + below(&state, 20000));
        int error = pthread_cond_timedwait(&queue.filled, &queue.mutex, &at);
        CHECK(error == 0 || error == ETIMEDOUT);
      } else pthread_cond_wait(&queue.filled, &queue.mutex); /* who ends us signals */
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
    if (over) return unused;
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

#endif
