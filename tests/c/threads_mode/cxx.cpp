// Threads of C++: what they print. The same with threads that are coroutines.
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "threads_mode.h"

struct Noisy {
  std::string name;
  explicit Noisy(const char *given) : name(given) {}
  ~Noisy() { printf("%s is destroyed\n", name.c_str()); }
};
static thread_local Noisy local("a thread_local");

static void thread_locals_are_destroyed_with_their_thread() {
  for (int i = 0; i < 2; i++) {
    std::thread thread([i] { local.name += " of thread " + std::to_string(i); });
    thread.join();
    puts("joined");
  }
  printf("%s\n", local.name.c_str());
}

static void leave(void *) {
  Noisy guard("an object on the stack");
  pthread_exit(nullptr);
}
static void *exits(void *argument) {
  Noisy outer("an outer object");
  try {
    leave(argument);
  } catch (const std::exception &) {
    puts("an exit is no exception of the program's");
  }
  return nullptr;
}
static void exiting_destroys_what_is_on_the_stack() {
  pthread_t thread;
  pthread_create(&thread, nullptr, exits, nullptr);
  pthread_join(thread, nullptr);
}

static void main_exits_and_destroys() {
  pthread_t self = pthread_self();
  std::thread other([self] {
    pthread_join(self, nullptr);
    puts("the other goes on");
  });
  other.detach();
  Noisy object("an object of main");
  fflush(stdout);
  pthread_exit(nullptr);
}

static void exceptions_stay_in_their_threads() {
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0, caught = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++)
    threads.emplace_back([&, i] {
      try {
        throw std::runtime_error("of thread " + std::to_string(i));
      } catch (const std::exception &error) {
        // All are inside their handlers at once, and leave in turn.
        std::unique_lock<std::mutex> lock(mutex);
        caught++;
        changed.notify_all();
        changed.wait(lock, [&] { return caught == 3 && turn == i; });
        printf("%s, %d in flight\n", error.what(), std::uncaught_exceptions());
        try {
          throw;
        } catch (const std::runtime_error &again) {
          printf("again %s\n", again.what());
        }
        turn++;
        changed.notify_all();
      }
    });
  for (auto &thread : threads) thread.join();
}

static void futures_and_once() {
  std::once_flag flag;
  int made = 0;
  std::vector<std::future<int>> futures;
  for (int i = 0; i < 10; i++)
    futures.push_back(std::async(std::launch::async, [&, i] {
      std::call_once(flag, [&] {
        usleep(1000);
        made++;
      });
      return i * made;
    }));
  int sum = 0;
  for (auto &future : futures) sum += future.get();
  printf("%d\n", sum);
  auto fails = std::async(std::launch::async, []() -> int { throw std::logic_error("carried over"); });
  try {
    fails.get();
  } catch (const std::logic_error &error) {
    puts(error.what());
  }
}

static void nobody_catches() {
  std::set_terminate([] {
    puts("terminate");
    fflush(stdout);
    _exit(9);
  });
  std::thread thread([] { throw 1; });
  thread.join();
}

CASES(CASE(thread_locals_are_destroyed_with_their_thread), CASE(exiting_destroys_what_is_on_the_stack), CASE(main_exits_and_destroys),
      CASE(exceptions_stay_in_their_threads), CASE(futures_and_once), CASE(nobody_catches))
