/* Many coroutines on few stacks, in any order of operations; who may use and free the stacks, and how large they are. */
#include "shared.h"

#include "co_routine_inner.h"

static void *fills_and_yields(void *argument) {
  intptr_t me = (intptr_t)argument;
  unsigned char bytes[3000];
  fill(bytes, sizeof bytes, (uint64_t)me);
  for (int i = 0; i < 3; i++) {
    co_yield_ct();
    CHECK(is_filled(bytes, sizeof bytes, (uint64_t)me));
  }
  done++;
  return NULL;
}

TEST(coroutines_of_one_stack_use_the_same_addresses_and_keep_their_own_bytes) {
  enum { N = 50 };
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *all[N];
  for (long i = 0; i < N; i++) all[i] = spawn_on(stacks, 0, fills_and_yields, (void *)i);
  for (int round = 0; round < 4; round++)
    for (int i = 0; i < N; i++) co_resume(all[(i * 7 + round * 3) % N]);
  CHECK_IS(done, N);
  for (int i = 0; i < N; i++) co_release(all[i]);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static void *tells_its_address(void *place) {
  char here;
  *(uintptr_t *)place = (uintptr_t)&here;
  co_yield_ct();
  CHECK_IS(*(uintptr_t *)place, (uintptr_t)&here);
  return NULL;
}

TEST(coroutines_are_dealt_to_the_stacks_in_turn) {
  enum { STACKS = 3, N = 12 };
  stShareStack_t *stacks = stacks_of(STACKS, 64 * KIB);
  stCoRoutine_t *all[N];
  uintptr_t at[N];
  for (int i = 0; i < N; i++) {
    all[i] = spawn_on(stacks, 0, tells_its_address, &at[i]);
    co_resume(all[i]);
    if (i >= STACKS)
      CHECK_IS(at[i], at[i - STACKS]);
    else
      for (int j = 0; j < i; j++) CHECK(at[i] != at[j]);
  }
  for (int i = 0; i < N; i++) {
    co_resume(all[i]);
    CHECK(all[i]->cEnd && all[i]->cIsShareStack);
    co_release(all[i]);
  }
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static stCoRoutine_t *family[20];

static void *resumes_the_next(void *argument) {
  intptr_t me = (intptr_t)argument;
  unsigned char bytes[1000];
  fill(bytes, sizeof bytes, (uint64_t)me);
  for (int i = 0; i < 2; i++) {
    if (me + 1 < 20) co_resume(family[me + 1]);
    CHECK(is_filled(bytes, sizeof bytes, (uint64_t)me));
    co_yield_ct();
    CHECK(is_filled(bytes, sizeof bytes, (uint64_t)me));
  }
  done++;
  return NULL;
}

TEST(coroutines_of_one_stack_may_resume_each_other) {
  for (int count = 1; count <= 3; count++) {
    stShareStack_t *stacks = stacks_of(count, 32 * KIB);
    done = 0;
    for (long i = 0; i < 20; i++) family[i] = spawn_on(stacks, 0, resumes_the_next, (void *)i);
    for (int i = 0; i < 3; i++)
      for (int j = 19; j >= 0; j--) co_resume(family[j]);
    for (int i = 0; i < 60 && done < 20; i++) co_resume(family[i % 20]);
    CHECK_IS(done, 20);
    for (int i = 0; i < 20; i++) co_release(family[i]);
    CHECK_IS(co_free_sharestack(stacks), 0);
  }
}

/* One of four is ended early, whose bytes are in the stack, moved out, or nowhere yet. `left` come to their end. */
static void the_others_stay_whole(void (*end)(stCoRoutine_t *), int left) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  for (int which = 0; which < 4; which++) {
    stCoRoutine_t *all[4];
    for (long i = 0; i < 4; i++) all[i] = spawn_on(stacks, 0, fills_and_yields, (void *)i);
    for (int i = 0; i < 3; i++) co_resume(all[i]);
    done = 0;
    end(all[which]);
    if (left < 4) all[which] = NULL;
    for (int round = 0; round < 4; round++)
      for (int i = 0; i < 4; i++)
        if (all[i]) co_resume(all[i]);
    CHECK_IS(done, left);
    for (int i = 0; i < 4; i++) co_release(all[i]);
  }
  CHECK_IS(co_free_sharestack(stacks), 0);
}

TEST(releasing_one_coroutine_leaves_the_others_of_its_stack_whole) { the_others_stay_whole(co_release, 3); }
TEST(resetting_one_coroutine_leaves_the_others_of_its_stack_whole) { the_others_stay_whole(co_reset, 4); }

static void *ends(void *unused) {
  unsigned char bytes[5000];
  fill(bytes, sizeof bytes, 77);
  done += is_filled(bytes, sizeof bytes, 77);
  return unused;
}

TEST(coroutines_that_end_leave_the_others_of_their_stack_whole) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *one = spawn_on(stacks, 0, fills_and_yields, (void *)1);
  for (int i = 0; i < 4; i++) {
    stCoRoutine_t *other = spawn_on(stacks, 0, ends, NULL);
    co_resume(one);
    co_resume(other);
    co_resume(other);
    co_reset(other);
    co_resume(other);
    co_release(other);
  }
  CHECK(one->cEnd);
  CHECK_IS(done, 9);
  co_release(one);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static void *releases_itself(void *unused) {
  unsigned char bytes[2000];
  fill(bytes, sizeof bytes, 5);
  co_release(co_self());
  CHECK(is_filled(bytes, sizeof bytes, 5));
  done++;
  co_yield_ct();
  done += 100;
  return unused;
}

TEST(a_coroutine_on_a_shared_stack_may_release_itself) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *one = spawn_on(stacks, 0, fills_and_yields, (void *)1);
  for (int i = 0; i < 4; i++) {
    co_resume(one);
    co_resume(spawn_on(stacks, 0, releases_itself, NULL));
  }
  CHECK(one->cEnd);
  CHECK_IS(done, 5);
  co_release(one);
  loop_for(1);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static void *resumes_private(void *co) {
  unsigned char bytes[2000];
  fill(bytes, sizeof bytes, 9);
  for (int i = 0; i < 4; i++) {
    co_resume(co);
    CHECK(is_filled(bytes, sizeof bytes, 9));
    co_yield_ct();
  }
  return NULL;
}

TEST(private_and_shared_stacks_mix) {
  stShareStack_t *stacks = stacks_of(1, 64 * KIB);
  stCoRoutine_t *shared = spawn_on(stacks, 0, fills_and_yields, (void *)1), *own = spawn(resumes_private, shared),
                *outer = spawn_on(stacks, 0, resumes_private, own);
  for (int i = 0; i < 5; i++) co_resume(outer);
  CHECK(shared->cEnd && outer->cEnd);
  co_resume(own);
  CHECK(own->cEnd);
  co_release(outer);
  co_release(own);
  co_release(shared);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

TEST(shared_stacks_are_freed_only_when_nobody_uses_them) {
  CHECK_IS(co_free_sharestack(NULL), 0);
  stShareStack_t *stacks = stacks_of(2, 0);
  stCoRoutine_t *fresh = spawn_on(stacks, 0, ends, NULL), *ended = spawn_on(stacks, 0, ends, NULL);
  co_resume(ended);
  errno = 0;
  CHECK(co_free_sharestack(stacks) == -1 && errno == EBUSY);
  co_release(fresh);
  errno = 0;
  CHECK(co_free_sharestack(stacks) == -1 && errno == EBUSY);
  co_release(ended);
  CHECK_IS(co_free_sharestack(stacks), 0);
}

static int deepest(int levels) {
  volatile char frame[1000];
  frame[0] = (char)levels;
  return levels ? deepest(levels - 1) + frame[0] * 0 + 1 : 0;
}

static void *uses_a_lot(void *kib) {
  CHECK_IS(deepest((int)(intptr_t)kib), (int)(intptr_t)kib);
  co_yield_ct();
  CHECK_IS(deepest((int)(intptr_t)kib), (int)(intptr_t)kib);
  done++;
  return NULL;
}

TEST(shared_stacks_have_the_size_that_was_asked_for) {
  static const int sizes[][2] = {{4096, 2}, {5000, 4}, {0, 115}, {8 << 20, 7400}, {INT_MAX, 7400}};
  for (int i = 0; i < 5; i++) {
    stShareStack_t *stacks = stacks_of(2, sizes[i][0]);
    for (int j = 0; j < 6; j++) {
      stCoRoutine_t *co = spawn_on(stacks, 1234, uses_a_lot, (void *)(intptr_t)sizes[i][1]);
      co_resume(co);
      co_resume(co);
      co_release(co);
    }
    CHECK_IS(co_free_sharestack(stacks), 0);
  }
  CHECK_IS(done, 30);
}

static stShareStack_t *borrowed;

static void *makes_a_user(void *unused) {
  stCoRoutine_t *co = NULL;
  stCoRoutineAttr_t attr = {0, borrowed};
  errno = 0;
  int made = co_create(&co, &attr, ends, NULL);
  CHECK(unused ? made == -1 && errno == EINVAL && co == NULL : made == 0);
  if (made == 0) co_resume(co);
  co_release(co);
  return NULL;
}

TEST(shared_stacks_serve_one_thread_at_a_time) {
  borrowed = stacks_of(1, 64 * KIB);
  stCoRoutine_t *co = spawn_on(borrowed, 0, fills_and_yields, NULL);
  co_resume(co);
  elsewhere(makes_a_user, "not allowed");
  for (int i = 0; i < 3; i++) co_resume(co);
  CHECK(co->cEnd);
  co_release(co);
  elsewhere(makes_a_user, NULL);
  CHECK_IS(done, 2);
  CHECK_IS(co_free_sharestack(borrowed), 0);
}

RUN_TESTS
