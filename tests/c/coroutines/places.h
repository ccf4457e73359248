/* places.h - every call that a coroutine may wait in, and what ends that wait. */
#ifndef PLACES_H
#define PLACES_H

#include "../check.h"

#include <sys/stat.h>

static int ends[2], full[2], listener, crowded, fifo_made;
static struct sockaddr_un address, crowded_address;
static stCoCond_t *cond;
static char directory[] = "/tmp/coroutinesXXXXXX", fifo[64];
static int begun, done, result, error;

static int listening(struct sockaddr_un *name, const char *file, int backlog) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  name->sun_family = AF_UNIX;
  snprintf(name->sun_path, sizeof name->sun_path, "%s/%s", directory, file);
  NEED(bind(fd, (struct sockaddr *)name, sizeof *name) == 0 && listen(fd, backlog) == 0);
  return fd;
}

static void remove_directory(void) {
  unlink(address.sun_path);
  unlink(crowded_address.sun_path);
  unlink(fifo);
  rmdir(directory);
}

/* Everything that the kinds of waiting below wait for. None of it is ready. */
static void set_up(void) {
  char chunk[4096] = {0};
  NEED(mkdtemp(directory) != NULL);
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, full) == 0);
  while (send(full[0], chunk, sizeof chunk, MSG_DONTWAIT) > 0) continue;
  listener = listening(&address, "listener", 10);
  /* With a backlog of none one connection is let in, and the next waits. */
  crowded = listening(&crowded_address, "crowded", 0);
  int first = socket(AF_UNIX, SOCK_STREAM, 0);
  NEED(connect(first, (struct sockaddr *)&crowded_address, sizeof crowded_address) == 0);
  cond = co_cond_alloc();
}

static void look_at_errno(int value) {
  result = value;
  error = errno;
}

static void wait_in_read(void) {
  char byte;
  look_at_errno((int)read(ends[0], &byte, 1));
}
static void end_read(void) { CHECK_IS(write(ends[1], "x", 1), 1); }

static void wait_in_recv(void) {
  char byte;
  look_at_errno((int)recv(ends[0], &byte, 1, 0));
}
static void end_recv(void) { end_read(); }

static void wait_in_write(void) { look_at_errno((int)write(full[0], "x", 1)); }
static void end_write(void) {
  char chunk[4096];
  while (recv(full[1], chunk, sizeof chunk, MSG_DONTWAIT) > 0) continue;
}

static void wait_in_accept(void) { look_at_errno(accept(listener, NULL, NULL)); }
static void end_accept(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
}

static void wait_in_co_accept(void) { look_at_errno(co_accept(listener, NULL, NULL)); }
static void end_co_accept(void) { end_accept(); }

static void wait_in_connect(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  look_at_errno(connect(fd, (struct sockaddr *)&crowded_address, sizeof crowded_address));
}
static void end_connect(void) {
  fcntl(crowded, F_SETFL, O_NONBLOCK);
  while (accept(crowded, NULL, NULL) >= 0) continue;
}

static void wait_in_poll(void) {
  struct pollfd fd = {ends[0], POLLIN, -1};
  look_at_errno(poll(&fd, 1, -1));
  CHECK_IS(fd.revents, result == 1 ? POLLIN : 0);
}
static void end_poll(void) { end_read(); }

static void wait_in_ppoll(void) {
  struct pollfd fd = {ends[0], POLLIN, -1};
  look_at_errno(ppoll(&fd, 1, NULL, NULL));
  CHECK_IS(fd.revents, result == 1 ? POLLIN : 0);
}
static void end_ppoll(void) { end_read(); }

static void wait_in_co_poll(void) {
  struct pollfd fds[2] = {{ends[0], POLLIN, -1}, {full[0], POLLOUT, -1}};
  look_at_errno(co_poll(co_get_epoll_ct(), fds, 2, -1));
  CHECK_IS(fds[0].revents, result == 1 ? POLLIN : 0);
}
static void end_co_poll(void) { end_read(); }

static void wait_in_select(void) {
  fd_set in;
  FD_ZERO(&in);
  FD_SET(ends[0], &in);
  look_at_errno(select(ends[0] + 1, &in, NULL, NULL, NULL));
}
static void end_select(void) { end_read(); }

static void wait_in_usleep(void) { look_at_errno(usleep(20000)); }
static void end_usleep(void) {}

static void wait_in_nanosleep(void) {
  struct timespec time = {0, 20000000};
  look_at_errno(nanosleep(&time, NULL));
}
static void end_nanosleep(void) {}

static void wait_in_poll_of_nothing(void) { look_at_errno(poll(NULL, 0, 20)); }
static void end_poll_of_nothing(void) {}

static void wait_in_co_cond_timedwait(void) { look_at_errno(co_cond_timedwait(cond, -1)); }
static void end_co_cond_timedwait(void) { co_cond_signal(cond); }

static void wait_in_co_cond_timedwait_with_a_limit(void) { look_at_errno(co_cond_timedwait(cond, 100000)); }
static void end_co_cond_timedwait_with_a_limit(void) { co_cond_signal(cond); }

/*
 * A look-up reads the file that HOSTALIASES names before it asks anybody. This one is a pipe, which keeps
 * whoever opens it until there is a writer; at the end it is a file that tells nothing.
 */
static void wait_in_gethostbyname(void) { look_at_errno(gethostbyname("nobody") == NULL); }
static void end_gethostbyname(void) {
  int writer;
  while ((writer = open(fifo, O_WRONLY | O_NONBLOCK)) < 0) usleep(1000);
  unlink(fifo);
  close(open(fifo, O_CREAT | O_WRONLY, 0600));
  close(writer);
}

static void set_up_look_ups(void) {
  set_up();
  if (!fifo_made++) {
    snprintf(fifo, sizeof fifo, "%s/aliases", directory);
    NEED(mkfifo(fifo, 0600) == 0);
    setenv("HOSTALIASES", fifo, 1);
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
  }
}

#endif
