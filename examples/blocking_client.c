/*
 * The same blocking client code, a hundred times: first one after another, then in coroutines of one thread.
 *
 * client() below knows nothing of coroutines: it looks a name up, connects, writes, and reads until the
 * answer is complete.
 *
 * Usage: blocking_client PORT [CLIENTS [MILLISECONDS]]
 *   PORT of a slow_server on localhost; 100 clients by default; the delay the server was given is only printed.
 * Exits with 0 if each client got the right answer both times.
 */
#define _GNU_SOURCE
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "co_routine.h"
#include "co_routine_inner.h"
#include "slow_server.h"

static const char *port;

/* Returns 1 if the server gave the right answer to a request of this client's own, else 0. */
static int client(int number) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *address;
  char request[64], reply[64], expected[64];
  size_t have = 0;
  int connected;

  if (getaddrinfo("localhost", port, &hints, &address) != 0) return 0;
  int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
  connected = fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) == 0;
  freeaddrinfo(address);

  if (connected) {
    int length = snprintf(request, sizeof request, "request %d of %d\n", number, (int)getpid());
    if (write(fd, request, (size_t)length) == length) {
      ssize_t got;
      while (have < sizeof reply && (have == 0 || reply[have - 1] != '\n') &&
             (got = read(fd, reply + have, sizeof reply - have)) > 0)
        have += (size_t)got;
    }
    snprintf(expected, sizeof expected, "%08x %d\n", checksum(request, (size_t)length - 1), length - 1);
  }
  if (fd >= 0) close(fd);
  return have > 0 && have == strlen(expected) && memcmp(reply, expected, have) == 0;
}

/* ---- What one way of running the clients took. ---- */

struct usage {
  double seconds;
  int threads;   /* most seen at once */
  long resident; /* KiB, most seen at once */
  int right;     /* answers, of clients that ran in the one thread */
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void look(struct usage *usage) {
  char line[256];
  long value;
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    if (sscanf(line, "Threads: %ld", &value) == 1 && value > usage->threads) usage->threads = (int)value;
    if (sscanf(line, "VmRSS: %ld", &value) == 1 && value > usage->resident) usage->resident = value;
  }
  if (status != NULL) fclose(status);
}

/* ---- One after another: the thread waits in each call. ---- */

static struct usage one_after_another(int clients) {
  struct usage usage = {0};
  double start = now();
  for (int i = 0; i < clients; ++i) {
    usage.right += client(i);
    look(&usage);
  }
  usage.seconds = now() - start;
  return usage;
}

/* ---- As coroutines: the same calls park the coroutine, and the thread goes on with another. ---- */

struct task {
  int number;
  int right;
  int elsewhere; /* ran in another thread than the loop's */
  stCoRoutine_t *co;
};

struct crowd {
  struct task *tasks;
  int clients;
  double looked;
  struct usage usage;
};

static pthread_t loop_thread;

static void *run_client(void *arg) {
  struct task *task = arg;
  co_enable_hook_sys();
  task->right = client(task->number);
  task->elsewhere = !pthread_equal(pthread_self(), loop_thread);
  return NULL;
}

/* The loop asks this about every millisecond; -1 ends it. */
static int until_all_have_ended(void *arg) {
  struct crowd *crowd = arg;
  if (now() - crowd->looked > 0.01) {
    look(&crowd->usage);
    crowd->looked = now();
  }
  for (int i = 0; i < crowd->clients; ++i)
    if (!crowd->tasks[i].co->cEnd) return 0;
  return -1;
}

static struct usage as_coroutines(int clients) {
  struct crowd crowd = {.tasks = calloc((size_t)clients, sizeof(struct task)), .clients = clients};
  double start = now();
  loop_thread = pthread_self();
  for (int i = 0; i < clients; ++i) {
    crowd.tasks[i].number = i;
    co_create(&crowd.tasks[i].co, NULL, run_client, &crowd.tasks[i]);
    co_resume(crowd.tasks[i].co);
  }
  co_eventloop(co_get_epoll_ct(), until_all_have_ended, &crowd);
  crowd.usage.seconds = now() - start;
  look(&crowd.usage);
  for (int i = 0; i < clients; ++i) {
    crowd.usage.right += crowd.tasks[i].right && !crowd.tasks[i].elsewhere;
    co_release(crowd.tasks[i].co);
  }
  free(crowd.tasks);
  return crowd.usage;
}

static void row(const char *way, const struct usage *usage, int clients) {
  char right[32];
  snprintf(right, sizeof right, "%d/%d", usage->right, clients);
  printf("%-20s %9.3f s %13s %15d %9ld KiB\n", way, usage->seconds, right, usage->threads, usage->resident);
}

int main(int argc, char *argv[]) {
  const int clients = argc > 2 ? atoi(argv[2]) : 100;
  if (argc < 2 || clients < 1) {
    fprintf(stderr, "usage: %s PORT [CLIENTS [MILLISECONDS]]\n", argv[0]);
    return 2;
  }
  port = argv[1];
  printf("%d clients of a server that answers after %s ms\n\n", clients, argc > 3 ? argv[3] : "some");
  printf("%-20s %11s %13s %15s %13s\n", "", "time", "right answers", "kernel threads", "memory");
  fflush(stdout);

  const struct usage before = one_after_another(clients);
  row("one after another", &before, clients);
  fflush(stdout);
  const struct usage after = as_coroutines(clients);
  row("as coroutines", &after, clients);

  if (before.right != clients || after.right != clients) {
    printf("\nNot every answer was right.\n");
    return 1;
  }
  char helpers[64] = "";
  if (after.threads > 1) snprintf(helpers, sizeof helpers, " (%d more looked names up)", after.threads - 1);
  printf("\nThe same blocking code ran %.1f times as fast: %d clients on one kernel thread%s, for %ld KiB more memory.\n",
         before.seconds / after.seconds, clients, helpers, after.resident - before.resident);
  return 0;
}
