// co_routine_specific.h: one value for each coroutine, made at its first use and destroyed with it.
#include "co_routine_specific.h"

#include <pthread.h>
#include <stdexcept>
#include <string>

#include "../common/lines.h"
#include "co_routine_inner.h"

struct Plain {
  int number;
  char text[64];
};

struct Counted {
  static int made, destroyed;
  std::string text;
  Counted() : text("fresh") { ++made; }
  ~Counted() { ++destroyed; }
};
int Counted::made, Counted::destroyed;

struct Failing {
  static bool fail;
  int number;
  Failing() : number(5) {
    if (fail) throw std::runtime_error("not now");
  }
};
bool Failing::fail;

CO_ROUTINE_SPECIFIC(Plain, plain);
CO_ROUTINE_SPECIFIC(Plain, other_plain);
CO_ROUTINE_SPECIFIC(Counted, counted);
CO_ROUTINE_SPECIFIC(Failing, failing);
CO_ROUTINE_SPECIFIC(int, same_name);

namespace elsewhere {
CO_ROUTINE_SPECIFIC(std::string, plain);
}

// The object of the same name and type in specific_other.cpp.
int *same_name_of_the_other_file();

static stCoRoutine_t *start(void *(*body)(void *), void *arg) {
  stCoRoutine_t *co = NULL;
  co_create(&co, NULL, body, arg);
  co_resume(co);
  return co;
}

static int unexpected;

static void *own_number(void *arg) {
  const int mine = *static_cast<int *>(arg);
  if (plain->number != 0 || plain->text[63] != 0) ++unexpected;
  if (other_plain->number != 0) ++unexpected;
  plain->number = mine;
  const Plain *const address = &*plain;
  for (int i = 0; i < 3; ++i) {
    co_yield_ct();
    if (plain->number != mine || &*plain != address) ++unexpected;
    if (other_plain->number != 0) ++unexpected;
  }
  return NULL;
}

static void one_value_each() {
  enum { N = 10 };
  stCoRoutine_t *co[N];
  int number[N];
  unexpected = 0;
  plain->number = 99;
  for (int i = 0; i < N; ++i) {
    number[i] = i + 1;
    co[i] = start(own_number, &number[i]);
  }
  for (int round = 0; round < 3; ++round)
    for (int i = N; i-- > 0;) co_resume(co[i]);
  for (int i = 0; i < N; ++i) {
    CHECK(co[i]->cEnd);
    co_release(co[i]);
  }
  CHECK(unexpected == 0);
  CHECK(plain->number == 99);
}

static void *use_counted(void *) {
  if (counted->text != "fresh") ++unexpected;
  counted->text = "used and long enough to be on the heap of any implementation";
  co_yield_ct();
  return NULL;
}

static void *use_nothing(void *) { return NULL; }

static void made_at_first_use() {
  Counted::made = Counted::destroyed = 0;
  unexpected = 0;
  stCoRoutine_t *idle = start(use_nothing, NULL);
  CHECK(Counted::made == 0);
  stCoRoutine_t *one = start(use_counted, NULL);
  stCoRoutine_t *two = start(use_counted, NULL);
  CHECK(Counted::made == 2 && Counted::destroyed == 0);
  co_resume(one);
  co_resume(two);
  co_release(one);
  co_release(two);
  co_release(idle);
  CHECK(Counted::made == 2 && Counted::destroyed == 2);
  CHECK(unexpected == 0);
}

static void destroyed_at_the_end() {
  Counted::made = Counted::destroyed = 0;
  stCoRoutine_t *co = start(use_counted, NULL);
  CHECK(Counted::destroyed == 0);
  co_resume(co);
  CHECK(co->cEnd);
  CHECK(Counted::destroyed == 1);
  co_release(co);
  CHECK(Counted::destroyed == 1);
}

static void reset_and_release_destroy() {
  Counted::made = Counted::destroyed = 0;
  unexpected = 0;
  stCoRoutine_t *co = start(use_counted, NULL);
  co_reset(co);
  CHECK(Counted::made == 1 && Counted::destroyed == 1);
  co_resume(co);
  CHECK(Counted::made == 2 && Counted::destroyed == 1);
  co_release(co);
  CHECK(Counted::destroyed == 2);
  CHECK(unexpected == 0);
}

static void *use_in_thread(void *where) {
  if (plain->number != 0) return NULL;
  plain->number = 1;
  counted->text = "thread";
  *static_cast<Plain **>(where) = &*plain;
  return where;
}

static void one_value_a_thread() {
  Counted::made = Counted::destroyed = 0;
  Plain *theirs = NULL;
  pthread_t thread;
  void *result = NULL;
  plain->number = 99;
  CHECK(pthread_create(&thread, NULL, use_in_thread, &theirs) == 0);
  CHECK(pthread_join(thread, &result) == 0);
  CHECK(result == &theirs);
  CHECK(theirs != &*plain && plain->number == 99);
  CHECK(Counted::made == 1 && Counted::destroyed == 1);
}

static void *fail_then_succeed(void *) {
  Failing::fail = true;
  bool thrown = false;
  try {
    failing->number = 1;
  } catch (const std::runtime_error &) {
    thrown = true;
  }
  Failing::fail = false;
  if (!thrown || failing->number != 5) ++unexpected;
  return NULL;
}

static void throwing_constructor() {
  unexpected = 0;
  co_release(start(fail_then_succeed, NULL));
  CHECK(unexpected == 0);
}

static void names_are_apart() {
  *same_name = 1;
  CHECK(same_name_of_the_other_file() != &*same_name);
  *same_name_of_the_other_file() = 2;
  CHECK(*same_name == 1);
  plain->number = 3;
  *elsewhere::plain = "text";
  CHECK(plain->number == 3 && *elsewhere::plain == "text");
}

int main() {
  CASE("each coroutine has a value of its own, zero at first, kept over yields", one_value_each);
  CASE("the value is made by the first use and only there", made_at_first_use);
  CASE("the value is destroyed when the body has returned", destroyed_at_the_end);
  CASE("co_reset and co_release destroy the value of an unfinished coroutine", reset_and_release_destroy);
  CASE("outside of coroutines each thread has a value, destroyed with it", one_value_a_thread);
  CASE("a constructor's exception reaches the user and the next use tries again", throwing_constructor);
  CASE("equal names in two files or two namespaces are different objects", names_are_apart);
  return 0;
}
