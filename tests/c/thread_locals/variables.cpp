/* What is each coroutine's own once it has thread-local variables of its own, and when they end. */
#include "own.h"

#include <dlfcn.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static thread_local int number = 7;
static thread_local std::string text = "fresh";
static pthread_key_t key;
static int ended;

static void *keeps_its_own(void *name) {
  const char *own = static_cast<const char *>(name);
  CHECK_IS(number, 7);
  CHECK_TEXT(text.c_str(), "fresh");
  CHECK(pthread_getspecific(key) == nullptr);
  CHECK_IS(errno, 0);
  number = own[0];
  text = own;
  CHECK_IS(pthread_setspecific(key, name), 0);
  for (int i = 0; i < 3; i++) {
    errno = own[0];
    co_yield_ct();
    CHECK_IS(errno, own[0]);
    CHECK_IS(number, own[0]);
    CHECK_TEXT(text.c_str(), own);
    CHECK(pthread_getspecific(key) == name);
  }
  ended++;
  return nullptr;
}
static void *sees_the_threads(void *) {
  for (int i = 0; i < 3; i++) {
    number++;
    co_yield_ct();
  }
  return nullptr;
}

static void all_in_turn(stShareStack_t *shared) {
  static const char *names[] = {"a long enough text that it is not kept in place", "b", "c"};
  std::vector<stCoRoutine_t *> all;
  NEED(pthread_key_create(&key, nullptr) == 0);
  number = 1;
  text = "the thread's";
  for (const char *name : names) {
    all.push_back(spawn_own_on(shared, keeps_its_own, const_cast<char *>(name)));
    all.push_back(spawn_on(shared, 0, sees_the_threads, nullptr));
  }
  for (int i = 0; i < 4; i++) {
    errno = 99;
    for (stCoRoutine_t *co : all) co_resume(co);
    CHECK_IS(errno, 99);
    CHECK_TEXT(text.c_str(), "the thread's");
    CHECK(pthread_getspecific(key) == nullptr);
  }
  CHECK_IS(number, 1 + 3 * 3);
  CHECK_IS(ended, 3);
  for (stCoRoutine_t *co : all) finish(co);
}
TEST(variables_and_values_are_the_coroutines_own) { all_in_turn(nullptr); }
TEST(on_shared_stacks_too) {
  stShareStack_t *shared = co_alloc_sharestack(2, 0);
  all_in_turn(shared);
  CHECK_IS(co_free_sharestack(shared), 0);
}

struct Ends {
  int *place;
  pthread_t self;
  ~Ends() {
    if (!place) return;
    ++*place;
    CHECK(pthread_equal(self, pthread_self()));
  }
};
static thread_local Ends ends;
static int variables, values;
static void value_ends(void *place) { ++*static_cast<int *>(place); }

static void *has_what_ends(void *yields) {
  ends.place = &variables;
  ends.self = pthread_self();
  pthread_setspecific(key, &values);
  if (yields) co_yield_ct();
  return nullptr;
}

