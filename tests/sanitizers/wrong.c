/* What the checkers are there to find, each in a coroutine: a checker that is blind there would make every other case pass. */
#include "check.h"

#include <string.h>
#include <unistd.h>

#include "co_routine.h"

static const char *what;
static volatile int nine = 9, sink;
static int *volatile kept;

static void __attribute__((noinline)) keeps_a_local(void) {
  int local[4] = {1, 2, 3, 4};
  kept = local;
}

static void __attribute__((noinline)) overflows(void) {
  volatile char bytes[8] = "";
  bytes[nine] = 1;
  sink = bytes[0];
}

static void *does_wrong(void *unused) {
  co_enable_hook_sys();
  usleep(100);
  if (strcmp(what, "stack") == 0) {
    overflows();
  } else if (strcmp(what, "heap") == 0) {
    volatile char *block = malloc(8);
    free((void *)block);
    sink = block[1];
  } else if (strcmp(what, "return") == 0) {
    keeps_a_local();
    sink = kept[1];
  } else if (strcmp(what, "buffer") == 0) {
    char *block = malloc(8);
    int ends[2];
    if (pipe(ends) == 0 && write(ends[1], "0123456789", 10) == 10) sink = (int)read(ends[0], block, (size_t)nine);
    free(block);
  } else if (strcmp(what, "uninitialised") == 0) {
    volatile int *block = malloc(8);
    if (block[0] == 42) sink = 1;
    free((void *)block);
  } else if (strcmp(what, "shift") == 0) {
    sink = nine << (nine * 9);
  } else if (strcmp(what, "leak") == 0) {
    /* Many, because the stack may still hold the address of the last. */
    for (int i = 0; i < 20; i++) kept = malloc(77);
    kept = NULL;
  }
  return unused;
}

static int turns;

static int enough(void *unused) {
  (void)unused;
  return ++turns == 20 ? -1 : 0;
}

int main(int count, char **arguments) {
  stCoRoutine_t *co;
  stCoRoutineAttr_t attr = {0, NULL};
  what = count > 1 ? arguments[1] : "nothing";
  if (count > 2) attr.share_stack = co_alloc_sharestack(1, 128 * 1024);
  co_create(&co, &attr, does_wrong, NULL);
  co_resume(co);
  co_eventloop(co_get_epoll_ct(), enough, NULL);
  co_release(co);
  co_free_sharestack(attr.share_stack);
  puts("toured");
  return 0;
}
