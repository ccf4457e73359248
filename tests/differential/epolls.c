/* epolls.c - epoll_wait, epoll_pwait and epoll_pwait2 on instances of the program's own. */
#include "scenario.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

static int ends[2], instance, outer;
static struct epoll_event events[8];
static char buffer[64];
/* Numbers that the compiler is not to see. */
static volatile int minus = -1, many = INT_MAX;

static const char *bits(unsigned events) { return poll_names((int)(events & 0x3fff)); }

static long wait_for(int epoll, int count, int timeout) {
  long n = TRACE(epoll_wait(epoll, events, count, timeout));
  for (long i = 0; i < n; i++) say("%d: %s", events[i].data.fd, bits(events[i].events));
  return n;
}

static void add(int epoll, int fd, unsigned what, int tag) {
  struct epoll_event event = {.events = what, .data.fd = tag};
  MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static void waiter(void *argument) { wait_for(*(int *)argument, 8, -1); }

SCENARIO(epoll_kinds, "epoll_wait on every kind of descriptor") {
  count_sigpipes();
  for (enum kind kind = 0; kind < KINDS; kind++) {
    make_pair(kind, ends);
    instance = MUST(epoll_create1(0));
    add(instance, ends[0], EPOLLIN | EPOLLRDHUP, 1);
    start(kind_names[kind], waiter, &instance);
    settle();
    say("still waiting: %d", !has_ended(kind_names[kind]));
    MUST(write(ends[1], "data", 4));
    join();
    wait_for(instance, 8, -1);
    MUST(read(ends[0], buffer, 64));
    wait_for(instance, 8, 0);
    TRACE_WAIT(50, epoll_wait(instance, events, 8, 50));
    MUST(close(ends[1]));
    if (kind != UDP && kind != DGRAM) wait_for(instance, 8, -1);
    MUST(close(ends[0]));
    wait_for(instance, 8, 20);
    MUST(close(instance));
  }
}

static void write_later(void *argument) {
  usleep(60000);
  MUST(write(*(int *)argument, &(uint64_t){1}, 8));
}

static void expect(const char *what, int fd) {
  say("%s", what);
  instance = MUST(epoll_create1(EPOLL_CLOEXEC));
  add(instance, fd, EPOLLIN, 1);
  wait_for(instance, 8, -1);
  MUST(close(instance));
}

SCENARIO(epoll_nonblocking, "descriptors that do not block are waited for as well") {
  for (enum kind kind = 0; kind < KINDS; kind++) {
    make_pair(kind, ends);
    set_nonblocking(ends[0], true);
    instance = MUST(epoll_create1(0));
    add(instance, ends[0], EPOLLIN | EPOLLET, 1);
    start(kind_names[kind], waiter, &instance);
    settle();
    MUST(write(ends[1], "data", 4));
    join();
    TRACE(read(ends[0], buffer, 64));
    TRACE(read(ends[0], buffer, 64));
    wait_for(instance, 8, 0);
    say("%s", flag_names(fcntl(ends[0], F_GETFL)));
  }
}

SCENARIO(epoll_others, "epoll_wait on timers, counters, signals, changes, other instances") {
  struct itimerspec time = {.it_value = {0, 50000000}};
  static int fd;
  fd = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
  MUST(timerfd_settime(fd, 0, &time, NULL));
  expect("timer", fd);
  fd = MUST(eventfd(0, 0));
  start("counter", write_later, &fd);
  expect("counter", fd);
  join();
  instance = outer = MUST(epoll_create1(0));
  add(outer, fd, EPOLLIN, 2);
  expect("instance", outer);
  fd = MUST(inotify_init1(0));
  MUST(inotify_add_watch(fd, ".", IN_CREATE));
  MUST(close(MUST(open("new", O_CREAT | O_RDWR, 0600))));
  expect("change", fd);
  int file = MUST(open("new", O_RDWR)), null = MUST(open("/dev/null", O_RDWR)), memory = MUST(memfd_create("m", 0));
  int directory = MUST(open(".", O_RDONLY | O_DIRECTORY));
  int refused[] = {file, null, memory, directory, instance, -1};
  instance = MUST(epoll_create1(0));
  for (int i = 0; i < 4; i++) {
    TRACE(epoll_ctl(instance, EPOLL_CTL_ADD, refused[i], &(struct epoll_event){.events = EPOLLIN}));
    TRACE(epoll_wait(refused[i], events, 8, 10));
  }
}

SCENARIO(epoll_edges, "events of an edge come once, and to one") {
  make_pair(PIPE, ends);
  instance = MUST(epoll_create1(0));
  add(instance, ends[0], EPOLLIN | EPOLLET, 1);
  start("first", waiter, &instance);
  settle();
  MUST(write(ends[1], "a", 1));
  join();
  wait_for(instance, 8, 0);
  TRACE_WAIT(40, epoll_wait(instance, events, 8, 40));
  start("second", waiter, &instance);
  settle();
  say("still waiting: %d", !has_ended("second"));
  MUST(write(ends[1], "b", 1));
  join();
  wait_for(instance, 8, 0);
}

SCENARIO(epoll_once, "one-shot events come once until they are asked for again") {
  struct epoll_event again = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = 2};
  make_pair(UNIX, ends);
  instance = MUST(epoll_create1(0));
  add(instance, ends[0], EPOLLIN | EPOLLONESHOT, 1);
  start("first", waiter, &instance);
  settle();
  MUST(write(ends[1], "a", 1));
  join();
  TRACE_WAIT(40, epoll_wait(instance, events, 8, 40));
  start("second", waiter, &instance);
  settle();
  say("still waiting: %d", !has_ended("second"));
  MUST(epoll_ctl(instance, EPOLL_CTL_MOD, ends[0], &again));
  join();
  TRACE_WAIT(40, epoll_wait(instance, events, 8, 40));
}

