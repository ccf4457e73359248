/* Long and endless waits: the loop sleeps as long as need be, and wakes for nothing. */
#include "../sleeping_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <sys/epoll.h>

static int idle[2];
static stCoCond_t *cond;

enum { DAYS = 86400 };

static void sleeps_for(void (*wait)(void), long seconds) {
  cond = co_cond_alloc();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, idle) == 0);
  long sleeps = loop_sleeps_while(wait);
  if (seconds == FOREVER)
    CHECK_IS(sleeps, FOREVER);
  else
    CHECK(sleeps == FOREVER || (sleeps <= seconds && sleeps >= seconds - 100));
  usleep(50000);
  CHECK_IS(waits_over, 0);
}

static void in_poll_minus_one(void) { poll(NULL, 0, -1); }
static void in_poll_int_min(void) { poll(NULL, 0, INT_MIN); }
static void in_poll_int_max(void) { poll(NULL, 0, INT_MAX); }
static void in_poll_a_minute(void) { poll(NULL, 0, 61000); }
static void in_co_poll_of_one(void) {
  struct pollfd fd = {idle[0], POLLIN, 0};
  co_poll(co_get_epoll_ct(), &fd, 1, -1);
}
static void in_co_poll_int_max(void) {
  struct pollfd fd = {idle[0], POLLIN, 0};
  co_poll(co_get_epoll_ct(), &fd, 1, INT_MAX);
}
/* As in arrays in which the places of closed connections are free. */
static struct pollfd gaps[] = {{-1, 0, 0}, {0, POLLIN, 0}, {INT_MIN, POLLIN, 0}};
static void in_poll_of_a_gap(void) { poll(gaps, 1, -1); }
static void in_poll_with_gaps(void) {
  gaps[1].fd = idle[0];
  poll(gaps, 3, -1);
}
static void in_co_poll_with_gaps(void) {
  gaps[1].fd = idle[0];
  co_poll(co_get_epoll_ct(), gaps, 2, INT_MAX);
}
/* Of files on disk nothing is told but that they can be read and written. */
static void in_poll_of_a_file(void) {
  struct pollfd fds[] = {{fileno(tmpfile()), POLLPRI, 0}, {fileno(tmpfile()), 0, 0}, {idle[0], POLLIN, 0}};
  poll(fds, 3, -1);
}
static void in_select_of_a_files_exceptions(void) {
  int file = fileno(tmpfile());
  fd_set set;
  FD_ZERO(&set);
  FD_SET(file, &set);
  select(file + 1, NULL, NULL, &set, NULL);
}
static void in_ppoll_null(void) { ppoll(NULL, 0, NULL, NULL); }
static void in_ppoll_a_hundred_years(void) {
  struct timespec t = {36500L * DAYS, 0};
  ppoll(NULL, 0, &t, NULL);
}
/* A mask that lets signals through which the thread blocks. */
static sigset_t no_signals;
static void in_ppoll_with_a_mask(void) {
  struct pollfd fd = {idle[0], POLLIN, 0};
  ppoll(&fd, 1, NULL, &no_signals);
}
static void in_pselect_with_a_mask(void) { pselect(0, NULL, NULL, NULL, NULL, &no_signals); }
static void in_epoll_pwait_with_a_mask(void) {
  struct epoll_event event;
  epoll_pwait(epoll_create1(0), &event, 1, -1, &no_signals);
}
static void in_select_null(void) { select(0, NULL, NULL, NULL, NULL); }
static void in_select_a_hundred_years(void) {
  struct timeval t = {36500L * DAYS, 0};
  select(0, NULL, NULL, NULL, &t);
}
static void in_sleep_uint_max(void) { sleep(UINT_MAX); }
static void in_usleep_uint_max(void) { usleep(UINT_MAX); }
static void in_nanosleep_long_max(void) {
  struct timespec t = {LONG_MAX, 999999999};
  nanosleep(&t, NULL);
}
static void in_nanosleep_thirty_days(void) {
  struct timespec t = {30 * DAYS, 0};
  nanosleep(&t, NULL);
}
static void in_co_cond_timedwait_zero(void) { co_cond_timedwait(cond, 0); }
static void in_co_cond_timedwait_int_max(void) { co_cond_timedwait(cond, INT_MAX); }
static void in_read(void) {
  char byte;
  CHECK_IS(read(idle[0], &byte, 1), -2);
}
static void in_read_with_a_zero_time_out(void) {
  char byte;
  struct timeval none = {0, 0};
  setsockopt(idle[0], SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
  CHECK_IS(recv(idle[0], &byte, 1, 0), -2);
}

#define SLEEPS(wait, seconds) \
  TEST(the_loop_sleeps_as_long_as_need_be_for_##wait) { sleeps_for(in_##wait, seconds); }
SLEEPS(poll_minus_one, FOREVER)
SLEEPS(poll_int_min, FOREVER)
SLEEPS(poll_int_max, INT_MAX / 1000)
SLEEPS(poll_a_minute, 61)
SLEEPS(co_poll_of_one, FOREVER)
SLEEPS(co_poll_int_max, INT_MAX / 1000)
SLEEPS(poll_of_a_gap, FOREVER)
SLEEPS(poll_with_gaps, FOREVER)
SLEEPS(co_poll_with_gaps, INT_MAX / 1000)
SLEEPS(poll_of_a_file, FOREVER)
SLEEPS(select_of_a_files_exceptions, FOREVER)
SLEEPS(ppoll_null, FOREVER)
SLEEPS(ppoll_a_hundred_years, 36500L * DAYS)
SLEEPS(ppoll_with_a_mask, FOREVER)
SLEEPS(pselect_with_a_mask, FOREVER)
SLEEPS(epoll_pwait_with_a_mask, FOREVER)
SLEEPS(select_null, FOREVER)
SLEEPS(select_a_hundred_years, 36500L * DAYS)
SLEEPS(sleep_uint_max, UINT_MAX)
SLEEPS(usleep_uint_max, UINT_MAX / 1000000)
SLEEPS(nanosleep_long_max, FOREVER)
SLEEPS(nanosleep_thirty_days, 30 * DAYS)
SLEEPS(co_cond_timedwait_zero, FOREVER)
SLEEPS(co_cond_timedwait_int_max, INT_MAX / 1000)
SLEEPS(read, FOREVER)
SLEEPS(read_with_a_zero_time_out, FOREVER)

static long wake_ups_of(pid_t thread) {
  char path[64], line[200];
  long count = -1;
  snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file)) sscanf(line, "voluntary_ctxt_switches: %ld", &count);
  if (file) fclose(file);
  return count;
}

