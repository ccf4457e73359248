/* co_routine_inner.h: the visible bytes of a coroutine and the thread's environment. */
#include "co_routine_inner.h"

#include <pthread.h>
#include <stddef.h>

#include "../common/lines.h"

static stCoRoutine_t *self_seen, *current_seen;
static int ended_inside, hooks_inside;

static void *look_and_yield(void *arg) {
  stCoRoutine_t *self = co_self();
  (void)arg;
  self_seen = self;
  current_seen = GetCurrThreadCo();
  ended_inside = self->cEnd;
  hooks_inside = self->cEnableSysHook;
  co_enable_hook_sys();
  hooks_inside = hooks_inside * 2 + self->cEnableSysHook;
  co_yield_ct();
  co_disable_hook_sys();
  co_yield_env(co_get_curr_thread_env());
  return NULL;
}

static void offsets(void) {
  CHECK(offsetof(struct stCoRoutine_t, cStart) == 0);
  CHECK(offsetof(struct stCoRoutine_t, cEnd) == 1);
  CHECK(offsetof(struct stCoRoutine_t, cIsMain) == 2);
  CHECK(offsetof(struct stCoRoutine_t, cEnableSysHook) == 3);
  CHECK(offsetof(struct stCoRoutine_t, cIsShareStack) == 4);
}

static void life_of_a_coroutine(void) {
  stCoRoutine_t *co = NULL;
  CHECK(co_create(&co, NULL, look_and_yield, NULL) == 0);
  CHECK(!co->cStart && !co->cEnd && !co->cIsMain && !co->cEnableSysHook && !co->cIsShareStack);
  co_resume(co);
  CHECK(co->cStart == 1 && !co->cEnd);
  CHECK(co->cEnableSysHook == 1);
  CHECK(self_seen == co && current_seen == co);
  CHECK(ended_inside == 0 && hooks_inside == 1);
  co_resume(co);
  CHECK(!co->cEnd && !co->cEnableSysHook);
  co_resume(co);
  CHECK(co->cEnd == 1);
  co_reset(co);
  CHECK(!co->cStart && !co->cEnd);
  co_resume(co);
  CHECK(co->cStart == 1 && !co->cEnd);
  co_free(co);
}

static void shared_stack(void) {
  stShareStack_t *stacks = co_alloc_sharestack(1, 64 * 1024);
  stCoRoutineAttr_t attr;
  stCoRoutine_t *co = NULL;
  attr.stack_size = 0;
  attr.share_stack = stacks;
  CHECK(stacks != NULL);
  CHECK(co_create(&co, &attr, look_and_yield, NULL) == 0);
  CHECK(co->cIsShareStack == 1);
  while (!co->cEnd) co_resume(co);
  co_free(co);
  CHECK(co_free_sharestack(stacks) == 0);
}

static void *fresh_thread(void *failed) {
  stCoRoutineEnv_t *env;
  if (co_get_curr_thread_env() != NULL) return failed;
  co_init_curr_thread_env();
  env = co_get_curr_thread_env();
  if (env == NULL) return failed;
  co_init_curr_thread_env();
  if (co_get_curr_thread_env() != env) return failed;
  if (GetCurrThreadCo() == NULL || !GetCurrThreadCo()->cIsMain) return failed;
  if (co_self() != GetCurrThreadCo()) return failed;
  return NULL;
}

static void environment_of_a_thread(void) {
  pthread_t thread;
  void *result = NULL;
  int failed = 1;
  CHECK(pthread_create(&thread, NULL, fresh_thread, &failed) == 0);
  CHECK(pthread_join(thread, &result) == 0);
  CHECK(result == NULL);
}

static void harmless_calls(void) {
  co_init_curr_thread_env();
  co_yield_env(co_get_curr_thread_env());
  co_free(NULL);
}

int main(void) {
  CASE("the visible bytes lie where the library keeps them", offsets);
  CASE("cStart, cEnd and cEnableSysHook follow a coroutine's life", life_of_a_coroutine);
  CASE("cIsShareStack tells of a shared stack", shared_stack);
  CASE("a thread gets its environment once, and a main entry with it", environment_of_a_thread);
  CASE("yielding outside of coroutines and freeing NULL do nothing", harmless_calls);
  return 0;
}
