/* Floating point state: each coroutine has its own control words and flags of MXCSR, and begins with its creator's. */
#include "../check.h"

#include <fenv.h>

#include "co_routine_inner.h"

static int done;

static const int directions[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};

static unsigned mxcsr(void) {
  unsigned word;
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  return word & 0xffc0;
}

static void set_mxcsr(unsigned word) { __asm__ volatile("ldmxcsr %0" : : "m"(word)); }

static unsigned x87(void) {
  unsigned short word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  return word;
}

static void set_x87(unsigned word) {
  unsigned short narrow = (unsigned short)word;
  __asm__ volatile("fldcw %0" : : "m"(narrow));
}

static void *rounds_its_way(void *argument) {
  int way = directions[(intptr_t)argument % 4];
  volatile double one = 1, three = 3;
  volatile long double long_one = 1, long_three = 3;
  co_enable_hook_sys();
  CHECK_IS(fegetround(), FE_TONEAREST);
  CHECK_IS(fesetround(way), 0);
  double third = one / three;
  long double long_third = long_one / long_three;
  for (int i = 0; i < 10; i++) {
    if (i % 3)
      co_yield_ct();
    else
      usleep(200);
    CHECK_IS(fegetround(), way);
    CHECK(one / three == third && long_one / long_three == long_third);
  }
  done++;
  return NULL;
}

TEST(the_rounding_direction_is_each_coroutines_own) {
  stCoRoutine_t *all[40];
  for (long i = 0; i < 40; i++) {
    all[i] = start(rounds_its_way, (void *)i);
    CHECK_IS(fegetround(), FE_TONEAREST);
  }
  while (done < 40) {
    loop_for(1);
    CHECK_IS(fegetround(), FE_TONEAREST);
    for (int i = 0; i < 40; i++) co_resume(all[(i * 7) % 40]);
    CHECK_IS(fegetround(), FE_TONEAREST);
  }
}

static void *changes_mxcsr(void *unused) {
  unsigned before = mxcsr(), before_x87 = x87();
  /* Denormals are zero, results are flushed to zero. */
  set_mxcsr(before | 0x8040);
  co_yield_ct();
  CHECK_IS(mxcsr(), before | 0x8040);
  CHECK_IS(x87(), before_x87);
  return unused;
}

static void *changes_x87(void *unused) {
  unsigned before = x87(), before_mxcsr = mxcsr();
  /* Single precision. */
  set_x87(before & ~0x300u);
  co_yield_ct();
  CHECK_IS(x87(), before & ~0x300u);
  CHECK_IS(mxcsr(), before_mxcsr);
  return unused;
}

TEST(mxcsr_and_the_x87_control_word_do_not_leak) {
  unsigned sse = mxcsr(), fpu = x87();
  stCoRoutine_t *one = start(changes_mxcsr, NULL), *two = start(changes_x87, NULL);
  for (int i = 0; i < 2; i++) {
    CHECK(mxcsr() == sse && x87() == fpu);
    co_resume(one);
    CHECK(mxcsr() == sse && x87() == fpu);
    co_resume(two);
  }
  CHECK(mxcsr() == sse && x87() == fpu);
  CHECK(one->cEnd && two->cEnd);
}

static unsigned flags(void) {
  unsigned word;
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  return word & 0x3f;
}

static void *raises(void *flag) {
  unsigned mine = (unsigned)(uintptr_t)flag;
  CHECK_IS(flags(), 0);
  set_mxcsr(mxcsr() | mine);
  co_yield_ct();
  CHECK_IS(flags(), mine);
  return NULL;
}

TEST(exceptions_raised_by_one_coroutine_are_not_raised_for_others) {
  set_mxcsr(mxcsr());
  stCoRoutine_t *one = start(raises, (void *)0x01), *two = start(raises, (void *)0x04);
  CHECK_IS(flags(), 0);
  co_resume(one);
  co_resume(two);
  CHECK_IS(flags(), 0);
  CHECK(one->cEnd && two->cEnd);
}

static void *inherits(void *expected) {
  CHECK_IS(fegetround(), (int)(intptr_t)expected);
  fesetround(FE_DOWNWARD);
  done++;
  return NULL;
}

TEST(a_coroutine_begins_with_the_control_words_of_its_creator) {
  fesetround(FE_UPWARD);
  stCoRoutine_t *co = spawn(inherits, (void *)(intptr_t)FE_UPWARD);
  fesetround(FE_TONEAREST);
  co_resume(co);
  CHECK_IS(fegetround(), FE_TONEAREST);
  co_reset(co);
  co_resume(co);
  CHECK_IS(fegetround(), FE_TONEAREST);
  CHECK_IS(done, 2);
}

RUN_TESTS