TEST(destructors_run_when_the_body_has_returned) {
  NEED(pthread_key_create(&key, value_ends) == 0);
  stCoRoutine_t *co = spawn_own(has_what_ends, nullptr);
  co_resume(co);
  CHECK_IS(co->cEnd, 1);
  CHECK_IS(variables, 1);
  CHECK_IS(values, 1);
  co_release(co);
  CHECK_IS(variables, 1);
  CHECK_IS(values, 1);
}
TEST(destructors_run_when_it_is_released_before) {
  NEED(pthread_key_create(&key, value_ends) == 0);
  stCoRoutine_t *co = spawn_own(has_what_ends, &key);
  co_resume(co);
  CHECK_IS(variables, 0);
  co_release(co);
  CHECK_IS(variables, 1);
  CHECK_IS(values, 1);
}
static int begun;
static void ends_slowly(void *again) {
  begun++;
  pthread_setspecific(key, again);
  co_yield_ct();
}
static void *has_what_ends_slowly(void *) {
  pthread_setspecific(key, &key);
  return nullptr;
}
TEST(a_destructor_in_which_it_is_released_runs_no_more) {
  NEED(pthread_key_create(&key, ends_slowly) == 0);
  stCoRoutine_t *co = spawn_own(has_what_ends_slowly, nullptr);
  co_resume(co);
  CHECK_IS(co->cEnd, 0);
  CHECK_IS(begun, 1);
  co_release(co);
  CHECK_IS(begun, 1);
}
static void *resets(void *other) {
  co_reset(static_cast<stCoRoutine_t *>(other));
  return nullptr;
}
TEST(a_reset_ends_them_and_takes_them_away) {
  NEED(pthread_key_create(&key, value_ends) == 0);
  stCoRoutine_t *co = spawn_own(has_what_ends, &key);
  co_resume(co);
  CHECK(ends.place == nullptr);
  co_reset(co);
  CHECK_IS(variables, 1);
  CHECK_IS(values, 1);
  co_resume(co);
  CHECK(ends.place == &variables);
  CHECK(pthread_getspecific(key) == &values);
  co_reset(co);
  CHECK_IS(co_own_thread_locals(co), 0);
  ends.place = nullptr;
  pthread_setspecific(key, nullptr);
  co_resume(co);
  CHECK(ends.place == nullptr);
  finish(spawn_own(resets, co));
  CHECK_IS(variables, 2);
  CHECK_IS(values, 2);
  co_release(co);
}
static void *releases_itself(void *) {
  has_what_ends(nullptr);
  co_release(co_self());
  return nullptr;
}
TEST(one_may_release_itself) {
  NEED(pthread_key_create(&key, value_ends) == 0);
  co_resume(spawn_own(releases_itself, nullptr));
  co_release(spawn(sees_the_threads, nullptr));
  CHECK_IS(variables, 1);
  CHECK_IS(values, 1);
}

static void *makes_and_leaves(void *where) {
  auto *all = static_cast<std::vector<stCoRoutine_t *> *>(where);
  for (int i = 0; i < 3; i++) {
    all->push_back(spawn_own(has_what_ends, &key));
    co_resume(all->back());
  }
  return nullptr;
}
TEST(the_end_of_the_thread_ends_them_and_a_release_by_another_does) {
  std::vector<stCoRoutine_t *> all;
  NEED(pthread_key_create(&key, value_ends) == 0);
  elsewhere(makes_and_leaves, &all);
  CHECK_IS(variables, 3);
  CHECK_IS(values, 3);
  for (stCoRoutine_t *co : all) co_release(co);
  stCoRoutine_t *mine = spawn_own(has_what_ends, &key);
  co_resume(mine);
  std::thread([mine] { co_release(mine); }).join();
  loop_for(20);
  CHECK_IS(variables, 4);
}

TEST(storage_is_used_again_and_begins_anew) {
  NEED(pthread_key_create(&key, nullptr) == 0);
  for (int i = 0; i < 5000; i++) {
    stCoRoutine_t *co = spawn_own(keeps_its_own, const_cast<char *>("once more"));
    co_resume(co);
    co_release(co);
  }
  long before = resident_bytes();
  for (int i = 0; i < 20000; i++) {
    stCoRoutine_t *co = spawn_own(keeps_its_own, const_cast<char *>("once more"));
    if (i % 2) finish(co);
    else co_resume(co), co_release(co);
  }
  CHECK(resident_bytes() - before < 1 << 20);
}

static void *waits_for_two(void *) {
  co_enable_hook_sys();
  number = 70;
  for (int i = 0; i < 20; i++) {
    usleep(500);
    CHECK_IS(number, 70 + i);
    number++;
  }
  ended++;
  return nullptr;
}
static void *waits_as_the_thread(void *) {
  co_enable_hook_sys();
  for (int i = 0; i < 20; i++) {
    int before = ++number;
    CHECK(before > 1000);
    usleep(300);
    CHECK(number > 1000);
  }
  ended++;
  return nullptr;
}
TEST(the_loop_and_who_goes_straight_on_find_their_own) {
  std::vector<stCoRoutine_t *> all;
  number = 1000;
  for (int i = 0; i < 50; i++) {
    all.push_back(i % 3 ? spawn_own(waits_for_two, nullptr) : spawn(waits_as_the_thread, nullptr));
    co_resume(all.back());
  }
  loop_until(&ended, 50);
  CHECK_IS(number, 1000 + 17 * 20);
  for (stCoRoutine_t *co : all) co_release(co);
}

