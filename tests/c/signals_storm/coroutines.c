/* Coroutines come and go, wait for conditions and keep what is their own in a storm. */
#include "storm.h"

/* ---- creation and release --------------------------------------------------------------------------- */

static void *lives_a_little(void *argument) {
  volatile char room[2000];
  enabled();
  room[0] = room[sizeof room - 1] = *(char *)argument;
  for (int i = 0; i < *(char *)argument % 3; i++) co_yield_ct();
  if (*(char *)argument % 4 == 0) usleep(100);
  CHECK(room[0] == room[sizeof room - 1]);
  return NULL;
}

static void create_and_release(void) {
  enum { LIVING = 50 };
  static const int sizes[] = {0, 16 * 1024, 32 * 1024, 128 * 1024, 1 << 20};
  stShareStack_t *shared = co_alloc_sharestack(2, 64 * 1024);
  stCoRoutine_t *living[LIVING] = {NULL};
  char numbers[LIVING];
  struct dice dice = cast_dice();
  while (time_is_left()) {
    unsigned i = below(&dice, LIVING);
    if (living[i] == NULL) {
      numbers[i] = (char)below(&dice, 100);
      living[i] = spawn_on(below(&dice, 2) ? shared : NULL, sizes[below(&dice, 5)], lives_a_little, &numbers[i]);
    }
    switch (below(&dice, 4)) {
      case 0:
        co_reset(living[i]);
        break;
      case 1:
        co_release(living[i]);
        living[i] = NULL;
        done++;
        break;
      default:
        co_resume(living[i]);
    }
  }
  for (int i = 0; i < LIVING; i++) co_release(living[i]);
  CHECK(co_free_sharestack(shared) == 0);
}

TEST(coroutines_are_made_reset_and_released_in_a_storm) { stormy(create_and_release); }

/* ---- conditions ------------------------------------------------------------------------------------- */

static stCoCond_t *cond;
static long put, taken;

static void *produces(void *argument) {
  struct job *job = argument;
  enabled();
  while (time_is_left()) {
    put += 3;
    if (below(&job->dice, 2))
      co_cond_broadcast(cond);
    else
      for (int i = 0; i < 3; i++) co_cond_signal(cond);
    usleep(below(&job->dice, 300));
  }
  working--;
  return NULL;
}

static void *consumes(void *argument) {
  struct job *job = argument;
  enabled();
  while (time_is_left() || taken < put) {
    if (taken < put) {
      taken++;
      done++;
    } else {
      int ms = 1 + (int)below(&job->dice, 5);
      long long before = now_ns();
      if (co_cond_timedwait(cond, ms) != 0) {
        CHECK_IS(errno, ETIMEDOUT);
        CHECK(now_ns() - before >= ms * 1000000LL);
      }
    }
  }
  working--;
  return NULL;
}

static void *either(void *argument) { return ((struct job *)argument)->number < 10 ? produces(argument) : consumes(argument); }

static void use_conditions(void) {
  enum { COUNT = 60 };
  struct job jobs[COUNT];
  for (int i = 0; i < COUNT; i++) jobs[i] = (struct job){.number = i, .dice = {(uint64_t)i}};
  cond = co_cond_alloc();
  run_jobs(jobs, COUNT, either, NULL);
  CHECK_IS(taken, put);
  CHECK(co_cond_free(cond) == 0);
}

TEST(conditions_serve_in_a_storm) { stormy(use_conditions); }

/* ---- what is a coroutine's own ---------------------------------------------------------------------- */

static pthread_key_t key;

static void *keeps_its_own(void *argument) {
  struct job *job = argument;
  char mine[20];
  enabled();
  snprintf(mine, sizeof mine, "%d", job->number);
  CHECK(setenv("STORM_LISTED", mine, 1) == 0);
  CHECK(co_setspecific(key, job) == 0);
  while (time_is_left()) {
    unsigned micros = below(&job->dice, 2000);
    long long before = now_ns();
    errno = job->number;
    if (usleep(micros) == 0) {
      CHECK_IS(errno, job->number);
      CHECK(now_ns() - before >= micros * 1000LL);
    } else {
      CHECK_IS(errno, EINTR);
    }
    CHECK_TEXT(getenv("STORM_LISTED"), mine);
    CHECK(co_getspecific(key) == job);
    done++;
  }
  working--;
  return NULL;
}

static void keep_own_things(void) {
  enum { COUNT = 200 };
  struct job jobs[COUNT];
  NEED(pthread_key_create(&key, NULL) == 0);
  for (int i = 0; i < COUNT; i++) jobs[i] = (struct job){.number = i, .dice = {(uint64_t)i}};
  run_jobs(jobs, COUNT, keeps_its_own, NULL);
}

TEST(errno_values_variables_and_sleeps_are_a_coroutines_own_in_a_storm) { stormy(keep_own_things); }

RUN_TESTS
