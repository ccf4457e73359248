/* What is each coroutine's own: values by key, environment variables, errno, floating point control words. */
#include "check.h"

#include <fenv.h>
#include <math.h>

#include "co_routine_inner.h"

static int done;

/* ---- values by key ---------------------------------------------------------------------------------- */

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

/* ---- environment variables -------------------------------------------------------------------------- */

static const char *listed[] = {"MINE", NULL, "ALSO_MINE"};

static void list_names(void) {
  co_set_env_list(listed, 3);
  setenv("MINE", "process", 1);
  unsetenv("ALSO_MINE");
  setenv("COMMON", "process", 1);
}

static void *is_told(void *body) {
  co_enable_hook_sys();
  ((void (*)(void))body)();
  done++;
  return NULL;
}

/* Runs `body` in a coroutine with hooks on, and resumes it until it has ended. */
static void in_coroutine(void (*body)(void)) {
  stCoRoutine_t *co = spawn(is_told, (void *)body);
  int before = done;
  list_names();
  while (!co->cEnd) co_resume(co);
  CHECK_IS(done, before + 1);
  co_release(co);
}

static void sees_the_processs(void) {
  CHECK_TEXT(getenv("MINE"), "process");
  CHECK_TEXT(secure_getenv("MINE"), "process");
  CHECK(getenv("ALSO_MINE") == NULL);
  co_yield_ct();
}

TEST(a_listed_name_is_the_processs_until_it_is_set) { in_coroutine(sees_the_processs); }

static void *sets_its_own(void *value) {
  co_enable_hook_sys();
  CHECK_IS(setenv("MINE", value, 1), 0);
  CHECK_IS(setenv("ALSO_MINE", value, 0), 0);
  for (int i = 0; i < 3; i++) {
    CHECK_TEXT(getenv("MINE"), value);
    CHECK_TEXT(getenv("ALSO_MINE"), value);
    CHECK_TEXT(secure_getenv("MINE"), value);
    co_yield_ct();
  }
  done++;
  return NULL;
}

TEST(a_listed_name_is_the_coroutines_own_once_it_is_set) {
  static char values[20][10];
  stCoRoutine_t *all[20];
  list_names();
  for (int i = 0; i < 20; i++) {
    snprintf(values[i], sizeof *values, "own%d", i);
    all[i] = start(sets_its_own, values[i]);
    CHECK_TEXT(getenv("MINE"), "process");
    CHECK(getenv("ALSO_MINE") == NULL);
  }
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 20; i++) co_resume(all[i]);
  CHECK_IS(done, 20);
  for (int i = 0; i < 20; i++) co_release(all[i]);
  CHECK_TEXT(getenv("MINE"), "process");
}

static void sets_a_common_name(void) {
  CHECK_IS(setenv("COMMON", "changed", 1), 0);
  CHECK_TEXT(getenv("COMMON"), "changed");
  CHECK_IS(setenv("COMMON_TOO", "new", 1), 0);
}

TEST(other_names_are_everybodys) {
  in_coroutine(sets_a_common_name);
  CHECK_TEXT(getenv("COMMON"), "changed");
  CHECK_TEXT(getenv("COMMON_TOO"), "new");
}

static void does_not_overwrite(void) {
  CHECK_IS(setenv("MINE", "own", 0), 0);
  CHECK_TEXT(getenv("MINE"), "process");
  CHECK_IS(setenv("MINE", "own", 1), 0);
  CHECK_IS(setenv("MINE", "again", 0), 0);
  CHECK_TEXT(getenv("MINE"), "own");
  CHECK_IS(unsetenv("MINE"), 0);
  CHECK_IS(setenv("MINE", "third", 0), 0);
  CHECK_TEXT(getenv("MINE"), "third");
}

TEST(setenv_without_overwrite_keeps_what_the_coroutine_sees) {
  in_coroutine(does_not_overwrite);
  CHECK_TEXT(getenv("MINE"), "process");
}