/* Takes one event after another until a zero comes. */
static void take(void *argument) {
  struct epoll_event event;
  for (;;) {
    long n = epoll_wait(instance, &event, 1, -1);
    if (n != 1 || event.data.fd == 0) break;
    MUST(read(event.data.fd, buffer, 1));
    MUST(epoll_ctl(instance, EPOLL_CTL_MOD, event.data.fd,
                   &(struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.fd = event.data.fd}));
    __atomic_add_fetch((int *)argument, 1, __ATOMIC_SEQ_CST);
  }
}

SCENARIO(epoll_shared_by_actors, "several wait on one instance: no event is lost") {
  static int taken, pipes[20][2], stop;
  instance = MUST(epoll_create1(0));
  stop = MUST(eventfd(0, 0));
  add(instance, stop, EPOLLIN, 0);
  for (int i = 0; i < 20; i++) {
    MUST(pipe(pipes[i]));
    add(instance, pipes[i][0], EPOLLIN | EPOLLONESHOT, pipes[i][0]);
  }
  for (int i = 0; i < 5; i++) start("taker", take, &taken);
  for (int round = 0; round < 10; round++)
    for (int i = 0; i < 20; i++) {
      MUST(write(pipes[i][1], "x", 1));
      if (i % 7 == 0) usleep(1000);
    }
  for (int i = 0; i < 500 && __atomic_load_n(&taken, __ATOMIC_SEQ_CST) < 200; i++) usleep(10000);
  say("taken: %d", taken);
  MUST(write(stop, &(uint64_t){1}, 8));
  join();
}

SCENARIO(epoll_few_places, "more events than places come in several calls") {
  int pipes[5][2];
  instance = MUST(epoll_create1(0));
  for (int i = 0; i < 5; i++) {
    MUST(pipe(pipes[i]));
    add(instance, pipes[i][0], EPOLLIN | EPOLLET, i);
  }
  for (int i = 0; i < 5; i++) MUST(write(pipes[i][1], "x", 1));
  wait_for(instance, 2, -1);
  wait_for(instance, 2, -1);
  wait_for(instance, 2, -1);
  TRACE_WAIT(30, epoll_wait(instance, events, 2, 30));
}

SCENARIO(epoll_added_meanwhile, "what is added while somebody waits, and what becomes of an instance") {
  make_pair(TCP, ends);
  instance = MUST(epoll_create1(0));
  start("empty", waiter, &instance);
  settle();
  say("still waiting: %d", !has_ended("empty"));
  MUST(write(ends[1], "a", 1));
  add(instance, ends[0], EPOLLIN, 1);
  join();
  outer = MUST(epoll_create1(0));
  int inner = MUST(epoll_create1(0)), deep = MUST(epoll_create1(0));
  add(outer, inner, EPOLLIN, 10);
  add(inner, deep, EPOLLIN, 11);
  start("nested", waiter, &outer);
  settle();
  say("still waiting: %d", !has_ended("nested"));
  add(deep, instance, EPOLLIN, 12);
  join();
  wait_for(inner, 8, -1);
  wait_for(deep, 8, -1);
  MUST(read(ends[0], buffer, 8));
  wait_for(outer, 8, 0);
  TRACE_WAIT(30, epoll_wait(outer, events, 8, 30));
}

