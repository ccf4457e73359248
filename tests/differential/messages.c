/* messages.c - datagrams, addresses, descriptors and credentials in messages. */
#include "scenario.h"

static int ends[2];
static char buffer[256], large[300000];

static void name_of(const struct sockaddr_storage *from, socklen_t length) {
  if (length == 0)
    say("from nobody");
  else if (from->ss_family == AF_UNIX)
    say("from %s, %u", length > 2 ? ((const struct sockaddr_un *)from)->sun_path : "a nameless one", length);
  else
    say("from family %d, %u", from->ss_family, length);
}

SCENARIO(datagrams, "datagrams: sizes, truncation, empty ones, addresses") {
  static const enum kind kinds[] = {UDP, DGRAM, SEQPACKET};
  struct sockaddr_storage from;
  for (unsigned i = 0; i < 3; i++) {
    say("%s", kind_names[kinds[i]]);
    make_pair(kinds[i], ends);
    TRACE(send(ends[1], "first", 5, 0));
    if (kinds[i] != SEQPACKET) {
      TRACE(send(ends[1], "", 0, 0));
      TRACE(write(ends[1], "", 0));
    }
    TRACE(write(ends[1], "second", 6));
    TRACE(read(ends[0], buffer, 0));
    TRACE(readv(ends[0], NULL, 0));
    TRACE(recv(ends[0], buffer, 3, MSG_PEEK));
    TRACE(read(ends[0], buffer, 3));
    if (kinds[i] != SEQPACKET) {
      TRACE(read(ends[0], buffer, 9));
      TRACE(recv(ends[0], buffer, 9, 0));
    }
    socklen_t length = sizeof from;
    TRACE(recvfrom(ends[0], buffer, 9, 0, (struct sockaddr *)&from, &length));
    name_of(&from, length);
    struct iovec piece = {buffer, 3};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from};
    TRACE(send(ends[1], "third", 5, MSG_EOR));
    TRACE(recvmsg(ends[0], &message, 0));
    say("flags %#x", (unsigned)message.msg_flags);
    name_of(&from, message.msg_namelen);
    TRACE(send(ends[1], "fourth", 6, 0));
    TRACE(recvmsg(ends[0], &message, MSG_TRUNC | MSG_PEEK));
    TRACE(recv(ends[0], buffer, 0, 0));
    TRACE(recv(ends[0], buffer, 9, MSG_DONTWAIT));
    TRACE(send(ends[1], large, sizeof large, 0));
    for (int e = 0; e < 2; e++) MUST(close(ends[e]));
  }
}

static void receive_a_datagram(void *argument) {
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  (void)argument;
  TRACE(recvfrom(ends[0], buffer, 9, 0, (struct sockaddr *)&from, &length));
  name_of(&from, length);
}

SCENARIO(empty_datagram, "an empty datagram wakes its reader") {
  static const enum kind kinds[] = {UDP, DGRAM};
  for (int i = 0; i < 2; i++) {
    make_pair(kinds[i], ends);
    start(kind_names[kinds[i]], receive_a_datagram, NULL);
    settle();
    TRACE(send(ends[1], NULL, 0, 0));
    join();
  }
}

SCENARIO(sent_to, "sendto and sendmsg with an address, without, with a wrong one") {
  struct sockaddr_un one = unix_address("one"), none = unix_address("none");
  struct sockaddr_in in = {.sin_family = AF_INET};
  int receiver = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), sender = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  struct iovec piece = {buffer, 3};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_name = &one, .msg_namelen = sizeof one};
  MUST(bind(receiver, plain(&one), sizeof one));
  ends[0] = receiver;
  start("receiver", receive_a_datagram, NULL);
  settle();
  TRACE(sendto(sender, "abc", 3, 0, plain(&one), sizeof one));
  join();
  TRACE(sendmsg(sender, &message, 0));
  TRACE(recv(receiver, buffer, 9, 0));
  TRACE(sendto(sender, "abc", 3, 0, plain(&none), sizeof none));
  TRACE(sendto(sender, "abc", 3, 0, plain(&in), sizeof in));
  TRACE(sendto(sender, "abc", 3, 0, plain(&one), -1));
  TRACE(sendto(sender, "abc", 3, 0, nowhere, sizeof one));
  TRACE(sendto(sender, "abc", 3, MSG_DONTWAIT, plain(&one), 2));
  TRACE(send(sender, "abc", 3, 0));
  TRACE(write(sender, "abc", 3));
  TRACE(writev(sender, &piece, 1));
  TRACE(sendto(-1, "abc", 3, 0, plain(&one), sizeof one));
  int udp = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  TRACE(send(udp, "abc", 3, 0));
  TRACE(write(udp, "abc", 3));
  in.sin_port = 0;
  TRACE(sendto(udp, "abc", 3, 0, plain(&in), sizeof in));
  int tcp = MUST(socket(AF_INET, SOCK_STREAM, 0));
  count_sigpipes();
  TRACE(send(tcp, "abc", 3, MSG_NOSIGNAL));
  TRACE(send(tcp, "abc", 3, 0));
  TRACE(write(tcp, "abc", 3));
  TRACE(writev(tcp, &piece, 1));
  TRACE(recv(tcp, buffer, 3, 0));
  TRACE(read(tcp, buffer, 3));
  say("SIGPIPE: %d", (int)sigpipes);
}

