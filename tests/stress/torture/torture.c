/*
 * torture.c - threads that lock, wait, meet, join, cancel and fork all at once, and count what they do.
 *
 *     PROGRAM SECONDS      SEED in the environment repeats the choices, though not their order among threads
 *
 * Meant for threads that are coroutines, of several kernel threads above all; it must hold for plain ones too. Every activity
 * checks its own counters. Nothing may crash, hang, or miscount.
 */
#include "lives.h"
#include "sharing.h"

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
  queue.no_more = 1;
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
