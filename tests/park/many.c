/* many.c - connections, and many descriptors at once. */
#define _GNU_SOURCE
#include "park.h"

#include <sys/epoll.h>

/* ---- connections ------------------------------------------------------------------------------------ */

int __connect(int, const struct sockaddr *, socklen_t);

/* An address that is nobody else's; `far` listens there for one connection. */
static struct sockaddr_un address_of(struct waiter *me) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "colib-park-%d-%d", (int)getpid(), me->index);
  return address;
}

static void listener(struct waiter *me) {
  struct sockaddr_un address = address_of(me);
  NEED((me->in = me->far = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
  NEED(bind(me->in, (struct sockaddr *)&address, sizeof address) == 0 && listen(me->in, 0) == 0);
}

static void join_it(struct waiter *me) {
  struct sockaddr_un address = address_of(me);
  NEED((me->other = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
  NEED(connect(me->other, (struct sockaddr *)&address, sizeof address) == 0);
}

PARKS(accept, listener, join_it) {
  struct sockaddr_un from;
  socklen_t size = sizeof from;
  int fd = accept(me->in, (struct sockaddr *)&from, &size);
  return fd >= 0 && size == sizeof from.sun_family && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

PARKS(accept4, listener, join_it) {
  int fd = accept4(me->in, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd >= 0 && fcntl(fd, F_GETFL) & O_NONBLOCK && fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static void crowded_listener(struct waiter *me) {
  listener(me);
  join_it(me);
  NEED((me->in = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
}

static void accept_one(struct waiter *me) { NEED(accept(me->far, NULL, NULL) >= 0); }

PARKS(connect, crowded_listener, accept_one) {
  struct sockaddr_un address = address_of(me);
  return connect(me->in, (struct sockaddr *)&address, sizeof address) == 0 && (fcntl(me->in, F_GETFL) & O_NONBLOCK) == 0;
}

PARKS(__connect, crowded_listener, accept_one) {
  struct sockaddr_un address = address_of(me);
  return __connect(me->in, (struct sockaddr *)&address, sizeof address) == 0;
}

/* ---- many descriptors at once ----------------------------------------------------------------------- */

int __poll(struct pollfd *, nfds_t, int);
int __poll_chk(struct pollfd *, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t);
int __select(int, fd_set *, fd_set *, fd_set *, struct timeval *);

static const struct timespec long_time = {30, 0};

#define POLLS(name, call)                                                             \
  PARKS(name, empty_pipe, write_a_byte) {                                             \
    struct pollfd fds[2] = {{me->in, POLLIN, -1}, {-1, POLLIN, -1}};                  \
    return call == 1 && fds[0].revents == POLLIN && fds[1].revents == 0;              \
  }
POLLS(poll, poll(fds, 2, 30000))
POLLS(__poll, __poll(fds, 2, -1))
POLLS(__poll_chk, __poll_chk(fds, 2, -1, sizeof fds))
POLLS(ppoll, ppoll(fds, 2, &long_time, NULL))
POLLS(__ppoll_chk, __ppoll_chk(fds, 2, NULL, NULL, sizeof fds))

#define SELECTS(name, call)                                           \
  PARKS(name, empty_pipe, write_a_byte) {                             \
    struct timeval time = {30, 0};                                    \
    fd_set set;                                                       \
    (void)time;                                                       \
    FD_ZERO(&set);                                                    \
    FD_SET(me->in, &set);                                             \
    return call == 1 && FD_ISSET(me->in, &set);                       \
  }
SELECTS(select, select(me->in + 1, &set, NULL, NULL, &time))
SELECTS(__select, __select(me->in + 1, &set, NULL, NULL, NULL))
SELECTS(pselect, pselect(me->in + 1, &set, NULL, NULL, &long_time, NULL))

static void epoll_of_a_pipe(struct waiter *me) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 77};
  empty_pipe(me);
  NEED((me->other = epoll_create1(0)) >= 0 && epoll_ctl(me->other, EPOLL_CTL_ADD, me->in, &event) == 0);
}

#define EPOLLS(name, call)                                                                        \
  PARKS(name, epoll_of_a_pipe, write_a_byte) {                                                    \
    struct epoll_event events[2];                                                                 \
    return call == 1 && events[0].events == EPOLLIN && events[0].data.u32 == 77;                  \
  }
EPOLLS(epoll_wait, epoll_wait(me->other, events, 2, -1))
EPOLLS(epoll_pwait, epoll_pwait(me->other, events, 2, 30000, NULL))
EPOLLS(epoll_pwait2, epoll_pwait2(me->other, events, 2, &long_time, NULL))
