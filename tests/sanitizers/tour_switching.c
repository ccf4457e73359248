/* Of the tour: coroutines switch with frames of every shape, nest, are given up in the middle, and jump. */
#include "tour.h"

#include <alloca.h>
#include <setjmp.h>
#include <string.h>

/* ---- switching: frames of different shapes that stay whole ------------------------------------------ */

static long deep(int depth, int seed) {
  volatile int numbers[50];
  char *more = alloca((size_t)(64 + 16 * (depth % 5)));
  for (int i = 0; i < 50; i++) numbers[i] = seed + i;
  memset(more, seed, 64);
  if (depth % 7 == 0) co_yield_ct();
  long below = depth > 0 ? deep(depth - 1, seed + 1) : 0;
  for (int i = 0; i < 50; i++) HOLDS(numbers[i] == seed + i);
  HOLDS(more[0] == (char)seed && more[63] == (char)seed);
  return below + numbers[49];
}

static long shallow(int seed) {
  volatile char bytes[7] = {(char)seed};
  volatile struct {
    int a;
    char b[33];
  } record = {seed, {(char)seed}};
  co_yield_ct();
  HOLDS(bytes[0] == (char)seed && record.a == seed && record.b[0] == (char)seed);
  return record.a;
}

static void *switches(void *argument) {
  int seed = *(int *)argument;
  for (int i = 0; i < 5; i++) {
    if ((seed + i) % 2)
      HOLDS(deep(10 + seed % 20, seed) > 0);
    else
      HOLDS(shallow(seed) == seed);
    HOLDS(plain_work(2) == 3 * 2999);
  }
  working--;
  return NULL;
}

void switching(void) {
  int *seeds = malloc(sizeof(int) * (size_t)size_of_it);
  stCoRoutine_t **co = malloc(sizeof *co * (size_t)size_of_it);
  working = size_of_it;
  for (int i = 0; i < size_of_it; i++) {
    seeds[i] = i + 1;
    co[i] = make(switches, &seeds[i]);
  }
  for (int i = 0; working > 0; i++) co_resume(co[(i * 7) % size_of_it]);
  for (int i = 0; i < size_of_it; i++) co_release(co[i]);
  free(co);
  free(seeds);
}

static void *nests(void *depth) {
  int below = *(int *)depth - 1;
  char room[100];
  memset(room, below, sizeof room);
  if (below > 0) {
    stCoRoutine_t *co = make(nests, &below);
    co_resume(co);
    co_resume(co);
    co_release(co);
  }
  co_yield_ct();
  HOLDS(room[99] == (char)below);
  return NULL;
}

void nesting(void) {
  int depth = 20;
  stCoRoutine_t *co = make(nests, &depth);
  co_resume(co);
  co_resume(co);
  co_release(co);
}

/* ---- stacks that are given up in the middle of deep frames, and used again with others -------------- */

static void *stops_deep(void *seed) {
  deep(*(int *)seed % 30, *(int *)seed);
  return NULL;
}

static void *stops_shallow(void *seed) {
  HOLDS(plain_work(8) == 9 * 2999);
  shallow(*(int *)seed);
  return NULL;
}

void giving_up(void) {
  for (int i = 1; i < 3 * size_of_it; i++) {
    stCoRoutine_t *co = make(i % 2 ? stops_deep : stops_shallow, &i);
    for (int j = 0; j < i % 5; j++) co_resume(co);
    if (i % 3 == 0) {
      co_reset(co);
      co_resume(co);
    }
    co_release(co);
  }
}

static jmp_buf top;

static void leaves(int depth) {
  volatile char room[200];
  room[0] = (char)depth;
  if (depth <= 0) longjmp(top, 1);
  if (depth < 1000) leaves(depth - 1);
  HOLDS(room[0] == (char)depth);
}

static void *jumps(void *unused) {
  for (volatile int i = 0; i < 5; i++) {
    if (setjmp(top) == 0) {
      leaves(20);
      HOLDS(!"reached");
    }
    HOLDS(plain_work(3) == 4 * 2999);
    HOLDS(shallow(i) == i);
  }
  working--;
  return unused;
}

void jumping(void) {
  stCoRoutine_t *co = make(jumps, NULL);
  working = 1;
  while (working) co_resume(co);
  co_release(co);
}
