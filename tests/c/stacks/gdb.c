/* For a debugger: stops in a coroutine that one of two others resumed. */
#include "../check.h"

static NOINLINE void stop_here(int *at) { __asm__ volatile("" : : "r"(at) : "memory"); }

static void *inner_body(void *unused) {
  int at = 1;
  stop_here(&at);
  co_yield_ct();
  stop_here(&at);
  return unused;
}

static void *outer_body(void *unused) {
  stCoRoutine_t *inner = start(inner_body, NULL);
  co_resume(inner);
  return unused;
}

int main(void) {
  start(outer_body, NULL);
  return 0;
}