static void unsets(void) {
  CHECK_IS(unsetenv("MINE"), 0);
  CHECK(getenv("MINE") == NULL);
  CHECK(secure_getenv("MINE") == NULL);
  CHECK_IS(unsetenv("MINE"), 0);
  CHECK_IS(unsetenv("COMMON"), 0);
  CHECK(getenv("COMMON") == NULL);
}

TEST(unsetenv_hides_a_listed_name_from_the_coroutine_alone) {
  in_coroutine(unsets);
  CHECK_TEXT(getenv("MINE"), "process");
  CHECK(getenv("COMMON") == NULL);
}

static char put[] = "MINE=first", put_common[] = "COMMON=put";

static void puts_strings(void) {
  CHECK_IS(putenv(put), 0);
  CHECK(getenv("MINE") == put + 5);
  strcpy(put + 5, "other");
  CHECK_TEXT(getenv("MINE"), "other");
  CHECK_IS(putenv(put_common), 0);
  CHECK_IS(putenv((char *)"MINE="), 0);
  CHECK_TEXT(getenv("MINE"), "");
  CHECK_IS(putenv((char *)"MINE"), 0);
  CHECK(getenv("MINE") == NULL);
}

TEST(putenv_makes_the_string_itself_the_coroutines_value) {
  in_coroutine(puts_strings);
  CHECK_TEXT(getenv("MINE"), "process");
  CHECK_TEXT(getenv("COMMON"), "put");
}

static void clears(void) {
  CHECK_IS(setenv("ALSO_MINE", "own", 1), 0);
  CHECK_IS(clearenv(), 0);
  CHECK(getenv("MINE") == NULL && getenv("ALSO_MINE") == NULL && getenv("COMMON") == NULL);
  CHECK_IS(setenv("MINE", "own", 1), 0);
  CHECK_TEXT(getenv("MINE"), "own");
}

TEST(clearenv_clears_listed_names_for_the_coroutine_and_the_others_for_all) {
  in_coroutine(clears);
  CHECK_TEXT(getenv("MINE"), "process");
  CHECK(getenv("ALSO_MINE") == NULL && getenv("COMMON") == NULL);
}

static void keeps_pointers(void) {
  char *values[100], text[20];
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "value %d", i);
    CHECK_IS(setenv("MINE", text, 1), 0);
    values[i] = getenv("MINE");
  }
  unsetenv("MINE");
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "value %d", i);
    CHECK_TEXT(values[i], text);
  }
}

TEST(what_getenv_gave_stays_valid_when_the_name_is_set_again) { in_coroutine(keeps_pointers); }

static void gives_wrong_names(void) {
  static const char *wrong[] = {"", "A=B", "="};
  for (int i = 0; i < 3; i++) {
    errno = 0;
    CHECK(setenv(wrong[i], "x", 1) == -1 && errno == EINVAL);
    errno = 0;
    CHECK(unsetenv(wrong[i]) == -1 && errno == EINVAL);
  }
  CHECK(getenv("") == NULL);
  CHECK(getenv("MINE=") == NULL);
  errno = 0;
  CHECK(setenv((char *)(uintptr_t)(done * 0), "x", 1) == -1 && errno == EINVAL);
}

TEST(wrong_names_are_refused_as_libc_does) {
  in_coroutine(gives_wrong_names);
  gives_wrong_names();
}

static void turns_hooks_off(void) {
  CHECK_IS(setenv("MINE", "own", 1), 0);
  co_disable_hook_sys();
  CHECK(!co_is_enable_sys_hook());
  CHECK_TEXT(getenv("MINE"), "process");
  CHECK_IS(setenv("MINE", "of all", 1), 0);
  co_enable_hook_sys();
  CHECK(co_is_enable_sys_hook());
  CHECK_TEXT(getenv("MINE"), "own");
}

TEST(with_hooks_off_every_name_is_the_processs) {
  in_coroutine(turns_hooks_off);
  CHECK_TEXT(getenv("MINE"), "of all");
}

