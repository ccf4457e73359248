/* Values by key: one for each coroutine, destroyed with it. */
#include "../check.h"

static int done;

static pthread_key_t key, other_key;
static long destroyed, calls;

static void adds_up(void *value) {
  destroyed += (long)(intptr_t)value;
  calls++;
}

static void *has_a_value(void *value) {
  CHECK(co_getspecific(key) == NULL);
  CHECK_IS(co_setspecific(key, value), 0);
  co_yield_ct();
  CHECK(co_getspecific(key) == value);
  CHECK_IS(co_setspecific(key, (char *)value + 1), 0);
  co_yield_ct();
  CHECK(co_getspecific(key) == (char *)value + 1);
  done++;
  return NULL;
}

TEST(each_coroutine_has_its_own_value) {
  enum { N = 100 };
  stCoRoutine_t *all[N];
  CHECK_IS(pthread_key_create(&key, NULL), 0);
  for (long i = 0; i < N; i++) all[i] = start(has_a_value, (void *)(i * 10));
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < N; i++) co_resume(all[(i * 13) % N]);
  CHECK_IS(done, N);
}

static void *sees_both(void *unused) {
  CHECK(co_getspecific(key) == NULL);
  CHECK(pthread_getspecific(key) == (void *)1);
  co_setspecific(key, (void *)2);
  CHECK(pthread_getspecific(key) == (void *)1);
  pthread_setspecific(key, (void *)3);
  CHECK(co_getspecific(key) == (void *)2);
  return unused;
}

TEST(outside_any_coroutine_the_values_are_the_threads) {
  CHECK_IS(pthread_key_create(&key, NULL), 0);
  CHECK(co_getspecific(key) == NULL);
  CHECK_IS(co_setspecific(key, (void *)1), 0);
  CHECK(pthread_getspecific(key) == (void *)1);
  co_release(start(sees_both, NULL));
  CHECK(co_getspecific(key) == (void *)3);
  CHECK_IS(co_setspecific(99999, (void *)1), EINVAL);
  CHECK(co_getspecific(99999) == NULL);
}

static void *ends_with_a_value(void *value) {
  CHECK_IS(co_setspecific(key, value), 0);
  return NULL;
}

static void *yields_with_a_value(void *value) {
  CHECK_IS(co_setspecific(key, value), 0);
  co_yield_ct();
  return NULL;
}

TEST(the_destructor_gets_the_value_when_the_coroutine_ends) {
  CHECK_IS(pthread_key_create(&key, adds_up), 0);
  stCoRoutine_t *co = start(ends_with_a_value, (void *)5);
  CHECK(destroyed == 5 && calls == 1);
  co_release(co);
  CHECK(destroyed == 5 && calls == 1);
}

TEST(the_destructor_gets_the_value_when_the_coroutine_is_released) {
  CHECK_IS(pthread_key_create(&key, adds_up), 0);
  stCoRoutine_t *co = start(yields_with_a_value, (void *)6);
  CHECK_IS(calls, 0);
  co_release(co);
  CHECK(destroyed == 6 && calls == 1);
}

TEST(the_destructor_gets_the_value_when_the_coroutine_is_reset) {
  CHECK_IS(pthread_key_create(&key, adds_up), 0);
  stCoRoutine_t *co = start(has_a_value, (void *)7);
  co_reset(co);
  CHECK(destroyed == 7 && calls == 1);
  co_resume(co);
  co_release(co);
  CHECK(destroyed == 14 && calls == 2);
}

static void *leaves_values(void *unused) {
  start(yields_with_a_value, (void *)8);
  stCoRoutine_t *co = spawn(ends_with_a_value, (void *)100);
  CHECK_IS(calls, 0);
  (void)co;
  return unused;
}

TEST(the_destructor_gets_the_value_when_the_thread_ends) {
  pthread_t thread;
  CHECK_IS(pthread_key_create(&key, adds_up), 0);
  pthread_create(&thread, NULL, leaves_values, NULL);
  pthread_join(thread, NULL);
  CHECK(destroyed == 8 && calls == 1);
}

static void *sets_null(void *unused) {
  CHECK_IS(co_setspecific(key, (void *)9), 0);
  CHECK_IS(co_setspecific(key, NULL), 0);
  CHECK(co_getspecific(key) == NULL);
  return unused;
}

TEST(a_value_of_null_has_no_destructor_called) {
  CHECK_IS(pthread_key_create(&key, adds_up), 0);
  co_release(start(sets_null, NULL));
  CHECK_IS(calls, 0);
}

static void sets_another(void *value) {
  calls++;
  destroyed += (long)(intptr_t)value;
  if ((intptr_t)value < 3) CHECK_IS(co_setspecific(key, (char *)value + 1), 0);
}

