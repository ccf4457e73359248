/* Exceptions in flight and exceptions being handled are each coroutine's own. */
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../check.h"

static int done;

static void wait_somehow(int i) {
  if (i % 3 == 0)
    co_yield_ct();
  else if (i % 3 == 1)
    usleep(200);
  else
    poll(NULL, 0, 1);
}

static void *parks_inside_a_catch_block(void *argument) {
  const std::string mine = "error " + std::to_string(reinterpret_cast<intptr_t>(argument));
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) {
    bool caught = false;
    try {
      try {
        throw std::runtime_error(mine);
      } catch (const std::exception &error) {
        wait_somehow(i);
        CHECK_TEXT(error.what(), mine.c_str());
        CHECK(std::current_exception() != NULL);
        wait_somehow(i + 1);
        throw;
      }
    } catch (const std::runtime_error &again) {
      wait_somehow(i + 2);
      CHECK_TEXT(again.what(), mine.c_str());
      caught = true;
    }
    CHECK(caught);
    CHECK(std::current_exception() == NULL);
    CHECK(std::uncaught_exceptions() == 0);
  }
  __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
  return NULL;
}

static void run_crowd(void *(*body)(void *), int count, stShareStack_t *stacks) {
  std::vector<stCoRoutine_t *> all;
  struct dice dice = cast_dice();
  done = 0;
  for (intptr_t i = 0; i < count; i++) all.push_back(spawn_on(stacks, 0, body, reinterpret_cast<void *>(i)));
  while (done < count) {
    for (int i = 0; i < count; i++) {
      co_resume(all[below(&dice, static_cast<unsigned>(count))]);
      CHECK(std::uncaught_exceptions() == 0);
      CHECK(std::current_exception() == NULL);
    }
    loop_for(1);
  }
  for (size_t i = 0; i < all.size(); i++) co_release(all[i]);
}

TEST(hundreds_park_inside_catch_blocks_and_rethrow_after) { run_crowd(parks_inside_a_catch_block, 500, NULL); }

TEST(hundreds_on_shared_stacks_park_inside_catch_blocks_and_rethrow_after) {
  run_crowd(parks_inside_a_catch_block, 500, co_alloc_sharestack(4, 128 * 1024));
}

struct WaitsWhenDestroyed {
  int expected;
  explicit WaitsWhenDestroyed(int number) : expected(number) {}
  ~WaitsWhenDestroyed() {
    for (int i = 0; i < 3; i++) {
      CHECK(std::uncaught_exceptions() == expected);
      wait_somehow(i);
      CHECK(std::uncaught_exceptions() == expected);
    }
  }
};

static void *parks_while_it_unwinds(void *argument) {
  const intptr_t me = reinterpret_cast<intptr_t>(argument);
  co_enable_hook_sys();
  for (int i = 0; i < 3; i++) {
    try {
      WaitsWhenDestroyed one(1), two(1);
      throw me;
    } catch (intptr_t got) {
      CHECK(got == me);
    }
    WaitsWhenDestroyed three(0);
  }
  __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
  return NULL;
}

TEST(hundreds_park_in_destructors_while_an_exception_is_in_flight) { run_crowd(parks_while_it_unwinds, 300, NULL); }

TEST(hundreds_on_shared_stacks_park_while_an_exception_is_in_flight) {
  run_crowd(parks_while_it_unwinds, 300, co_alloc_sharestack(3, 128 * 1024));
}

static void *nests(void *argument) {
  const intptr_t depth = reinterpret_cast<intptr_t>(argument);
  CHECK(std::uncaught_exceptions() == 0);
  CHECK(std::current_exception() == NULL);
  try {
    throw depth;
  } catch (intptr_t) {
    if (depth > 0) {
      stCoRoutine_t *inner = spawn(nests, reinterpret_cast<void *>(depth - 1));
      co_resume(inner);
      co_resume(inner);
      co_release(inner);
    }
    co_yield_ct();
    try {
      throw;
    } catch (intptr_t again) {
      CHECK(again == depth);
    }
  }
  __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
  return NULL;
}

TEST(coroutines_made_and_resumed_inside_catch_blocks_begin_without_an_exception) {
  try {
    throw 1;
  } catch (int) {
    stCoRoutine_t *co = spawn(nests, reinterpret_cast<void *>(100));
    co_resume(co);
    co_resume(co);
    co_release(co);
    CHECK(done == 101);
    CHECK(std::current_exception() != NULL);
    try {
      throw;
    } catch (int got) {
      CHECK(got == 1);
    }
  }
}

static std::exception_ptr carried;

static void *carries(void *) {
  try {
    throw std::logic_error("carried");
  } catch (...) {
    carried = std::current_exception();
    co_yield_ct();
  }
  return NULL;
}

static void *receives(void *) {
  try {
    std::rethrow_exception(carried);
  } catch (const std::logic_error &error) {
    co_yield_ct();
    CHECK_TEXT(error.what(), "carried");
    __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
  }
  return NULL;
}

TEST(an_exception_can_be_carried_from_one_coroutine_to_another) {
  stCoRoutine_t *one = start(carries, NULL), *two = start(receives, NULL);
  co_resume(one);
  carried = std::exception_ptr();
  co_resume(two);
  CHECK(done == 1);
  co_release(one);
  co_release(two);
}

static void *throws_from_hooked_code(void *) {
  co_enable_hook_sys();
  for (int i = 0; i < 100; i++) {
    std::unique_ptr<std::string> held(new std::string("held"));
    try {
      usleep(10);
      throw std::vector<int>(100, i);
    } catch (const std::vector<int> &numbers) {
      usleep(10);
      CHECK(numbers.size() == 100 && numbers[99] == i);
    }
    CHECK(*held == "held");
  }
  __atomic_fetch_add(&done, 1, __ATOMIC_RELEASE);
  return NULL;
}

static void *has_its_own_loop(void *) {
  for (int i = 0; i < 20; i++) start(throws_from_hooked_code, NULL);
  int *all = &done;
  loop_until(all, 40);
  return NULL;
}

TEST(threads_throw_independently) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, has_its_own_loop, NULL);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void *is_released_inside_a_catch_block(void *) {
  try {
    throw 5;
  } catch (int) {
    co_yield_ct();
  }
  return NULL;
}

TEST(a_coroutine_can_be_released_or_reset_inside_a_catch_block) {
  for (int i = 0; i < 100; i++) {
    stCoRoutine_t *co = start(is_released_inside_a_catch_block, NULL);
    if (i % 2) {
      co_reset(co);
      co_resume(co);
    }
    co_release(co);
    CHECK(std::current_exception() == NULL);
    try {
      throw 6;
    } catch (int got) {
      CHECK(got == 6);
    }
  }
}

RUN_TESTS
