/*
 * settings.c - flags and time-outs that change while the library remembers them, and streams that it takes for read
 * empty: by every way a program has, seen and unseen, a read gives what a thread's would.
 */
#include "connection.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

static int ends[2];

/* A system call that nobody interposes. */
static long unseen(long number, long a, long b, long c, long d, long e) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
}

static void connect_ends(void) {
  usleep(1);
  connect_pair(ends);
}

static int delay;

static void *feed(void *bytes) {
  co_enable_hook_sys();
  usleep((useconds_t)delay);
  CHECK_IS(write(ends[1], bytes, strlen(bytes)), strlen(bytes));
  return NULL;
}

/* Lets a read wait, and leaves the stream empty behind it. */
static void wait_for_a_byte(void) {
  char text[8];
  delay = 2000;
  start(feed, "x");
  CHECK_IS(read(ends[0], text, sizeof text), 1);
}

/* ---- flags ------------------------------------------------------------------------------------------ */

static int pass[2], mode;

static void by_fcntl(int on) { NEED(fcntl(ends[0], F_SETFL, on ? O_RDWR | O_NONBLOCK : O_RDWR) == 0); }
static void by_ioctl(int on) { NEED(ioctl(ends[0], FIONBIO, &on) == 0); }
static void by_number(int on) { NEED(syscall(SYS_fcntl, ends[0], F_SETFL, on ? O_RDWR | O_NONBLOCK : O_RDWR) == 0); }
static void by_number_of_ioctl(int on) { NEED(syscall(SYS_ioctl, ends[0], FIONBIO, &on) == 0); }

static void by_a_duplicate(int on) {
  int other = dup(ends[0]);
  NEED(ioctl(other, FIONBIO, &on) == 0);
  close(other);
}

static void *in_thread(void *on) {
  by_fcntl(*(int *)on);
  return NULL;
}

static void by_a_thread(int on) {
  pthread_t other;
  NEED(pthread_create(&other, NULL, in_thread, &on) == 0 && pthread_join(other, NULL) == 0);
}

static void by_a_child(int on) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    unseen(SYS_ioctl, ends[0], FIONBIO, (long)&on, 0, 0);
    _exit(0);
  }
  NEED(waitpid(child, &status, 0) == child && status == 0);
}

/* A process that was there before gets the descriptor by a message, and changes flags as it is told. */
static void become_another(void) {
  char room[CMSG_SPACE(sizeof(int))], byte;
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  int fd;
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pass) == 0);
  if (fork() != 0) {
    close(pass[1]);
    return;
  }
  close(pass[0]);
  if (recvmsg(pass[1], &message, 0) != 1) _exit(0);
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  while (read(pass[1], &byte, 1) == 1) {
    int on = byte;
    ioctl(fd, FIONBIO, &on);
    NEED(write(pass[1], &byte, 1) == 1);
  }
  _exit(0);
}

static void send_away(void) {
  char room[CMSG_SPACE(sizeof(int))] = "", byte = 0;
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
  *CMSG_FIRSTHDR(&message) = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &ends[0], sizeof(int));
  CHECK_IS(sendmsg(pass[0], &message, 0), 1);
}

static void *send_away_in_thread(void *nothing) {
  send_away();
  return nothing;
}

static void by_another_process(int on) {
  char byte = (char)on;
  NEED(write(pass[0], &byte, 1) == 1 && read(pass[0], &byte, 1) == 1);
}

static void by_nobody_known(int on) { unseen(SYS_ioctl, ends[0], FIONBIO, (long)&on, 0, 0); }

static void (*const WAYS[])(int) = {by_fcntl, by_ioctl, by_number, by_number_of_ioctl, by_a_duplicate, by_a_thread, by_a_child, by_another_process, by_another_process, by_nobody_known};

static void *change_flags(void *nothing) {
  char text[8];
  pthread_t other;
  co_enable_hook_sys();
  connect_ends();
  wait_for_a_byte();
  if (mode == 7) send_away();
  if (mode == 8) NEED(pthread_create(&other, NULL, send_away_in_thread, NULL) == 0 && pthread_join(other, NULL) == 0);
  for (int round = 0; round < 3; round++) {
    wait_for_a_byte();
    WAYS[mode](1);
    int before = ticks;
    errno = 0;
    CHECK(read(ends[0], text, sizeof text) == -1 && errno == EAGAIN);
    /* At once, but for what nobody could have seen. */
    if (WAYS[mode] != by_nobody_known) CHECK_IS(ticks, before);
    WAYS[mode](0);
  }
  wait_for_a_byte();
  done++;
  return nothing;
}