static void uses_another_list(void) {
  char name[] = "COMMON";
  const char *names[] = {name};
  CHECK_IS(setenv("MINE", "own", 1), 0);
  co_set_env_list(names, 1);
  strcpy(name, "XXXXXX");
  CHECK_TEXT(getenv("MINE"), "process");
  CHECK_IS(setenv("COMMON", "own", 1), 0);
  CHECK_TEXT(getenv("COMMON"), "own");
  co_disable_hook_sys();
  CHECK_TEXT(getenv("COMMON"), "process");
  co_enable_hook_sys();
  co_set_env_list(NULL, 0);
  CHECK_TEXT(getenv("COMMON"), "process");
}

TEST(a_new_list_of_names_replaces_the_old_one) { in_coroutine(uses_another_list); }

static const char *expected = "process";

static void sees_its_old_variable(void) {
  CHECK_TEXT(getenv("MINE"), expected);
  setenv("MINE", "own", 1);
}

TEST(a_coroutine_that_begins_anew_keeps_its_variables) {
  list_names();
  stCoRoutine_t *co = start(is_told, (void *)sees_its_old_variable);
  expected = "own";
  co_reset(co);
  co_resume(co);
  CHECK_IS(done, 2);
  co_release(co);
}

/* ---- errno ------------------------------------------------------------------------------------------ */

static void *has_its_errno(void *argument) {
  int mine = (int)(intptr_t)argument;
  CHECK_IS(errno, 0);
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) {
    errno = mine + i;
    if (i % 2)
      co_yield_ct();
    else
      usleep(500);
    CHECK_IS(errno, mine + i);
  }
  done++;
  return NULL;
}

TEST(errno_is_each_coroutines_own) {
  stCoRoutine_t *all[50];
  errno = 4711;
  for (long i = 0; i < 50; i++) all[i] = start(has_its_errno, (void *)(i * 100));
  CHECK_IS(errno, 4711);
  while (done < 50) {
    loop_for(1);
    for (int i = 0; i < 50; i++) {
      errno = 4711 + i;
      co_resume(all[i]);
      CHECK_IS(errno, 4711 + i);
    }
  }
}

static void *begins_with_errno(void *unused) {
  CHECK_IS(errno, 0);
  errno = 99;
  return unused;
}

TEST(errno_begins_with_zero_also_after_a_reset) {
  stCoRoutine_t *co = start(begins_with_errno, NULL);
  co_reset(co);
  errno = 5;
  co_resume(co);
  CHECK_IS(errno, 5);
}

static void *fails_in_its_way(void *argument) {
  int bad = (int)(intptr_t)argument;
  char byte;
  co_enable_hook_sys();
  for (int i = 0; i < 20; i++) {
    if (bad)
      CHECK(read(-1, &byte, 1) == -1 && errno == EBADF);
    else
      CHECK(lseek(0, 0, 77) == -1 && (errno == EINVAL || errno == ESPIPE));
    int mine = errno;
    usleep(100);
    CHECK_IS(errno, mine);
  }
  done++;
  return NULL;
}

TEST(errno_of_a_call_survives_waiting) {
  for (long i = 0; i < 20; i++) start(fails_in_its_way, (void *)(i % 2));
  loop_until(&done, 20);
}

/* ---- floating point control words ------------------------------------------------------------------- */

static const int directions[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};

static unsigned mxcsr(void) {
  unsigned word;
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  return word & 0xffc0;
}

static void set_mxcsr(unsigned word) { __asm__ volatile("ldmxcsr %0" : : "m"(word)); }

static unsigned x87(void) {
  unsigned short word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  return word;
}

static void set_x87(unsigned word) {
  unsigned short narrow = (unsigned short)word;
  __asm__ volatile("fldcw %0" : : "m"(narrow));
}

