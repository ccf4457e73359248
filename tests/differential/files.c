/* files.c - descriptors that are no sockets: files, devices, terminals, counters, timers. */
#include "scenario.h"

#include <linux/perf_event.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/wait.h>

static int ends[2];
static char buffer[256];

SCENARIO(regular_files, "regular files: positions, ends, append, vectors") {
  struct iovec two[2] = {{buffer, 3}, {buffer + 3, 5}};
  int fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
  TRACE(read(fd, buffer, 5));
  TRACE(write(fd, "0123456789", 10));
  TRACE(lseek(fd, 2, SEEK_SET));
  TRACE(read(fd, buffer, 3));
  TRACE(readv(fd, two, 2));
  TRACE(read(fd, buffer, 5));
  TRACE(writev(fd, two, 2));
  TRACE(lseek(fd, 0, SEEK_CUR));
  int end = MUST(open("file", O_WRONLY | O_APPEND));
  TRACE(write(end, "tail", 4));
  TRACE(read(end, buffer, 4));
  TRACE(lseek(fd, 0, SEEK_END));
  int in = MUST(open("file", O_RDONLY | O_NONBLOCK));
  TRACE(write(in, "x", 1));
  memset(buffer, 0, sizeof buffer);
  TRACE(read(in, buffer, 100));
  say("%s", buffer);
  TRACE(recv(in, buffer, 1, 0));
  TRACE(send(in, buffer, 1, 0));
  TRACE(read(MUST(open("file", O_PATH)), buffer, 1));
  TRACE(write(MUST(open("file", O_PATH)), buffer, 1));
  TRACE(send(MUST(open("file", O_PATH)), buffer, 1, 0));
}

SCENARIO(special_files, "devices, proc files, directories") {
  static const char *const names[] = {"/dev/null", "/dev/zero", "/dev/full", ".", "/proc/version", "/dev/urandom"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    int fd = open(names[i], O_RDWR);
    if (fd < 0) fd = MUST(open(names[i], O_RDONLY));
    say("%s", names[i]);
    TRACE(read(fd, buffer, 4));
    TRACE(readv(fd, &(struct iovec){buffer, 4}, 1));
    TRACE(write(fd, "abc", 3));
    TRACE(writev(fd, &(struct iovec){buffer, 4}, 1));
    TRACE(read(fd, buffer, 0));
    TRACE(write(fd, buffer, 0));
    TRACE(send(fd, buffer, 1, 0));
    TRACE(fcntl(fd, F_GETFL));
  }
  int memory = MUST(syscall(SYS_memfd_create, "memory", 0));
  TRACE(write(memory, "abc", 3));
  TRACE(lseek(memory, 1, SEEK_SET));
  TRACE(read(memory, buffer, 9));
  int epoll = MUST(syscall(SYS_epoll_create1, 0));
  TRACE(read(epoll, buffer, 9));
  TRACE(write(epoll, buffer, 9));
}

static void read_counter(void *argument) {
  uint64_t value = 0;
  (void)argument;
  TRACE(read(ends[0], &value, sizeof value));
  say("%#llx", (unsigned long long)value);
}

static void write_counter(void *argument) {
  uint64_t value = *(uint64_t *)argument;
  TRACE(write(ends[0], &value, sizeof value));
}

SCENARIO(counters, "eventfd: reads wait for a count, writes wait for room for theirs") {
  static uint64_t five = 5, one = 1;
  uint64_t value = 3, most = UINT64_MAX - 1;
  ends[0] = MUST(eventfd(0, 0));
  start("reader", read_counter, NULL);
  settle();
  TRACE(write(ends[0], &value, 8));
  join();
  TRACE(read(ends[0], &value, 7));
  TRACE(write(ends[0], &value, 7));
  TRACE(write(ends[0], &value, 0));
  TRACE(read(ends[0], &value, 0));
  value = UINT64_MAX;
  TRACE(write(ends[0], &value, 8));
  value = most - 2;
  TRACE(write(ends[0], &value, 8));
  start("writer of 5", write_counter, &five);
  settle();
  say("still waiting: %d", !has_ended("writer of 5"));
  TRACE(write(ends[0], &one, 8));
  settle();
  start("another reader", read_counter, NULL);
  join();
  TRACE(read(ends[0], &value, 8));
  ends[0] = MUST(eventfd(2, EFD_SEMAPHORE));
  for (int i = 0; i < 2; i++) read_counter(NULL);
  set_nonblocking(ends[0], true);
  read_counter(NULL);
  TRACE(readv(ends[0], &(struct iovec){buffer, 8}, 1));
  TRACE(write(ends[0], buffer, 3));
}

