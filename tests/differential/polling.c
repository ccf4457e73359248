/* polling.c - poll, ppoll, select and pselect: what they tell, what they wait for, what they refuse. */
#include "scenario.h"

static int ends[2], more[2];
static char buffer[64], large[1 << 20];
static struct pollfd polled[8];
enum { ALL = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND | POLLRDHUP };

static void look(const char *what, int fd) {
  struct pollfd p = {fd, ALL, 0x5555};
  int n = poll(&p, 1, 0);
  say("%s: %d %s", what, n, poll_names(p.revents));
}

SCENARIO(what_poll_tells, "the exact bits of every kind in every state") {
  count_sigpipes();
  for (enum kind kind = 0; kind < KINDS; kind++) {
    say("%s", kind_names[kind]);
    make_pair(kind, ends);
    look("reader, empty", ends[0]);
    look("writer, empty", ends[1]);
    MUST(write(ends[1], "data", 4));
    settle();
    look("reader, data", ends[0]);
    set_nonblocking(ends[1], true);
    for (int i = 0; i < 10000 && write(ends[1], large, kind > 2 && is_socket(kind) ? 1000 : 65536) > 0; i++) continue;
    if (kind != TCP && kind != UDP && kind != PTY) look("writer, full", ends[1]);
    if (is_socket(kind)) MUST(shutdown(ends[1], SHUT_WR));
    if (kind != UDP && kind != PTY) {
      settle();
      look("reader, half closed", ends[0]);
      look("writer, half closed", ends[1]);
    }
    MUST(close(ends[1]));
    settle();
    look("reader, closed", ends[0]);
    set_nonblocking(ends[0], true);
    while (read(ends[0], large, sizeof large) > 0) continue;
    look("reader, closed and empty", ends[0]);
    make_pair(kind, more);
    MUST(close(more[0]));
    settle();
    look("writer, other closed", more[1]);
    if (kind != PTY) {
      ssize_t n = write(more[1], "x", 1);
      settle();
      say("%d", n < 0);
      look("writer, told", more[1]);
    }
    MUST(close(more[1]));
    look("no descriptor", more[1]);
    if (kind == TCP || kind == UNIX || kind == SEQPACKET) {
      int fresh = MUST(socket(kind == TCP ? AF_INET : AF_UNIX, kind == SEQPACKET ? SOCK_SEQPACKET : SOCK_STREAM, 0));
      look("fresh", fresh);
    }
  }
}

SCENARIO(poll_files, "poll of files, devices, event and timer descriptors") {
  static const char *const names[] = {"/dev/null", "/dev/zero", "/proc/self/stat", "/proc/self/mounts", ".", "log", "/dev/full"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    int fd = MUST(open(names[i], O_RDONLY));
    look(names[i], fd);
    MUST(close(fd));
  }
  look("path only", MUST(open(".", O_PATH)));
  int event = MUST(eventfd(0, 0));
  look("eventfd 0", event);
  MUST(eventfd_write(event, 1));
  look("eventfd 1", event);
  MUST(eventfd_write(event, UINT64_MAX - 2));
  look("eventfd full", event);
  int timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
  look("timerfd", timer);
  MUST(timerfd_settime(timer, 0, &(struct itimerspec){.it_value = {0, 1}}, NULL));
  settle();
  look("timerfd, due", timer);
  look("memfd", MUST(syscall(SYS_memfd_create, "m", 0)));
}

/* ---- waiting ---------------------------------------------------------------------------------------- */

static void poll_both(void *argument) {
  (void)argument;
  polled[0] = (struct pollfd){ends[0], POLLIN, 0x55};
  polled[1] = (struct pollfd){-1, POLLIN, 0x55};
  polled[2] = (struct pollfd){more[0], POLLIN | POLLRDHUP, 0x55};
  polled[3] = (struct pollfd){ends[0], POLLIN | POLLRDNORM, 0x55};
  polled[4] = (struct pollfd){-77, POLLIN, 0x55};
  TRACE(poll(polled, 5, -1));
  for (int i = 0; i < 5; i++) say("%d: %s", i, poll_names(polled[i].revents));
}

