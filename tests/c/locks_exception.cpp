/* Locks as the C++ library uses them. */
#include "check.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <thread>

static int done, tries, after;
static std::once_flag flag;

static void fails_twice() {
  usleep(20000);
  if (++tries < 3) throw std::runtime_error("not yet");
}

static void *calls_once(void *) {
  co_enable_hook_sys();
  for (;;) {
    try {
      std::call_once(flag, fails_twice);
      after++;
      break;
    } catch (const std::runtime_error &error) {
      CHECK_TEXT(error.what(), "not yet");
    }
  }
  CHECK_IS(tries, 3);
  done++;
  return NULL;
}

TEST(an_exception_out_of_call_once_lets_the_next_one_try) {
  for (int i = 0; i < 5; i++) start(calls_once, NULL);
  loop_until(&done, 5);
  CHECK_IS(tries, 3);
  CHECK_IS(after, 5);
}

static std::mutex lock;
static std::condition_variable changed;
static std::shared_mutex shared;
static std::recursive_timed_mutex timed;
static int value;

static void *waits(void *) {
  co_enable_hook_sys();
  {
    std::unique_lock<std::mutex> guard(lock);
    changed.wait(guard, [] { return value == 1; });
    CHECK(!changed.wait_for(guard, std::chrono::milliseconds(10), [] { return value == 2; }));
  }
  {
    std::shared_lock<std::shared_mutex> guard(shared);
    usleep(1000);
  }
  {
    std::lock_guard<std::recursive_timed_mutex> guard(timed);
    usleep(1000);
    CHECK(timed.try_lock_for(std::chrono::milliseconds(1)));
    timed.unlock();
  }
  done++;
  return NULL;
}

static void *tells(void *) {
  co_enable_hook_sys();
  std::unique_lock<std::shared_mutex> other(shared);
  usleep(30000);
  {
    std::lock_guard<std::mutex> guard(lock);
    value = 1;
  }
  changed.notify_all();
  usleep(30000);
  done++;
  return NULL;
}

TEST(mutexes_and_conditions_of_cxx_park) {
  for (int i = 0; i < 5; i++) start(waits, NULL);
  start(tells, NULL);
  loop_until(&done, 6);
}

static void *has_threads(void *) {
  co_enable_hook_sys();
  std::promise<int> promise;
  std::future<int> future = promise.get_future();
  std::thread thread([&promise] {
    usleep(20000);
    promise.set_value(7);
  });
  thread.join();
  CHECK_IS(future.get(), 7);
  std::future<int> other = std::async(std::launch::async, [] { usleep(20000); return 8; });
  CHECK_IS(other.get(), 8);
  done++;
  return NULL;
}

TEST(threads_of_cxx_are_joined_by_coroutines) {
  for (int i = 0; i < 5; i++) start(has_threads, NULL);
  loop_until(&done, 5);
}

RUN_TESTS
