/* strange.c - arguments that a fuzzer thought of: too long, misplaced, ended. */
#include "scenario.h"
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

#include <sys/sendfile.h>

static char bytes[64];
static int fds[2];

/* Such that no compiler sees what is wrong. */
static const volatile size_t two_to_the_32 = (size_t)1 << 32, two_to_the_63 = (size_t)1 << 63;
static struct pollfd *volatile one_element;
static char *volatile some_bytes = bytes;

/* A low-water mark makes receives go another way. */
static void expect_more(int fd) {
  int mark = 1;
  MUST(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark));
}

SCENARIO(receive_with_low_water_mark_and_bad_address, "receives after a low-water mark, with lengths and addresses that are none") {
  struct sockaddr_storage from;
  socklen_t length;
  static const enum kind kinds[] = {UNIX, DGRAM, TCP, PIPE};
  for (unsigned i = 0; i < 4; i++) {
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], fds);
    if (is_socket(kinds[i])) expect_more(fds[0]);
    MUST(write(fds[1], "some words", 10));
    TRACE(recv(fds[0], nowhere, 4, MSG_PEEK));
    TRACE(recv(fds[0], some_bytes, two_to_the_63, MSG_PEEK));
    TRACE(recv(fds[0], (void *)-8L, 8, MSG_PEEK));
    TRACE(recv(fds[0], bytes, 4, MSG_PEEK | (int)0x80000000));
    length = (socklen_t)-1;
    TRACE(recvfrom(fds[0], bytes, 4, MSG_PEEK, (struct sockaddr *)&from, &length));
    say("length %d", (int)length);
    TRACE(recvfrom(fds[0], bytes, 4, MSG_PEEK, (struct sockaddr *)&from, nowhere));
    length = sizeof from;
    TRACE(recvfrom(fds[0], bytes, 4, MSG_PEEK, nowhere, &length));
    say("length %d", (int)length);
    length = 1;
    TRACE(recvfrom(fds[0], bytes, 4, 0, (struct sockaddr *)&from, &length));
    say("length %d", (int)length);
    close(fds[0]);
    close(fds[1]);
  }
}

static void shut_down(void *unused) {
  (void)unused;
  settle();
  MUST(shutdown(fds[0], SHUT_RD));
}

SCENARIO(message_of_an_end, "a receive that waits on a datagram socket is told of its end, and of no sender") {
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  struct iovec vector = {bytes, 8};
  char control[64];
  struct msghdr message = {.msg_name = &from, .msg_namelen = 50, .msg_iov = &vector, .msg_iovlen = 1,
                           .msg_control = control, .msg_controllen = sizeof control, .msg_flags = -1};
  make_pair(DGRAM, fds);
  start("ender", shut_down, NULL);
  TRACE(recvfrom(fds[0], bytes, 8, 0, (struct sockaddr *)&from, &length));
  say("length %d", (int)length);
  join();
  make_pair(DGRAM, fds);
  start("another", shut_down, NULL);
  TRACE(recvmsg(fds[0], &message, MSG_CMSG_CLOEXEC));
  say("name %d, control %d, flags %#x", (int)message.msg_namelen, (int)message.msg_controllen, (unsigned)message.msg_flags);
  join();
}

SCENARIO(transfers_beyond_an_int, "a call transfers less than 2 GiB, however much there is") {
  static char *memory;
  struct iovec vector[2];
  int zero = MUST(open("/dev/zero", O_RDWR));
  size_t most = (size_t)5 << 30;
  memory = mmap(NULL, most, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    say("no room");
    return;
  }
  vector[0] = (struct iovec){memory, (size_t)1 << 32};
  vector[1] = (struct iovec){memory, 9};
  TRACE(write(zero, memory, (size_t)1 << 32));
  TRACE(writev(zero, vector, 2));
  vector[0].iov_len = 0x7ffff001;
  TRACE(writev(zero, vector, 2));
  vector[0].iov_len = 0x7fffefff;
  TRACE(writev(zero, vector, 2));
}