#define CHANGES(title, number)                          \
  TEST(a_read_heeds_flags_that_are_changed_##title) {   \
    mode = number;                                      \
    if (WAYS[number] == by_another_process) become_another(); \
    in_a_coroutine(change_flags);                       \
  }
CHANGES(by_fcntl, 0)
CHANGES(by_ioctl, 1)
CHANGES(by_the_number_of_fcntl, 2)
CHANGES(by_the_number_of_ioctl, 3)
CHANGES(through_a_duplicate, 4)
CHANGES(by_another_thread, 5)
CHANGES(by_a_child, 6)
CHANGES(by_a_process_that_was_sent_the_descriptor, 7)
CHANGES(by_a_process_that_a_thread_sent_it_to, 8)
CHANGES(by_a_raw_system_call, 9)

/* ---- time-outs -------------------------------------------------------------------------------------- */

static void set_time_out(int millis) {
  struct timeval time = {millis / 1000, millis % 1000 * 1000};
  if (mode) unseen(SYS_setsockopt, ends[0], SOL_SOCKET, SO_RCVTIMEO, (long)&time, sizeof time);
  else NEED(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
}

static void *change_time_outs(void *nothing) {
  char text[8];
  co_enable_hook_sys();
  connect_ends();
  for (int round = 0; round < 3; round++) {
    wait_for_a_byte();
    set_time_out(30);
    long long began = now_ns();
    CHECK(read(ends[0], text, sizeof text) == -1 && errno == EAGAIN);
    CHECK(now_ns() - began >= 30000000);
    wait_for_a_byte();
    set_time_out(60);
    began = now_ns();
    CHECK(read(ends[0], text, sizeof text) == -1 && errno == EAGAIN);
    CHECK(now_ns() - began >= 60000000);
    wait_for_a_byte();
    /* None: the read outlasts what is remembered. */
    set_time_out(0);
    delay = 120000;
    start(feed, "later");
    CHECK_IS(read(ends[0], text, sizeof text), 5);
  }
  done++;
  return nothing;
}

TEST(a_read_heeds_time_outs_that_are_changed) { in_a_coroutine(change_time_outs); }

TEST(a_read_heeds_time_outs_that_are_changed_by_a_raw_system_call) {
  mode = 1;
  in_a_coroutine(change_time_outs);
}

/* ---- streams that were read empty ------------------------------------------------------------------- */

static char text[64];

static void *end_in_each_way(void *nothing) {
  struct linger hard = {1, 0};
  co_enable_hook_sys();
  for (int way = 0; way < 8; way++) {
    connect_ends();
    wait_for_a_byte();
    if (way & 1) delay = 3000;
    else delay = 0;
    switch (way / 2) {
      case 0: /* the end, behind data */
        start(feed, "last");
        CHECK_IS(read(ends[0], text, sizeof text), 4);
        shutdown(ends[1], SHUT_WR);
        if (delay) usleep(3000);
        for (int i = 0; i < 3; i++) CHECK_IS(read(ends[0], text, sizeof text), 0);
        break;
      case 1: /* the end, along with data */
        CHECK_IS(write(ends[1], "last", 4), 4);
        shutdown(ends[1], SHUT_WR);
        if (delay) usleep(3000);
        CHECK_IS(read(ends[0], text, sizeof text), 4);
        CHECK_IS(read(ends[0], text, sizeof text), 0);
        break;
      case 2: /* a reset, along with data */
        CHECK_IS(write(ends[1], "last", 4), 4);
        usleep(2000);
        CHECK_IS(read(ends[0], text, sizeof text), 4);
        NEED(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &hard, sizeof hard) == 0);
        close(ends[1]);
        if (delay) usleep(3000);
        CHECK(read(ends[0], text, sizeof text) == -1 && errno == ECONNRESET);
        CHECK_IS(read(ends[0], text, sizeof text), 0);
        break;
      case 3: /* the program's own doing */
        if (delay) usleep(3000);
        shutdown(ends[0], SHUT_RD);
        CHECK_IS(read(ends[0], text, sizeof text), 0);
        break;
    }
    close(ends[0]);
    if (way / 2 != 2) close(ends[1]);
  }
  done++;
  return nothing;
}

TEST(a_stream_that_was_read_empty_ends_in_each_way) { in_a_coroutine(end_in_each_way); }

