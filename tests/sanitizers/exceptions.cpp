/* Exceptions thrown, caught, held and thrown again while other coroutines run, with objects in every frame. */
#include "check.h"

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <string.h>
#include <unistd.h>

#include "co_routine.h"
#include "plain.h"

static stShareStack_t *stacks;
static int working, living;

struct Counted {
  std::string text;
  explicit Counted(int number) : text("a text too long for the short form, number " + std::to_string(number)) { living++; }
  ~Counted() { living--; }
};

static void throws(int depth, int number) {
  Counted here(number);
  char room[100];
  memset(room, number, sizeof room);
  if (depth % 5 == 0) co_yield_ct();
  if (depth == 0) throw std::runtime_error(here.text);
  throws(depth - 1, number);
  HOLDS(room[0] == static_cast<char>(number));
}

static void *catches(void *argument) {
  int number = *static_cast<int *>(argument);
  co_enable_hook_sys();
  for (int i = 0; i < 4; i++) {
    Counted one(number);
    bool caught = false;
    try {
      try {
        throws(3 + number % 11, number + i);
      } catch (const std::runtime_error &error) {
        HOLDS(error.what() == Counted(number + i).text);
        usleep(100);
        HOLDS(error.what() == Counted(number + i).text);
        try {
          throws(2, i);
        } catch (...) {
          co_yield_ct();
        }
        HOLDS(plain_work(3) == 4 * 2999);
        throw;
      }
    } catch (const std::exception &error) {
      co_yield_ct();
      HOLDS(std::current_exception() != nullptr);
      HOLDS(error.what() == Counted(number + i).text);
      caught = true;
    }
    HOLDS(caught && std::uncaught_exceptions() == 0);
  }
  working--;
  return nullptr;
}

static int nobody_works(void *coroutines) {
  for (stCoRoutine_t *co : *static_cast<std::vector<stCoRoutine_t *> *>(coroutines)) co_resume(co);
  return working == 0 ? -1 : 0;
}

int main(int count, char **arguments) {
  std::vector<stCoRoutine_t *> coroutines;
  std::vector<int> numbers;
  int many = getenv("SMALL") ? 10 : 60;
  alarm(240);
  if (count > 1 && strcmp(arguments[1], "shared") == 0) stacks = co_alloc_sharestack(2, 256 * 1024);
  working = many;
  for (int i = 0; i < many; i++) numbers.push_back(i);
  for (int i = 0; i < many; i++) {
    stCoRoutineAttr_t attr;
    stCoRoutine_t *co = nullptr;
    attr.share_stack = stacks;
    HOLDS(co_create(&co, &attr, catches, &numbers[static_cast<size_t>(i)]) == 0);
    coroutines.push_back(co);
  }
  co_eventloop(co_get_epoll_ct(), nobody_works, &coroutines);
  for (stCoRoutine_t *co : coroutines) co_release(co);
  HOLDS(living == 0);
  HOLDS(co_free_sharestack(stacks) == 0);
  puts("toured");
  return 0;
}
