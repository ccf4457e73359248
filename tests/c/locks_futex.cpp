/* Locks that programs build upon the system call futex themselves, as C++20's library does. */
#include "ticks.h"

#include <linux/futex.h>

#include <atomic>
#include <barrier>
#include <future>
#include <latch>
#include <semaphore>
#include <stdexcept>
#include <thread>

static int done;

static long futex(void *word, int operation, unsigned value, void *time, void *other, unsigned bits) {
  return syscall(SYS_futex, word, operation, value, time, other, bits);
}

static unsigned word;
static std::atomic<int> standing;

/* FUTEX_WAIT, for whoever runs it: counted once it has not much further to go. */
static long wait_for_word() {
  standing++;
  return futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void *waits(void *nothing) {
  co_enable_hook_sys();
  CHECK_IS(wait_for_word(), 0);
  done++;
  return nothing;
}

/* Wakes until `all` have been woken, who may not all wait yet, and who are no more. */
static void wake(long all) {
  long woken = 0;
  while (woken < all) {
    long more = futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0);
    NEED(more >= 0 && more <= 2);
    woken += more;
    usleep(1000);
  }
  CHECK_IS(woken, all);
  CHECK_IS(futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0), 0);
}

static void *wakes(void *all) {
  co_enable_hook_sys();
  wake((long)(intptr_t)all);
  done++;
  return NULL;
}

TEST(coroutines_that_wait_are_woken_by_a_coroutine_and_the_thread_goes_on) {
  start(tick, NULL);
  for (int i = 0; i < 20; i++) start(waits, NULL);
  CHECK_IS(standing, 20);
  start(wakes, (void *)20);
  loop_until(&done, 21);
  CHECK(ticks > 0);
}

TEST(a_plain_thread_wakes_coroutines) {
  for (int i = 0; i < 20; i++) start(waits, NULL);
  std::thread plain(wake, 20);
  loop_until(&done, 20);
  plain.join();
}

TEST(coroutines_wake_plain_threads_and_coroutines_and_each_is_counted) {
  std::atomic<int> ended{0};
  std::thread plain[5];
  for (std::thread &one : plain)
    one = std::thread([&ended] {
      CHECK_IS(wait_for_word(), 0);
      ended++;
    });
  for (int i = 0; i < 5; i++) start(waits, NULL);
  while (standing < 10) usleep(1000);
  start(wakes, (void *)10);
  loop_until(&done, 6);
  for (std::thread &one : plain) one.join();
  CHECK_IS(ended, 5);
}

static std::latch begun(20), over(1);
static std::barrier<> phases(21);
static std::counting_semaphore<> rooms(3);
static std::atomic<int> inside, most, phase;

static void *uses_everything(void *nothing) {
  co_enable_hook_sys();
  begun.count_down();
  over.wait();
  for (int i = 1; i <= 10; i++) {
    phases.arrive_and_wait();
    CHECK_IS(phase, i);
    phases.arrive_and_wait();
  }
  for (int i = 0; i < 10; i++) {
    rooms.acquire();
    int now = ++inside;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) continue;
    usleep(100);
    inside--;
    rooms.release();
  }
  done++;
  return nothing;
}

/* One step behind: it tells the others that a phase has begun before they go on. */
static void *leads(void *nothing) {
  co_enable_hook_sys();
  begun.wait();
  over.count_down();
  for (int i = 1; i <= 10; i++) {
    phase = i;
    phases.arrive_and_wait();
    phases.arrive_and_wait();
  }
  done++;
  return nothing;
}

TEST(latches_barriers_and_semaphores_of_cxx20_park) {
  start(leads, NULL);
  for (int i = 0; i < 20; i++) start(uses_everything, NULL);
  loop_until(&done, 21);
  CHECK(most <= 3 && most > 1);
}

static std::promise<int> answer;
static std::shared_future<int> answered;

static void *asks(void *nothing) {
  co_enable_hook_sys();
  CHECK(answered.wait_for(std::chrono::milliseconds(5)) == std::future_status::timeout);
  CHECK(answered.wait_until(std::chrono::system_clock::now()) == std::future_status::timeout);
  CHECK_IS(answered.get(), 42);
  done++;
  return nothing;
}

static void *answers(void *nothing) {
  co_enable_hook_sys();
  while (standing < 1) usleep(1000);
  answer.set_value(42);
  done++;
  return nothing;
}

TEST(futures_park_until_another_coroutine_keeps_the_promise) {
  answered = answer.get_future().share();
  start(tick, NULL);
  start(answers, NULL);
  for (int i = 0; i < 10; i++) start(asks, NULL);
  loop_for(50);
  CHECK_IS(done, 0);
  standing = 1;
  loop_until(&done, 11);
}

static int made;

struct Connection {
  int number;
  Connection() {
    usleep(20000);
    if (++made == 1) throw std::runtime_error("not yet");
    number = made;
  }
};

/* The compiler's own lock. */
static Connection &connection() {
  static Connection one;
  return one;
}

static void *connects(void *nothing) {
  co_enable_hook_sys();
  for (;;) try {
      CHECK_IS(connection().number, 2);
      break;
    } catch (const std::runtime_error &) {
    }
  done++;
  return nothing;
}

TEST(a_static_variable_is_made_once_while_others_wait_for_it) {
  /* As std::thread does: where the program is not to be loaded anywhere, the function's address is in its own code. */
  decltype(&pthread_create) volatile create = pthread_create;
  CHECK(create != nullptr);
  start(tick, NULL);
  for (int i = 0; i < 10; i++) start(connects, NULL);
  std::thread plain([] { CHECK(connection().number == 2); });
  loop_until(&done, 10);
  plain.join();
  CHECK_IS(made, 2);
  CHECK(ticks > 0);
}

static std::atomic<int> turn;

static void *takes_turns(void *me) {
  co_enable_hook_sys();
  for (int i = 0; i < 100; i++) {
    for (int seen; (seen = turn) % 5 != (int)(intptr_t)me;) turn.wait(seen);
    turn++;
    turn.notify_all();
  }
  done++;
  return NULL;
}

TEST(coroutines_and_a_plain_thread_take_turns_by_atomic_waits) {
  for (intptr_t i = 0; i < 4; i++) start(takes_turns, (void *)i);
  std::thread plain([] {
    for (int i = 0; i < 100; i++) {
      for (int seen; (seen = turn) % 5 != 4;) turn.wait(seen);
      turn++;
      turn.notify_all();
    }
  });
  loop_until(&done, 4);
  plain.join();
  CHECK_IS(turn, 500);
}

RUN_TESTS
