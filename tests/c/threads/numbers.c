/* Descriptors have the numbers that they have without the library, and all of them may be closed. */
#include "threads.h"

#include <netinet/in.h>

static char numbers[2000];

static int told(int fd) {
  snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), " %d", fd);
  return fd;
}

/* Opens and closes in every way, and notes each number. */
static void open_and_close(void (*pause)(void)) {
  struct sockaddr_in name;
  socklen_t length = sizeof name;
  int ends[2];
  memset(&name, 0, sizeof name);
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 3; i++) {
    int null = told(open("/dev/null", O_RDONLY));
    pause();
    int listener = told(socket(AF_INET, SOCK_STREAM, 0));
    CHECK(bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 5) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&name, &length) == 0);
    int client = told(socket(AF_INET, SOCK_STREAM, 0));
    CHECK(connect(client, (struct sockaddr *)&name, sizeof name) == 0);
    pause();
    close(null);
    int server = told(accept(listener, NULL, NULL));
    CHECK(write(client, "x", 1) == 1 && read(server, ends, 1) == 1);
    CHECK(pipe(ends) == 0);
    told(ends[0]);
    told(ends[1]);
    pause();
    told(dup(client));
    told(fcntl(client, F_DUPFD, 20));
    told(dup2(client, 30 + i));
    close(listener);
    FILE *file = fopen("/dev/null", "r");
    told(fileno(file));
    fclose(file);
    told(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 ? ends[0] : -1);
    name.sin_port = 0;
  }
  dprintf(2, "%s\n", numbers);
}

static void no_pause(void) {}
static void sleep_a_little(void) {
  struct pollfd fd = {0, POLLIN, 0};
  poll(&fd, 0, 2);
}

static void open_plainly(void *unused) {
  (void)unused;
  open_and_close(no_pause);
}

static void *opens_in_a_coroutine(void *unused) {
  co_enable_hook_sys();
  open_and_close(sleep_a_little);
  add_done();
  return unused;
}

static void open_in_coroutine(void *unused) {
  (void)unused;
  cond = co_cond_alloc();
  start(sleeps_long, NULL);
  start(waits_for_condition, NULL);
  start(opens_in_a_coroutine, NULL);
  loop_until(&done, 1);
}

TEST(descriptors_have_the_numbers_they_have_without_the_library) {
  struct ending plain = apart(open_plainly, NULL), other = apart(open_in_coroutine, NULL);
  CHECK_IS(plain.status, 0);
  CHECK_IS(other.status, 0);
  CHECK(strlen(plain.text) > 30);
  CHECK_TEXT(other.text, plain.text);
}

static void *closes_everything(void *argument) {
  int *ends = argument, status = 0;
  co_enable_hook_sys();
  usleep(1000);
  for (int fd = 3; fd < 20000; fd++)
    if (fd != ends[0] && fd != ends[1]) close(fd);
  usleep(1000);
  CHECK_IS(write(ends[1], "p", 1), 1);
  usleep(1000);
  add_done();
  (void)status;
  return NULL;
}

TEST(a_program_that_closes_all_it_did_not_open_does_no_harm) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, common) == 0);
  start(bystander_reads, common);
  start(bystander_sleeps, NULL);
  start(closes_everything, common);
  loop_until(&done, 3);
}

RUN_TESTS
