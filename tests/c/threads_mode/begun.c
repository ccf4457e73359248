/*
 * Calls that others see begin before they wait: a signal handler that runs from then on ends them. A child watches each
 * call, and signals as soon as it sees a part of it done.
 */
#include "threads_mode.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <termios.h>

enum { ROUNDS = 2000, CONNECTIONS = 200, PIPE = 65536, PATIENCE_MS = 5000 };

static struct {
  _Atomic int begun, sent, ended, lost;
} *rounds;
static int ends[2], sockets[CONNECTIONS];
static char bytes[4 * PIPE];

static void nothing(int signal) { (void)signal; }

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In the child: signals once a round, when `is_seen` says that the call has done something. */
static void watch(int count, int (*is_seen)(int round)) {
  pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int round = 1; round <= count; round++) {
    while (rounds->begun < round) sched_yield();
    while (!is_seen(round)) continue;
    for (volatile int i = round % 64 * 16; i > 0; i--) continue;
    for (long told = 0; rounds->ended < round; sched_yield()) {
      if (told && now_ms() - told < PATIENCE_MS) continue;
      /* Once more, so that the program can go on and tell. */
      rounds->lost += told > 0;
      told = now_ms();
      kill(parent, SIGUSR1);
    }
  }
  _exit(0);
}

