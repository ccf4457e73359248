/* Thread-local variables that are aligned further than libc's own structure: printed. */
#include "threads_mode.h"

#include <stdint.h>

#ifndef ALIGNMENT
#define ALIGNMENT 512
#endif

enum { MANY = 150, BYTES = 3 * ALIGNMENT + 100 };
static __thread struct {
  _Alignas(ALIGNMENT) unsigned char bytes[BYTES];
} own = {{42}};
static sem_t gate, ready;
static int wrong;

static int is_filled_with(int value) {
  for (int i = 0; i < BYTES; i++)
    if (own.bytes[i] != value) return 0;
  return 1;
}
static void *fills_its_own(void *number) {
  int value = 1 + (int)(long)number % 200;
  if ((uintptr_t)&own % ALIGNMENT || own.bytes[0] != 42 || own.bytes[BYTES - 1]) __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
  memset(own.bytes, value, BYTES);
  sem_post(&ready);
  sem_wait(&gate);
  if (!is_filled_with(value)) __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
  return number;
}

/* Twice, so that storage is used again. */
static void fill(void) {
  static pthread_t threads[MANY];
  for (int round = 0; round < 2; round++) {
    int right = 0;
    sem_init(&gate, 0, 0);
    sem_init(&ready, 0, 0);
    for (long i = 0; i < MANY; i++) pthread_create(&threads[i], NULL, fills_its_own, (void *)i);
    for (int i = 0; i < MANY; i++) sem_wait(&ready);
    for (int i = 0; i < MANY; i++) sem_post(&gate);
    for (long i = 0; i < MANY; i++) {
      void *result = NULL;
      right += pthread_join(threads[i], &result) == 0 && result == (void *)i;
    }
    SAY(right);
    SAY(wrong);
  }
}

static void each_thread_has_its_own(void) { fill(); }

static void so_has_each_in_a_child(void) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    fill();
    _exit(7);
  }
  int status;
  waitpid(child, &status, 0);
  SAY(status);
}

CASES(CASE(each_thread_has_its_own), CASE(so_has_each_in_a_child))
