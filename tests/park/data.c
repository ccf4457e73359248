/* data.c - data that is not there yet, and room that is not there yet. */
#define _GNU_SOURCE
#include "park.h"

static struct iovec one_byte(char *byte) { return (struct iovec){byte, 1}; }

/* ---- in --------------------------------------------------------------------------------------------- */

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
ssize_t __read(int, void *, size_t);
ssize_t __write(int, const void *, size_t);
ssize_t __send(int, const void *, size_t, int);

PARKS(read, empty_pipe, write_a_byte) {
  char byte = 0;
  return read(me->in, &byte, 1) == 1 && byte == 'x';
}

PARKS(__read, empty_pipe, write_a_byte) {
  char byte = 0;
  return __read(me->in, &byte, 1) == 1 && byte == 'x';
}

PARKS(__read_chk, empty_pipe, write_a_byte) {
  char byte = 0;
  return __read_chk(me->in, &byte, 1, 1) == 1 && byte == 'x';
}

PARKS_AS(syscall_read, "syscall", empty_pipe, write_a_byte) {
  char byte = 0;
  return syscall(SYS_read, me->in, &byte, 1) == 1 && byte == 'x';
}

/* What a call looks like that no hook sees: the test of this test. */
PARKS_AS(unseen_read, "read", empty_pipe, write_a_byte, .by_name_only = true) {
  char byte = 0;
  long n;
  __asm__ volatile("syscall" : "=a"(n) : "a"(SYS_read), "D"(me->in), "S"(&byte), "d"(1) : "rcx", "r11", "memory");
  return n == 1 && byte == 'x';
}

static void fifo(struct waiter *me) {
  name_path(me);
  NEED(mkfifo(me->path, 0600) == 0);
  NEED((me->far = open(me->path, O_RDWR)) >= 0 && (me->in = open(me->path, O_RDONLY)) >= 0);
  unlink(me->path);
}

PARKS_AS(read_of_a_fifo, "read", fifo, write_a_byte) {
  char byte = 0;
  return read(me->in, &byte, 1) == 1 && byte == 'x';
}

PARKS(readv, empty_pipe, write_a_byte) {
  char byte = 0;
  struct iovec vector = one_byte(&byte);
  return readv(me->in, &vector, 1) == 1 && byte == 'x';
}

PARKS(preadv64v2, empty_pipe, write_a_byte) {
  char byte = 0;
  struct iovec vector = one_byte(&byte);
  return preadv64v2(me->in, &vector, 1, -1, 0) == 1 && byte == 'x';
}

PARKS(preadv2, empty_pipe, write_a_byte) {
  char byte = 0;
  struct iovec vector = one_byte(&byte);
  return preadv2(me->in, &vector, 1, -1, 0) == 1 && byte == 'x';
}

PARKS(recv, socket_pair, write_a_byte) {
  char byte = 0;
  return recv(me->in, &byte, 1, 0) == 1 && byte == 'x';
}

PARKS(__recv_chk, socket_pair, write_a_byte) {
  char byte = 0;
  return __recv_chk(me->in, &byte, 1, 1, 0) == 1 && byte == 'x';
}

