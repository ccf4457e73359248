// co_comm.h: clsCoMutex and clsSmartLock. Compiled with -DCOPY_MUTEX or -DCOPY_LOCK it must be refused.
#include "co_comm.h"

#include <poll.h>
#include <string>
#include <vector>

#include "../common/lines.h"

#if defined(COPY_MUTEX)
clsCoMutex copy_mutex(const clsCoMutex &mutex) { return mutex; }
#elif defined(COPY_LOCK)
clsSmartLock copy_lock(const clsSmartLock &lock) { return lock; }
#endif

// A coroutine of a test and its way to the end of it.
struct Worker {
  stCoRoutine_t *co;
  clsCoMutex *mutex;
  char letter;
  int rounds;
};

static int running, inside, overlaps, sections;
static std::string order;

static void pause_a_little() { poll(NULL, 0, 1); }

static int until_none_runs(void *) { return running == 0 ? -1 : 0; }

static void run(std::vector<Worker> &workers, void *(*body)(void *)) {
  running = static_cast<int>(workers.size());
  inside = overlaps = sections = 0;
  order.clear();
  for (size_t i = 0; i < workers.size(); ++i) {
    co_create(&workers[i].co, NULL, body, &workers[i]);
    co_resume(workers[i].co);
  }
}

static void finish(std::vector<Worker> &workers) {
  co_eventloop(co_get_epoll_ct(), until_none_runs, NULL);
  for (size_t i = 0; i < workers.size(); ++i) {
    CHECK(workers[i].co->cEnd);
    co_release(workers[i].co);
  }
}

static std::vector<Worker> make_workers(clsCoMutex *mutex, int count, int rounds) {
  std::vector<Worker> workers;
  for (int i = 0; i < count; ++i) {
    Worker worker = {NULL, mutex, static_cast<char>('A' + i), rounds};
    workers.push_back(worker);
  }
  return workers;
}

static void section(Worker *worker) {
  if (++inside != 1) ++overlaps;
  order += worker->letter;
  ++sections;
  pause_a_little();
  --inside;
}

static void *lock_in_rounds(void *arg) {
  Worker *worker = static_cast<Worker *>(arg);
  co_enable_hook_sys();
  for (int i = 0; i < worker->rounds; ++i) {
    worker->mutex->CoLock();
    section(worker);
    worker->mutex->CoUnLock();
    if (i % 3 == 1) pause_a_little();
  }
  --running;
  return NULL;
}

static void keeps_others_out() {
  clsCoMutex mutex;
  std::vector<Worker> workers = make_workers(&mutex, 20, 10);
  run(workers, lock_in_rounds);
  finish(workers);
  CHECK(overlaps == 0);
  CHECK(sections == 200);
}

static void first_come_first_served() {
  clsCoMutex mutex;
  std::vector<Worker> workers = make_workers(&mutex, 6, 1);
  run(workers, lock_in_rounds);
  finish(workers);
  CHECK(order == "ABCDEF");
}

static void relocking_comes_last() {
  clsCoMutex mutex;
  std::vector<Worker> workers = make_workers(&mutex, 3, 3);
  run(workers, lock_in_rounds);
  finish(workers);
  CHECK(order.substr(0, 6) == "ABCABC");
  CHECK(sections == 9 && overlaps == 0);
}

// Unlocks twice as fast as the woken one runs: the wake-up on its way must not be taken for another.
static void *unlock_and_relock_at_once(void *arg) {
  Worker *worker = static_cast<Worker *>(arg);
  co_enable_hook_sys();
  for (int i = 0; i < worker->rounds; ++i) {
    worker->mutex->CoLock();
    if (++inside != 1) ++overlaps;
    ++sections;
    --inside;
    worker->mutex->CoUnLock();
  }
  --running;
  return NULL;
}

static void loses_no_wakeup() {
  clsCoMutex mutex;
  std::vector<Worker> workers = make_workers(&mutex, 20, 200);
  mutex.CoLock();
  run(workers, unlock_and_relock_at_once);
  CHECK(sections == 0);
  mutex.CoUnLock();
  finish(workers);
  CHECK(sections == 4000 && overlaps == 0);
}

static void *hold_until_resumed(void *arg) {
  Worker *worker = static_cast<Worker *>(arg);
  worker->mutex->CoLock();
  co_yield_ct();
  worker->mutex->CoUnLock();
  --running;
  return NULL;
}

static void outside_a_free_mutex_is_locked() {
  clsCoMutex mutex;
  mutex.CoLock();
  std::vector<Worker> workers = make_workers(&mutex, 1, 1);
  run(workers, lock_in_rounds);
  CHECK(sections == 0);
  mutex.CoUnLock();
  finish(workers);
  CHECK(sections == 1);
}

static void outside_a_held_mutex_is_left_alone() {
  clsCoMutex mutex;
  std::vector<Worker> holder = make_workers(&mutex, 1, 1);
  run(holder, hold_until_resumed);
  mutex.CoLock();
  mutex.CoLock();
  mutex.CoUnLock();
  mutex.CoUnLock();
  std::vector<Worker> waiter = make_workers(&mutex, 1, 1);
  run(waiter, lock_in_rounds);
  CHECK(sections == 0);
  running = 2;
  co_resume(holder[0].co);
  CHECK(holder[0].co->cEnd);
  finish(waiter);
  CHECK(sections == 1);
  co_release(holder[0].co);
}

static void *smart_lock_body(void *arg) {
  Worker *worker = static_cast<Worker *>(arg);
  co_enable_hook_sys();
  for (int i = 0; i < worker->rounds; ++i) {
    clsSmartLock lock(worker->mutex);
    section(worker);
    if (i == 1) continue;
  }
  --running;
  return NULL;
}

static void smart_lock_unlocks() {
  clsCoMutex mutex;
  std::vector<Worker> workers = make_workers(&mutex, 4, 3);
  run(workers, smart_lock_body);
  finish(workers);
  CHECK(sections == 12 && overlaps == 0);
}

int main() {
  CASE("a coroutine that holds the mutex across a wait keeps the others out", keeps_others_out);
  CASE("the mutex goes to those who wait in the order of their coming", first_come_first_served);
  CASE("a coroutine that unlocks and locks again comes last", relocking_comes_last);
  CASE("unlocking and locking again at once loses no wake-up", loses_no_wakeup);
  CASE("outside of coroutines a free mutex is locked", outside_a_free_mutex_is_locked);
  CASE("outside of coroutines a held mutex is left alone, by lock and unlock", outside_a_held_mutex_is_left_alone);
  CASE("clsSmartLock unlocks on every way out of its scope", smart_lock_unlocks);
  return 0;
}
