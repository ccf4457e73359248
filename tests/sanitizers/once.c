/*
 * once.c - what is to happen once, happens once, whether it is asked for on plain threads, in coroutines, or in both in turn.
 */
#include <co_routine.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { COROUTINES = 3 };

static pthread_once_t plain_first = PTHREAD_ONCE_INIT, coroutine_first = PTHREAD_ONCE_INIT;
static int plain_runs, coroutine_runs, left;

static void runs_plain(void) { plain_runs++; }
static void runs_in_coroutine(void) { coroutine_runs++; }

static void both(void) {
  pthread_once(&plain_first, runs_plain);
  pthread_once(&coroutine_first, runs_in_coroutine);
}

static void *asks(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 3; i++) {
    both();
    usleep(100);
  }
  left--;
  return unused;
}

static int none_left(void *unused) {
  (void)unused;
  return left > 0 ? 0 : -1;
}

static void *thread(void *unused) {
  both();
  return unused;
}

int main(void) {
  stCoRoutine_t *all[COROUTINES];
  pthread_t other;
  pthread_once(&plain_first, runs_plain);
  left = COROUTINES;
  for (int i = 0; i < COROUTINES; i++) {
    co_create(&all[i], NULL, asks, NULL);
    co_resume(all[i]);
  }
  co_eventloop(co_get_epoll_ct(), none_left, NULL);
  for (int i = 0; i < COROUTINES; i++) co_release(all[i]);
  both();
  pthread_create(&other, NULL, thread, NULL);
  pthread_join(other, NULL);
  if (plain_runs != 1 || coroutine_runs != 1) return printf("%d and %d times\n", plain_runs, coroutine_runs), 1;
  return 0;
}
