/* A time-out that lies far ahead comes though other events end the loop's sleeps before it: one timer of the kernel's then
 * stands for many sleeps, and outlives what the program does with descriptors and processes. */
#include "sleepers.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

enum { FAR_MS = 60, CHATS = 20000 };

/* A plain thread: ends a sleep of the loop each millisecond, for as long as somebody reads. */
static void *chat(void *end) {
  struct timespec pause = {0, 1000000};
  while (send((int)(intptr_t)end, "x", 1, MSG_NOSIGNAL) == 1) nanosleep(&pause, NULL);
  close((int)(intptr_t)end);
  return NULL;
}

/* A socket on which a thread of its own chats until it is closed. */
static int chatter(void) {
  int pair[2];
  pthread_t thread;
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  NEED(pthread_create(&thread, NULL, chat, (void *)(intptr_t)pair[1]) == 0);
  pthread_detach(thread);
  return pair[0];
}

static void hear(int from) {
  char byte;
  CHECK_IS(read(from, &byte, 1), 1);
}

static void wait_far(int ms) {
  long long before = now_ns();
  CHECK_IS(poll(NULL, 0, ms), 0);
  check_slept(before, ms * 1000000LL, "poll of nothing");
}

/* A loop that calls nobody sleeps as long as it may. */
static void run(void) {
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
}
static void end(void) {
  fflush(NULL);
  _exit(check_failures || early);
}

/* The number of the process's timer descriptor; -1 for none. */
static int timer_number(void) {
  DIR *all = opendir("/proc/self/fd");
  int found = -1;
  NEED(all);
  for (struct dirent *entry; (entry = readdir(all));) {
    char target[64] = "";
    if (readlinkat(dirfd(all), entry->d_name, target, sizeof target - 1) > 0 && !strcmp(target, "anon_inode:[timerfd]"))
      found = atoi(entry->d_name);
  }
  closedir(all);
  return found;
}

/* Its number, as soon as enough sleeps were cut short for there to be one. */
static int number_of_timer(int from) {
  int number = -1;
  for (int i = 0; i < CHATS && number < 0; i++) {
    hear(from);
    number = timer_number();
  }
  CHECK(number >= 0);
  return number;
}

static void *waits_far(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 3; i++) wait_far(FAR_MS);
  done++;
  return unused;
}

static void *listens(void *unused) {
  int from = chatter();
  co_enable_hook_sys();
  number_of_timer(from);
  while (done < 10) hear(from);
  end();
  return unused;
}

TEST(a_far_deadline_comes_though_events_end_the_sleeps_before_it) {
  for (int i = 0; i < 10; i++) start(waits_far, NULL);
  start(listens, NULL);
  run();
}

static pid_t child;
static int status;

/* The program takes the timer's number for itself while a far deadline stands. */
static void *takes_the_number(void *unused) {
  eventfd_t value = 0;
  int timer, mine, from = chatter();
  co_enable_hook_sys();
  NEED((timer = number_of_timer(from)) >= 0);
  CHECK(fcntl(timer, F_GETFD) == -1 && errno == EBADF);
  NEED((mine = eventfd(7, 0)) >= 0);
  CHECK_IS(dup2(mine, timer), timer);
  CHECK(timer_number() >= 0 && timer_number() != timer);
  CHECK(eventfd_read(timer, &value) == 0 && value == 7);
  CHECK(close(timer) == 0 && close(mine) == 0 && close(from) == 0);
  return unused;
}

static void *ends_when_far(void *unused) {
  co_enable_hook_sys();
  wait_far(50 * FAR_MS);
  if (child) CHECK(waitpid(child, &status, 0) == child && status == 0);
  end();
  return unused;
}

TEST(a_far_deadline_comes_though_the_program_takes_the_number_of_the_timer) {
  start(ends_when_far, NULL);
  start(takes_the_number, NULL);
  run();
}

/* Has nearer deadlines than the parent, among events of its own, and ends the process. */
static void *ends_the_child(void *unused) {
  int from = chatter();
  co_enable_hook_sys();
  number_of_timer(from);
  end();
  return unused;
}

static void *waits_in_child(void *unused) {
  co_enable_hook_sys();
  for (;;) wait_far(FAR_MS / 3);
  return unused;
}

static void *forks(void *unused) {
  int from = chatter();
  co_enable_hook_sys();
  number_of_timer(from);
  NEED((child = fork()) >= 0);
  close(from); /* Nothing but the time ends the parent's sleep now. */
  if (child == 0) {
    start(waits_in_child, NULL);
    start(ends_the_child, NULL);
  }
  return unused;
}

TEST(each_side_of_a_fork_has_far_deadlines_of_its_own) {
  start(ends_when_far, NULL);
  start(forks, NULL);
  run();
}

RUN_TESTS