SCENARIO(timers, "timerfd: reads wait until it is due") {
  struct itimerspec soon = {.it_value = {0, 60000000}}, never = {.it_value = {0, 0}};
  ends[0] = MUST(timerfd_create(CLOCK_MONOTONIC, 0));
  MUST(timerfd_settime(ends[0], 0, &soon, NULL));
  TRACE_WAIT(60, read(ends[0], buffer, 8));
  TRACE(read(ends[0], buffer, 0));
  TRACE(read(ends[0], buffer, 4));
  TRACE(write(ends[0], buffer, 8));
  MUST(timerfd_settime(ends[0], 0, &never, NULL));
  set_nonblocking(ends[0], true);
  TRACE(read(ends[0], buffer, 8));
  set_nonblocking(ends[0], false);
  MUST(timerfd_settime(ends[0], 0, &soon, NULL));
  TRACE_WAIT(60, readv(ends[0], &(struct iovec){buffer, 8}, 1));
}

static void read_events(void *argument) {
  (void)argument;
  ssize_t n = read(ends[0], buffer, sizeof buffer);
  say("an event: %d", n >= (ssize_t)sizeof(struct inotify_event));
}

SCENARIO(notices, "inotify: a read waits for an event") {
  ends[0] = MUST(inotify_init1(0));
  MUST(inotify_add_watch(ends[0], ".", IN_CREATE));
  start("reader", read_events, NULL);
  settle();
  say("still waiting: %d", !has_ended("reader"));
  MUST(close(MUST(open("made", O_CREAT | O_WRONLY, 0600))));
  join();
}

/* Opens the file, which waits until the event's reader permits it. */
static void open_watched(void *argument) {
  (void)argument;
  pid_t child = MUST(fork());
  if (!child) {
    // Else the child would keep alive what it waits for, should nobody answer.
    MUST(close(ends[0]));
    _exit(open("watched", O_RDONLY) < 0 ? errno : 0);
  }
  int status;
  MUST(waitpid(child, &status, 0));
  say("opened: %d", WEXITSTATUS(status));
}

SCENARIO(permits, "fanotify: an answer is written at once, though the descriptor never polls writable") {
  struct fanotify_event_metadata event;
  ends[0] = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);
  if (ends[0] < 0) return say("not here: no right to fanotify");
  MUST(close(MUST(open("watched", O_CREAT | O_WRONLY, 0600))));
  MUST(fanotify_mark(ends[0], FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "watched"));
  for (int i = 0; i < 2; i++) {
    start(i ? "denied" : "allowed", open_watched, NULL);
    TRACE(read(ends[0], &event, sizeof event));
    struct fanotify_response answer = {event.fd, i ? FAN_DENY : FAN_ALLOW};
    TRACE(i ? writev(ends[0], &(struct iovec){&answer, sizeof answer}, 1) : write(ends[0], &answer, sizeof answer));
    MUST(close(event.fd));
    join();
  }
  TRACE(write(ends[0], buffer, 1));
}

SCENARIO(events_counted, "perf_event_open: a counter is read at once, though it does not poll readable") {
  struct perf_event_attr one = {.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS, .size = sizeof one, .sample_period = 1 << 30};
  one.exclude_kernel = one.exclude_hv = 1;
  ends[0] = (int)syscall(SYS_perf_event_open, &one, 0, -1, -1, 0);
  if (ends[0] < 0) return say("not here: no right to perf_event_open");
  if (mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, ends[0], 0) == MAP_FAILED) return say("not here: no ring of perf_event_open");
  say("polls: %d", poll(&(struct pollfd){ends[0], POLLIN, 0}, 1, 0));
  TRACE(read(ends[0], buffer, 8));
  TRACE(readv(ends[0], &(struct iovec){buffer, 8}, 1));
  TRACE(pread(ends[0], buffer, 8, 0));
  TRACE(read(ends[0], buffer, 4));
}

/* ---- terminals -------------------------------------------------------------------------------------- */