SCENARIO(poll_waits, "poll of several, with duplicates and negative ones, wakes with the exact bits of each") {
  for (enum kind kind = 0; kind < KINDS; kind++) {
    say("%s", kind_names[kind]);
    make_pair(kind, ends);
    make_pair(kind, more);
    start(kind_names[kind], poll_both, NULL);
    settle();
    MUST(write(ends[1], "x", 1));
    join();
    MUST(read(ends[0], buffer, 1));
    if (is_stream(kind) || kind == SEQPACKET) {
      char name[32];
      snprintf(name, sizeof name, "%s closed", kind_names[kind]);
      start(name, poll_both, NULL);
      settle();
      MUST(close(more[1]));
      join();
    }
  }
}

static void poll_for(void *argument) {
  struct pollfd *p = argument;
  int n = poll(p, 1, -1);
  say("%d %s", n, poll_names(p->revents));
}

SCENARIO(several_poll, "several that poll one descriptor for different events") {
  make_pair(UNIX, ends);
  set_nonblocking(ends[0], true);
  while (write(ends[0], large, sizeof large) > 0) continue;
  polled[0] = (struct pollfd){ends[0], POLLIN, 0};
  polled[1] = (struct pollfd){ends[0], POLLOUT, 0};
  polled[2] = (struct pollfd){ends[0], POLLRDHUP, 0};
  polled[3] = (struct pollfd){ends[0], 0, 0};
  start("in", poll_for, &polled[0]);
  start("out", poll_for, &polled[1]);
  start("rdhup", poll_for, &polled[2]);
  start("none", poll_for, &polled[3]);
  settle();
  MUST(write(ends[1], "x", 1));
  settle();
  say("%d %d %d %d", has_ended("in"), has_ended("out"), has_ended("rdhup"), has_ended("none"));
  while (recv(ends[1], large, sizeof large, MSG_DONTWAIT) > 0) continue;
  settle();
  say("%d %d %d %d", has_ended("in"), has_ended("out"), has_ended("rdhup"), has_ended("none"));
  MUST(shutdown(ends[1], SHUT_WR));
  settle();
  say("%d %d %d %d", has_ended("in"), has_ended("out"), has_ended("rdhup"), has_ended("none"));
  MUST(close(ends[1]));
  join();
}

/* The compiler and the fortified calls know nothing of these. */
static struct pollfd *volatile unknown = polled;
static volatile nfds_t endless = (nfds_t)-1, many = 1 << 30;

SCENARIO(poll_times, "poll and ppoll wait for their time and no less") {
  struct timespec tenth = {0, 70000000}, zero = {0, 0}, negative = {-1, 0}, wrong = {0, 1000000000}, minus = {0, -1};
  MUST(pipe(ends));
  polled[0] = (struct pollfd){ends[0], POLLIN, 0x55};
  TRACE(poll(polled, 1, 0));
  TRACE_WAIT(70, poll(polled, 1, 70));
  TRACE_WAIT(70, poll(NULL, 0, 70));
  TRACE_WAIT(70, poll(nowhere, 0, 70));
  TRACE_WAIT(70, ppoll(polled, 1, &tenth, NULL));
  say("%ld %ld", (long)tenth.tv_sec, (long)tenth.tv_nsec);
  TRACE(ppoll(polled, 1, &zero, NULL));
  TRACE(ppoll(polled, 1, &negative, NULL));
  TRACE(ppoll(polled, 1, &wrong, NULL));
  TRACE(ppoll(polled, 1, &minus, NULL));
  TRACE(poll(nowhere, 1, 0));
  TRACE(poll(nowhere, 1, -1));
  TRACE(poll(unknown, endless, 0));
  TRACE(poll(unknown, many, -1));
  TRACE(ppoll(nowhere, 1, NULL, NULL));
  polled[0].fd = 1000;
  TRACE(poll(polled, 1, -1));
  say("%s", poll_names(polled[0].revents));
  MUST(write(ends[1], "x", 1));
  polled[0].fd = ends[0];
  TRACE(poll(polled, 1, INT_MIN));
  say("%s", poll_names(polled[0].revents));
}

static volatile sig_atomic_t signalled;
static void on_signal(int signal) { signalled = signal; }

static void poll_with_mask(void *argument) {
  sigset_t none;
  sigemptyset(&none);
  if (argument) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    TRACE(pselect(ends[0] + 1, &set, NULL, NULL, NULL, &none));
    return;
  }
  TRACE(ppoll(polled, 1, NULL, &none));
}