static void *urgent(void *nothing) {
  co_enable_hook_sys();
  connect_ends();
  for (int round = 0; round < 6; round++) {
    wait_for_a_byte();
    /* A read stops short of the mark, and what is behind it is there already. */
    CHECK_IS(send(ends[1], "before", 6, 0), 6);
    CHECK_IS(send(ends[1], "!", 1, MSG_OOB), 1);
    CHECK_IS(send(ends[1], "behind", 6, 0), 6);
    if (round % 2) usleep(3000);
    CHECK_IS(read(ends[0], text, sizeof text), 6);
    CHECK(memcmp(text, "before", 6) == 0);
    int before = ticks;
    CHECK_IS(read(ends[0], text, sizeof text), 6);
    CHECK(memcmp(text, "behind", 6) == 0);
    /* It was there, and nobody had to wait for it. */
    if (round % 2) CHECK_IS(ticks, before);
  }
  done++;
  return nothing;
}

TEST(a_read_that_stops_at_urgent_data_leaves_the_rest_to_the_next) { in_a_coroutine(urgent); }

static void *reach_beyond(void *nothing) {
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  co_enable_hook_sys();
  NEED(pages != MAP_FAILED && mprotect(pages + 4096, 4096, PROT_NONE) == 0);
  connect_ends();
  wait_for_a_byte();
  /* The second piece does not fit what can be written to: the first is given alone, and nothing is lost. */
  static char big[40000];
  memset(big, 'b', sizeof big);
  CHECK_IS(write(ends[1], "first", 5), 5);
  usleep(2000);
  CHECK_IS(write(ends[1], big, sizeof big), sizeof big);
  usleep(2000);
  ssize_t got = read(ends[0], pages + 4096 - 5, 4096), more;
  if (got == -1) got = 0;
  for (; got < 5 + (ssize_t)sizeof big; got += more)
    if ((more = read(ends[0], big, sizeof big)) <= 0) break;
  CHECK_IS(got, 5 + (ssize_t)sizeof big);
  done++;
  return nothing;
}

TEST(a_read_that_memory_cut_short_leaves_the_rest_to_the_next) { in_a_coroutine(reach_beyond); }

/* ---- at random -------------------------------------------------------------------------------------- */

enum { BYTES = 60000 };
static uint64_t seed;

static void *send_at_random(void *nothing) {
  struct dice dice = {seed};
  static char bytes[BYTES];
  for (int i = 0; i < BYTES; i++) bytes[i] = (char)(i * 7 % 251);
  for (int sent = 0; sent < BYTES;) {
    int count = (int)below(&dice, below(&dice, 3) ? 40 : 3000) + 1;
    if (count > BYTES - sent) count = BYTES - sent;
    NEED(write(ends[1], bytes + sent, (size_t)count) == count);
    sent += count;
    if (below(&dice, 4) == 0) usleep((useconds_t)below(&dice, 300));
  }
  close(ends[1]);
  return nothing;
}

static void *receive_at_random(void *nothing) {
  struct dice dice = cast_dice();
  static char bytes[4096];
  pthread_t sender;
  co_enable_hook_sys();
  for (int round = 0; round < 20; round++) {
    connect_ends();
    seed = below(&dice, 1 << 30);
    NEED(pthread_create(&sender, NULL, send_at_random, NULL) == 0);
    ssize_t got, all = 0;
    int wrong = 0;
    for (;;) {
      size_t count = below(&dice, below(&dice, 2) ? 64 : sizeof bytes) + 1;
      struct iovec piece = {bytes, count};
      struct pollfd polled = {ends[0], POLLIN, 0};
      switch (below(&dice, 6)) {
        case 0: got = recv(ends[0], bytes, count, MSG_WAITALL); break;
        case 1: got = readv(ends[0], &piece, 1); break;
        case 2:
          got = recv(ends[0], bytes, count, MSG_PEEK);
          if (got > 0) continue;
          break;
        case 3:
          CHECK_IS(poll(&polled, 1, -1), 1);
          got = recv(ends[0], bytes, count, MSG_DONTWAIT);
          CHECK(got >= 0);
          break;
        default: got = read(ends[0], bytes, count);
      }
      if (got <= 0) break;
      for (ssize_t i = 0; i < got; i++) wrong += bytes[i] != (char)((all + i) * 7 % 251);
      all += got;
    }
    CHECK_IS(got, 0);
    CHECK_IS(all, BYTES);
    CHECK_IS(wrong, 0);
    pthread_join(sender, NULL);
    close(ends[0]);
  }
  done++;
  return nothing;
}

TEST(whatever_is_sent_at_random_is_received) { in_a_coroutine(receive_at_random); }

RUN_TESTS