/* A receiver's queue of datagrams is short; whoever sends to it waits. */
static struct sockaddr_un queue;
static int sender;

static void send_thirty(void *argument) {
  bool addressed = argument != NULL;
  int sent = 0;
  for (char i = 0; i < 30; i++)
    sent += (addressed ? sendto(sender, &i, 1, 0, plain(&queue), sizeof queue) : send(sender, &i, 1, 0)) == 1;
  say("sent %d", sent);
}

static void full_queue(bool connected) {
  char got;
  int sum = 0;
  struct sockaddr_un me = unix_address("me");
  queue = unix_address("queue");
  ends[0] = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  sender = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  MUST(bind(ends[0], plain(&queue), sizeof queue));
  MUST(bind(sender, plain(&me), sizeof me));
  if (connected) MUST(connect(sender, plain(&queue), sizeof queue));
  start("sender", send_thirty, connected ? NULL : ends);
  settle();
  say("still waiting: %d", !has_ended("sender"));
  for (int i = 0; i < 30; i++) sum += read(ends[0], &got, 1) == 1 && got == i;
  say("in order: %d", sum);
  join();
  set_nonblocking(sender, true);
  long n = 0;
  while (n < 1000 && sendto(sender, "x", 1, 0, connected ? NULL : plain(&queue), connected ? 0 : sizeof queue) == 1) n++;
  say("then %ld and %s", n, error_name(errno));
  set_nonblocking(sender, false);
  set_time_out(sender, SO_SNDTIMEO, 50);
  TRACE_WAIT(50, sendto(sender, "x", 1, 0, connected ? NULL : plain(&queue), connected ? 0 : sizeof queue));
  TRACE(close(ends[0]));
  TRACE(sendto(sender, "x", 1, 0, connected ? NULL : plain(&queue), connected ? 0 : sizeof queue));
}

SCENARIO(full_connected, "a datagram to a full connected receiver waits") { full_queue(true); }
SCENARIO(full_addressed, "a datagram to a full receiver by address waits") { full_queue(false); }

static void send_into_a_close(void *argument) {
  bool addressed = argument != NULL;
  long n = 0;
  while (n < 1000 && sendto(sender, "x", 1, 0, addressed ? plain(&queue) : NULL, addressed ? sizeof queue : 0) == 1) n++;
  say("then %s, SIGPIPE %d", error_name(errno), (int)sigpipes);
}

SCENARIO(receiver_goes, "whoever waits for a full receiver is told that it is gone") {
  queue = unix_address("queue");
  count_sigpipes();
  for (int addressed = 0; addressed < 2; addressed++) {
    unlink("queue");
    ends[0] = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    sender = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    MUST(bind(ends[0], plain(&queue), sizeof queue));
    if (!addressed) MUST(connect(sender, plain(&queue), sizeof queue));
    start(addressed ? "addressed" : "connected", send_into_a_close, addressed ? ends : NULL);
    settle();
    TRACE(close(ends[0]));
    join();
  }
}

/* ---- descriptors ------------------------------------------------------------------------------------ */

union control {
  char room[256];
  struct cmsghdr align;
};

static ssize_t send_with(int socket, const char *text, int fd) {
  union control control = {{0}};
  struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  if (fd >= 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof fd);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t n = sendmsg(socket, &message, 0);
  say("sendmsg \"%s\"%s = %zd %s", text, fd >= 0 ? " with a descriptor" : "", n, error_name(n < 0 ? errno : 0));
  return n;
}