SCENARIO(fault_behind_a_wrong_size, "an eventfd minds the size before the bytes") {
  struct iovec vector = {nowhere, 4096};
  int event = MUST(eventfd(0, 0));
  TRACE(write(event, nowhere, 4096));
  TRACE(write(event, nowhere, 8));
  TRACE(write(event, nowhere, 3));
  TRACE(writev(event, &vector, 1));
}

SCENARIO(offset_that_cannot_be_written, "sendfile writes its offset back whatever came of it") {
  static off_t *offset;
  int file = MUST(open("file", O_RDWR | O_CREAT, 0600)), zero = MUST(open("/dev/zero", O_RDWR));
  MUST(write(file, "some words", 10));
  offset = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  make_pair(UNIX, fds);
  TRACE(sendfile(fds[1], file, offset, 4));
  TRACE(recv(fds[0], bytes, 8, MSG_DONTWAIT));
  TRACE(sendfile(fds[1], fds[0], offset, 4));
  TRACE(sendfile(fds[1], file, offset, 0));
  TRACE(sendfile(-1, file, offset, 4));
  TRACE(sendfile(zero, file, nowhere, 4));
  TRACE(sendfile(zero, file, offset, 4));
}

struct spliced {
  int *pipe;
  loff_t *offset;
  int null;
};

static void splice_to_nowhere(void *argument) {
  const struct spliced *which = argument;
  TRACE(splice(which->pipe[0], NULL, which->null, which->offset, 8, 0));
}

SCENARIO(splice_offset_that_cannot_be_written, "splice writes its offset back when it has moved something, or nothing") {
  static int pair[2];
  static struct spliced which = {pair, NULL, -1};
  which.null = MUST(open("/dev/null", O_RDWR));
  which.offset = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  make_pair(PIPE, pair);
  TRACE(splice(pair[0], NULL, which.null, which.offset, 0, 0));
  start("waits", splice_to_nowhere, &which);
  settle();
  MUST(write(pair[1], "words", 5));
  join();
  MUST(write(pair[1], "words", 5));
  splice_to_nowhere(&which);
  MUST(close(pair[1]));
  splice_to_nowhere(&which);
}

SCENARIO(poll_of_2_to_the_32, "poll takes the lower half of a count") {
  static struct pollfd one = {-1, POLLIN, -1};
  one_element = &one;
  TRACE(poll(one_element, two_to_the_32, 5));
  TRACE(poll(one_element, two_to_the_32 + 1, 5));
  TRACE(one.revents);
}

SCENARIO(batch_with_low_water_mark, "a batch from a non-blocking socket, after a low-water mark, takes all that is there and keeps an error for later") {
  static char room[3][8];
  struct iovec vectors[3] = {{room[0], 8}, {room[1], 8}, {room[2], 8}};
  static const enum kind kinds[] = {DGRAM, UNIX, SEQPACKET};
  for (unsigned i = 0; i < 3; i++) {
    struct mmsghdr messages[3];
    memset(messages, 0, sizeof messages);
    for (int m = 0; m < 3; m++) messages[m].msg_hdr = (struct msghdr){.msg_iov = &vectors[m], .msg_iovlen = 1};
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], fds);
    expect_more(fds[0]);
    set_nonblocking(fds[0], true);
    for (int m = 0; m < 5; m++) MUST(send(fds[1], "12345678", 8, 0));
    TRACE(recvmmsg(fds[0], messages, 3, 0, NULL));
    messages[1].msg_hdr.msg_iov = nowhere;
    TRACE(recvmmsg(fds[0], messages, 2, 0, NULL));
    TRACE(recv(fds[0], bytes, 8, 0));
    TRACE(recv(fds[0], bytes, 8, 0));
    close(fds[0]);
    close(fds[1]);
  }
}

/* ---- files that take or give nothing, or more than they poll ------------------------------------------ */

