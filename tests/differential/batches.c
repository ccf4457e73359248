/* batches.c - several messages in one call: recvmmsg and sendmmsg. */
#include "scenario.h"

enum { MESSAGES = 6 };

static int ends[2];
static char buffers[MESSAGES][64], large[1 << 20];
static struct iovec pieces[MESSAGES];
static struct mmsghdr batch[MESSAGES];
static struct sockaddr_storage names[MESSAGES];

/* Room for messages of up to `length` bytes, none of which has come. */
static void prepare(size_t length) {
  memset(buffers, 0, sizeof buffers);
  memset(batch, 0, sizeof batch);
  for (int i = 0; i < MESSAGES; i++) {
    pieces[i] = (struct iovec){buffers[i], length};
    batch[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    batch[i].msg_len = 4711;
  }
}

static void tell(int count) {
  for (int i = 0; i < count; i++)
    say("%u \"%.20s\", flags %#x", batch[i].msg_len, buffers[i], (unsigned)batch[i].msg_hdr.msg_flags);
  if (count < MESSAGES) say("then %u", batch[count < 0 ? 0 : count].msg_len);
}

struct receipt {
  unsigned count;
  int flags;
  struct timespec *timeout;
};

static void receive(void *argument) {
  struct receipt *receipt = argument;
  long n = TRACE(recvmmsg(ends[0], batch, receipt->count, receipt->flags, receipt->timeout));
  tell((int)n);
}

static const enum kind sockets[] = {TCP, UNIX, SEQPACKET, DGRAM, UDP};

SCENARIO(batch_that_is_there, "recvmmsg takes what is there, and does not wait when it must not") {
  for (int i = 2; i < 5; i++) {
    say("%s", kind_names[sockets[i]]);
    make_pair(sockets[i], ends);
    for (char c = 'a'; c < 'a' + 8; c++) MUST(write(ends[1], &c, 1));
    prepare(8);
    tell((int)TRACE(recvmmsg(ends[0], batch, 2, 0, NULL)));
    prepare(8);
    tell((int)TRACE(recvmmsg(ends[0], batch, 3, MSG_PEEK, NULL)));
    prepare(8);
    tell((int)TRACE(recvmmsg(ends[0], batch, MESSAGES, MSG_WAITFORONE, NULL)));
    prepare(8);
    tell((int)TRACE(recvmmsg(ends[0], batch, MESSAGES, MSG_DONTWAIT, NULL)));
    MUST(write(ends[1], "long enough", 11));
    prepare(4);
    tell((int)TRACE(recvmmsg(ends[0], batch, MESSAGES, MSG_DONTWAIT | MSG_TRUNC, NULL)));
    set_nonblocking(ends[0], true);
    MUST(write(ends[1], "one", 3));
    tell((int)TRACE(recvmmsg(ends[0], batch, MESSAGES, 0, NULL)));
    TRACE(recvmmsg(ends[0], batch, MESSAGES, 0, NULL));
  }
}

SCENARIO(batch_that_comes, "recvmmsg waits for all of its messages") {
  static struct receipt receipt = {4, 0, NULL};
  for (int i = 0; i < 5; i++) {
    make_pair(sockets[i], ends);
    prepare(8);
    start(kind_names[sockets[i]], receive, &receipt);
    settle();
    MUST(write(ends[1], "first", 5));
    settle();
    MUST(write(ends[1], "second", 6));
    settle();
    say("still waiting: %d", !has_ended(kind_names[sockets[i]]));
    MUST(write(ends[1], "third", 5));
    settle();
    MUST(write(ends[1], "fourth", 6));
    join();
  }
}

SCENARIO(batch_for_one, "recvmmsg with MSG_WAITFORONE waits for the first message only") {
  static struct receipt receipt = {4, MSG_WAITFORONE, NULL};
  for (int i = 0; i < 5; i++) {
    make_pair(sockets[i], ends);
    prepare(8);
    start(kind_names[sockets[i]], receive, &receipt);
    settle();
    MUST(write(ends[1], "first", 5));
    join();
  }
}

SCENARIO(batch_in_full, "recvmmsg with MSG_WAITALL, and with a low-water mark, fills each message") {
  static struct receipt whole = {3, MSG_WAITALL, NULL}, marked = {3, 0, NULL};
  static const char text[] = "one two three four five";
  for (int i = 0; i < 4; i++) {
    const char *name = i < 2 ? kind_names[sockets[i]] : i < 3 ? "marked" : "peeked";
    make_pair(sockets[i % 2], ends);
    if (i == 2) MUST(setsockopt(ends[0], SOL_SOCKET, SO_RCVLOWAT, &(int){6}, sizeof(int)));
    prepare(7);
    start(name, receive, i < 2 ? &whole : &marked);
    for (int at = 0; at < 23; at += 5) {
      settle();
      MUST(write(ends[1], text + at, at < 20 ? 5 : 3));
    }
    MUST(shutdown(ends[1], SHUT_WR));
    join();
  }
}

SCENARIO(batch_of_time, "recvmmsg looks at its time-out behind each message only") {
  static struct timespec timeout;
  static struct receipt receipt = {4, 0, &timeout};
  for (int i = 2; i < 5; i++) {
    make_pair(sockets[i], ends);
    prepare(8);
    timeout = (struct timespec){0, 700000000};
    /* It is there before the time begins: otherwise the time could be up before it comes. */
    MUST(write(ends[1], "first", 5));
    start(kind_names[sockets[i]], receive, &receipt);
    settle();
    usleep(750000);
    say("still waiting: %d", !has_ended(kind_names[sockets[i]]));
    MUST(write(ends[1], "second", 6));
    join();
    say("left: %ld.%09ld", (long)timeout.tv_sec, timeout.tv_nsec);
    timeout = (struct timespec){0, 0};
    MUST(write(ends[1], "third", 5));
    MUST(write(ends[1], "fourth", 6));
    prepare(8);
    tell((int)TRACE(recvmmsg(ends[0], batch, 4, 0, &timeout)));
    timeout = (struct timespec){100, 0};
    prepare(8);
    tell((int)TRACE(recvmmsg(ends[0], batch, 1, 0, &timeout)));
    say("most is left: %d", timeout.tv_sec >= 90 && timeout.tv_sec < 100);
  }
}

SCENARIO(batch_socket_time, "recvmmsg gives what has come when the socket's time is up") {
  for (int i = 0; i < 5; i++) {
    say("%s", kind_names[sockets[i]]);
    make_pair(sockets[i], ends);
    set_time_out(ends[0], SO_RCVTIMEO, 60);
    prepare(8);
    TRACE_WAIT(60, recvmmsg(ends[0], batch, 3, 0, NULL));
    MUST(write(ends[1], "first", 5));
    settle();
    TRACE_WAIT(60, recvmmsg(ends[0], batch, 3, 0, NULL));
    tell(1);
  }
}

SCENARIO(batch_time_to_send, "sendmmsg gives what has gone out when the socket's time is up") {
  for (int i = 1; i < 4; i++) {
    say("%s", kind_names[sockets[i]]);
    make_pair(sockets[i], ends);
    set_time_out(ends[1], SO_SNDTIMEO, 60);
    prepare(0);
    fill(large, sizeof large, 9);
    for (int k = 0; k < MESSAGES; k++) pieces[k] = (struct iovec){large, 60000};
    TRACE_WAIT(60, sendmmsg(ends[1], batch, MESSAGES, 0));
    TRACE_WAIT(60, sendmmsg(ends[1], batch, MESSAGES, 0));
  }
}

SCENARIO(batch_wrong, "recvmmsg and sendmmsg that the kernel refuses") {
  static struct timespec bad = {0, 1000000000}, good = {0, 1000};
  int null = MUST(open("/dev/null", O_RDWR));
  make_pair(DGRAM, ends);
  prepare(8);
  TRACE(recvmmsg(-1, batch, 3, 0, NULL));
  TRACE(recvmmsg(null, batch, 3, 0, NULL));
  TRACE(recvmmsg(null, batch, 0, 0, NULL));
  TRACE(recvmmsg(ends[0], batch, 0, 0, NULL));
  TRACE(recvmmsg(ends[0], batch, 0, 0, &bad));
  TRACE(recvmmsg(ends[0], batch, 3, 0, &bad));
  TRACE(recvmmsg(-1, batch, 3, 0, &bad));
  TRACE(recvmmsg(ends[0], batch, 3, 0, nowhere));
  TRACE(recvmmsg(ends[0], nowhere, 3, MSG_DONTWAIT, &good));
  TRACE(recvmmsg(ends[0], batch, 3, (int)0x80000000, NULL));
  TRACE(sendmmsg(-1, batch, 3, 0));
  TRACE(sendmmsg(null, batch, 3, 0));
  TRACE(sendmmsg(ends[1], batch, 0, 0));
  TRACE(sendmmsg(ends[1], nowhere, 1, 0));
  TRACE(sendmmsg(ends[1], batch, 1, (int)0x80000000));
  TRACE(recvmmsg(ends[0], nowhere, 3, 0, NULL));
  pieces[1].iov_base = nowhere;
  TRACE(sendmmsg(ends[1], batch, 3, 0));
  TRACE(sendmmsg(ends[1], batch + 1, 2, 0));
  prepare(8);
  pieces[1].iov_base = nowhere;
  MUST(write(ends[1], "abc", 3));
  TRACE(recvmmsg(ends[0], batch, 3, 0, NULL));
  TRACE(recvmmsg(ends[0], batch, 3, MSG_DONTWAIT, NULL));
  TRACE(recvmmsg(ends[0], batch, 3, MSG_DONTWAIT, NULL));
}

SCENARIO(batch_ends, "recvmmsg at the end of the input") {
  static struct receipt receipt = {3, 0, NULL};
  for (int i = 0; i < 5; i++) {
    bool datagrams = sockets[i] == DGRAM || sockets[i] == UDP;
    make_pair(sockets[i], ends);
    prepare(8);
    start(kind_names[sockets[i]], receive, &receipt);
    settle();
    MUST(write(ends[1], "first", 5));
    settle();
    if (datagrams)
      shutdown(ends[0], SHUT_RD);
    else
      MUST(close(ends[1]));
    join();
  }
}

SCENARIO(batch_keeps_error, "an error behind the first message is left to the next call") {
  static struct receipt receipt = {3, 0, NULL};
  struct sockaddr_in in = {.sin_family = AF_INET};
  socklen_t length = sizeof in;
  make_pair(TCP, ends);
  prepare(8);
  start("tcp", receive, &receipt);
  settle();
  MUST(write(ends[1], "first", 5));
  settle();
  reset_on_close(ends[1]);
  MUST(close(ends[1]));
  join();
  TRACE(recvmmsg(ends[0], batch, 3, 0, NULL));
  TRACE(recvmmsg(ends[0], batch, 3, 0, NULL));
  /* A port that nobody listens on answers by ICMP. */
  int other = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  MUST(bind(other, plain(&in), sizeof in));
  MUST(getsockname(other, (struct sockaddr *)&in, &length));
  ends[0] = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  MUST(connect(ends[0], plain(&in), sizeof in));
  MUST(getsockname(ends[0], (struct sockaddr *)&in, &length));
  prepare(8);
  start("udp", receive, &receipt);
  settle();
  MUST(sendto(other, "first", 5, 0, plain(&in), sizeof in));
  settle();
  MUST(close(other));
  MUST(write(ends[0], "x", 1));
  join();
  TRACE(recvmmsg(ends[0], batch, 3, 0, NULL));
  TRACE(recvmmsg(ends[0], batch, 3, MSG_DONTWAIT, NULL));
}

SCENARIO(batch_of_names, "recvmmsg tells who sent each message, and brings its descriptors") {
  static char rooms[MESSAGES][CMSG_SPACE(sizeof(int))];
  struct sockaddr_un one = unix_address("one"), two = unix_address("two");
  int receiver = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), sender = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  int pipes[2], rights[2] = {-1, -1};
  MUST(bind(receiver, plain(&one), sizeof one));
  MUST(bind(sender, plain(&two), sizeof two));
  MUST(pipe(pipes));
  prepare(3);
  for (int i = 0; i < 3; i++) {
    memcpy(buffers[i], "abc", 3);
    batch[i].msg_hdr.msg_name = &one;
    batch[i].msg_hdr.msg_namelen = sizeof one;
  }
  batch[1].msg_hdr.msg_control = rooms[1];
  batch[1].msg_hdr.msg_controllen = sizeof rooms[1];
  struct cmsghdr *header = CMSG_FIRSTHDR(&batch[1].msg_hdr);
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(header), &pipes[0], sizeof(int));
  TRACE(sendmmsg(sender, batch, 3, 0));
  tell(3);
  prepare(8);
  for (int i = 0; i < 3; i++) {
    batch[i].msg_hdr.msg_name = &names[i];
    batch[i].msg_hdr.msg_namelen = sizeof names[i];
    batch[i].msg_hdr.msg_control = rooms[i];
    batch[i].msg_hdr.msg_controllen = sizeof rooms[i];
  }
  tell((int)TRACE(recvmmsg(receiver, batch, 3, MSG_CMSG_CLOEXEC, NULL)));
  for (int i = 0; i < 3; i++) {
    struct msghdr *message = &batch[i].msg_hdr;
    say("from %s, %zu bytes of control", ((struct sockaddr_un *)&names[i])->sun_path, message->msg_controllen);
    if (CMSG_FIRSTHDR(message)) memcpy(rights, CMSG_DATA(CMSG_FIRSTHDR(message)), sizeof(int));
  }
  MUST(write(pipes[1], "through", 7));
  TRACE(read(rights[0], buffers[0], 8));
  TRACE(fcntl(rights[0], F_GETFD));
}

