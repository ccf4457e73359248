/* Of the tour: hooked calls with everything on the stack. */
#include "tour.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static __thread int pair[2], tube[2], datagrams[2], listener, queue;
static __thread struct sockaddr_in address;

static void *sends(void *unused) {
  char text[300];
  co_enable_hook_sys();
  memset(text, 's', sizeof text);
  for (int i = 0; i < 10; i++) {
    usleep(200);
    HOLDS(write(pair[1], text, 100) == 100);
    struct iovec parts[2] = {{text, 150}, {text + 150, 50}};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    usleep(100);
    HOLDS(sendmsg(pair[1], &message, 0) == 200);
    HOLDS(writev(tube[1], parts, 2) == 200);
    HOLDS(send(pair[1], text, 10, 0) == 10);
  }
  working--;
  return unused;
}

static void *receives(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) {
    char bytes[400], more[2][100];
    HOLDS(recv(pair[0], bytes, 10, MSG_PEEK) == 10);
    HOLDS(recv(pair[0], bytes, 100, MSG_WAITALL) == 100 && bytes[99] == 's');
    struct iovec parts[2] = {{more[0], 100}, {more[1], 100}};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    HOLDS(recvmsg(pair[0], &message, MSG_WAITALL) == 200 && more[1][99] == 's');
    size_t got = 0;
    while (got < 200) {
      struct iovec rest[2] = {{bytes + got, 1}, {bytes + got + 1, 399 - got}};
      ssize_t n = readv(tube[0], rest, 2);
      HOLDS(n > 0);
      got += (size_t)n;
    }
    HOLDS(got == 200 && bytes[199] == 's');
    struct pollfd wait[2] = {{.fd = pair[0], .events = POLLIN}, {.fd = tube[0], .events = POLLIN}};
    HOLDS(poll(wait, 2, 10000) == 1 && wait[0].revents == POLLIN && wait[1].revents == 0);
    fd_set set;
    struct timeval limit = {10, 0};
    FD_ZERO(&set);
    FD_SET(pair[0], &set);
    HOLDS(select(pair[0] + 1, &set, NULL, NULL, &limit) == 1 && FD_ISSET(pair[0], &set));
    HOLDS(read(pair[0], bytes, 10) == 10);
  }
  working--;
  return unused;
}

static void *sleeps(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 5; i++) {
    struct timespec some = {0, 100000};
    struct pollfd none = {.fd = -1};
    HOLDS(nanosleep(&some, NULL) == 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &some, NULL) == 0);
    HOLDS(co_poll(co_get_epoll_ct(), &none, 1, 1) == 0 && poll(NULL, 0, 1) == 0);
    HOLDS(plain_work(4) == 5 * 2999);
  }
  working--;
  return unused;
}

static void *serves(void *unused) {
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  char bytes[64];
  co_enable_hook_sys();
  int fd = accept(listener, (struct sockaddr *)&peer, &length);
  HOLDS(fd >= 0 && length == sizeof peer);
  ssize_t n;
  while ((n = read(fd, bytes, sizeof bytes)) > 0) HOLDS(write(fd, bytes, (size_t)n) == n);
  HOLDS(n == 0 && close(fd) == 0);
  working--;
  return unused;
}

static void *connects(void *unused) {
  char bytes[64];
  co_enable_hook_sys();
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval limit = {0, 2000};
  HOLDS(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  HOLDS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  HOLDS(recv(fd, bytes, sizeof bytes, 0) == -1 && errno == EAGAIN);
  limit.tv_sec = 20;
  HOLDS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  HOLDS(send(fd, "hello", 5, 0) == 5 && recv(fd, bytes, 5, MSG_WAITALL) == 5 && memcmp(bytes, "hello", 5) == 0);
  HOLDS(shutdown(fd, SHUT_WR) == 0 && read(fd, bytes, 1) == 0 && close(fd) == 0);
  working--;
  return unused;
}

static void *looks_up(void *unused) {
  struct addrinfo hints, *found = NULL;
  struct hostent entry, *result = NULL;
  char host[200], buffer[2000];
  int error = 0;
  co_enable_hook_sys();
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  HOLDS(getaddrinfo("localhost", "80", &hints, &found) == 0);
  HOLDS(getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0);
  freeaddrinfo(found);
  HOLDS(getaddrinfo("127.0.0.1", NULL, &hints, &found) == 0);
  freeaddrinfo(found);
  HOLDS(gethostbyname("127.0.0.1") != NULL && gethostbyname("localhost") != NULL);
  HOLDS(gethostbyname_r("localhost", &entry, buffer, sizeof buffer, &result, &error) == 0 && result == &entry);
  working--;
  return unused;
}

static void *is_closed(void *unused) {
  int local[2];
  char byte;
  co_enable_hook_sys();
  HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, local) == 0);
  int copy = dup(local[0]);
  HOLDS(dup2(local[1], copy) == copy && close(local[1]) == 0 && close(copy) == 0);
  HOLDS(read(local[0], &byte, 1) == 0);
  HOLDS(fcntl(local[0], F_SETFL, O_NONBLOCK) == 0 && close(local[0]) == 0);
  working--;
  return unused;
}

/* What the library writes itself, and no call of the coroutine's own. */
static void *takes_messages(void *unused) {
  struct {
    long kind;
    char text[20];
  } message;
  char bytes[2][8];
  struct iovec pieces[2] = {{bytes[0], 8}, {bytes[1], 8}};
  struct mmsghdr batch[2];
  co_enable_hook_sys();
  HOLDS(msgrcv(queue, &message, sizeof message.text, 0, 0) == 8 && message.kind == 5 && strcmp(message.text, "message") == 0);
  for (int i = 0; i < 2; i++) {
    memset(&batch[i].msg_hdr, 0, sizeof batch[i].msg_hdr);
    batch[i].msg_hdr.msg_iov = &pieces[i];
    batch[i].msg_hdr.msg_iovlen = 1;
  }
  HOLDS(recvmmsg(datagrams[0], batch, 2, 0, NULL) == 2 && batch[0].msg_len == 3 && batch[1].msg_len == 4);
  HOLDS(memcmp(bytes[0], "one", 3) == 0 && memcmp(bytes[1], "more", 4) == 0 && batch[1].msg_hdr.msg_flags == 0);
  working--;
  return unused;
}

static void *gives_messages(void *unused) {
  struct {
    long kind;
    char text[8];
  } message = {5, "message"};
  co_enable_hook_sys();
  usleep(1000);
  HOLDS(msgsnd(queue, &message, sizeof message.text, 0) == 0);
  usleep(1000);
  HOLDS(send(datagrams[1], "one", 3, 0) == 3);
  usleep(1000);
  HOLDS(send(datagrams[1], "more", 4, 0) == 4);
  working--;
  return unused;
}

void calling(void) {
  void *(*const bodies[])(void *) = {receives, sends,     sleeps, serves,         connects,
                                     looks_up, is_closed, sleeps, takes_messages, gives_messages};
  socklen_t length = sizeof address;
  HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(tube) == 0);
  HOLDS(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams) == 0 && (queue = msgget(IPC_PRIVATE, 0600)) >= 0);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  HOLDS(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 5) == 0);
  HOLDS(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  run(sizeof bodies / sizeof *bodies, bodies, NULL);
  for (int i = 0; i < 2; i++) {
    close(pair[i]);
    close(tube[i]);
    close(datagrams[i]);
  }
  HOLDS(msgctl(queue, IPC_RMID, NULL) == 0);
  close(listener);
}