/* Resumes the next of a chain, of which each other one has its own. */
static int depth;
static void *resumes_the_next(void *) {
  int mine = number = 10 + depth;
  if (depth++ < 6) {
    stCoRoutine_t *next = depth % 3 ? spawn_own(resumes_the_next, nullptr) : spawn(resumes_the_next, nullptr);
    for (int i = 0; i < 3; i++) {
      co_resume(next);
      if (co_self() && mine != 13 && mine != 16) CHECK_IS(number, mine);
      co_yield_ct();
    }
    co_release(next);
  } else {
    co_yield_ct();
  }
  return nullptr;
}
TEST(each_that_is_resumed_by_another_goes_back_to_that_ones) {
  number = 5;
  stCoRoutine_t *first = spawn_own(resumes_the_next, nullptr);
  co_resume(first);
  CHECK(number == 13 || number == 16); /* those without their own wrote to the thread's */
  finish(first);
  CHECK_IS(depth, 7);
}

static void *throws(void *yields) {
  try {
    throw std::runtime_error(yields ? "first" : "second");
  } catch (const std::runtime_error &caught) {
    if (yields) co_yield_ct();
    CHECK_TEXT(caught.what(), yields ? "first" : "second");
    try {
      throw;
    } catch (const std::exception &again) {
      CHECK_TEXT(again.what(), yields ? "first" : "second");
    }
  }
  CHECK_IS(std::uncaught_exceptions(), 0);
  return nullptr;
}
TEST(exceptions_in_flight_stay_with_their_coroutine) {
  int place = 0;
  stCoRoutine_t *all[] = {spawn_own(throws, &place), spawn(throws, &place), spawn_own(throws, nullptr)};
  try {
    throw 5;
  } catch (int) {
    for (stCoRoutine_t *co : all) co_resume(co);
    CHECK(std::current_exception() != nullptr);
  }
  CHECK(std::current_exception() == nullptr);
  for (stCoRoutine_t *co : all) finish(co);
}

static void *asks_again(void *has) {
  errno = 0;
  CHECK_IS(co_own_thread_locals(co_self()), has ? 0 : -1);
  CHECK_IS(errno, has ? 0 : EBUSY);
  return nullptr;
}
static void *of_another(void *co) {
  CHECK_IS(co_own_thread_locals(static_cast<stCoRoutine_t *>(co)), -1);
  CHECK_IS(errno, EINVAL);
  CHECK_IS(co_create(reinterpret_cast<stCoRoutine_t **>(&co), nullptr, asks_again, nullptr), 0);
  CHECK_IS(co_own_thread_locals(static_cast<stCoRoutine_t *>(co)), 0);
  co_release(static_cast<stCoRoutine_t *>(co));
  return nullptr;
}
TEST(what_cannot_be_is_refused) {
  stCoRoutine_t *own = spawn_own(asks_again, &key), *other = spawn(asks_again, nullptr);
  CHECK_IS(co_own_thread_locals(nullptr), -1);
  CHECK_IS(errno, EINVAL);
  CHECK_IS(co_own_thread_locals(co_self()), -1);
  CHECK_IS(errno, EINVAL);
  elsewhere(of_another, other);
  co_resume(other);
  co_resume(own);
  CHECK_IS(own->cEnd, 1);
  CHECK_IS(co_own_thread_locals(own), 0);
  co_release(own);
  co_release(other);
}

/* A library with variables at a place that is fixed from the program's start, loaded when a coroutine has begun. */
static int (*next_of_library)(void);
static void *asks_a_library(void *) {
  CHECK_IS(number, 7);
  co_yield_ct();
  CHECK_IS(next_of_library(), 41);
  co_yield_ct();
  CHECK_IS(next_of_library(), 42);
  return nullptr;
}
TEST(a_library_that_is_loaded_later_begins_anew_in_each) {
  const char *path = getenv("LIBRARY");
  if (!path) SKIP("LIBRARY names no library");
  stCoRoutine_t *before = spawn_own(asks_a_library, nullptr);
  co_resume(before);
  void *library = dlopen(path, RTLD_NOW);
  NEED(library != nullptr);
  *reinterpret_cast<void **>(&next_of_library) = dlsym(library, "next");
  CHECK_IS(next_of_library(), 41);
  CHECK_IS(next_of_library(), 42);
  stCoRoutine_t *after = spawn_own(asks_a_library, nullptr);
  for (int i = 0; i < 3; i++) {
    co_resume(before);
    co_resume(after);
  }
  CHECK_IS(before->cEnd && after->cEnd, 1);
  CHECK_IS(next_of_library(), 43);
  co_release(before);
  co_release(after);
}

RUN_TESTS