static void *rounds_its_way(void *argument) {
  int way = directions[(intptr_t)argument % 4];
  volatile double one = 1, three = 3;
  volatile long double long_one = 1, long_three = 3;
  co_enable_hook_sys();
  CHECK_IS(fegetround(), FE_TONEAREST);
  CHECK_IS(fesetround(way), 0);
  double third = one / three;
  long double long_third = long_one / long_three;
  for (int i = 0; i < 10; i++) {
    if (i % 3)
      co_yield_ct();
    else
      usleep(200);
    CHECK_IS(fegetround(), way);
    CHECK(one / three == third && long_one / long_three == long_third);
  }
  done++;
  return NULL;
}

TEST(the_rounding_direction_is_each_coroutines_own) {
  stCoRoutine_t *all[40];
  for (long i = 0; i < 40; i++) {
    all[i] = start(rounds_its_way, (void *)i);
    CHECK_IS(fegetround(), FE_TONEAREST);
  }
  while (done < 40) {
    loop_for(1);
    CHECK_IS(fegetround(), FE_TONEAREST);
    for (int i = 0; i < 40; i++) co_resume(all[(i * 7) % 40]);
    CHECK_IS(fegetround(), FE_TONEAREST);
  }
}

static void *changes_mxcsr(void *unused) {
  unsigned before = mxcsr(), before_x87 = x87();
  /* Denormals are zero, results are flushed to zero. */
  set_mxcsr(before | 0x8040);
  co_yield_ct();
  CHECK_IS(mxcsr(), before | 0x8040);
  CHECK_IS(x87(), before_x87);
  return unused;
}

static void *changes_x87(void *unused) {
  unsigned before = x87(), before_mxcsr = mxcsr();
  /* Single precision. */
  set_x87(before & ~0x300u);
  co_yield_ct();
  CHECK_IS(x87(), before & ~0x300u);
  CHECK_IS(mxcsr(), before_mxcsr);
  return unused;
}

TEST(mxcsr_and_the_x87_control_word_do_not_leak) {
  unsigned sse = mxcsr(), fpu = x87();
  stCoRoutine_t *one = start(changes_mxcsr, NULL), *two = start(changes_x87, NULL);
  for (int i = 0; i < 2; i++) {
    CHECK(mxcsr() == sse && x87() == fpu);
    co_resume(one);
    CHECK(mxcsr() == sse && x87() == fpu);
    co_resume(two);
  }
  CHECK(mxcsr() == sse && x87() == fpu);
  CHECK(one->cEnd && two->cEnd);
}

static void *inherits(void *expected) {
  CHECK_IS(fegetround(), (int)(intptr_t)expected);
  fesetround(FE_DOWNWARD);
  done++;
  return NULL;
}

TEST(a_coroutine_begins_with_the_control_words_of_its_creator) {
  fesetround(FE_UPWARD);
  stCoRoutine_t *co = spawn(inherits, (void *)(intptr_t)FE_UPWARD);
  fesetround(FE_TONEAREST);
  co_resume(co);
  CHECK_IS(fegetround(), FE_TONEAREST);
  co_reset(co);
  co_resume(co);
  CHECK_IS(fegetround(), FE_TONEAREST);
  CHECK_IS(done, 2);
}

/* ---- whether hooks are on --------------------------------------------------------------------------- */

static void *switches_hooks(void *unused) {
  CHECK(!co_is_enable_sys_hook());
  co_enable_hook_sys();
  co_yield_ct();
  CHECK(co_is_enable_sys_hook());
  co_disable_hook_sys();
  co_yield_ct();
  CHECK(!co_is_enable_sys_hook());
  return unused;
}

TEST(whether_hooks_are_on_is_each_coroutines_own) {
  CHECK(!co_is_enable_sys_hook());
  stCoRoutine_t *one = start(switches_hooks, NULL), *two = start(switches_hooks, NULL);
  CHECK(!co_is_enable_sys_hook());
  co_resume(one);
  co_resume(two);
  CHECK(!co_is_enable_sys_hook());
  co_enable_hook_sys();
  CHECK(co_is_enable_sys_hook());
  co_resume(one);
  co_resume(two);
  CHECK(co_is_enable_sys_hook());
  CHECK(one->cEnd && two->cEnd);
}

RUN_TESTS
