/* The system call futex, as programs make it that have their own locks. */
#include "threads_mode.h"

#include <linux/futex.h>

static long futex(void *word, int operation, unsigned value, const struct timespec *time, void *second, unsigned third) {
  return syscall(SYS_futex, word, operation, value, time, second, third);
}
static unsigned word, other;
static sem_t ready;

struct waiter {
  unsigned *word;
  int operation;
  unsigned bits;
};
static void *waits(void *argument) {
  struct waiter *waiter = argument;
  sem_post(&ready);
  long result = futex(waiter->word, waiter->operation, 0, NULL, NULL, waiter->bits);
  return (void *)(result < 0 ? (long)errno : result);
}
static void wait_of(pthread_t *threads, int count, struct waiter *waiter) {
  sem_init(&ready, 0, 0);
  for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, waits, waiter);
  for (int i = 0; i < count; i++) sem_wait(&ready);
  usleep(20000);
}
/* Wakes until so many have woken: they may not wait yet. */
static void wake(int operation, int most, unsigned bits, long all) {
  long woken = 0;
  while (woken < all) {
    long more = futex(&word, operation, most, NULL, NULL, bits);
    if (more < 0) break;
    woken += more;
    usleep(1000);
  }
  SAY(woken);
}
static void join_all(pthread_t *threads, int count) {
  for (int i = 0; i < count; i++) {
    void *result;
    pthread_join(threads[i], &result);
    SAY((long)result);
  }
}

static void wakes_as_many_as_asked_for(void) {
  int operations[] = {FUTEX_WAIT_PRIVATE, FUTEX_WAIT};
  for (int shared = 0; shared < 2; shared++) {
    int operation = shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE;
    struct waiter waiter = {&word, operations[shared], 0};
    pthread_t threads[5];
    wait_of(threads, 5, &waiter);
    SAY(futex(&other, operation, 5, NULL, NULL, 0));
    wake(operation, 1, 0, 2);
    wake(operation, 0, 0, 1); /* none means one */
    wake(operation, 100, 0, 2);
    SAY(futex(&word, operation, 100, NULL, NULL, 0));
    join_all(threads, 5);
  }
}

static void bits_choose_who_wakes(void) {
  struct waiter one = {&word, FUTEX_WAIT_BITSET_PRIVATE, 1}, two = {&word, FUTEX_WAIT_BITSET_PRIVATE, 2};
  pthread_t threads[2];
  wait_of(&threads[0], 1, &one);
  wait_of(&threads[1], 1, &two);
  SAY(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 4));
  wake(FUTEX_WAKE_BITSET_PRIVATE, 100, 6, 1);
  join_all(&threads[1], 1);
  wake(FUTEX_WAKE_PRIVATE, 100, 0, 1);
  join_all(&threads[0], 1);
}

/* Prints the result and the error. */
#define FAIL(call)      \
  do {                  \
    errno = 0;          \
    SAY(call);          \
    SAY(errno);         \
  } while (0)

static void says_what_is_wrong(void) {
  struct timespec soon = {0, 10000000}, invalid = {0, 1000000000}, negative = {-1, 0}, past = {1, 0}, later;
  word = 1;
  FAIL(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
  FAIL(futex(&word, FUTEX_WAIT_PRIVATE, 1, &soon, NULL, 0));
  FAIL(futex(&word, FUTEX_WAIT, 1, &soon, NULL, 0));
  FAIL(futex(&word, FUTEX_WAIT_PRIVATE, 1, &invalid, NULL, 0));
  FAIL(futex(&word, FUTEX_WAIT_PRIVATE, 1, &negative, NULL, 0));
  FAIL(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, &past, NULL, FUTEX_BITSET_MATCH_ANY));
  FAIL(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, NULL, NULL, 0));
  FAIL(futex((char *)&word + 1, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
  FAIL(futex((void *)64, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
  clock_gettime(CLOCK_REALTIME, &later);
  later.tv_nsec += 10000000;
  if (later.tv_nsec >= 1000000000) later.tv_sec++, later.tv_nsec -= 1000000000;
  FAIL(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, &later, NULL, FUTEX_BITSET_MATCH_ANY));
}

/* A lock of its own, held while its owner sleeps. */
static unsigned lock;
static long counter;
static void *counts(void *unused) {
  for (int i = 0; i < 20; i++) {
    unsigned state = 0;
    if (!__atomic_compare_exchange_n(&lock, &state, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
      while (__atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE)) futex(&lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
    long seen = counter;
    usleep(100);
    counter = seen + 1;
    if (__atomic_exchange_n(&lock, 0, __ATOMIC_RELEASE) == 2) futex(&lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
  return unused;
}
static void locks_made_of_it_exclude(void) {
  pthread_t threads[10];
  for (int i = 0; i < 10; i++) pthread_create(&threads[i], NULL, counts, NULL);
  for (int i = 0; i < 10; i++) pthread_join(threads[i], NULL);
  SAY(counter);
}

CASES(CASE(wakes_as_many_as_asked_for), CASE(bits_choose_who_wakes), CASE(says_what_is_wrong), CASE(locks_made_of_it_exclude))
