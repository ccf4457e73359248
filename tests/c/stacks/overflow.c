/* Who runs over the end of a stack is told so, and ends as by any other fault, in a handler of its own if it has one. */
#include "stacks.h"

static volatile int bottomless = 1;

static NOINLINE int falls(volatile char *above) {
  volatile char frame[512];
  frame[0] = above ? *above : 0;
  return bottomless ? falls(frame) + frame[0] : 0;
}

static void tell_place(void) {
  char here;
  dprintf(2, "co=%p here=%p\n", (void *)co_self(), (void *)&here);
}

static void *overflows(void *unused) {
  (void)unused;
  tell_place();
  return (void *)(intptr_t)falls(NULL);
}

static void *yields_then_overflows(void *unused) {
  co_yield_ct();
  return overflows(unused);
}

static void overflow_here(void *size) { start(overflows, size); }

static void overflow_sized(void *size) { co_resume(spawn_on(NULL, (int)(intptr_t)size, overflows, NULL)); }

static void overflow_on_shared(void *size) {
  stShareStack_t *shared = co_alloc_sharestack(2, (int)(intptr_t)size);
  stCoRoutine_t *first = spawn_on(shared, 0, yields_then_overflows, NULL), *second = NULL;
  co_resume(first);
  for (int i = 0; i < 3; i++) {
    second = spawn_on(shared, 0, yields_then_overflows, NULL);
    co_resume(second);
  }
  co_resume(first);
}

static void *overflow_in_thread(void *size) {
  overflow_sized(size);
  return NULL;
}

static void overflow_elsewhere(void *size) {
  pthread_t thread;
  co_release(spawn(overflows, NULL));
  pthread_create(&thread, NULL, overflow_in_thread, size);
  pthread_join(thread, NULL);
}

static void *resumes(void *co) {
  co_resume(co);
  return NULL;
}

static void overflow_nested(void *size) {
  co_resume(spawn(resumes, spawn_on(NULL, (int)(intptr_t)size, overflows, NULL)));
}

/* Checks the one line that comes before the end: which coroutine, and its stack's range and size. */
static int reports(const struct ending *ended, long size) {
  void *co = NULL, *told = NULL;
  unsigned long here = 0, low = 0, high = 0, bytes = 0;
  const char *line = strstr(ended->text, "stack overflow");
  int good = CHECK(line != NULL) && CHECK(strstr(line + 1, "stack overflow") == NULL);
  good = good && CHECK(sscanf(ended->text, "co=%p here=%lx", &co, &here) == 2);
  good = good && CHECK(sscanf(line, "stack overflow in coroutine %p: its stack is %lx-%lx, %lu bytes", &told, &low,
                              &high, &bytes) == 4);
  good = good && CHECK(told == co) && CHECK(low < here && here < high) && CHECK_IS(bytes, high - low);
  /* Whole pages, at least what was asked for, and not much more. */
  good = good && CHECK((long)bytes >= size && (long)bytes <= size + 8 * KIB && bytes % 4096 == 0);
  if (!good) fprintf(stderr, "# status %#x, standard error: %s\n", (unsigned)ended->status, ended->text);
  return good;
}

static void dies_of_overflow(void (*body)(void *), long size) {
  struct ending ended = apart(body, (void *)size);
  CHECK(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGSEGV);
  reports(&ended, size);
}

TEST(an_overflow_is_reported_and_ends_the_process_by_sigsegv) { dies_of_overflow(overflow_here, 128 * KIB); }

TEST(an_overflow_of_a_small_stack_is_reported) { dies_of_overflow(overflow_sized, 4 * KIB); }

TEST(an_overflow_of_a_large_stack_is_reported) { dies_of_overflow(overflow_sized, 8 * MIB); }

TEST(an_overflow_of_a_shared_stack_is_reported) { dies_of_overflow(overflow_on_shared, 64 * KIB); }