SCENARIO(epoll_deep, "instances as deep as the kernel allows") {
  int chain[6];
  make_pair(PIPE, ends);
  for (int i = 0; i < 6; i++) chain[i] = MUST(epoll_create1(0));
  add(chain[0], ends[0], EPOLLIN, 0);
  for (int i = 1; i < 4; i++) add(chain[i], chain[i - 1], EPOLLIN, i);
  instance = chain[3];
  start("deep", waiter, &instance);
  settle();
  say("still waiting: %d", !has_ended("deep"));
  MUST(write(ends[1], "a", 1));
  join();
}

SCENARIO(epoll_wrong, "what epoll_wait refuses") {
  static const struct timespec bad = {0, 1000000000}, negative = {-1, 0}, none = {0, 0};
  sigset_t set;
  sigemptyset(&set);
  make_pair(PIPE, ends);
  instance = MUST(epoll_create1(0));
  add(instance, ends[0], EPOLLIN, 1);
  TRACE(epoll_wait(-1, events, 8, -1));
  TRACE(epoll_wait(ends[0], events, 8, -1));
  TRACE(epoll_wait(instance, events, 0, -1));
  TRACE(epoll_wait(instance, events, minus, -1));
  TRACE(epoll_wait(instance, events, many, -1));
  TRACE(epoll_wait(instance, (void *)-4096, 8, -1));
  TRACE(epoll_pwait(-1, events, 8, -1, nowhere));
  TRACE(epoll_pwait(instance, events, 8, 0, nowhere));
  TRACE(epoll_pwait(instance, events, 8, 10, &set));
  TRACE(epoll_pwait2(instance, events, 8, &bad, NULL));
  TRACE(epoll_pwait2(instance, events, 8, &negative, NULL));
  TRACE(epoll_pwait2(-1, events, 8, &bad, NULL));
  TRACE(epoll_pwait2(-1, events, 8, nowhere, nowhere));
  TRACE(epoll_pwait2(instance, events, 8, &none, nowhere));
  TRACE(epoll_pwait2(instance, events, 8, &none, &set));
  MUST(write(ends[1], "a", 1));
  TRACE(epoll_wait(instance, nowhere, 8, -1));
  TRACE(epoll_wait(instance, events, 8, -1));
}

SCENARIO(epoll_times, "time-outs of each form") {
  static const struct timespec time = {0, 45000000};
  instance = MUST(epoll_create1(0));
  TRACE_WAIT(45, epoll_pwait2(instance, events, 8, &time, NULL));
  TRACE_WAIT(45, epoll_pwait(instance, events, 8, 45, NULL));
  TRACE_WAIT(45, epoll_wait(instance, events, 8, 45));
  TRACE(epoll_wait(instance, events, 8, 0));
}

/* ---- signals ---------------------------------------------------------------------------------------- */

static volatile sig_atomic_t handled;
static void handler(int signal) { handled += signal == SIGUSR1; }

static void masked(void *argument) {
  sigset_t none;
  (void)argument;
  sigemptyset(&none);
  TRACE(epoll_pwait(instance, events, 8, -1, &none));
  say("handled %d", (int)handled);
}

SCENARIO(epoll_masks, "signals that only the mask admits end the wait, and events go first") {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigset_t one, none;
  sigemptyset(&none);
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  MUST(sigaction(SIGUSR1, &action, NULL));
  MUST(sigprocmask(SIG_BLOCK, &one, NULL));
  make_pair(PIPE, ends);
  instance = MUST(epoll_create1(0));
  add(instance, ends[0], EPOLLIN, 1);
  start("masked", masked, NULL);
  settle();
  signal_actor("masked", SIGUSR1);
  join();
  raise(SIGUSR1);
  TRACE(epoll_pwait(instance, events, 8, 0, &none));
  say("handled %d", (int)handled);
  MUST(write(ends[1], "a", 1));
  TRACE(epoll_pwait(instance, events, 8, -1, &none));
  say("handled %d", (int)handled);
  MUST(read(ends[0], buffer, 8));
  TRACE(epoll_pwait(instance, events, 8, -1, &none));
  say("handled %d", (int)handled);
}

static void blocking_mask(void *argument) {
  sigset_t one;
  (void)argument;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  TRACE(epoll_pwait(instance, events, 8, -1, &one));
}

SCENARIO(epoll_mask_blocks, "a signal that only the mask blocks does not end the wait") {
  struct sigaction action = {.sa_handler = handler};
  MUST(sigaction(SIGUSR1, &action, NULL));
  make_pair(PIPE, ends);
  instance = MUST(epoll_create1(0));
  add(instance, ends[0], EPOLLIN, 1);
  start("masked", blocking_mask, NULL);
  settle();
  signal_actor("masked", SIGUSR1);
  settle();
  say("still waiting: %d", !has_ended("masked"));
  MUST(write(ends[1], "a", 1));
  join();
  say("handled %d", (int)handled);
}
