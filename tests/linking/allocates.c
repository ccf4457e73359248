/* Coroutines of two threads that allocate while they wait for each other, with hooks on. */
#include <pthread.h>
#include <stdlib.h>
#include "core.h"

enum { COROUTINES = 20, ROUNDS = 20 };
struct one { int ends[2]; int *left; };

static void *works(void *argument) {
  struct one *one = argument;
  co_enable_hook_sys();
  for (int i = 0; i < ROUNDS; i++) {
    size_t size = 100 + 977 * (size_t)i;
    char *block = malloc(size), byte = 0;
    memset(block, i, size);
    block = realloc(block, 2 * size);
    if (write(one->ends[1], "w", 1) != 1 || read(one->ends[0], &byte, 1) != 1 || byte != 'w') abort();
    usleep(50);
    for (size_t at = 0; at < size; at++)
      if (block[at] != (char)i) abort();
    free(block);
  }
  --*one->left;
  return NULL;
}

static int none_left(void *left) { return *(int *)left == 0 ? -1 : 0; }

static void *thread(void *unused) {
  stCoRoutine_t *co[COROUTINES];
  struct one one[COROUTINES];
  int left = COROUTINES;
  for (int i = 0; i < COROUTINES; i++) {
    one[i].left = &left;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, one[i].ends) != 0) abort();
    /* Each reads what its neighbour wrote. */
    if (i > 0) {
      int end = one[i].ends[1];
      one[i].ends[1] = one[i - 1].ends[1];
      one[i - 1].ends[1] = end;
    }
    co_create(&co[i], NULL, works, &one[i]);
  }
  for (int i = 0; i < COROUTINES; i++) co_resume(co[i]);
  co_eventloop(co_get_epoll_ct(), none_left, &left);
  for (int i = 0; i < COROUTINES; i++) co_release(co[i]);
  return unused;
}

static void two_threads(void) {
  pthread_t other;
  CHECK(pthread_create(&other, NULL, thread, NULL) == 0);
  thread(NULL);
  CHECK(pthread_join(other, NULL) == 0);
}

int main(void) {
  run_core();
  CASE("coroutines of two threads allocate while they wait", two_threads);
  return 0;
}