static int sockets[500][2];

static void *waits_in_many_ways(void *argument) {
  intptr_t me = (intptr_t)argument;
  struct pollfd fd = {sockets[me % 500][0], POLLIN, 0};
  char byte;
  co_enable_hook_sys();
  switch (me % 6) {
    case 0: sleep(1000); break;
    case 1: CHECK(read(fd.fd, &byte, 1) < 0); break;
    case 2: poll(&fd, 1, -1); break;
    case 3: poll(&fd, 1, 1000000); break;
    case 4: co_cond_timedwait(cond, -1); break;
    default: co_cond_timedwait(cond, 1000000);
  }
  waits_over++;
  return NULL;
}

static void *is_idle(void *unused) {
  for (intptr_t i = 0; i < 3000; i++) start(waits_in_many_ways, (void *)i);
  (void)unused;
  return loop_for_ever();
}

TEST(an_idle_loop_never_wakes) {
  cond = co_cond_alloc();
  for (int i = 0; i < 500; i++) NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[i]) == 0);
  begin_loop(is_idle, NULL);
  /* It comes to rest after a while: it relies on registrations for one to two seconds, and makes sure of them once. */
  long before = -1, now = wake_ups_of(loop_thread);
  for (int i = 0; i < 10 && before != now; i++) {
    before = now;
    usleep(2200000);
    now = wake_ups_of(loop_thread);
  }
  CHECK(now > 0);
  usleep(2500000);
  CHECK_IS(wake_ups_of(loop_thread) - now, 0);
  CHECK_IS(waits_over, 0);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;

