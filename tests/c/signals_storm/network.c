/* Connections and look-ups of names in a storm. */
#include "storm.h"

#include <netdb.h>
#include <netinet/in.h>

/* ---- connections ------------------------------------------------------------------------------------ */

static int listener, serving;
static struct sockaddr_in address;

static void *serves(void *argument) {
  int fd = (int)(intptr_t)argument;
  char bytes[4096];
  ssize_t n;
  enabled();
  while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0) CHECK(write_all(fd, bytes, (size_t)n) == n);
  CHECK_IS(n, 0);
  close(fd);
  serving--;
  co_release(co_self());
  return NULL;
}

static void *accepts(void *argument) {
  enabled();
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 && errno == EINTR) continue;
    if (fd < 0) break;
    serving++;
    start(serves, (void *)(intptr_t)fd);
  }
  CHECK_IS(errno, EBADF);
  working--;
  return argument;
}

static void *connects(void *argument) {
  struct job *job = argument;
  if (job->number == 0) return accepts(argument);
  enabled();
  while (time_is_left()) {
    char sent[1000], got[1000];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(sent, (int)below(&job->dice, 256), sizeof sent);
    NEED(fd >= 0);
    /* Ports are not used up by connections that linger. */
    struct linger now = {1, 0};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    if (!CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0)) break;
    for (int i = 0; i < 5; i++) {
      CHECK(write_all(fd, sent, sizeof sent) == sizeof sent);
      CHECK(read_all(fd, got, sizeof got) == sizeof got && memcmp(sent, got, sizeof got) == 0);
    }
    CHECK(shutdown(fd, SHUT_WR) == 0);
    CHECK_IS(read_all(fd, got, 1), 0);
    close(fd);
    done++;
  }
  if (--working == 1) {
    while (serving > 0) usleep(100);
    close(listener);
  }
  return NULL;
}

static void talk_over_tcp(void) {
  enum { COUNT = 41 };
  struct job jobs[COUNT];
  socklen_t length = sizeof address;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 100) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  for (int i = 0; i < COUNT; i++) jobs[i] = (struct job){.number = i, .dice = {(uint64_t)i * 7}};
  run_jobs(jobs, COUNT, connects, NULL);
}

TEST(connections_are_made_and_served_in_a_storm) { stormy(talk_over_tcp); }

/* ---- names ------------------------------------------------------------------------------------------ */

static void *looks_up(void *argument) {
  enabled();
  while (time_is_left()) {
    struct addrinfo hints, *found = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (CHECK_IS(getaddrinfo("localhost", "80", &hints, &found), 0)) freeaddrinfo(found);
    CHECK(gethostbyname("127.0.0.1") != NULL);
    done++;
  }
  working--;
  return argument;
}

static void look_up(void) {
  enum { COUNT = 10 };
  struct job jobs[COUNT] = {{0}};
  run_jobs(jobs, COUNT, looks_up, NULL);
}

TEST(names_are_looked_up_in_a_storm) { stormy(look_up); }

RUN_TESTS