TEST(an_overflow_on_another_thread_is_reported) { dies_of_overflow(overflow_elsewhere, 64 * KIB); }

TEST(an_overflow_of_a_nested_coroutine_is_reported) { dies_of_overflow(overflow_nested, 32 * KIB); }

static void raise_in_coroutine(void *unused) {
  (void)unused;
  co_release(start(resumes, NULL));
  raise(SIGSEGV);
}

static void *reads_nothing(void *place) { return *(void *volatile *)place; }

static void fault_in_coroutine(void *place) { start(reads_nothing, place); }

TEST(another_fault_ends_the_process_by_sigsegv_and_is_no_overflow) {
  struct ending ended = apart(fault_in_coroutine, NULL);
  CHECK(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGSEGV);
  CHECK(strstr(ended.text, "overflow") == NULL);
  ended = apart(raise_in_coroutine, NULL);
  CHECK(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGSEGV);
  CHECK(strstr(ended.text, "overflow") == NULL);
}

static void handles(int number) {
  if (number == SIGSEGV) dprintf(2, "handled\n");
  _exit(3);
}

static void handles_with_info(int number, siginfo_t *info, void *context) {
  CHECK(info->si_addr != NULL && context != NULL);
  handles(number);
}

static void prepare_handler(int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_flags = flags;
  if (flags & SA_SIGINFO)
    action.sa_sigaction = handles_with_info;
  else
    action.sa_handler = handles;
  CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

/* The handler is installed before the first coroutine is made, or after. */
static int handler_flags, handler_late;

static void overflow_handled(void *size) {
  if (handler_late) co_release(spawn(overflows, NULL));
  prepare_handler(handler_flags);
  overflow_sized(size);
}

static void *overflow_handled_in_thread(void *size) {
  overflow_sized(size);
  return NULL;
}

static void overflow_handled_elsewhere(void *size) {
  pthread_t thread;
  if (handler_late) co_release(spawn(overflows, NULL));
  prepare_handler(handler_flags);
  pthread_create(&thread, NULL, overflow_handled_in_thread, size);
  pthread_join(thread, NULL);
}

static void runs_the_handler(int flags) {
  void (*const bodies[])(void *) = {overflow_handled, overflow_handled_elsewhere};
  handler_flags = flags;
  for (handler_late = 0; handler_late < 2; handler_late++)
    for (int i = 0; i < 2; i++) {
      struct ending ended = apart(bodies[i], (void *)(64L * KIB));
      CHECK(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 3);
      if (CHECK(strstr(ended.text, "handled") != NULL)) reports(&ended, 64 * KIB);
      CHECK(strstr(ended.text, "stack overflow") < strstr(ended.text, "handled"));
    }
}

TEST(the_programs_own_handler_runs_after_the_report) { runs_the_handler(0); }

TEST(the_programs_own_handler_with_an_alternate_stack_runs_after_the_report) { runs_the_handler(SA_ONSTACK); }

TEST(the_programs_own_handler_with_siginfo_runs_after_the_report) { runs_the_handler(SA_SIGINFO | SA_ONSTACK); }

static void overflow_on_own_alternate(void *size) {
  stack_t alternate;
  memset(&alternate, 0, sizeof alternate);
  alternate.ss_size = 64 * KIB;
  alternate.ss_sp = malloc(alternate.ss_size);
  CHECK(sigaltstack(&alternate, NULL) == 0);
  prepare_handler(SA_ONSTACK);
  co_release(spawn(overflows, NULL));
  stack_t now;
  CHECK(sigaltstack(NULL, &now) == 0 && now.ss_sp == alternate.ss_sp);
  overflow_sized(size);
}

TEST(an_alternate_stack_of_the_programs_own_is_used) {
  struct ending ended = apart(overflow_on_own_alternate, (void *)(64L * KIB));
  CHECK(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 3);
  CHECK(strstr(ended.text, "handled") != NULL);
  reports(&ended, 64 * KIB);
}

RUN_TESTS