static void use(const char *name, int fd) {
  char bytes[128] = {1};
  say("%s", name);
  TRACE(write(fd, bytes, 1));
  TRACE(write(fd, bytes, 8));
  TRACE(writev(fd, &(struct iovec){bytes, 24}, 1));
  TRACE(pwrite(fd, bytes, 8, 0));
  TRACE(pread(fd, bytes, 8, 0));
  MUST(close(fd));
}

SCENARIO(writes_to_what_takes_none, "writes to files that take nothing, or nothing at a position, are refused at once") {
  sigset_t none;
  sigemptyset(&none);
  use("timerfd", MUST(timerfd_create(CLOCK_MONOTONIC, 0)));
  use("signalfd", MUST(signalfd(-1, &none, 0)));
  use("inotify", MUST(inotify_init()));
  use("epoll", MUST(epoll_create1(0)));
  use("pidfd", MUST(syscall(SYS_pidfd_open, getpid(), 0)));
  use("eventfd", MUST(eventfd(0, 0)));
  use("terminal's master", MUST(posix_openpt(O_RDWR | O_NOCTTY)));
}

SCENARIO(reads_of_what_polls_otherwise, "files that poll unreadable and answer a read at once") {
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  char name[64], bytes[128];
  sprintf(name, "/colib-%d", getpid());
  int queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  if (queue < 0) return say("not here: no message queues");
  MUST(mq_unlink(name));
  TRACE(read(queue, bytes, sizeof bytes));
  say("%.20s", bytes);
  TRACE(write(queue, "12345678", 8));
  MUST(close(queue));
  int poller = MUST(epoll_create1(0)), process = MUST(syscall(SYS_pidfd_open, getpid(), 0));
  TRACE(read(poller, bytes, 8));
  TRACE(read(process, bytes, 8));
  TRACE(readv(process, &(struct iovec){bytes, 8}, 1));
  sigset_t usual;
  sigemptyset(&usual);
  sigaddset(&usual, SIGUSR1);
  int timer = MUST(timerfd_create(CLOCK_MONOTONIC, 0)), signals = MUST(signalfd(-1, &usual, 0)), counter = MUST(eventfd(0, 0));
  TRACE(read(timer, bytes, 4));
  TRACE(read(signals, bytes, 4));
  TRACE(read(counter, bytes, 4));
  TRACE(read(timer, bytes, 0));
  TRACE(read(signals, bytes, 0));
  TRACE(read(counter, bytes, 0));
  TRACE(readv(timer, &(struct iovec){bytes, 4}, 1));
}

SCENARIO(full_counter, "a full eventfd refuses at once what it never takes, and takes a zero") {
  uint64_t most = UINT64_MAX - 1, none = 0, never = UINT64_MAX;
  int fd = MUST(eventfd(0, 0));
  TRACE(write(fd, &most, 8));
  TRACE(write(fd, &never, 8));
  TRACE(write(fd, &most, 4));
  TRACE(writev(fd, (struct iovec[]){{&most, 4}, {&most, 4}}, 2));
  TRACE(write(fd, nowhere, 8));
  TRACE(write(fd, &none, 8));
  TRACE(write(fd, &none, 0));
}

SCENARIO(full_terminal, "a full terminal takes nothing at once, and refuses at once what cannot be read") {
  int terminal[2];
  make_pair(PTY, terminal);
  for (int i = 0; i < 2; i++) {
    set_nonblocking(terminal[i], true);
    // The kernel takes what was written over to the other end a moment later, which makes room again.
    do
      while (write(terminal[i], bytes, sizeof bytes) > 0) continue;
    while (poll(&(struct pollfd){terminal[i], POLLOUT, 0}, 1, 100) > 0);
    set_nonblocking(terminal[i], false);
    say("writable: %d", poll(&(struct pollfd){terminal[i], POLLOUT, 0}, 1, 0));
    TRACE(write(terminal[i], bytes, 0));
    TRACE(write(terminal[i], nowhere, 1));
    TRACE(write(terminal[i], nowhere, 100));
    TRACE(writev(terminal[i], (struct iovec[]){{bytes, 0}, {nowhere, 5}}, 2));
  }
}
