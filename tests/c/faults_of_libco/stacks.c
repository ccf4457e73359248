/* Faults of stacks and contexts: sharing, overflow, nesting, registers, what a debugger and a signal find. */
#include "faults.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <malloc.h>
#include <ucontext.h>

#include "co_routine_inner.h"

static void share(void (*end)(stCoRoutine_t *)) {
  stShareStack_t *stacks = co_alloc_sharestack(1, 65536);
  stCoRoutine_t *one = spawn_on(stacks, 0, keeps_bytes, (void *)1), *two = spawn_on(stacks, 0, keeps_bytes, (void *)2),
                *three = spawn_on(stacks, 0, keeps_bytes, (void *)3);
  co_resume(one);
  co_resume(two);
  co_resume(three);
  end(two);
  end(three);
  co_resume(one);
  co_resume(one);
  CHECK_IS(done, 1);
  CHECK(one->cEnd);
}

TEST(releasing_a_shared_stack_coroutine_loses_the_next_ones_stack) { share(co_release); }
TEST(resetting_a_shared_stack_coroutine_loses_the_next_ones_stack) { share(co_reset); }

static void *counts(void *unused) {
  done++;
  return unused;
}

TEST(resuming_a_finished_coroutine_crashes) {
  stCoRoutine_t *co = start(counts, NULL);
  co_resume(co);
  co_resume(co);
  CHECK_IS(done, 1);
}

TEST(yielding_from_main_crashes) {
  co_yield_ct();
  co_init_curr_thread_env();
  co_yield_ct();
  co_yield(co_self());
  co_release(start(counts, NULL));
  co_yield_ct();
  CHECK_IS(done, 1);
}

static void poll_zero(void) {
  struct pollfd fd = {ends[0], POLLIN, -1};
  CHECK_IS(co_poll(co_get_epoll_ct(), &fd, 1, 0), 0);
  CHECK_IS(co_poll(co_get_epoll_ct(), NULL, 0, 0), 0);
  CHECK_IS(fd.revents, 0);
}

TEST(co_poll_with_a_time_out_of_zero_crashes) {
  make_pair();
  poll_zero();
  go(poll_zero);
  CHECK_IS(done, 1);
}

static void *nests(void *argument) {
  intptr_t left = (intptr_t)argument;
  if (left > 0) {
    stCoRoutine_t *next = spawn_on(NULL, 16384, nests, (void *)(left - 1));
    co_resume(next);
    co_release(next);
  }
  done++;
  return NULL;
}

TEST(the_call_stack_of_128_is_unchecked) {
  co_release(spawn_on(NULL, 16384, nests, NULL));
  co_resume(spawn_on(NULL, 16384, nests, (void *)1000));
  CHECK_IS(done, 1001);
}

static void *changes_mxcsr(void *unused) {
  unsigned word = 0x7f80;
  __asm__ volatile("ldmxcsr %0" : : "m"(word));
  co_yield_ct();
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  CHECK_IS(word & 0xffc0, 0x7f80);
  return unused;
}

TEST(mxcsr_leaks_between_coroutines) {
  stCoRoutine_t *co = start(changes_mxcsr, NULL);
  unsigned word;
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  CHECK_IS(word & 0xffc0, 0x1f80);
  co_resume(co);
  CHECK(co->cEnd);
}

static void *changes_x87(void *unused) {
  unsigned short word = 0x0c7f;
  __asm__ volatile("fldcw %0" : : "m"(word));
  co_yield_ct();
  __asm__ volatile("fnstcw %0" : "=m"(word));
  CHECK_IS(word, 0x0c7f);
  return unused;
}

TEST(the_x87_control_word_leaks_between_coroutines) {
  stCoRoutine_t *co = start(changes_x87, NULL);
  unsigned short word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  CHECK_IS(word, 0x037f);
  co_resume(co);
  CHECK(co->cEnd);
}

static volatile int bottomless = 1;

static NOINLINE int falls(volatile char *above) {
  volatile char frame[256];
  frame[0] = above ? *above : 0;
  return bottomless ? falls(frame) + frame[0] : 0;
}

static void *overflows(void *unused) {
  falls(NULL);
  return unused;
}

static void overflow(void *unused) {
  /* Neighbours on both sides. */
  (void)unused;
  start(keeps_bytes, (void *)1);
  stCoRoutine_t *middle = spawn(overflows, NULL);
  start(keeps_bytes, (void *)1);
  co_resume(middle);
}

TEST(an_overflow_runs_into_the_neighbour) {
  struct ending ended = apart(overflow, NULL);
  CHECK(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGSEGV);
  CHECK(strstr(ended.text, "stack overflow") != NULL);
}

TEST(every_coroutine_holds_8_kib_of_specifics) {
  stShareStack_t *stacks = co_alloc_sharestack(1, 65536);
  for (int i = 0; i < 100; i++) spawn_on(stacks, 0, counts, NULL);
  size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 1000; i++) spawn_on(stacks, 0, counts, NULL);
  CHECK(mallinfo2().uordblks - before < 1000 * 1024);
}

static void *frames[100];

static void *walks_up(void *unused) {
  Dl_info last, library;
  int depth = backtrace(frames, 100);
  CHECK(depth >= 2 && depth < 10);
  CHECK(dladdr(frames[depth - 1], &last) && dladdr((void *)(intptr_t)co_create, &library));
  CHECK(last.dli_fbase == library.dli_fbase);
  return unused;
}

TEST(there_is_no_unwind_information) { start(walks_up, NULL); }

static struct {
  uintptr_t low, high;
} grounds[3];
static volatile int steps, astray;

static void steps_on(int number, siginfo_t *info, void *context) {
  uintptr_t sp = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
  (void)info;
  if (number != SIGTRAP) return;
  steps++;
  for (int i = 0; i < 3; i++)
    if (sp >= grounds[i].low && sp < grounds[i].high) return;
  astray++;
}

static void know_ground(int number, uintptr_t here, uintptr_t size) {
  grounds[number].low = here - size;
  grounds[number].high = here + 8192;
}

static void *yields_often(void *number) {
  char here;
  know_ground((int)(intptr_t)number, (uintptr_t)&here, 60000);
  for (;;) co_yield_ct();
  return NULL;
}

#define TRAP_FLAG 0x100
static void set_trap_flag(void) { __asm__ volatile("pushf\n orl %0, (%%rsp)\n popf" : : "i"(TRAP_FLAG) : "memory", "cc"); }
static void clear_trap_flag(void) { __asm__ volatile("pushf\n andl %0, (%%rsp)\n popf" : : "i"(~TRAP_FLAG) : "memory", "cc"); }

/* A signal after each instruction of the switches, handled where the stack pointer points. */
TEST(signals_are_delivered_while_the_stack_pointer_points_into_the_heap) {
  char here;
  struct sigaction action;
  stCoRoutine_t *own = spawn_on(NULL, 65536, yields_often, (void *)1);
  know_ground(0, (uintptr_t)&here, 1 << 20);
  co_resume(own);
  memset(&action, 0, sizeof action);
  action.sa_sigaction = steps_on;
  action.sa_flags = SA_SIGINFO;
  CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
  set_trap_flag();
  co_resume(own);
  co_resume(own);
  clear_trap_flag();
  CHECK(steps > 100);
  CHECK_IS(astray, 0);
}

RUN_TESTS
