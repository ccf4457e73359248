/* Environment variables: those with listed names are each coroutine's own, with hooks on. */
#include "../check.h"

#include "co_routine_inner.h"

static int done;

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

RUN_TESTS
