// co_closure.h: what is captured, how, and from where. No coroutine takes part.
#include "co_closure.h"

#include <pthread.h>
#include <string>
#include <vector>

#include "../common/lines.h"

static void no_variables() {
  static int runs;
  runs = 0;
  co_ref(empty);
  co_func(Bare) { ++runs; }
  co_func_end;
  co_func(WithEmpty, empty) { runs += static_cast<int>(sizeof(empty)) > 0; }
  co_func_end;
  Bare bare;
  bare.exec();
  bare.exec();
  WithEmpty with_empty(empty);
  with_empty.exec();
  CHECK(runs == 3);
}

static void references_and_copies() {
  int total = 1;
  int i = 10;
  co_ref(ref, total);
  co_func(Add, ref, i) {
    ref.total += i;
    i = 0;  // the object's own
  }
  co_func_end;
  Add add(ref, i);
  total = 2;
  i = 1000;
  add.exec();
  CHECK(total == 12);
  CHECK(i == 1000);
  add.exec();
  CHECK(total == 12);
}

static void six_and_eight_variables() {
  int a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
  co_ref(six, a, b, c, d, e, f);
  co_ref(eight, a, b, c, d, e, f, g, h);
  co_func(Six, six, g, h, a, b, c) { six.f = six.a + six.b + six.c + six.d + six.e + g + h + a + b + c; }
  co_func_end;
  co_func(Eight, a, b, c, d, e, f, g, eight) { eight.h = a + b + c + d + e + f + g; }
  co_func_end;
  Six(six, g, h, a, b, c).exec();
  CHECK(f == 15 + 15 + 6);
  f = 6;
  Eight(a, b, c, d, e, f, g, eight).exec();
  CHECK(h == 28);
}

static void any_type() {
  const int constant = 3;
  std::string text = "text";
  std::vector<std::string> list;
  std::string &alias = text;
  int array[2] = {1, 2};
  co_ref(ref, list, array, constant);
  co_func(Append, ref, text, alias, constant) {
    ref.list.push_back(text + alias);
    ref.array[0] += ref.constant + constant;
    text = "changed";
    alias = "changed";
  }
  co_func_end;
  Append append(ref, text, alias, constant);
  append.exec();
  CHECK(list.size() == 1 && list[0] == "texttext");
  CHECK(array[0] == 7);
  CHECK(text == "text");
  Append(ref, "other", "values", 4).exec();
  CHECK(list.size() == 2 && list[1] == "othervalues");
}

// One scope may hold several closures of the same variables, and a loop may make objects of one closure.
static void many_in_one_scope() {
  int total = 0;
  std::vector<stCoClosure_t *> tasks;
  co_ref(first, total);
  co_ref(second, total);
  for (int i = 0; i < 10; ++i) {
    co_func(Add, first, i) { first.total += i; }
    co_func_end;
    co_func(Subtract, second, i) { second.total -= 2 * i; }
    co_func_end;
    tasks.push_back(new Add(first, i));
    tasks.push_back(new Subtract(second, i));
  }
  for (size_t i = 0; i < tasks.size(); ++i) {
    tasks[i]->exec();
    delete tasks[i];
  }
  CHECK(total == -45);
}

static void destroyed_through_the_base() {
  static int alive;
  struct Counted {
    Counted() { ++alive; }
    Counted(const Counted &) { ++alive; }
    ~Counted() { --alive; }
  };
  {
    Counted counted;
    co_func(Hold, counted) { (void)counted; }
    co_func_end;
    stCoClosure_t *held = new Hold(counted);
    CHECK(alive == 2);
    delete held;
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

static void *run_closure(void *closure) {
  static_cast<stCoClosure_t *>(closure)->exec();
  return NULL;
}

static void runs_in_another_thread() {
  pthread_t here = pthread_self();
  int total = 5;
  bool elsewhere = false;
  co_ref(ref, total, here, elsewhere);
  co_func(Task, ref) {
    ref.total *= 2;
    ref.elsewhere = !pthread_equal(ref.here, pthread_self());
  }
  co_func_end;
  Task task(ref);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run_closure, &task) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(total == 10 && elsewhere);
}

template <class Number>
static Number twice(Number number) {
  Number result = Number();
  co_ref(ref, result);
  co_func(Double, ref, number) { ref.result = number + number; }
  co_func_end;
  Double(ref, number).exec();
  return result;
}

static void in_templates_and_in_each_other() {
  CHECK(twice(21) == 42);
  CHECK(twice(std::string("ab")) == "abab");
  int depth = 0;
  co_ref(outer, depth);
  co_func(Outer, outer) {
    int by = 3;
    co_ref(inner, by);
    co_func(Inner, inner, outer) { outer.depth += inner.by; }
    co_func_end;
    Inner(inner, outer).exec();
  }
  co_func_end;
  Outer(outer).exec();
  CHECK(depth == 3);
}

int main() {
  CASE("a closure without variables runs as often as it is asked to", no_variables);
  CASE("co_ref works on the originals and co_func on copies of its own", references_and_copies);
  CASE("six and eight variables are captured, by reference and by copy", six_and_eight_variables);
  CASE("constants, references, arrays and class types are captured", any_type);
  CASE("one scope holds several closures of the same variables", many_in_one_scope);
  CASE("deleting a closure through its base destroys the copies", destroyed_through_the_base);
  CASE("a closure runs in another thread", runs_in_another_thread);
  CASE("closures work in templates and in each other", in_templates_and_in_each_other);
  return 0;
}
