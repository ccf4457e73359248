/* Processes that wait for connections on one listener: each connection wakes one of them, and one that waits. */
#include "listener.h"

enum { MOST = 8 };
static int end_of_wait[2];
static pid_t servers[MOST];
static int count_of_servers;
/* Shared: how many servers are about to sleep. */
static int *ready;

static void open_listener(void) {
  ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  make_listener();
  NEED(pipe(end_of_wait) == 0);
}

static int serve_one(void) {
  int fd = accept(listener, NULL, NULL);
  if (fd >= 0) {
    CHECK_IS(write(fd, "x", 1), 1);
    close(fd);
  }
  return fd;
}

static void *serves(void *unused) {
  co_enable_hook_sys();
  while (serve_one() >= 0) continue;
  return unused;
}

static void *serves_one_and_waits(void *unused) {
  char byte;
  co_enable_hook_sys();
  serve_one();
  CHECK_IS(read(end_of_wait[0], &byte, 1), 0);
  return unused;
}

static void *sleeps(void *unused) {
  co_enable_hook_sys();
  sleep(3600);
  return unused;
}

/* A process with a coroutine in `body`, which is released at once if `released`. */
static void add_server(void *(*body)(void *), int released) {
  pid_t server = fork();
  NEED(server >= 0);
  if (server == 0) {
    alarm(CASE_SECONDS);
    stCoRoutine_t *co = start(body, NULL);
    if (released) co_release(co);
    start(sleeps, NULL);
    __atomic_add_fetch(ready, 1, __ATOMIC_SEQ_CST);
    co_eventloop(co_get_epoll_ct(), NULL, NULL);
  }
  servers[count_of_servers++] = server;
}

static long sleeps_of(pid_t server) {
  char path[64], line[256];
  long number = -1;
  snprintf(path, sizeof path, "/proc/%d/status", server);
  FILE *status = fopen(path, "r");
  NEED(status);
  while (fgets(line, sizeof line, status)) sscanf(line, "voluntary_ctxt_switches: %ld", &number);
  fclose(status);
  return number;
}

static long sleeps_of_all(void) {
  long sum = 0;
  for (int i = 0; i < count_of_servers; i++) sum += sleeps_of(servers[i]);
  return sum;
}

static void wait_for_servers(void) {
  while (__atomic_load_n(ready, __ATOMIC_SEQ_CST) < count_of_servers) usleep(1000);
  usleep(100000);
}

static void end_servers(void) {
  for (int i = 0; i < count_of_servers; i++) {
    kill(servers[i], SIGKILL);
    waitpid(servers[i], NULL, 0);
  }
}

TEST(a_connection_wakes_one_of_the_processes_that_wait) {
  open_listener();
  for (int i = 0; i < MOST; i++) add_server(serves, 0);
  wait_for_servers();
  long before = sleeps_of_all();
  connect_times(300);
  long wakes = sleeps_of_all() - before;
  if (!CHECK(wakes < 3 * 300)) fprintf(stderr, "# %ld wake-ups\n", wakes);
  end_servers();
}

TEST(who_is_busy_keeps_no_connection_from_those_who_wait) {
  open_listener();
  for (int i = 0; i < 4; i++) add_server(serves_one_and_waits, 0);
  add_server(serves, 0);
  wait_for_servers();
  connect_times(50);
  end_servers();
}

TEST(who_was_released_keeps_no_connection_from_those_who_wait) {
  open_listener();
  for (int i = 0; i < 4; i++) add_server(serves, 1);
  add_server(serves, 0);
  wait_for_servers();
  connect_times(20);
  end_servers();
}

static void *finds_a_time_out(void *unused) {
  char byte;
  co_enable_hook_sys();
  int fd = accept(listener, NULL, NULL);
  CHECK(read(fd, &byte, 1) == -1 && errno == EAGAIN);
  _exit(check_failures != 0);
  return unused;
}

TEST(a_process_that_nobody_was_told_of_may_set_a_listener_s_time_out) {
  struct timeval time = {0, 60000};
  int status = -1;
  open_listener();
  pid_t server = _Fork();
  NEED(server >= 0);
  if (server == 0) {
    alarm(CASE_SECONDS);
    start(finds_a_time_out, NULL);
    co_eventloop(co_get_epoll_ct(), NULL, NULL);
  }
  NEED(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  NEED(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  NEED(waitpid(server, &status, 0) == server);
  CHECK_IS(status, 0);
}

static int polled, served;

static void *polls(void *unused) {
  struct pollfd one = {.fd = listener, .events = POLLIN};
  co_enable_hook_sys();
  CHECK_IS(poll(&one, 1, -1), 1);
  CHECK_IS(one.revents, POLLIN);
  polled++;
  return unused;
}

static void *serves_first(void *unused) {
  co_enable_hook_sys();
  CHECK(serve_one() >= 0);
  served++;
  return unused;
}

static void check_poll_beside_accept(int poll_first) {
  int status;
  open_listener();
  /* Another process has the listener too. */
  add_server(sleeps, 0);
  if (poll_first) start(polls, NULL);
  stCoRoutine_t *waits = start(serves_first, NULL);
  if (!poll_first) start(polls, NULL);
  loop_for(20);
  CHECK_IS(served + polled, 0);
  co_release(waits);
  pid_t client = fork();
  if (client == 0) {
    connect_times(1);
    _exit(check_failures != 0);
  }
  loop_until(&polled, 1);
  start(serves_first, NULL);
  loop_until(&served, 1);
  CHECK_IS(waitpid(client, &status, 0), client);
  CHECK_IS(status, 0);
  end_servers();
}

TEST(a_poll_that_follows_an_accept_sees_the_connection_too) { check_poll_beside_accept(0); }

TEST(a_poll_that_an_accept_follows_sees_the_connection_too) { check_poll_beside_accept(1); }

RUN_TESTS
