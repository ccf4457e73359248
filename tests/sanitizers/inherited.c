/*
 * inherited.c - the stacks of coroutines of a thread that ends, in whose place those of other threads come. What both wrote there is no race.
 */
#include <co_routine.h>
#include <pthread.h>
#include <unistd.h>

enum { ROUNDS = 15, THREADS = 10, COROUTINES = 10 };

static void *waits(void *left) {
  co_enable_hook_sys();
  /* The library asks for the time here, on the coroutine's stack, by a function that the sanitizer sees. */
  co_poll(co_get_epoll_ct(), NULL, 0, 1);
  --*(int *)left;
  return NULL;
}

static int none_left(void *left) { return *(int *)left > 0 ? 0 : -1; }

static void *runs(void *number) {
  stCoRoutine_t *all[COROUTINES];
  int left = COROUTINES;
  /* Some end while others begin. */
  usleep((useconds_t)(size_t)number * 700);
  for (int i = 0; i < COROUTINES; i++) {
    co_create(&all[i], NULL, waits, &left);
    co_resume(all[i]);
  }
  co_eventloop(co_get_epoll_ct(), none_left, &left);
  for (int i = 0; i < COROUTINES; i++) co_release(all[i]);
  return NULL;
}

int main(void) {
  for (int round = 0; round < ROUNDS; round++) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, runs, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  }
  return 0;
}
