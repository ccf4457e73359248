/*
 * racing.c - a race on purpose between coroutines of two threads, beside sharing that is none: coroutines of one thread take turns.
 */
#include <co_routine.h>
#include <pthread.h>
#include <unistd.h>

enum { COROUTINES = 3, ROUNDS = 20 };

static int unguarded;
static pthread_barrier_t begun;
static __thread int shared, left;

static void counts_unguarded(void) { unguarded++; }

static void *counts(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < ROUNDS; i++) {
    int before = shared;
    shared = before + 1;
    usleep(100);
    counts_unguarded();
  }
  left--;
  return unused;
}

static int none_left(void *unused) {
  (void)unused;
  return left > 0 ? 0 : -1;
}

static void *runs(void *unused) {
  stCoRoutine_t *all[COROUTINES];
  left = COROUTINES;
  for (int i = 0; i < COROUTINES; i++) {
    co_create(&all[i], NULL, counts, NULL);
    co_resume(all[i]);
  }
  /* From here on nothing that one thread does comes before what the other does, whichever is first. */
  pthread_barrier_wait(&begun);
  co_eventloop(co_get_epoll_ct(), none_left, NULL);
  for (int i = 0; i < COROUTINES; i++) co_release(all[i]);
  return unused;
}

int main(void) {
  pthread_t thread;
  pthread_barrier_init(&begun, NULL, 2);
  pthread_create(&thread, NULL, runs, NULL);
  runs(NULL);
  pthread_join(thread, NULL);
  return shared == COROUTINES * ROUNDS ? 0 : 1;
}
