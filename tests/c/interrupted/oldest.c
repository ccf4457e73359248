/*
 * The oldest coroutine whose call a handler ends is the one that was made first, wherever what is known of it stands.
 */
#include "../check.h"

enum { WAITERS = 300 };
static int pairs[WAITERS][2], done, last;

static void handles(int signal) { (void)signal; }

static void signal_once(void) {
  NEED(pthread_kill(pthread_self(), SIGUSR1) == 0);
}

static void *reads(void *number) {
  long i = (long)number;
  char byte;
  co_enable_hook_sys();
  int result = read(pairs[i][0], &byte, 1);
  CHECK(result == -1 && errno == EINTR);
  last = i;
  done++;
  return NULL;
}

static void *yields(void *unused) {
  for (;;) co_yield_ct();
  return unused;
}

static void prepare(void) {
  struct sigaction one = {.sa_handler = handles};
  NEED(sigaction(SIGUSR1, &one, NULL) == 0);
  for (int i = 0; i < WAITERS; i++) NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) == 0);
}

static void expect(int number) {
  int before = done;
  signal_once();
  loop_for(5);
  CHECK_IS(done, before + 1);
  CHECK_IS(last, number);
}

TEST(a_coroutine_in_the_place_of_one_that_was_released_is_younger_than_those_that_were_there) {
  prepare();
  stCoRoutine_t *first = start(yields, NULL), *second = start(yields, NULL);
  start(reads, (void *)0);
  start(reads, (void *)1);
  co_release(second);
  start(reads, (void *)2);
  co_release(first);
  start(reads, (void *)3);
  for (int i = 0; i < 4; i++) expect(i);
}

TEST(of_many_that_come_in_the_places_of_others_each_is_interrupted_in_its_turn) {
  stCoRoutine_t *others[WAITERS];
  prepare();
  for (int i = 0; i < WAITERS; i++) others[i] = start(yields, NULL);
  for (long i = 0; i < WAITERS; i++) {
    if (i % 3) co_release(others[(i * 7) % WAITERS]);
    start(reads, (void *)i);
  }
  for (int i = 0; i < WAITERS; i++) expect(i);
}

TEST(one_that_was_reset_is_as_old_as_before) {
  prepare();
  stCoRoutine_t *first = start(reads, (void *)0);
  start(reads, (void *)1);
  co_reset(first);
  co_resume(first);
  expect(0);
  expect(1);
}

RUN_TESTS
