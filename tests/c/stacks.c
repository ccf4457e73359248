/* Private stacks: sizes, overflow, running out of memory, reuse, great numbers, and what walks up a stack. */
#include "check.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <malloc.h>

#include "co_routine_inner.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

/* ---- sizes ------------------------------------------------------------------------------------------ */

static int reached;

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

/* ---- overflow --------------------------------------------------------------------------------------- */

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

/* ---- out of memory ---------------------------------------------------------------------------------- */

static void *waits_for_good(void *unused) {
  (void)unused;
  reached++;
  co_yield_ct();
  reached++;
  return NULL;
}

static void limit_memory(long more) {
  struct rlimit limit;
  limit.rlim_cur = limit.rlim_max = (rlim_t)(status_of("VmSize") * KIB + more);
  NEED(setrlimit(RLIMIT_AS, &limit) == 0);
}

TEST(no_memory_for_a_stack_is_an_error_and_harms_nobody) {
  enum { MOST = 1000 };
  static stCoRoutine_t *all[MOST];
  stCoRoutineAttr_t large = {8 * MIB, NULL};
  int made = 0;
  co_release(start(waits_for_good, NULL));
  reached = 0;
  limit_memory(300 * MIB);
  while (made < MOST && co_create(&all[made], &large, waits_for_good, NULL) == 0) co_resume(all[made++]);
  CHECK_IS(errno, ENOMEM);
  CHECK(all[made] == NULL);
  CHECK(made >= 10 && made < MOST);
  CHECK_IS(reached, made);
  for (int i = 0; i < 10; i++) {
    errno = 0;
    all[made] = all[0];
    CHECK(co_create(&all[made], &large, waits_for_good, NULL) == -1 && errno == ENOMEM && all[made] == NULL);
  }
  for (int i = 0; i < made; i++) {
    co_resume(all[i]);
    CHECK(all[i]->cEnd);
    co_release(all[i]);
  }
  CHECK_IS(reached, 2 * made);
  CHECK(co_create(&all[0], &large, waits_for_good, NULL) == 0);
  co_resume(all[0]);
  CHECK_IS(reached, 2 * made + 1);
}

