/* How much of a stack can be used, and how it is aligned. */
#include "stacks.h"

/* Writes to every byte from here down to `low`, one frame after the other. */
static NOINLINE void descend(uintptr_t low) {
  volatile char frame[256];
  memset((void *)frame, 1, sizeof frame);
  if ((uintptr_t)frame > low) descend(low);
  frame[0] = 2;
}

static void *uses_so_many_bytes(void *bytes) {
  char here;
  descend((uintptr_t)&here - (uintptr_t)bytes);
  reached++;
  return NULL;
}

/* What is left of a stack for its frames: the library's first one takes less than this. */
enum { FIRST_FRAMES = 700 };

TEST(a_stack_can_be_used_up_to_the_size_that_was_asked_for) {
  static const int asked[][2] = {{1, 4 * KIB},          {4 * KIB, 4 * KIB},   {4 * KIB + 1, 8 * KIB},
                                 {0, 128 * KIB},        {-1, 128 * KIB},      {INT_MIN, 128 * KIB},
                                 {100000, 100 * KIB},   {128 * KIB, 128 * KIB}, {MIB, MIB},
                                 {8 * MIB, 8 * MIB},    {8 * MIB + 1, 8 * MIB}, {INT_MAX, 8 * MIB}};
  enum { N = sizeof asked / sizeof *asked };
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < N; i++) {
      stCoRoutine_t *co = spawn_on(NULL, asked[i][0], uses_so_many_bytes, (void *)(intptr_t)(asked[i][1] - FIRST_FRAMES));
      co_resume(co);
      co_release(co);
    }
  CHECK_IS(reached, 3 * N);
}

TEST(without_attributes_a_stack_has_128_kib) {
  stCoRoutine_t *co = start(uses_so_many_bytes, (void *)(128 * KIB - FIRST_FRAMES));
  CHECK_IS(reached, 1);
  co_release(co);
}

static void *has_a_huge_frame(void *unused) {
  volatile char frame[8 * MIB - 4 * KIB];
  (void)unused;
  frame[0] = 1;
  frame[sizeof frame - 1] = 2;
  co_yield_ct();
  CHECK(frame[0] == 1 && frame[sizeof frame - 1] == 2);
  reached++;
  return NULL;
}

TEST(one_frame_may_fill_a_stack) {
  stCoRoutine_t *all[10];
  for (int i = 0; i < 10; i++) {
    all[i] = spawn_on(NULL, 8 * MIB, has_a_huge_frame, NULL);
    co_resume(all[i]);
  }
  for (int i = 0; i < 10; i++) {
    co_resume(all[i]);
    co_release(all[i]);
  }
  CHECK_IS(reached, 10);
}

static NOINLINE void expects_alignment(void) {
  volatile __attribute__((aligned(16))) float vector[4] = {1, 2, 3, 4};
  CHECK_IS((uintptr_t)vector % 16, 0);
  CHECK_IS((uintptr_t)__builtin_frame_address(0) % 16, 0);
}

static void *is_aligned(void *unused) {
  (void)unused;
  expects_alignment();
  co_yield_ct();
  expects_alignment();
  return NULL;
}

TEST(stacks_are_aligned_as_the_abi_wants) {
  for (int i = 0; i < 100; i++) {
    stCoRoutine_t *co = spawn_on(NULL, 4096 * (1 + i % 7), is_aligned, NULL);
    co_resume(co);
    co_resume(co);
    if (i % 2) co_release(co);
  }
}

RUN_TESTS