/* ---- sending ---------------------------------------------------------------------------------------- */

static void send_batch(void *argument) {
  unsigned count = *(unsigned *)argument;
  TRACE(sendmmsg(ends[1], batch, count, 0));
  for (unsigned i = 0; i < count; i++) say("%u", batch[i].msg_len);
}

static void prepare_large(size_t length) {
  fill(large, sizeof large, 7);
  prepare(0);
  for (int i = 0; i < MESSAGES; i++) pieces[i] = (struct iovec){large, length};
}

SCENARIO(batch_of_streams, "sendmmsg writes each message of a stream to its end") {
  static unsigned count = 5;
  static char got[5 << 20];
  for (int i = 0; i < 2; i++) {
    make_pair(sockets[i], ends);
    prepare_large(sizeof large);
    start(kind_names[sockets[i]], send_batch, &count);
    settle();
    say("still waiting: %d", !has_ended(kind_names[sockets[i]]));
    size_t n = read_all(ends[0], got, count * sizeof large);
    say("%zu, the same: %d", n, memcmp(got + 4 * sizeof large, large, sizeof large) == 0);
    join();
  }
}

SCENARIO(batch_of_datagrams, "sendmmsg waits for room for each datagram") {
  static unsigned count = 6;
  static const enum kind kinds[] = {SEQPACKET, DGRAM};
  for (int i = 0; i < 2; i++) {
    make_pair(kinds[i], ends);
    MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &(int){16384}, sizeof(int)));
    prepare_large(9000);
    start(kind_names[kinds[i]], send_batch, &count);
    settle();
    say("still waiting: %d", !has_ended(kind_names[kinds[i]]));
    for (int k = 0; k < 6; k++) TRACE(recv(ends[0], large + 100000, 20000, 0));
    join();
    set_nonblocking(ends[1], true);
    long n = sendmmsg(ends[1], batch, 6, 0);
    say("non-blocking: some but not all: %d", n > 0 && n < 6);
    TRACE(sendmmsg(ends[1], batch, 6, 0));
  }
}

