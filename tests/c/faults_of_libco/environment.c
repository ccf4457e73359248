/* Faults of environment variables and of look-ups of names. */
#include "faults.h"

#include <netdb.h>
#include <sys/stat.h>

static void looks_at_the_environment(void) { CHECK_TEXT(getenv("LISTED"), "process"); }

TEST(getenv_hides_the_processs_value_of_a_listed_name) {
  static const char *names[] = {"LISTED"};
  co_set_env_list(names, 1);
  setenv("LISTED", "process", 1);
  finish(looks_at_the_environment);
}

static char directory[] = "/tmp/faultsXXXXXX", pipe_of_names[64];

static void looks_up_nobody(void) {
  h_errno = 0;
  CHECK(gethostbyname("nobody") == NULL);
  CHECK(h_errno != 0);
}

static void works_meanwhile(void) {
  int writer = -1;
  for (int i = 0; i < 20; i++) {
    usleep(1000);
    CHECK_IS(done, 0);
  }
  /* The look-up reads a list of aliases first: a pipe that can be opened for writing once somebody reads it. */
  while ((writer = open(pipe_of_names, O_WRONLY | O_NONBLOCK)) < 0) usleep(1000);
  unlink(pipe_of_names);
  close(open(pipe_of_names, O_CREAT | O_WRONLY, 0600));
  close(writer);
}

static void look_up(void) {
  NEED(mkdtemp(directory) != NULL);
  snprintf(pipe_of_names, sizeof pipe_of_names, "%s/names", directory);
  NEED(mkfifo(pipe_of_names, 0600) == 0);
  setenv("HOSTALIASES", pipe_of_names, 1);
  setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
  go(looks_up_nobody);
  go(works_meanwhile);
  loop_until(&done, 2);
  unlink(pipe_of_names);
  rmdir(directory);
}

TEST(gethostbyname_blocks_the_thread) { look_up(); }

static void fails_and_succeeds(void) {
  h_errno = 0;
  CHECK(gethostbyname("") == NULL || h_errno == 0);
  CHECK(gethostbyname("999.999.999.999") == NULL);
  CHECK(h_errno != 0);
  usleep(1000);
  CHECK(h_errno != 0);
}

TEST(h_errno_is_never_set) {
  setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
  h_errno = 0;
  finish(fails_and_succeeds);
  CHECK_IS(h_errno, 0);
}

RUN_TESTS