static void set_terminal(int fd, bool lines, int least, int tenths) {
  struct termios settings;
  MUST(tcgetattr(fd, &settings));
  cfmakeraw(&settings);
  if (lines) settings.c_lflag |= ICANON;
  if (lines) settings.c_cc[VEOF] = 4, settings.c_cc[VEOL] = 0;
  if (!lines) settings.c_cc[VMIN] = (cc_t)least, settings.c_cc[VTIME] = (cc_t)tenths;
  MUST(tcsetattr(fd, TCSANOW, &settings));
}

static void read_terminal(void *argument) {
  size_t length = argument ? *(size_t *)argument : sizeof buffer;
  memset(buffer, 0, sizeof buffer);
  ssize_t n = read(ends[0], buffer, length);
  say("%zd \"%s\"", n, buffer);
}

SCENARIO(terminal_lines, "a terminal gives whole lines") {
  make_pair(PTY, ends);
  set_terminal(ends[0], true, 0, 0);
  start("reader", read_terminal, NULL);
  settle();
  TRACE(write(ends[1], "half", 4));
  settle();
  say("still waiting: %d", !has_ended("reader"));
  TRACE(write(ends[1], " a line\nmore", 12));
  join();
  start("end", read_terminal, NULL);
  settle();
  TRACE(write(ends[1], "\4", 1));
  join();
  start("empty", read_terminal, NULL);
  settle();
  TRACE(write(ends[1], "\4", 1));
  join();
}

SCENARIO(terminal_least, "a raw terminal waits for VMIN bytes, or for as many as are asked for") {
  static size_t two = 2, eight = 8;
  make_pair(PTY, ends);
  set_terminal(ends[0], false, 4, 0);
  start("eight", read_terminal, &eight);
  settle();
  TRACE(write(ends[1], "abc", 3));
  settle();
  say("still waiting: %d", !has_ended("eight"));
  TRACE(write(ends[1], "de", 2));
  join();
  start("two", read_terminal, &two);
  settle();
  TRACE(write(ends[1], "fg", 2));
  join();
}

SCENARIO(terminal_times, "a raw terminal gives up after VTIME, of the whole or between bytes") {
  make_pair(PTY, ends);
  set_terminal(ends[0], false, 0, 0);
  read_terminal(NULL);
  set_terminal(ends[0], false, 0, 1);
  TRACE_WAIT(100, read(ends[0], buffer, 8));
  set_terminal(ends[0], false, 200, 1);
  start("reader", read_terminal, NULL);
  settle();
  TRACE(write(ends[1], "abc", 3));
  join();
}

/* ---- memory ----------------------------------------------------------------------------------------- */

static void wait_with_a_bad_buffer(void *argument) {
  (void)argument;
  TRACE(read(ends[0], nowhere, 5));
  TRACE(read(ends[0], buffer, 5));
}

/* The compiler and the fortified calls know neither size nor numbers of these. */
static char *volatile memory = buffer;
static void *volatile end_of_memory = (void *)UINTPTR_MAX;
static volatile size_t endless = SIZE_MAX;
static volatile int minus = -1;

