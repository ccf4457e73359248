/* values.h - a value that each coroutine holds, so that its end shows. */
#ifndef VALUES_H
#define VALUES_H

#include "../check.h"

static pthread_key_t key;
static int keyed, destroyed;

static void count_destroyed(void *value) { destroyed += (int)(intptr_t)value; }

/* From here on each coroutine that waits holds a value, so that its end shows. */
static void count_values(void) {
  CHECK_IS(pthread_key_create(&key, count_destroyed), 0);
  keyed = 1;
}

static void *releases(void *co) {
  co_release(co);
  return NULL;
}

#endif
