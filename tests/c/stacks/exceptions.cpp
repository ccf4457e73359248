/* An exception that leaves a coroutine's body: nobody outside may catch it. */
#include <exception>
#include <stdexcept>

#include "../check.h"

static void *throws(void *unused) {
  if (unused == NULL) throw std::runtime_error("out");
  return unused;
}

static void *yields_and_throws(void *unused) {
  co_yield_ct();
  return throws(unused);
}

struct Guard {
  ~Guard() { dprintf(2, "unwound\n"); }
};

static void *throws_over_a_guard(void *unused) {
  Guard guard;
  return throws(unused);
}

static void *resumes_and_catches(void *co) {
  try {
    co_resume(static_cast<stCoRoutine_t *>(co));
  } catch (...) {
    dprintf(2, "caught outside\n");
  }
  return NULL;
}

static void *does_not_throw(void *) noexcept { return throws(NULL); }

static void terminated() {
  dprintf(2, "terminated\n");
  try {
    throw;
  } catch (const std::exception &error) {
    dprintf(2, "by %s\n", error.what());
  }
  abort();
}

static stShareStack_t *shared;
static bool nested;

static void run(void *body) {
  std::set_terminate(terminated);
  stCoRoutine_t *co = spawn_on(shared, 0, reinterpret_cast<void *(*)(void *)>(body), NULL);
  if (nested) co = spawn(resumes_and_catches, co);
  try {
    co_resume(co);
    co_resume(co);
  } catch (...) {
    dprintf(2, "caught outside\n");
  }
}

static void terminates(void *(*body)(void *)) {
  for (int kind = 0; kind < 4; kind++) {
    nested = kind & 1;
    shared = kind & 2 ? co_alloc_sharestack(1, 64 * 1024) : NULL;
    if (nested && body == yields_and_throws) continue;
    struct ending ended = apart(run, reinterpret_cast<void *>(body));
    CHECK(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGABRT);
    CHECK(strstr(ended.text, "terminated\nby out\n") != NULL);
    CHECK(strstr(ended.text, "caught outside") == NULL);
  }
}

TEST(an_exception_that_leaves_the_body_calls_terminate) { terminates(throws); }

TEST(an_exception_that_leaves_the_body_after_a_yield_calls_terminate) { terminates(yields_and_throws); }

TEST(an_exception_that_leaves_the_body_over_a_destructor_calls_terminate) { terminates(throws_over_a_guard); }

TEST(an_exception_that_leaves_a_body_that_does_not_throw_calls_terminate) { terminates(does_not_throw); }

static void *catches_inside(void *count) {
  for (int i = 0; i < 1000; i++) try {
      throws(NULL);
    } catch (const std::runtime_error &) {
      ++*static_cast<int *>(count);
    }
  return NULL;
}

TEST(exceptions_caught_inside_the_body_are_ordinary) {
  int count = 0;
  co_release(start(catches_inside, &count));
  CHECK_IS(count, 1000);
}

RUN_TESTS