SCENARIO(bad_memory, "wrong pointers, counts and vectors") {
  struct iovec bad[3] = {{buffer, 2}, {nowhere, 4}, {buffer, 2}}, huge[2] = {{buffer, SIZE_MAX / 2}, {buffer, SIZE_MAX / 2}};
  static struct iovec many[IOV_MAX + 1];
  char *edge = before_a_hole(6000);
  static const enum kind kinds[] = {TCP, UNIX, SEQPACKET, DGRAM, UDP, PIPE, FIFO, PTY};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    enum kind kind = kinds[i];
    say("%s", kind_names[kind]);
    make_pair(kind, ends);
    TRACE(write(ends[1], nowhere, 5));
    if (is_socket(kind)) TRACE(send(ends[1], nowhere, 5, 0));
    TRACE(writev(ends[1], nowhere, 5));
    TRACE(writev(ends[1], bad, minus));
    TRACE(writev(ends[1], many, IOV_MAX + 1));
    TRACE(writev(ends[1], huge, 2));
    TRACE(writev(ends[1], huge, 0));
    TRACE(write(ends[1], memory, endless));
    TRACE(write(ends[1], end_of_memory, 1));
    TRACE(write(ends[1], "", 0));
    TRACE(write(ends[1], "data and more", 13));
    if (kind == DGRAM || kind == UDP) TRACE(read(ends[0], buffer, 5));
    settle();
    TRACE(readv(ends[0], nowhere, 5));
    TRACE(readv(ends[0], bad, minus));
    TRACE(readv(ends[0], many, IOV_MAX + 1));
    TRACE(readv(ends[0], huge, 2));
    TRACE(readv(ends[0], huge, 0));
    TRACE(read(ends[0], nowhere, 0));
    TRACE(read(ends[0], memory, endless));
    TRACE(read(ends[0], end_of_memory, 1));
    if (is_socket(kind)) TRACE(recv(ends[0], end_of_memory, 1, 0));
    if (is_socket(kind)) TRACE(recvmsg(ends[0], nowhere, 0));
    if (is_socket(kind)) TRACE(sendmsg(ends[1], nowhere, 0));
    if (is_socket(kind)) TRACE(recvmsg(ends[0], &(struct msghdr){.msg_iov = many, .msg_iovlen = IOV_MAX + 1}, 0));
    if (is_socket(kind)) TRACE(sendmsg(ends[1], &(struct msghdr){.msg_iov = many, .msg_iovlen = IOV_MAX + 1}, 0));
    if (kind == PTY) continue;
    TRACE(readv(ends[0], bad, 3));
    set_nonblocking(ends[0], true);
    TRACE(read(ends[0], buffer, 60));
    set_nonblocking(ends[0], false);
    start(kind_names[kind], wait_with_a_bad_buffer, NULL);
    settle();
    TRACE(write(ends[1], "more", 4));
    settle();
    if (!has_ended(kind_names[kind])) TRACE(write(ends[1], "last", 4));
    join();
    set_nonblocking(ends[0], true);
    say("%ld", write(ends[1], edge, 10000));
    long n = read(ends[0], buffer, 200);
    say("%ld", n);
  }
}

SCENARIO(numbers, "wrong descriptor numbers in every call") {
  static const int wrong[] = {-1, INT_MIN, 999, INT_MAX};
  struct iovec piece = {buffer, 2};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  struct sockaddr_un address = unix_address("x");
  socklen_t length = sizeof address;
  int pair[2];
  for (int i = 0; i < 4; i++) {
    int fd = wrong[i];
    TRACE(read(fd, buffer, 2));
    TRACE(read(fd, buffer, 0));
    TRACE(write(fd, buffer, 2));
    TRACE(write(fd, buffer, 0));
    TRACE(readv(fd, &piece, 1));
    TRACE(writev(fd, &piece, 1));
    TRACE(recv(fd, buffer, 2, 0));
    TRACE(send(fd, buffer, 2, 0));
    TRACE(recvfrom(fd, buffer, 2, 0, NULL, NULL));
    TRACE(sendto(fd, buffer, 2, 0, NULL, 0));
    TRACE(recvmsg(fd, &message, 0));
    TRACE(sendmsg(fd, &message, 0));
    TRACE(accept(fd, NULL, NULL));
    TRACE(accept4(fd, NULL, NULL, 0));
    TRACE(connect(fd, plain(&address), sizeof address));
    TRACE(shutdown(fd, SHUT_RD));
    TRACE(close(fd));
    TRACE(dup(fd));
    TRACE(dup2(fd, 5));
    TRACE(dup2(0, fd));
    TRACE(dup2(fd, fd));
    TRACE(dup3(fd, 5, 0));
    TRACE(dup3(0, fd, O_CLOEXEC));
    TRACE(fcntl(fd, F_GETFL));
    TRACE(fcntl(0, F_DUPFD, fd));
    TRACE(ioctl(fd, FIONBIO, &length));
    TRACE(getsockopt(fd, SOL_SOCKET, SO_TYPE, buffer, &length));
    TRACE(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, buffer, length));
    struct pollfd p = {fd, POLLIN, 0x55};
    TRACE(poll(&p, 1, fd < 0 ? 0 : -1));
    say("%s", poll_names(p.revents));
  }
  TRACE(socket(-1, SOCK_STREAM, 0));
  TRACE(socket(AF_INET, 77, 0));
  TRACE(socket(AF_INET, SOCK_STREAM, 200));
  TRACE(socketpair(AF_INET, SOCK_STREAM, 0, pair));
  TRACE(socketpair(AF_UNIX, SOCK_STREAM, 0, nowhere));
  TRACE(pipe(nowhere));
  TRACE(pipe2(pair, 12345));
  TRACE(pipe2(nowhere, O_CLOEXEC));
}