static void *waits_for_a_lock(void *which) {
  co_enable_hook_sys();
  switch ((intptr_t)which) {
    case 0: sem_wait(&semaphore); break;
    case 1: pthread_mutex_lock(&mutex); break;
    default: pthread_rwlock_rdlock(&rwlock);
  }
  waits_over++;
  return NULL;
}

static void *waits_for_locks(void *unused) {
  for (intptr_t i = 0; i < 3; i++) start(waits_for_a_lock, (void *)i);
  (void)unused;
  return loop_for_ever();
}

/* In case that they are released by somebody who tells nobody, which is noticed so much later. */
TEST(long_waits_for_locks_are_looked_at_ever_more_rarely) {
  NEED(sem_init(&semaphore, 0, 0) == 0 && pthread_mutex_lock(&mutex) == 0 && pthread_rwlock_wrlock(&rwlock) == 0);
  begin_loop(waits_for_locks, NULL);
  usleep(1000000);
  long before = wake_ups_of(loop_thread);
  usleep(3000000);
  long wake_ups = wake_ups_of(loop_thread) - before;
  printf("# %ld wake-ups in three seconds\n", wake_ups);
  CHECK(before > 0 && wake_ups < 100);
  CHECK_IS(waits_over, 0);
}

enum { CONNECTIONS = 100, SILENCE = 2000 };

static void *answers(void *fd) {
  char byte;
  co_enable_hook_sys();
  while (read((int)(intptr_t)fd, &byte, 1) == 1) CHECK_IS(write((int)(intptr_t)fd, &byte, 1), 1);
  waits_over++;
  return NULL;
}

static void *serves(void *unused) {
  for (int i = 0; i < CONNECTIONS; i++) start(answers, (void *)(intptr_t)sockets[i][0]);
  (void)unused;
  return loop_for_ever();
}

static void connect_tcp(int listener, const struct sockaddr_in *address, int pair[2]) {
  NEED((pair[1] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
  NEED(connect(pair[1], (const struct sockaddr *)address, sizeof *address) == 0);
  NEED((pair[0] = accept(listener, NULL, NULL)) >= 0);
}

static void begin_to_serve(void) { begin_loop(serves, NULL); }

/* Asks once on each connection; the answer lies there for a while. */
static void ask_all(int before_us, int between_us) {
  for (int i = 0; i < CONNECTIONS; i++) {
    char byte = 'x';
    usleep(before_us);
    NEED(write(sockets[i][1], &byte, 1) == 1);
    usleep(between_us);
    NEED(read(sockets[i][1], &byte, 1) == 1);
  }
}

static void took_a_wake_up_each(int requests, long wake_ups) {
  printf("# %ld wake-ups for %d requests\n", wake_ups, requests);
  CHECK(wake_ups < requests * 5 / 4);
  CHECK_IS(waits_over, 0);
}

/* Each connection is silent for so long that its registration is looked at again meanwhile. */
TEST(connections_that_are_seldom_used_wake_the_loop_for_that_alone) {
  struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  NEED(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 8) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  for (int i = 0; i < CONNECTIONS; i++) connect_tcp(listener, &address, sockets[i]);
  begin_to_serve();
  ask_all(SILENCE * 1000 / CONNECTIONS, 0);
  long before = wake_ups_of(loop_thread);
  ask_all(SILENCE * 1000 / CONNECTIONS, 0);
  ask_all(SILENCE * 1000 / CONNECTIONS, 0);
  took_a_wake_up_each(2 * CONNECTIONS, wake_ups_of(loop_thread) - before);
}

/* The kernel tells who wrote to a unix socket when the other end reads. */
TEST(readers_of_unix_sockets_do_not_wake_those_who_wait_for_input) {
  for (int i = 0; i < CONNECTIONS; i++) NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[i]) == 0);
  begin_to_serve();
  ask_all(1000, 5000);
  long before = wake_ups_of(loop_thread);
  ask_all(1000, 5000);
  took_a_wake_up_each(CONNECTIONS, wake_ups_of(loop_thread) - before);
}

RUN_TESTS