TEST(a_destructor_may_set_values_again_and_they_are_destroyed_too) {
  CHECK_IS(pthread_key_create(&key, sets_another), 0);
  co_release(start(ends_with_a_value, (void *)1));
  CHECK(calls == 3 && destroyed == 6);
}

static void sets_for_ever(void *value) {
  calls++;
  co_setspecific(key, value);
}

TEST(a_destructor_that_always_sets_a_value_comes_to_an_end) {
  CHECK_IS(pthread_key_create(&key, sets_for_ever), 0);
  co_release(start(ends_with_a_value, (void *)1));
  CHECK(calls >= 1 && calls <= 16);
}

static void releases_its_value(void *co) {
  calls++;
  co_release(co);
}

TEST(a_destructor_may_release_another_coroutine) {
  CHECK_IS(pthread_key_create(&key, releases_its_value), 0);
  stCoRoutine_t *one = start(yields_with_a_value, NULL), *two = start(yields_with_a_value, one),
                *three = start(yields_with_a_value, two);
  co_release(three);
  CHECK_IS(calls, 2);
}

static void *uses_bad_keys(void *unused) {
  static const pthread_key_t bad[] = {1023, 1024, 99999, (pthread_key_t)-1};
  for (int i = 0; i < 4; i++) {
    CHECK_IS(co_setspecific(bad[i], &done), EINVAL);
    CHECK(co_getspecific(bad[i]) == NULL);
  }
  CHECK_IS(errno, 0);
  done++;
  return unused;
}

TEST(invalid_keys_are_refused) {
  errno = 0;
  co_release(start(uses_bad_keys, NULL));
  CHECK_IS(done, 1);
}

static void *outlives_a_key(void *unused) {
  CHECK_IS(co_setspecific(key, (void *)50), 0);
  CHECK_IS(pthread_key_delete(key), 0);
  CHECK(co_getspecific(key) == NULL);
  CHECK_IS(co_setspecific(key, (void *)51), EINVAL);
  CHECK_IS(pthread_key_create(&other_key, adds_up), 0);
  CHECK_IS(other_key, key);
  CHECK(co_getspecific(other_key) == NULL);
  co_yield_ct();
  CHECK_IS(co_setspecific(other_key, (void *)60), 0);
  CHECK(co_getspecific(other_key) == (void *)60);
  return unused;
}

TEST(a_deleted_key_takes_its_values_along_even_when_it_is_made_again) {
  CHECK_IS(pthread_key_create(&key, adds_up), 0);
  stCoRoutine_t *one = start(outlives_a_key, NULL);
  stCoRoutine_t *two = start(yields_with_a_value, (void *)1);
  co_resume(one);
  co_release(one);
  CHECK(destroyed == 60 && calls == 1);
  CHECK_IS(pthread_key_delete(key), 0);
  co_release(two);
  CHECK(destroyed == 60 && calls == 1);
}

enum { KEYS = 1000 };
static pthread_key_t keys[KEYS];

static void *uses_many_keys(void *argument) {
  intptr_t me = (intptr_t)argument;
  for (int i = 0; i < KEYS; i++) CHECK_IS(co_setspecific(keys[(i * 7) % KEYS], (void *)(me + (i * 7) % KEYS)), 0);
  co_yield_ct();
  for (int i = 0; i < KEYS; i++) CHECK_IS((intptr_t)co_getspecific(keys[i]), me + i);
  done++;
  return NULL;
}

TEST(a_thousand_keys_each_have_a_value) {
  for (int i = 0; i < KEYS; i++) NEED(pthread_key_create(&keys[i], adds_up) == 0);
  stCoRoutine_t *all[5];
  for (long i = 0; i < 5; i++) all[i] = start(uses_many_keys, (void *)(i * 10000 + 1));
  for (int i = 0; i < 5; i++) co_resume(all[i]);
  CHECK_IS(done, 5);
  CHECK_IS(calls, 5 * KEYS);
  for (int i = 0; i < 5; i++) co_release(all[i]);
  CHECK_IS(calls, 5 * KEYS);
}

static void *sees_an_old_value(void *old) {
  CHECK(co_getspecific(key) == *(void **)old);
  CHECK(co_getspecific(other_key) == NULL);
  co_setspecific(key, &key);
  co_setspecific(other_key, &other_key);
  return NULL;
}

TEST(a_coroutine_that_begins_anew_has_the_values_that_nobody_destroyed) {
  void *old = NULL;
  CHECK_IS(pthread_key_create(&key, NULL), 0);
  CHECK_IS(pthread_key_create(&other_key, adds_up), 0);
  stCoRoutine_t *co = start(sees_an_old_value, &old);
  CHECK_IS(calls, 1);
  old = &key;
  co_reset(co);
  co_resume(co);
  CHECK_IS(calls, 2);
  co_release(co);
}

RUN_TESTS
