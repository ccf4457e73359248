/* Whoever walks up a stack comes to an end at the coroutine's entry. */
#include "../check.h"

#include <dlfcn.h>
#include <execinfo.h>

static void *frames[200];
static int depth;

static NOINLINE void look_up(void) {
  depth = backtrace(frames, 200);
  __asm__ volatile("");
}

static NOINLINE void go_down(int levels) {
  if (levels > 0)
    go_down(levels - 1);
  else
    look_up();
  __asm__ volatile("");
}

static void *walks_up(void *unused) {
  go_down(5);
  co_yield_ct();
  go_down(5);
  return unused;
}

/* The frames are ours up to the body, then the library's; nothing of what resumed the coroutine. */
static void ends_at_the_entry(void *body) {
  Dl_info of, library;
  int ours = 0, at = 0;
  CHECK(depth > 8 && depth < 20);
  NEED(dladdr((void *)(intptr_t)co_create, &library) != 0);
  for (int i = 0; i < depth; i++) {
    if (!CHECK(dladdr((char *)frames[i] - 1, &of) != 0)) continue;
    if (of.dli_fbase != library.dli_fbase) CHECK(at == 0);
    else at++;
    if ((char *)frames[i] > (char *)body && (char *)frames[i] < (char *)body + 200) ours++;
  }
  CHECK(at >= 1);
  CHECK_IS(ours, 1);
}

TEST(a_backtrace_ends_at_the_coroutines_entry) {
  stShareStack_t *shared = co_alloc_sharestack(1, 64 * 1024);
  for (int i = 0; i < 2; i++) {
    stCoRoutine_t *co = spawn_on(i ? shared : NULL, 0, walks_up, NULL), *other = spawn_on(shared, 0, walks_up, NULL);
    co_resume(co);
    ends_at_the_entry((void *)(intptr_t)walks_up);
    co_resume(other);
    depth = 0;
    co_resume(co);
    ends_at_the_entry((void *)(intptr_t)walks_up);
    co_release(co);
    co_release(other);
  }
}

static pthread_key_t key;

static void looks_up_when_destroyed(void *unused) {
  (void)unused;
  look_up();
}

static void *releases_itself(void *unused) {
  co_setspecific(key, &key);
  co_release(co_self());
  co_yield_ct();
  return unused;
}

static NOINLINE void resumes(stCoRoutine_t *co) {
  co_resume(co);
  __asm__ volatile("");
}

static int is_within(const void *frame, const void *function) {
  return (const char *)frame > (const char *)function && (const char *)frame < (const char *)function + 64;
}

static void *ends(void *unused) { return unused; }

/* Whoever was released while it ran is destroyed inside the next co_resume. */
TEST(a_backtrace_leads_through_co_resume_to_who_called_it) {
  stCoRoutine_t *co = spawn(ends, NULL);
  int found = 0;
  NEED(pthread_key_create(&key, looks_up_when_destroyed) == 0);
  start(releases_itself, NULL);
  CHECK_IS(depth, 0);
  resumes(co);
  CHECK(depth > 0);
  for (int i = 0; i < depth; i++) found += is_within(frames[i], (void *)(intptr_t)resumes);
  CHECK(found >= 1);
  co_release(co);
}

RUN_TESTS
