/* Who runs when: resuming, yielding, nesting, co_self; and all of it in random orders. */
#include "steps.h"

TEST(a_coroutine_runs_when_it_is_resumed_and_not_before) {
  stCoRoutine_t *co = spawn(three_steps, "a");
  CHECK_TEXT(trace, "");
  co_resume(co);
  CHECK_TEXT(trace, "a");
  co_release(co);
}

TEST(resumes_and_yields_alternate) {
  stCoRoutine_t *a = spawn(three_steps, "a"), *b = spawn(three_steps, "b");
  for (int i = 0; i < 4; i++) {
    co_resume(a);
    note(".");
    co_resume(b);
  }
  CHECK_TEXT(trace, "a.ba.ba.b!.!");
  co_release(a);
  co_release(b);
}

static void *yields_to_anyone(void *other) {
  note("1");
  co_yield(other);
  note("2");
  co_yield(NULL);
  note("3");
  co_yield_env(co_get_curr_thread_env());
  note("4");
  return NULL;
}

TEST(every_way_to_yield_gives_control_to_the_resumer_whatever_it_is_given) {
  stCoRoutine_t *other = spawn(three_steps, "x"), *co = spawn(yields_to_anyone, other);
  for (int i = 0; i < 4; i++) {
    co_resume(co);
    note(".");
  }
  CHECK_TEXT(trace, "1.2.3.4.");
  co_release(co);
  co_release(other);
}

static void *keeps_its_registers(void *argument) {
  long a = (long)argument, b = a * 3, c = a * 5, d = a * 7, e = a * 11, f = a * 13;
  double x = (double)a / 3;
  for (int i = 0; i < 10; i++) {
    co_yield_ct();
    CHECK(b == a * 3 && c == a * 5 && d == a * 7 && e == a * 11 && f == a * 13 && x == (double)a / 3);
  }
  return NULL;
}

TEST(locals_and_arguments_are_each_coroutines_own) {
  enum { N = 100 };
  stCoRoutine_t *all[N];
  for (long i = 0; i < N; i++) all[i] = spawn(keeps_its_registers, (void *)(i + 1));
  for (int round = 0; round < 11; round++)
    for (int i = 0; i < N; i++) co_resume(all[(i * 37 + round) % N]);
  for (int i = 0; i < N; i++) {
    CHECK(all[i]->cEnd);
    co_release(all[i]);
  }
}

static stCoRoutine_t *chain[3];

static void *link_of_chain(void *argument) {
  long i = (long)argument;
  char name[] = {(char)('a' + i), 0}, end[] = {(char)('A' + i), 0};
  note(name);
  if (i < 2) co_resume(chain[i + 1]);
  note(name);
  co_yield_ct();
  if (i < 2) co_resume(chain[i + 1]);
  note(end);
  return NULL;
}

TEST(nested_coroutines_yield_to_the_one_that_resumed_them) {
  for (long i = 0; i < 3; i++) chain[i] = spawn(link_of_chain, (void *)i);
  co_resume(chain[0]);
  CHECK_TEXT(trace, "abccba");
  co_resume(chain[0]);
  CHECK_TEXT(trace, "abccbaCBA");
  for (int i = 0; i < 3; i++) co_release(chain[i]);
}

TEST(a_coroutine_yields_to_its_latest_resumer_not_to_its_first) {
  stCoRoutine_t *shared = spawn(three_steps, "s"), *one = spawn(resumes_its_argument, shared),
                *two = spawn(resumes_its_argument, shared);
  co_resume(one);
  note(".");
  co_resume(two);
  note(".");
  co_resume(shared);
  CHECK_TEXT(trace, "sr.sr.s");
  co_release(one);
  co_release(two);
  co_release(shared);
}

static int deepest, returned;
enum { DEPTH = 10000 };

static void *goes_deeper(void *argument) {
  intptr_t depth = (intptr_t)argument;
  stCoRoutine_t *next = NULL;
  deepest = (int)depth;
  if (depth < DEPTH) {
    next = spawn_on(NULL, 16384, goes_deeper, (void *)(depth + 1));
    co_resume(next);
    CHECK(!next->cEnd);
  }
  co_yield_ct();
  if (next) {
    co_resume(next);
    CHECK(next->cEnd);
    CHECK_IS(returned, DEPTH - depth);
    co_release(next);
  }
  returned++;
  return NULL;
}

TEST(call_stacks_nest_ten_thousand_deep) {
  stCoRoutine_t *first = spawn_on(NULL, 16384, goes_deeper, (void *)1);
  co_resume(first);
  CHECK_IS(deepest, DEPTH);
  CHECK_IS(returned, 0);
  co_resume(first);
  CHECK(first->cEnd);
  CHECK_IS(returned, DEPTH);
  co_release(first);
}

/* ---- co_self ---------------------------------------------------------------------------------------- */

static void *knows_itself(void *place) {
  *(stCoRoutine_t **)place = co_self();
  CHECK(GetCurrThreadCo() == co_self());
  CHECK(!co_self()->cIsMain);
  return NULL;
}

static void *knows_its_child(void *unused) {
  stCoRoutine_t *me = co_self(), *seen = NULL, *child = start(knows_itself, &seen);
  (void)unused;
  CHECK(seen == child && child != me);
  CHECK(co_self() == me);
  co_release(child);
  return NULL;
}

TEST(co_self_is_the_running_coroutine_and_outside_any_the_threads_own) {
  CHECK(co_self() == NULL);
  stCoRoutine_t *seen = NULL, *co = spawn(knows_itself, &seen), *thread = co_self();
  CHECK(thread != NULL && thread->cIsMain);
  co_resume(co);
  CHECK(seen == co);
  CHECK(co_self() == thread);
  co_release(co);
  co_release(start(knows_its_child, NULL));
}

/* ---- everything at once ----------------------------------------------------------------------------- */

struct player {
  stCoRoutine_t *co;
  int step, expected, active;
};

enum { PLAYERS = 500 };
static struct player players[PLAYERS];
static struct dice dice;

static void *plays(void *argument) {
  struct player *me = argument;
  volatile int step = 0;
  uint64_t mark = roll(&dice);
  volatile uint64_t kept[4] = {mark, mark + 1, mark + 2, mark + 3};
  me->step = 0;
  while (below(&dice, 20)) {
    struct player *next = &players[below(&dice, PLAYERS)];
    me->active = 1;
    if (below(&dice, 3) == 0 && next->co && !next->active) {
      co_resume(next->co);
    } else if (below(&dice, 40) == 0 && next->co && !next->active) {
      co_reset(next->co);
      next->step = 0;
    } else {
      me->active = 0;
      co_yield_ct();
      me->active = 1;
    }
    CHECK_IS(me->step, step);
    me->step = ++step;
    for (int i = 0; i < 4; i++) CHECK(kept[i] == mark + (uint64_t)i);
    CHECK(co_self() == me->co);
  }
  me->active = 0;
  return NULL;
}

TEST(random_orders_of_everything_keep_every_coroutine_whole) {
  dice = cast_dice();
  for (int i = 0; i < 200000; i++) {
    struct player *one = &players[below(&dice, PLAYERS)];
    if (!one->co) {
      one->co = spawn_on(NULL, 16384 << below(&dice, 3), plays, one);
      one->active = 0;
    } else if (one->co->cEnd && below(&dice, 2)) {
      co_reset(one->co);
    } else if (below(&dice, 30) == 0) {
      co_release(one->co);
      one->co = NULL;
    } else {
      co_resume(one->co);
    }
  }
  for (int i = 0; i < PLAYERS; i++) co_release(players[i].co);
}

RUN_TESTS
