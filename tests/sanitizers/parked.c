/* The process ends while coroutines wait, and blocks are known from nowhere but their stacks. That is no leak. */
#include "check.h"

#include <string.h>
#include <unistd.h>

#include "co_routine.h"

static int ends[2];

static void *holds(void *unused) {
  char *volatile block = malloc(1000);
  char byte;
  co_enable_hook_sys();
  (void)!read(ends[0], &byte, 1);
  free(block);
  return unused;
}

int main(int count, char **arguments) {
  stCoRoutineAttr_t attr = {0, NULL};
  if (count > 1 && strcmp(arguments[1], "shared") == 0) attr.share_stack = co_alloc_sharestack(1, 64 * 1024);
  HOLDS(pipe(ends) == 0);
  for (int i = 0; i < 10; i++) {
    stCoRoutine_t *co;
    HOLDS(co_create(&co, &attr, holds, NULL) == 0);
    co_resume(co);
  }
  puts("toured");
  return 0;
}
