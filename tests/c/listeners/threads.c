/* Threads of one process that wait for connections on one listener: each connection wakes one of them. */
#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>

enum { LOOPS = 8, CONNECTIONS = 300 };
static int listener;
static struct sockaddr_in address;
static pid_t loops[LOOPS];
static int ready;

static void open_listener(void) {
  socklen_t size = sizeof address;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 128) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
}

static void *serves(void *unused) {
  co_enable_hook_sys();
  for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) CHECK_IS(write(fd, "x", 1), 1);
  return unused;
}

static void *runs_a_loop(void *unused) {
  start(serves, NULL);
  loops[__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST)] = gettid();
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
  return unused;
}

static long sleeps_of_loops(void) {
  long sum = 0;
  for (int i = 0; i < LOOPS; i++) {
    char path[64], line[256];
    long number = -1;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", loops[i]);
    FILE *status = fopen(path, "r");
    NEED(status);
    while (fgets(line, sizeof line, status)) sscanf(line, "voluntary_ctxt_switches: %ld", &number);
    fclose(status);
    sum += number;
  }
  return sum;
}

static void connect_times(int times) {
  struct timeval patience = {30, 0};
  for (int i = 0; i < times; i++) {
    char byte;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK_IS(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    if (!CHECK_IS(read(fd, &byte, 1), 1)) i = times;
    close(fd);
  }
}

static void start_loops(void) {
  open_listener();
  for (int i = 0; i < LOOPS; i++) {
    pthread_t thread;
    NEED(pthread_create(&thread, NULL, runs_a_loop, NULL) == 0);
  }
  while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < LOOPS) usleep(1000);
  usleep(100000);
}

TEST(a_connection_wakes_one_of_the_threads_that_wait) {
  start_loops();
  connect_times(LOOPS); /* Who waited first did not know of the others. */
  long before = sleeps_of_loops();
  connect_times(CONNECTIONS);
  long wakes = sleeps_of_loops() - before;
  if (!CHECK(wakes < 3 * CONNECTIONS)) fprintf(stderr, "# %ld wake-ups\n", wakes);
}

RUN_TESTS
