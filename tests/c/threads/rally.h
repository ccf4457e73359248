/* rally.h - two coroutines that write to each other. */
#ifndef RALLY_H
#define RALLY_H

#include "../check.h"

struct rally {
  int ends[2], rounds, *finished;
};

static void *hits_back(void *argument) {
  struct rally *rally = argument;
  char ball;
  co_enable_hook_sys();
  for (int i = 0; i < rally->rounds; i++) {
    if (!CHECK_IS(read(rally->ends[1], &ball, 1), 1)) break;
    ball++;
    if (!CHECK_IS(write(rally->ends[1], &ball, 1), 1)) break;
  }
  ++*rally->finished;
  return NULL;
}

static void *hits_first(void *argument) {
  struct rally *rally = argument;
  pthread_t thread = pthread_self();
  char ball;
  co_enable_hook_sys();
  for (int i = 0; i < rally->rounds; i++) {
    ball = (char)i;
    if (!CHECK_IS(write(rally->ends[0], &ball, 1), 1)) break;
    if (i % 50 == 0) usleep(1000);
    if (!CHECK_IS(read(rally->ends[0], &ball, 1), 1)) break;
    CHECK_IS(ball, (char)(i + 1));
    CHECK(pthread_equal(thread, pthread_self()));
  }
  ++*rally->finished;
  return NULL;
}

#endif
