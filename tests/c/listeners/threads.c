/* Threads of one process that wait for connections on one listener: each connection wakes one of them. */
#include "listener.h"
#include <pthread.h>

enum { LOOPS = 8, CONNECTIONS = 300 };
static pid_t loops[LOOPS];
static int ready;

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

static void start_loops(void) {
  make_listener();
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
