/* Without memory nothing is made, and nobody ends for want of it. */
#include "stacks.h"

#include <malloc.h>

#include "co_routine_inner.h"

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
  void *volatile taken; // which no compiler may think away
  for (size_t size = 16 * MIB; size >= 16; size /= 2)
    while ((taken = malloc(size))) continue;
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

TEST_SAYS(without_any_memory_nothing_is_made_and_nobody_dies, NULL) {
  stCoRoutine_t *made[100], *co, *old = start(needs_no_memory, NULL);
  pthread_key_t key;
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

RUN_TESTS
