// Threads of C++20: what they print. The same with threads that are coroutines.
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <latch>
#include <mutex>
#include <numeric>
#include <semaphore>
#include <shared_mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "threads_mode.h"

using namespace std::chrono_literals;

static void stop_tokens() {
  std::string said;
  {
    std::jthread thread([&said](std::stop_token token) {
      std::stop_callback callback(token, [&said] { said += "asked to stop. "; });
      while (!token.stop_requested()) std::this_thread::sleep_for(1ms);
      said += "stopped.";
    });
    std::this_thread::sleep_for(5ms);
  }
  puts(said.c_str());
  std::mutex mutex;
  std::condition_variable_any changed;
  bool never = false, result = true;
  std::jthread waiter([&](std::stop_token token) {
    std::unique_lock lock(mutex);
    result = changed.wait(lock, token, [&] { return never; });
  });
  std::this_thread::sleep_for(5ms);
  SAY(waiter.request_stop());
  waiter.join();
  SAY(result);
}

static void latches_and_barriers() {
  std::latch begun(4), over(1);
  std::vector<int> sums;
  std::vector<int> parts(4);
  std::barrier barrier(4, [&]() noexcept { sums.push_back(std::accumulate(parts.begin(), parts.end(), 0)); });
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&, i] {
      begun.count_down();
      over.wait();
      for (int round = 1; round <= 5; round++) {
        parts[i] = round * (i + 1);
        barrier.arrive_and_wait();
      }
    });
  }
  begun.wait();
  SAY(over.try_wait());
  over.count_down();
  threads.clear();
  for (int sum : sums) SAY(sum);
}

static void semaphores_and_atomic_waits() {
  std::counting_semaphore<10> slots(3);
  std::atomic<int> inside{0}, most{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 10; i++) {
      threads.emplace_back([&] {
        slots.acquire();
        int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
        std::this_thread::sleep_for(5ms);
        inside--;
        slots.release();
      });
    }
  }
  SAY(most <= 3);
  std::binary_semaphore none(0);
  SAY(none.try_acquire());
  SAY(none.try_acquire_for(5ms));
  std::atomic<int> word{0};
  std::jthread waiter([&] {
    word.wait(0);
    word = 2;
    word.notify_all();
  });
  std::this_thread::sleep_for(5ms);
  word = 1;
  word.notify_one();
  word.wait(1);
  SAY(word.load());
}

static void shared_and_timed_mutexes() {
  std::shared_mutex shared;
  std::shared_timed_mutex timed;
  std::recursive_timed_mutex recursive;
  shared.lock_shared();
  std::thread([&] {
    SAY(shared.try_lock_shared());
    SAY(shared.try_lock());
    shared.unlock_shared();
  }).join();
  shared.unlock_shared();
  std::scoped_lock all(timed, recursive);
  std::thread([&] {
    SAY(timed.try_lock_shared_for(5ms));
    SAY(timed.try_lock_until(std::chrono::steady_clock::now() + 5ms));
    SAY(recursive.try_lock_for(5ms));
  }).join();
  SAY(recursive.try_lock_for(5ms));
  recursive.unlock();
}

static void once_until_it_succeeds() {
  std::once_flag flag;
  std::atomic<int> attempts{0}, thrown{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 5; i++) {
    threads.emplace_back([&] {
      try {
        std::call_once(flag, [&] {
          std::this_thread::sleep_for(2ms);
          if (++attempts < 3) throw std::runtime_error("not yet");
        });
      } catch (const std::runtime_error &) {
        thrown++;
      }
    });
  }
  threads.clear();
  SAY(attempts.load());
  SAY(thrown.load());
}

static void futures() {
  std::promise<std::string> promise;
  auto answer = promise.get_future();
  SAY(answer.wait_for(5ms) == std::future_status::timeout);
  std::jthread giver([&] { promise.set_value_at_thread_exit("an answer"); });
  puts(answer.get().c_str());
  auto failed = std::async(std::launch::async, []() -> int { throw std::logic_error("thrown in another thread"); });
  try {
    failed.get();
  } catch (const std::logic_error &error) {
    puts(error.what());
  }
  std::packaged_task<int(int)> task([](int number) { return number * 2; });
  auto twice = task.get_future();
  std::thread(std::move(task), 21).detach();
  SAY(twice.get());
  std::exception_ptr kept;
  std::thread([&] {
    try {
      throw 5;
    } catch (...) {
      std::this_thread::sleep_for(2ms);
      kept = std::current_exception();
    }
  }).join();
  try {
    std::rethrow_exception(kept);
  } catch (int number) {
    SAY(number);
  }
  std::shared_future<int> several = std::async(std::launch::async, [] {
    std::this_thread::sleep_for(3ms);
    return 3;
  });
  std::atomic<int> sum{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 5; i++) threads.emplace_back([&, several] { sum += several.get(); });
  threads.clear();
  SAY(sum.load());
}

struct Noisy {
  const char *name;
  explicit Noisy(const char *given) : name(given) {}
  ~Noisy() {
    std::this_thread::sleep_for(1ms);
    printf("%s is destroyed\n", name);
  }
};
static pthread_key_t key;
static void say_value(void *value) { printf("value: %s\n", static_cast<char *>(value)); }
static void thread_locals_end_before_values_in_reverse() {
  pthread_key_create(&key, say_value);
  std::thread([] {
    static thread_local Noisy first("the first"), second("the second");
    pthread_setspecific(key, const_cast<char *>("by key"));
    printf("%s, %s\n", first.name, second.name);
  }).join();
  static thread_local Noisy of_main("that of main");
  puts(of_main.name);
}
static void threads_have_names_of_their_own() {
  std::thread one([] { std::this_thread::sleep_for(5ms); });
  SAY(one.get_id() == std::this_thread::get_id());
  SAY(one.joinable());
  SAY(one.native_handle() != pthread_self());
  one.join();
  SAY(one.joinable());
  try {
    one.join();
  } catch (const std::system_error &error) {
    SAY(error.code() == std::errc::invalid_argument);
  }
}

CASES(CASE(stop_tokens), CASE(latches_and_barriers), CASE(semaphores_and_atomic_waits), CASE(shared_and_timed_mutexes),
      CASE(once_until_it_succeeds), CASE(futures), CASE(thread_locals_end_before_values_in_reverse),
      CASE(threads_have_names_of_their_own))