PARKS(recvfrom, socket_pair, write_a_byte) {
  char byte = 0;
  struct sockaddr_un from;
  socklen_t size = sizeof from;
  return recvfrom(me->in, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1 && byte == 'x' && size == 0;
}

PARKS(__recvfrom_chk, socket_pair, write_a_byte) {
  char byte = 0;
  return __recvfrom_chk(me->in, &byte, 1, 1, 0, NULL, NULL) == 1 && byte == 'x';
}

PARKS(recvmsg, socket_pair, write_a_byte) {
  char byte = 0;
  struct iovec vector = one_byte(&byte);
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  return recvmsg(me->in, &message, 0) == 1 && byte == 'x';
}

PARKS(recvmmsg, socket_pair, write_a_byte) {
  char byte = 0;
  struct iovec vector = one_byte(&byte);
  struct mmsghdr message = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
  return recvmmsg(me->in, &message, 1, 0, NULL) == 1 && message.msg_len == 1 && byte == 'x';
}

static void event(struct waiter *me) { NEED((me->in = me->far = eventfd(0, 0)) >= 0); }
static void add_seven(struct waiter *me) { NEED(eventfd_write(me->far, 7) == 0); }

PARKS(eventfd_read, event, add_seven) {
  eventfd_t value = 0;
  return eventfd_read(me->in, &value) == 0 && value == 7;
}

PARKS_AS(read_of_an_eventfd, "read", event, add_seven) {
  uint64_t value = 0;
  return read(me->in, &value, sizeof value) == sizeof value && value == 7;
}

/* ---- out -------------------------------------------------------------------------------------------- */

/* Static: a full pipe takes a while to take them, and they may be shared. */
static char bytes[20000];

PARKS(write, full_pipe, drain) { return write(me->in, bytes, 2000) == 2000; }
PARKS(__write, full_pipe, drain) { return __write(me->in, bytes, 2000) == 2000; }
PARKS_AS(syscall_write, "syscall", full_pipe, drain) { return syscall(SYS_write, me->in, bytes, 2000) == 2000; }

static struct iovec some[2] = {{bytes, 1000}, {bytes + 1000, 1000}};
PARKS(writev, full_pipe, drain) { return writev(me->in, some, 2) == 2000; }
/* Of the positioned calls, those at the position -1 alone: pipes, sockets and terminals refuse all others at once. */
PARKS(pwritev2, full_pipe, drain) { return pwritev2(me->in, some, 2, -1, 0) == 2000; }
PARKS(pwritev64v2, full_pipe, drain) { return pwritev64v2(me->in, some, 2, -1, 0) == 2000; }

/* More than there is room for: the rest of a partial transfer waits as well. */
PARKS_AS(write_of_much, "write", full_socket, drain, .again = true) { return write(me->in, bytes, sizeof bytes) == sizeof bytes; }
PARKS_AS(send, "send", full_socket, drain, .again = true) { return send(me->in, bytes, sizeof bytes, 0) == sizeof bytes; }
PARKS_AS(__send, "__send", full_socket, drain, .again = true) { return __send(me->in, bytes, sizeof bytes, 0) == sizeof bytes; }
PARKS_AS(sendto, "sendto", full_socket, drain, .again = true) {
  return sendto(me->in, bytes, sizeof bytes, 0, NULL, 0) == sizeof bytes;
}

PARKS_AS(sendmsg, "sendmsg", full_socket, drain, .again = true) {
  struct msghdr message = {.msg_iov = some, .msg_iovlen = 2};
  return sendmsg(me->in, &message, 0) == 2000;
}

PARKS_AS(sendmmsg, "sendmmsg", full_socket, drain, .again = true) {
  struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = some, .msg_iovlen = 2}}, {.msg_hdr = {.msg_iov = some, .msg_iovlen = 1}}};
  return sendmmsg(me->in, messages, 2, 0) == 2 && messages[0].msg_len == 2000 && messages[1].msg_len == 1000;
}

static void full_event(struct waiter *me) {
  event(me);
  NEED(eventfd_write(me->in, UINT64_MAX - 1) == 0);
}
static void take_all(struct waiter *me) {
  eventfd_t value;
  NEED(eventfd_read(me->far, &value) == 0 && value == UINT64_MAX - 1);
}
PARKS(eventfd_write, full_event, take_all) { return eventfd_write(me->in, 5) == 0; }

/* ---- between descriptors ---------------------------------------------------------------------------- */

static void pipe_into_pipe(struct waiter *me) {
  int ends[2];
  empty_pipe(me);
  NEED(pipe(ends) == 0);
  me->other = ends[1], me->number = ends[0];
}

PARKS(splice, pipe_into_pipe, write_a_byte) {
  char byte = 0;
  return splice(me->in, NULL, me->other, NULL, 10, 0) == 1 && read(me->number, &byte, 1) == 1 && byte == 'x';
}

PARKS(tee, pipe_into_pipe, write_a_byte) {
  char byte = 0;
  return tee(me->in, me->other, 10, 0) == 1 && read(me->number, &byte, 1) == 1 && byte == 'x';
}

PARKS(vmsplice, full_pipe, drain) {
  struct iovec vector = {bytes, 100};
  return vmsplice(me->in, &vector, 1, 0) == 100;
}

static void file_into_full_pipe(struct waiter *me) {
  name_path(me);
  NEED((me->other = open(me->path, O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0);
  NEED(write(me->other, bytes, 2000) == 2000 && lseek(me->other, 0, SEEK_SET) == 0);
  unlink(me->path);
  full_pipe(me);
}

ssize_t sendfile(int, int, off_t *, size_t);
PARKS(sendfile, file_into_full_pipe, drain) {
  return sendfile(me->in, me->other, NULL, 2000) == 2000 && lseek(me->other, 0, SEEK_CUR) == 2000;
}