/* Makes the call `count` times, and says how often it was not ended by a handler with these flags. */
static void compare(int flags, int count, int (*is_seen)(int round), int (*call)(int round)) {
  int wrong = 0, round;
  pid_t child;
  rounds = mmap(NULL, sizeof *rounds, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  install(SIGUSR1, nothing, flags);
  child = fork();
  if (child == 0) watch(count, is_seen);
  for (round = 1; round <= count && !rounds->lost; round++) {
    rounds->begun = round;
    wrong += !call(round);
    rounds->ended = round;
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  SAY(wrong);
  SAY(rounds->lost);
}

static int is_full(int round) {
  int there = 0;
  (void)round;
  ioctl(ends[0], FIONREAD, &there);
  return there >= PIPE;
}
static int writes(int round) {
  ssize_t written = write(ends[1], bytes, sizeof bytes);
  (void)round;
  for (ssize_t left = written; left > 0;) left -= read(ends[0], bytes, (size_t)left);
  return written == PIPE;
}
static void a_write_that_has_filled_a_pipe_ends(void) {
  SAY(pipe(ends));
  compare(0, ROUNDS, is_full, writes);
}

static int is_there(int round) {
  int there = 0;
  (void)round;
  ioctl(ends[0], FIONREAD, &there);
  return there > 0;
}
static int sends(int round) {
  ssize_t sent = send(ends[1], bytes, sizeof bytes, 0);
  (void)round;
  for (ssize_t left = sent; left > 0;) left -= recv(ends[0], bytes, (size_t)left, 0);
  return sent > 0 && sent < (ssize_t)sizeof bytes;
}
static void a_send_that_has_sent_a_part_ends(void) {
  int room = 8192;
  SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  SAY(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
  compare(0, ROUNDS, is_there, sends);
}

/* What was sent before the call began is taken by it. */
static int is_taken(int round) {
  int there = 1;
  return rounds->sent == round && ioctl(ends[1], SIOCOUTQ, &there) == 0 && there == 0;
}
static int receives(int round) {
  int sent = send(ends[1], "part", 4, 0) == 4;
  rounds->sent = round;
  return sent && recv(ends[0], bytes, 100, MSG_WAITALL) == 4;
}
static void a_receive_that_has_taken_a_part_ends(void) {
  SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  compare(0, ROUNDS, is_taken, receives);
}

enum { MESSAGES = 200, MESSAGE = 1000 };
static struct mmsghdr messages[MESSAGES];
static struct iovec places[MESSAGES];
static void begin_batches(int kind) {
  int room = 8192;
  for (int i = 0; i < MESSAGES; i++) {
    places[i] = (struct iovec){bytes, MESSAGE};
    messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &places[i], .msg_iovlen = 1}};
  }
  SAY(socketpair(AF_UNIX, kind, 0, ends));
  SAY(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
}
static int sends_a_batch(int round) {
  int sent = sendmmsg(ends[1], messages, MESSAGES, 0);
  ssize_t left = 0;
  (void)round;
  for (int i = 0; i < sent; i++) left += messages[i].msg_len;
  while (left > 0) left -= recv(ends[0], bytes, sizeof bytes, 0);
  return sent > 0 && sent < MESSAGES;
}
static int receives_a_batch(int round) {
  int sent = send(ends[1], "part", 4, 0) == 4, taken, kept;
  socklen_t size = sizeof kept;
  rounds->sent = round;
  taken = recvmmsg(ends[0], messages, 2, 0, NULL);
  /* The kernel keeps the interruption for the next call. */
  getsockopt(ends[0], SOL_SOCKET, SO_ERROR, &kept, &size);
  return sent && taken == 1;
}
static void batches_of_which_a_message_is_done_end(void) {
  const int kinds[] = {SOCK_STREAM, SOCK_DGRAM}, flags[] = {0, SA_RESTART};
  for (int i = 0; i < 4; i++) {
    begin_batches(kinds[i % 2]);
    compare(flags[i / 2], i < 2 ? ROUNDS : 20, is_there, sends_a_batch);
    begin_batches(kinds[i % 2]);
    compare(flags[i / 2], i < 2 ? ROUNDS : 20, is_taken, receives_a_batch);
  }
}

static int is_connecting(int round) {
  struct tcp_info info;
  socklen_t size = sizeof info;
  memset(&info, 0, sizeof info);
  getsockopt(sockets[round - 1], IPPROTO_TCP, TCP_INFO, &info, &size);
  return info.tcpi_state == TCP_SYN_SENT;
}
static struct sockaddr_in place;
static int connects(int round) {
  return connect(sockets[round - 1], (struct sockaddr *)&place, sizeof place) < 0 && errno == EINTR;
}
static void a_connect_that_has_asked_ends(void) {
  socklen_t size = sizeof place;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SAY(bind(listener, (struct sockaddr *)&place, sizeof place));
  SAY(getsockname(listener, (struct sockaddr *)&place, &size));
  SAY(listen(listener, 0));
  /* Nobody is let in behind the first who is not accepted. */
  for (int i = 0; i < 3; i++) {
    int one = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd open = {one, POLLOUT, 0};
    connect(one, (struct sockaddr *)&place, sizeof place);
    poll(&open, 1, 50);
  }
  for (int i = 0; i < CONNECTIONS; i++) sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
  compare(0, CONNECTIONS, is_connecting, connects);
}

/* A part is told of: there is nothing to restart. */
static void handlers_that_restart_calls_end_those_that_have_done_a_part(void) {
  int room = 8192;
  SAY(pipe(ends));
  compare(SA_RESTART, 20, is_full, writes);
  SAY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  SAY(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
  compare(SA_RESTART, 20, is_there, sends);
  compare(SA_RESTART, 20, is_taken, receives);
}

static volatile sig_atomic_t handled;
static void counts(int signal) { handled += signal > 0; }

/* Room for a part comes later than the handler, and room for the rest later still. */
static void a_handler_that_restarts_a_write_does_not_end_what_comes_later(void) {
  pid_t child, parent = getpid();
  SAY(pipe(ends));
  SAY(write(ends[1], bytes, PIPE));
  install(SIGUSR1, counts, SA_RESTART);
  child = fork();
  if (child == 0) {
    usleep(100000);
    kill(parent, SIGUSR1);
    usleep(100000);
    if (read(ends[0], bytes, 4096) != 4096) _exit(1);
    usleep(100000);
    for (ssize_t left = PIPE + 8192 - 4096; left > 0;) left -= read(ends[0], bytes, (size_t)left);
    _exit(0);
  }
  SAY(write(ends[1], bytes, 8192));
  SAY(handled);
  waitpid(child, NULL, 0);
}

/* What a terminal takes is up to whoever reads its other side; nobody does. */
static void a_write_that_has_filled_a_terminal_ends(void) {
  struct termios settings;
  int side = posix_openpt(O_RDWR | O_NOCTTY), there = 0;
  ssize_t written;
  pid_t child, parent = getpid();
  SAY(grantpt(side));
  SAY(unlockpt(side));
  ends[1] = open(ptsname(side), O_RDWR | O_NOCTTY);
  tcgetattr(ends[1], &settings);
  cfmakeraw(&settings);
  SAY(tcsetattr(ends[1], TCSANOW, &settings));
  install(SIGUSR1, nothing, 0);
  child = fork();
  if (child == 0) {
    while (ioctl(side, FIONREAD, &there) == 0 && there == 0) sched_yield();
    /* A handler that runs before the write waits ends it as well. */
    kill(parent, SIGUSR1);
    _exit(0);
  }
  written = write(ends[1], bytes, sizeof bytes);
  SAY(written > 0 && written < (ssize_t)sizeof bytes);
  waitpid(child, NULL, 0);
}

CASES(CASE(a_write_that_has_filled_a_pipe_ends), CASE(a_send_that_has_sent_a_part_ends), CASE(a_receive_that_has_taken_a_part_ends),
      CASE(a_connect_that_has_asked_ends), CASE(handlers_that_restart_calls_end_those_that_have_done_a_part),
      CASE(batches_of_which_a_message_is_done_end),
      CASE(a_handler_that_restarts_a_write_does_not_end_what_comes_later), CASE(a_write_that_has_filled_a_terminal_ends))