TEST(no_memory_for_shared_stacks_is_an_error) {
  limit_memory(100 * MIB);
  errno = 0;
  CHECK(co_alloc_sharestack(100, 8 * MIB) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(co_alloc_sharestack(INT_MAX, INT_MAX) == NULL && errno == ENOMEM);
  errno = 0;
  CHECK(co_alloc_sharestack(0, 4096) == NULL && errno == EINVAL);
  errno = 0;
  CHECK(co_alloc_sharestack(-1, 4096) == NULL && errno == EINVAL);
  stShareStack_t *shared = co_alloc_sharestack(1, 64 * KIB);
  CHECK(shared != NULL);
  CHECK(co_free_sharestack(shared) == 0);
}

/* Takes all memory there is, in ever smaller pieces. */
static void exhaust_memory(void) {
  for (size_t size = 16 * MIB; size >= 16; size /= 2)
    while (malloc(size)) continue;
}

static void *needs_no_memory(void *unused) {
  struct pollfd none = {-1, POLLIN, 0};
  (void)unused;
  co_enable_hook_sys();
  for (;;) {
    reached++;
    CHECK_IS(poll(&none, 1, 1), 0);
    CHECK_IS(usleep(1000), 0);
    co_yield_ct();
  }
  return NULL;
}

static void create_without_memory(void *unused) {
  stCoRoutine_t *made[100], *co, *old = start(needs_no_memory, NULL);
  pthread_key_t key;
  (void)unused;
  pthread_key_create(&key, NULL);
  loop_for(20);
  mallopt(M_ARENA_MAX, 1);
  limit_memory(16 * MIB);
  exhaust_memory();
  int count = 0;
  errno = 0;
  while (count < 100 && co_create(&made[count], NULL, waits_for_good, NULL) == 0) count++;
  CHECK(count < 100 && errno == ENOMEM);
  errno = 0;
  CHECK(co_alloc_sharestack(1, 4096) == NULL && errno == ENOMEM);
  co = NULL;
  CHECK(co_create(&co, NULL, waits_for_good, NULL) == -1 && co == NULL);
  while (count) co_release(made[--count]);
  reached = 0;
  for (int i = 0; i < 3; i++) {
    loop_for(10);
    co_resume(old);
  }
  CHECK(reached >= 1);
}

TEST(without_any_memory_nothing_is_made_and_nobody_dies) { check_says(create_without_memory, NULL); }

static stCoRoutine_t *holder;
static pthread_key_t held_key;
static void (*wanted)(void);

static void makes_a_condition(void) {
  stCoCond_t *cond = co_cond_alloc();
  CHECK(cond != NULL || errno == ENOMEM);
}

static void sets_a_value(void) {
  int set = 0;
  set = co_setspecific(held_key, &set);
  CHECK(set == ENOMEM || (set == 0 && co_getspecific(held_key) == &set));
}

static void sets_a_variable(void) {
  int set = setenv("LISTED", "0123456789", 1);
  CHECK((set == -1 && errno == ENOMEM) || (set == 0 && strcmp(getenv("LISTED"), "0123456789") == 0));
}

static void puts_a_variable(void) {
  static char text[] = "LISTED=yes";
  int set = putenv(text);
  CHECK((set == -1 && errno == ENOMEM) || (set == 0 && strcmp(getenv("LISTED"), "yes") == 0));
}

static void polls_two(void) {
  struct pollfd fds[2] = {{0, 0, 0}, {2, 0, 0}};
  int found = poll(fds, 2, 5);
  CHECK(found == 0 || (found == -1 && errno == ENOMEM));
}

static void selects(void) {
  struct timeval wait = {0, 5000};
  fd_set in;
  FD_ZERO(&in);
  int found = select(10, &in, NULL, NULL, &wait);
  CHECK(found == 0 || (found == -1 && errno == ENOMEM));
}

static void looks_up(void) {
  struct hostent *host = gethostbyname("127.0.0.1");
  CHECK(host == NULL || host->h_length == 4);
}

static void waits_in_connect(void) {
  struct sockaddr_un nowhere = {AF_UNIX, "/nowhere/at/all"};
  CHECK(connect(7, (struct sockaddr *)&nowhere, sizeof nowhere) == -1);
}

static void *does_without_memory(void *unused) {
  co_enable_hook_sys();
  usleep(1000);
  co_yield_ct();
  wanted();
  reached++;
  return unused;
}

static void run_without_memory(void *what) {
  static const char *names[] = {"LISTED"};
  wanted = (void (*)(void))what;
  co_set_env_list(names, 1);
  CHECK(pthread_key_create(&held_key, NULL) == 0);
  holder = start(does_without_memory, NULL);
  loop_for(5);
  CHECK(dup2(socket(AF_UNIX, SOCK_STREAM, 0), 7) == 7);
  co_resume(holder);
  limit_memory(16 * MIB);
  exhaust_memory();
  co_resume(holder);
  for (int i = 0; i < 100 && !reached; i++) loop_for(5);
  CHECK_IS(reached, 1);
}

static void survives_without_memory(void (*what)(void)) {
  struct ending ended = apart(run_without_memory, (void *)what);
  if (!CHECK(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 0))
    fprintf(stderr, "# status %#x: %s\n", (unsigned)ended.status, ended.text);
}

#define WITHOUT_MEMORY(what) \
  TEST(a_coroutine_that_##what##_without_any_memory_does_not_end_the_process) { survives_without_memory(what); }
WITHOUT_MEMORY(makes_a_condition)
WITHOUT_MEMORY(sets_a_value)
WITHOUT_MEMORY(sets_a_variable)
WITHOUT_MEMORY(puts_a_variable)
WITHOUT_MEMORY(polls_two)
WITHOUT_MEMORY(selects)
WITHOUT_MEMORY(looks_up)
WITHOUT_MEMORY(waits_in_connect)

/* ---- reuse and numbers ------------------------------------------------------------------------------ */

static void *tells_its_address(void *place) {
  char here;
  *(uintptr_t *)place = (uintptr_t)&here;
  memset(__builtin_alloca(3000), 1, 3000);
  return NULL;
}

TEST(the_stack_that_was_freed_last_is_used_first) {
  uintptr_t first, again;
  stCoRoutine_t *other = start(tells_its_address, &first), *co = start(tells_its_address, &first);
  co_release(co);
  co = start(tells_its_address, &again);
  CHECK_IS(first, again);
  co_release(co);
  co_release(other);
}

TEST(memory_stays_flat_over_a_million_lives) {
  uintptr_t place;
  long size = 0, resident = 0;
  for (int i = 0; i < 1000000; i++) {
    stCoRoutine_t *co = NULL;
    if (co_create(&co, NULL, tells_its_address, &place) != 0) break;
    co_resume(co);
    co_release(co);
    if (i == 1000) {
      size = status_of("VmSize");
      resident = resident_bytes();
    }
    reached++;
  }
  CHECK_IS(reached, 1000000);
  CHECK(status_of("VmSize") - size <= 64);
  CHECK(resident_bytes() - resident <= 256 * KIB);
}

TEST(memory_stays_flat_over_waves_of_many_lives) {
  enum { WAVE = 5000 };
  static stCoRoutine_t *all[WAVE];
  uintptr_t place;
  long size = 0, resident = 0;
  for (int wave = 0; wave < 20; wave++) {
    for (int i = 0; i < WAVE; i++) all[i] = start(tells_its_address, &place);
    for (int i = 0; i < WAVE; i++) co_release(all[wave % 2 ? i : WAVE - 1 - i]);
    if (wave == 2) {
      size = status_of("VmSize");
      resident = resident_bytes();
    }
  }
  CHECK(status_of("VmSize") - size <= 300 * MIB / KIB);
  CHECK(resident_bytes() - resident <= 2 * MIB);
}

TEST(what_thousands_of_stacks_held_is_given_back) {
  enum { MANY = 20000 };
  static stCoRoutine_t *all[MANY];
  uintptr_t place;
  co_release(start(tells_its_address, &place));
  long before = resident_bytes();
  for (int i = 0; i < MANY; i++) all[i] = start(tells_its_address, &place);
  long most = resident_bytes();
  CHECK(most - before >= MANY * 4096L);
  for (int i = 0; i < MANY; i++) co_release(all[i]);
  malloc_trim(0);
  CHECK(resident_bytes() - before <= (most - before) / 8);
}

TEST(a_hundred_thousand_coroutines_have_stacks_of_their_own) {
  enum { MANY = 100000 };
  static stCoRoutine_t *all[MANY];
  for (int i = 0; i < MANY; i++) {
    if (co_create(&all[i], NULL, waits_for_good, NULL) != 0) break;
    co_resume(all[i]);
  }
  CHECK_IS(reached, MANY);
  /* Huge pages would make each resident as a whole. */
  CHECK(resident_bytes() <= MANY * 16L * KIB);
  for (int i = 0; i < MANY && all[i]; i++) {
    co_resume(all[i]);
    CHECK(all[i]->cEnd);
    co_release(all[i]);
  }
  CHECK_IS(reached, 2 * MANY);
}

TEST(no_memory_of_the_process_is_writable_and_executable) {
  char line[500];
  stShareStack_t *shared = co_alloc_sharestack(3, 64 * KIB);
  for (int i = 0; i < 10; i++) co_resume(spawn_on(i % 2 ? shared : NULL, 0, waits_for_good, NULL));
  FILE *maps = fopen("/proc/self/maps", "r");
  int seen = 0;
  while (fgets(line, sizeof line, maps)) {
    const char *rights = strchr(line, ' ');
    seen++;
    if (rights && rights[2] == 'w' && rights[3] == 'x') CHECK_TEXT(line, "");
  }
  CHECK(seen > 10);
  fclose(maps);
}

/* ---- walking up a stack ----------------------------------------------------------------------------- */

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
  stShareStack_t *shared = co_alloc_sharestack(1, 64 * KIB);
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

RUN_TESTS
