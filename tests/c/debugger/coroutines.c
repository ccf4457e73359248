/* For a debugger: a coroutine in each state, and one that stops. Then all go on, and find their variables as they were. With an
 * argument: `abort` ends there, `fork` stops in a child, `inline` stops first in a function that has no frame of its own. */
#include "../check.h"

enum { KEEP = 64 };
static int ends[2], over;
static stCoCond_t *condition;

static NOINLINE void stop_here(void) { __asm__ volatile("" : : : "memory"); }
static inline __attribute__((always_inline)) void stop_inline(void) { __asm__ volatile("int3; nop; nop" : : : "memory"); }
/* What a coroutine has on its stack while it waits. */
#define KEPT(value)            \
  volatile char kept[KEEP];    \
  memset((char *)kept, value, KEEP)
#define COUNT(value)                                               \
  for (int i = 0; i < KEEP; i++)                                   \
    if (kept[i] != (char)(value)) printf("not kept: %s\n", __func__); \
  over++

static NOINLINE stCoRoutine_t *begin(void *(*routine)(void *), const void *argument, stShareStack_t *stack) {
  stCoRoutineAttr_t attributes = {0, stack};
  stCoRoutine_t *made;
  if (co_create(&made, &attributes, routine, (void *)argument)) abort();
  co_resume(made);
  return made;
}
static void *reading(void *who) {
  KEPT((int)(long)who);
  char byte = 0;
  co_enable_hook_sys();
  if (read(ends[0], &byte, 1) != 1 || byte != 'x') printf("not read: %ld\n", (long)who);
  COUNT((int)(long)who);
  return NULL;
}
static void *polling(void *unused) {
  struct pollfd two[2] = {{ends[0], POLLPRI, 0}, {ends[1], POLLIN, 0}};
  co_enable_hook_sys();
  if (poll(two, 2, 86400 * 1000) != 1) printf("not polled\n");
  over++;
  return unused;
}
static void *sleeping(void *unused) {
  co_enable_hook_sys();
  sleep(86400);
  over++;
  return unused;
}
static void *waiting(void *unused) {
  co_cond_timedwait(condition, -1);
  over++;
  return unused;
}
static void *yielding(void *who) {
  KEPT((int)(long)who);
  co_yield_ct();
  COUNT((int)(long)who);
  return NULL;
}
static void *ending(void *unused) { return unused; }
static void *inner(void *how) {
  if (how && !strcmp((char *)how, "abort")) abort();
  if (how && !strcmp((char *)how, "inline")) stop_inline();
  if (how && !strcmp((char *)how, "fork") && fork() > 0) exit(wait(NULL) < 0);
  stop_here();
  return NULL;
}
static void *outer(void *how) {
  stCoRoutine_t *resumed = begin(inner, how, NULL);
  co_release(resumed);
  over++;
  return NULL;
}

static int until_over(void *unused) {
  (void)unused;
  return over == 7 ? -1 : 0;
}

int main(int count, char **arguments) {
  stCoRoutine_t *not_begun, *shared, *lonely;
  signal(SIGABRT, SIG_DFL);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return 1;
  condition = co_cond_alloc();
  stShareStack_t *stack = co_alloc_sharestack(1, 64 * 1024);
  begin(reading, (void *)1, NULL);
  begin(reading, (void *)2, stack);
  shared = begin(yielding, (void *)3, stack);
  begin(polling, NULL, NULL);
  begin(sleeping, NULL, NULL);
  begin(waiting, NULL, NULL);
  lonely = begin(yielding, (void *)4, NULL);
  begin(ending, NULL, NULL);
  co_create(&not_begun, NULL, ending, NULL);
  begin(outer, count > 1 ? arguments[1] : NULL, NULL);

  co_resume(shared);
  co_resume(lonely);
  co_cond_signal(condition);
  if (write(ends[1], "xx", 2) != 2 || write(ends[0], "y", 1) != 1) return 1;
  co_eventloop(co_get_epoll_ct(), until_over, NULL);
  printf("all went on\n");
  return 0;
}