SCENARIO(masked, "ppoll and pselect let in a signal that is blocked otherwise") {
  sigset_t one;
  struct timespec soon = {0, 40000000};
  struct sigaction action = {.sa_handler = on_signal};
  MUST(sigaction(SIGUSR1, &action, NULL));
  MUST(sigaction(SIGUSR2, &action, NULL));
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  sigaddset(&one, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &one, NULL);
  MUST(pipe(ends));
  polled[0] = (struct pollfd){ends[0], POLLIN, 0};
  raise(SIGUSR1);
  say("%d", (int)signalled);
  poll_with_mask(NULL);
  say("%d", (int)signalled);
  raise(SIGUSR2);
  poll_with_mask(ends);
  say("%d", (int)signalled);
  raise(SIGUSR1);
  TRACE(ppoll(polled, 1, &soon, &one));
  say("%d", (int)signalled);
  MUST(write(ends[1], "x", 1));
  TRACE(ppoll(polled, 1, NULL, &one));
  say("%d", (int)signalled);
}

/* ---- select ----------------------------------------------------------------------------------------- */

static void show(int n, const fd_set *set, const char *name) {
  char text[200] = "";
  for (int fd = 0; fd < n; fd++)
    if (FD_ISSET(fd, set)) sprintf(text + strlen(text), " %d", fd);
  say("%s:%s", name, text);
}

static void select_three(void *argument) {
  fd_set in, out, except;
  (void)argument;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&except);
  FD_SET(ends[0], &in);
  FD_SET(more[0], &in);
  FD_SET(ends[0], &except);
  TRACE(select(20, &in, &out, &except, NULL));
  show(20, &in, "in");
  show(20, &out, "out");
  show(20, &except, "except");
}

SCENARIO(select_waits, "select of several wakes with the exact sets") {
  fd_set in, out;
  for (int i = 0; i < 3; i++) {
    make_pair(i == 2 ? PIPE : TCP, ends);
    make_pair(PIPE, more);
    start(i == 0 ? "data" : i == 1 ? "urgent" : "end", select_three, NULL);
    settle();
    if (i == 0) MUST(write(ends[1], "x", 1));
    if (i == 1) MUST(send(ends[1], "x", 1, MSG_OOB));
    if (i == 2) MUST(close(ends[1]));
    join();
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(more[1], &out);
    FD_SET(ends[0], &in);
    TRACE(select(30, &in, &out, NULL, NULL));
    show(30, &in, "in");
    show(30, &out, "out");
  }
}

SCENARIO(select_times, "select and pselect wait for their time, and refuse what is wrong") {
  struct timeval time = {0, 70000}, negative = {-1, 0}, much = {0, 1070000}, minus = {0, -1};
  struct timespec tenth = {0, 70000000}, wrong = {0, 1000000000};
  fd_set set;
  MUST(pipe(ends));
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  TRACE_WAIT(70, select(ends[0] + 1, &set, NULL, NULL, &time));
  say("left: %ld %ld", (long)time.tv_sec, (long)time.tv_usec);
  show(20, &set, "in");
  time = (struct timeval){0, 70000};
  TRACE_WAIT(70, select(0, NULL, NULL, NULL, &time));
  TRACE_WAIT(1070, select(0, NULL, NULL, NULL, &much));
  FD_SET(ends[0], &set);
  TRACE_WAIT(70, pselect(ends[0] + 1, &set, NULL, NULL, &tenth, NULL));
  say("%ld", (long)tenth.tv_nsec);
  TRACE(pselect(1, &set, NULL, NULL, &wrong, NULL));
  TRACE(select(1, &set, NULL, NULL, &negative));
  TRACE(select(1, &set, NULL, NULL, &minus));
  TRACE(select(-1, &set, NULL, NULL, NULL));
  TRACE(select(8, nowhere, NULL, NULL, NULL));
  time = (struct timeval){0, 0};
  FD_ZERO(&set);
  FD_SET(60, &set);
  TRACE(select(61, &set, NULL, NULL, &time));
  TRACE(select(61, NULL, &set, NULL, NULL));
  TRACE(select(60, &set, NULL, NULL, &time));
  time = (struct timeval){100, 0};
  FD_ZERO(&set);
  FD_SET(ends[1], &set);
  TRACE(select(ends[1] + 1, NULL, &set, NULL, &time));
  say("much is left: %d", time.tv_sec >= 90 && time.tv_sec <= 100);
  int file = MUST(open("log", O_RDONLY));
  FD_ZERO(&set);
  FD_SET(file, &set);
  TRACE(select(file + 1, &set, NULL, NULL, NULL));
}