/* Receives up to `length` bytes; gives the descriptor that came with them. */
static int receive_with(size_t length, int flags, bool room) {
  union control control;
  int fd = -1;
  struct iovec piece = {buffer, length};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  memset(buffer, 0, sizeof buffer);
  if (room) message.msg_control = &control, message.msg_controllen = sizeof control;
  ssize_t n = recvmsg(ends[0], &message, flags);
  say("recvmsg(%zu, %#x) = %zd %s \"%s\", flags %#x", length, (unsigned)flags, n, error_name(n < 0 ? errno : 0), buffer,
      n < 0 ? 0 : (unsigned)message.msg_flags);
  if (n < 0) return -1;
  for (struct cmsghdr *h = room ? CMSG_FIRSTHDR(&message) : NULL; h; h = CMSG_NXTHDR(&message, h)) {
    say("level %d type %d length %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
    if (h->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(h), sizeof fd);
  }
  if (fd >= 0) say("descriptor %d, close-on-exec %d", fd, fcntl(fd, F_GETFD));
  return fd;
}

static void receive_and_use(void *argument) {
  (void)argument;
  int fd = receive_with(8, MSG_CMSG_CLOEXEC, true);
  TRACE(read(fd, buffer, 8));
  say("%s", buffer);
}

SCENARIO(rights, "a descriptor comes to a reader that waits, who then waits on it") {
  static const enum kind kinds[] = {UNIX, SEQPACKET, DGRAM};
  int inner[2];
  for (int i = 0; i < 3; i++) {
    make_pair(kinds[i], ends);
    make_pair(PIPE, inner);
    start(kind_names[kinds[i]], receive_and_use, NULL);
    settle();
    send_with(ends[1], "catch", inner[0]);
    settle();
    TRACE(close(inner[0]));
    TRACE(write(inner[1], "through", 8));
    join();
  }
}

SCENARIO(rights_between_data, "MSG_WAITALL stops at data that came with a descriptor, and loses none") {
  int inner[2];
  make_pair(PIPE, inner);
  for (int room = 1; room >= 0; room--) {
    make_pair(UNIX, ends);
    send_with(ends[1], "abc", -1);
    send_with(ends[1], "def", inner[0]);
    send_with(ends[1], "ghi", inner[1]);
    send_with(ends[1], "jkl", -1);
    MUST(shutdown(ends[1], SHUT_WR));
    for (int i = 0; i < 4; i++) receive_with(i == 0 ? 5 : 12, MSG_WAITALL, room);
  }
  make_pair(UNIX, ends);
  send_with(ends[1], "abc", -1);
  send_with(ends[1], "def", inner[0]);
  MUST(shutdown(ends[1], SHUT_WR));
  TRACE(recv(ends[0], buffer, 12, MSG_WAITALL));
  TRACE(recv(ends[0], buffer, 12, MSG_WAITALL));
}

static void receive_all_with(void *argument) {
  (void)argument;
  receive_with(12, MSG_WAITALL, true);
  receive_with(12, MSG_WAITALL, true);
}

SCENARIO(rights_meanwhile, "a descriptor that comes while MSG_WAITALL waits ends the wait") {
  int inner[2];
  make_pair(PIPE, inner);
  make_pair(UNIX, ends);
  start("receiver", receive_all_with, NULL);
  settle();
  send_with(ends[1], "abc", -1);
  settle();
  send_with(ends[1], "def", inner[0]);
  settle();
  send_with(ends[1], "ghi", -1);
  settle();
  MUST(shutdown(ends[1], SHUT_WR));
  join();
}

static void send_large_with(void *argument) {
  union control control = {{0}};
  struct iovec pieces[2] = {{large, 1000}, {large + 1000, sizeof large - 1000}};
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2, .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(sizeof(int))};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(header), argument, sizeof(int));
  TRACE(sendmsg(ends[1], &message, 0));
}

SCENARIO(rights_once, "a large message with a descriptor hands it over once") {
  static int inner[2];
  size_t sum = 0;
  int got = 0, size = 8192;
  fill(large, sizeof large, 4);
  make_pair(PIPE, inner);
  make_pair(UNIX, ends);
  MUST(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
  start("sender", send_large_with, inner);
  settle();
  while (sum < sizeof large) {
    static char part[5000];
    union control control;
    struct iovec piece = {part, sizeof part};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(ends[0], &message, 0);
    if (n <= 0 || memcmp(part, large + sum, (size_t)n) != 0) break;
    sum += (size_t)n;
    got += message.msg_controllen > 0 && CMSG_FIRSTHDR(&message) != NULL;
  }
  say("%zu bytes, %d descriptor", sum, got);
}

static void wait_for_credentials(void *argument) {
  union control control;
  struct iovec piece = {buffer, 8};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct ucred who = {0};
  (void)argument;
  TRACE(recvmsg(ends[0], &message, 0));
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header && header->cmsg_type == SCM_CREDENTIALS) memcpy(&who, CMSG_DATA(header), sizeof who);
  say("this process: %d", who.pid == getpid());
}

SCENARIO(credentials, "SO_PASSCRED: who sent it") {
  int on = 1;
  make_pair(UNIX, ends);
  MUST(setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  start("receiver", wait_for_credentials, NULL);
  settle();
  TRACE(write(ends[1], "x", 1));
}

SCENARIO(peek_offset, "SO_PEEK_OFF moves with what was seen") {
  int offset = 2;
  make_pair(UNIX, ends);
  MUST(setsockopt(ends[0], SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset));
  TRACE(write(ends[1], "abcdefgh", 8));
  for (int i = 0; i < 3; i++) {
    memset(buffer, 0, sizeof buffer);
    TRACE(recv(ends[0], buffer, 3, MSG_PEEK | (i == 2 ? MSG_DONTWAIT : 0)));
    say("%s", buffer);
  }
  TRACE(recv(ends[0], buffer, 9, 0));
}
