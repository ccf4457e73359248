/* coctx.h: contexts without coroutines. */
#define _GNU_SOURCE
#include "coctx.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/lines.h"

enum { STACK = 64 * 1024 };

static coctx_t home, first, second;
static void *seen_s, *seen_s2;
static int misaligned;

static void make(coctx_t *ctx, char *stack, coctx_pfn_t pfn, const void *s, const void *s1) {
  CHECK(coctx_init(ctx) == 0);
  ctx->ss_sp = stack;
  ctx->ss_size = STACK;
  CHECK(coctx_make(ctx, pfn, s, s1) == 0);
}

static void layout(void) {
  CHECK(sizeof(coctx_t) == 128);
  CHECK(offsetof(coctx_t, ss_size) == 112);
  CHECK(offsetof(coctx_t, ss_sp) == 120);
  CHECK(sizeof(coctx_param_t) == 16);
}

static void init_clears(void) {
  static const coctx_t zero;
  coctx_t ctx;
  memset(&ctx, 0x5a, sizeof ctx);
  CHECK(coctx_init(&ctx) == 0);
  CHECK(memcmp(&ctx, &zero, sizeof ctx) == 0);
}

static void *note_arguments(void *s, void *s2) {
  seen_s = s;
  seen_s2 = s2;
  coctx_swap(&first, &home);
  abort();
}

static void arguments_arrive(void) {
  char *stack = malloc(STACK);
  int a, b;
  coctx_init(&home);
  make(&first, stack, note_arguments, &a, &b);
  coctx_swap(&home, &first);
  CHECK(seen_s == &a && seen_s2 == &b);
  free(stack);
}

/* Two contexts that switch straight to each other, each counting in its locals. */
static long sums[2];

static void *count(void *s, void *s2) {
  coctx_t *self = s, *other = s2;
  long sum = 0;
  double product = 1;
  int i;
  for (i = 1; i <= 1000; ++i) {
    sum += i;
    product *= 1.001;
    coctx_swap(self, other);
  }
  sums[self == &second] = sum + (product > 2.71 && product < 2.72);
  coctx_swap(self, self == &second ? &home : other);
  abort();
}

static void two_contexts(void) {
  char *stack = malloc(STACK), *other_stack = malloc(STACK);
  coctx_init(&home);
  make(&first, stack, count, &first, &second);
  make(&second, other_stack, count, &second, &first);
  sums[0] = sums[1] = 0;
  coctx_swap(&home, &first);
  CHECK(sums[0] == 500501 && sums[1] == 500501);
  free(stack);
  free(other_stack);
}

static uint32_t get_mxcsr(void) {
  uint32_t word;
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  return word;
}
static void set_mxcsr(uint32_t word) { __asm__ volatile("ldmxcsr %0" : : "m"(word)); }
static uint16_t get_x87(void) {
  uint16_t word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  return word;
}
static void set_x87(uint16_t word) { __asm__ volatile("fldcw %0" : : "m"(word)); }

enum { STATUS = 0x3f }; /* the MXCSR bits that are results and not control */
static int words_lost;

static void *own_control_words(void *s, void *s2) {
  (void)s, (void)s2;
  set_mxcsr(0x1f80 | 0x6000); /* round towards zero */
  set_x87(0x037f | 0x0c00);
  coctx_swap(&first, &home);
  words_lost += (get_mxcsr() & ~STATUS) != (0x1f80 | 0x6000);
  words_lost += get_x87() != (0x037f | 0x0c00);
  coctx_swap(&first, &home);
  abort();
}

static void control_words(void) {
  char *stack = malloc(STACK);
  const uint32_t mxcsr = get_mxcsr() & ~STATUS;
  const uint16_t x87 = get_x87();
  coctx_init(&home);
  make(&first, stack, own_control_words, NULL, NULL);
  words_lost = 0;
  coctx_swap(&home, &first);
  CHECK((get_mxcsr() & ~STATUS) == mxcsr);
  CHECK(get_x87() == x87);
  set_mxcsr(0x1f80 | 0x2000); /* round down */
  set_x87(0x037f | 0x0400);
  coctx_swap(&home, &first);
  CHECK((get_mxcsr() & ~STATUS) == (0x1f80 | 0x2000));
  CHECK(get_x87() == (0x037f | 0x0400));
  CHECK(words_lost == 0);
  set_mxcsr(mxcsr);
  set_x87(x87);
  free(stack);
}

static void *look_at_alignment(void *s, void *s2) {
  volatile char aligned[32] __attribute__((aligned(16)));
  (void)s, (void)s2;
  /* The frame address is what the calling convention aligns; `aligned` is placed by trusting it. */
  misaligned += ((uintptr_t)__builtin_frame_address(0) & 15) != 0 || ((uintptr_t)aligned & 15) != 0;
  coctx_swap(&first, &home);
  abort();
}

static void any_stack_address(void) {
  char *stack = malloc(STACK + 64);
  int shift;
  misaligned = 0;
  for (shift = 0; shift < 64; shift += 5) {
    coctx_init(&home);
    make(&first, stack + shift, look_at_alignment, NULL, NULL);
    coctx_swap(&home, &first);
  }
  CHECK(misaligned == 0);
  free(stack);
}

static void to_itself(void) {
  coctx_init(&home);
  coctx_swap(&home, &home);
  coctx_swap(&home, &home);
}

static void *come_back(void *s, void *s2) {
  (void)s2;
  return s;
}

static void returning_aborts(void) {
  char message[512] = "";
  int channel[2], status = 0;
  ssize_t length;
  pid_t child;
  CHECK(pipe(channel) == 0);
  child = fork();
  if (child == 0) {
    const struct rlimit no_core = {0, 0};
    char *stack = malloc(STACK);
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(channel[1], STDERR_FILENO);
    coctx_init(&home);
    make(&first, stack, come_back, NULL, NULL);
    coctx_swap(&home, &first);
    _exit(0);
  }
  close(channel[1]);
  length = read(channel[0], message, sizeof message - 1);
  close(channel[0]);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  CHECK(length > 0 && message[length - 1] == '\n');
}

int main(void) {
  CASE("coctx_t has libco's layout", layout);
  CASE("coctx_init sets every field to zero", init_clears);
  CASE("the function gets both pointers", arguments_arrive);
  CASE("two contexts that switch to each other keep their locals", two_contexts);
  CASE("each context keeps its floating-point control words", control_words);
  CASE("a stack may begin at any address", any_stack_address);
  CASE("switching to oneself does nothing", to_itself);
  CASE("a function that returns aborts the process with a message", returning_aborts);
  return 0;
}