SCENARIO(batch_to_nobody, "sendmmsg to a peer that goes") {
  static unsigned count = 5;
  count_sigpipes();
  for (int i = 0; i < 4; i++) {
    make_pair(sockets[i], ends);
    prepare_large(sockets[i] < SEQPACKET ? sizeof large : 60000);
    start(kind_names[sockets[i]], send_batch, &count);
    settle();
    MUST(close(ends[0]));
    join();
    if (sockets[i] != TCP) TRACE(sendmmsg(ends[1], batch, 2, 0));
    if (sockets[i] != TCP) TRACE(sendmmsg(ends[1], batch, 2, MSG_NOSIGNAL));
    say("SIGPIPE: %d", sigpipes > 0);
  }
}

static void handler(int signal) { (void)signal; }

SCENARIO(batch_interrupted, "a handler ends a batch behind its first message, whatever its flags") {
  static struct receipt receipt = {3, 0, NULL};
  static unsigned count = 5;
  struct sigaction action = {.sa_handler = handler};
  for (int i = 0; i < 4; i++) {
    const char *name = i < 2 ? "receiver" : "sender";
    char actor[32];
    action.sa_flags = i % 2 ? SA_RESTART : 0;
    MUST(sigaction(SIGUSR1, &action, NULL));
    snprintf(actor, sizeof actor, "%s %d", name, i);
    make_pair(SEQPACKET, ends);
    if (i < 2) {
      prepare(8);
      start(actor, receive, &receipt);
      settle();
      MUST(write(ends[1], "first", 5));
    } else {
      prepare_large(60000);
      start(actor, send_batch, &count);
    }
    settle();
    signal_actor(actor, SIGUSR1);
    join();
  }
  make_pair(SEQPACKET, ends);
  prepare(8);
  action.sa_flags = 0;
  MUST(sigaction(SIGUSR1, &action, NULL));
  start("nothing yet", receive, &receipt);
  settle();
  signal_actor("nothing yet", SIGUSR1);
  join();
}
