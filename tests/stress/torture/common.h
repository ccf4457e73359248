/* common.h - what all activities have: choices, pauses, and a count of mistakes. */
#ifndef COMMON_H
#define COMMON_H

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

#endif
