/* Faults of connect and accept. */
#include "../sleeping_loop.h"
#include "faults.h"

/* A listener that takes one connection and lets the next one wait. */
static char directory[] = "/tmp/faultsXXXXXX";
static struct sockaddr_un crowded;
static int crowded_listener;

static void make_crowded(void) {
  NEED(mkdtemp(directory) != NULL);
  crowded.sun_family = AF_UNIX;
  snprintf(crowded.sun_path, sizeof crowded.sun_path, "%s/socket", directory);
  crowded_listener = socket(AF_UNIX, SOCK_STREAM, 0);
  NEED(bind(crowded_listener, (struct sockaddr *)&crowded, sizeof crowded) == 0 && listen(crowded_listener, 0) == 0);
  NEED(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&crowded, sizeof crowded) == 0);
}

static void tidy_crowded(void) {
  unlink(crowded.sun_path);
  rmdir(directory);
}

static void connects_to_the_crowded(void) {
  connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&crowded, sizeof crowded);
}

TEST(connect_is_capped_at_75_seconds) {
  make_crowded();
  long sleeps = loop_sleeps_while(connects_to_the_crowded);
  /* Looking again now and then is right as well, as long as the call does not end. */
  if (sleeps != FOREVER) usleep(1200000);
  CHECK_IS(waits_over, 0);
  tidy_crowded();
}

static void connects_with_a_time_out(void) {
  struct timeval limit = {0, 50000};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_IS(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
  CHECK(connect(fd, (struct sockaddr *)&crowded, sizeof crowded) == -1 && errno == EAGAIN);
}

TEST(so_sndtimeo_is_ignored_by_connect) {
  make_crowded();
  finish(connects_with_a_time_out);
  CHECK(took_ns >= 50000000);
  tidy_crowded();
}

static void is_refused_later(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr *)&crowded, sizeof crowded) == -1 && errno == ECONNREFUSED);
}

static void is_refused(void) {
  close(listen_somewhere());
  CHECK(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at) == -1 && errno == ECONNREFUSED);
}

TEST(the_error_of_a_connect_is_lost) {
  finish(is_refused);
  make_crowded();
  go(is_refused_later);
  CHECK_IS(done, 1);
  close(crowded_listener);
  loop_until(&done, 2);
  tidy_crowded();
}

static void connects_well(void) {
  int listener = listen_somewhere();
  errno = 77;
  CHECK_IS(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at), 0);
  CHECK_IS(errno, 77);
  close(listener);
}

TEST(connect_sets_errno_to_zero) { finish(connects_well); }

static int listener;

static void accepts(void) {
  int fd = accept(listener, NULL, NULL);
  CHECK(fd >= 0);
  CHECK_IS(write(fd, "x", 1), 1);
}

TEST(accept_is_not_hooked) {
  listener = listen_somewhere();
  go(accepts);
  CHECK_IS(done, 0);
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  CHECK_IS(connect(ends[0], (struct sockaddr *)&at, sizeof at), 0);
  loop_until(&done, 1);
  reads_a_byte();
}

RUN_TESTS
