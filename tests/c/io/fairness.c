/* A coroutine whose calls never have to wait lets the others run, but in no call that may not wait. */
#include "../check.h"

#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/uio.h>

static int ends[2], instance, ran, over, way;
/* What a coroutine does that nobody else stops. */
enum { ENDLESS = 3000000 };

static void *run_soon(void *nothing) {
  co_enable_hook_sys();
  usleep(2000);
  ran++;
  return nothing;
}

/* All that can be written to is, at any time. */
static int select_it(struct timeval *time) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[1], &set);
  return select(ends[1] + 1, NULL, &set, NULL, time);
}

static int make_watched_pipe(void) {
  struct epoll_event event = {.events = EPOLLOUT};
  instance = epoll_create1(0);
  return instance < 0 || pipe(ends) != 0 ? -1 : epoll_ctl(instance, EPOLL_CTL_ADD, ends[1], &event);
}

/* A queue of messages whose name is gone at once. */
static int make_queue(void) {
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
  instance = mq_open("/colib-fairness", O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  return instance < 0 ? -1 : mq_unlink("/colib-fairness");
}

/* These outlive the process. */
static int make_semaphore(void) { return instance = semget(IPC_PRIVATE, 1, 0600), instance < 0 ? -1 : 0; }
static int make_messages(void) { return instance = msgget(IPC_PRIVATE, 0600), instance < 0 ? -1 : 0; }
static void clean_up(void) {
  if (way == 11) CHECK_IS(semctl(instance, 0, IPC_RMID), 0);
  if (way == 12) CHECK_IS(msgctl(instance, IPC_RMID, NULL), 0);
}

static void call_it_once(void) {
  char byte = 'x';
  struct iovec piece = {&byte, 1};
  struct pollfd polled = {ends[1], POLLOUT, 0};
  struct epoll_event event;
  struct timeval no_time = {0, 0};
  struct mmsghdr several[1] = {{.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}}};
  struct sembuf up = {0, 1, 0}, down = {0, -1, 0};
  struct { long kind; char text; } message = {1, 'x'};
  switch (way) {
    case 0: CHECK_IS(write(ends[1], "x", 1), 1); CHECK_IS(read(ends[0], &byte, 1), 1); break;
    case 1: CHECK_IS(writev(ends[1], &piece, 1), 1); CHECK_IS(readv(ends[0], &piece, 1), 1); break;
    case 2: CHECK_IS(poll(&polled, 1, -1), 1); break;
    case 3: CHECK_IS(co_poll(co_get_epoll_ct(), &polled, 1, 1000), 1); break;
    case 4: CHECK_IS(poll(&polled, 1, 0), 1); break;
    case 5: CHECK_IS(select_it(NULL), 1); break;
    case 6: CHECK_IS(select_it(&no_time), 1); break;
    case 7: CHECK_IS(epoll_wait(instance, &event, 1, -1), 1); break;
    case 8: CHECK_IS(epoll_wait(instance, &event, 1, 0), 1); break;
    case 9: CHECK_IS(sendmmsg(ends[1], several, 1, 0), 1); CHECK_IS(recvmmsg(ends[0], several, 1, 0, NULL), 1); break;
    case 10: CHECK_IS(mq_send(instance, "x", 1, 0), 0); CHECK_IS(mq_receive(instance, &byte, 1, NULL), 1); break;
    case 11: CHECK_IS(semop(instance, &up, 1), 0); CHECK_IS(semop(instance, &down, 1), 0); break;
    case 12:
      CHECK_IS(msgsnd(instance, &message, 1, 0), 0);
      CHECK_IS(msgrcv(instance, &message, 1, 0, 0), 1);
      break;
    case 13: CHECK_IS(flock(instance, LOCK_EX), 0); CHECK_IS(flock(instance, LOCK_UN), 0); break;
  }
}

static void *never_wait(void *nothing) {
  co_enable_hook_sys();
  usleep(1000);
  for (int i = 0; i < ENDLESS && !ran; i++) call_it_once();
  CHECK_IS(ran, 1);
  over++;
  return nothing;
}

static void *may_not_wait(void *nothing) {
  co_enable_hook_sys();
  usleep(1000);
  for (long long began = now_ns(); now_ns() - began < 20000000;)
    for (int i = 0; i < 100; i++) call_it_once();
  CHECK_IS(ran, 0);
  over++;
  return nothing;
}

static void beside(void *(*body)(void *)) {
  start(body, NULL);
  start(run_soon, NULL);
  loop_until(&over, 1);
}

#define CALLS(title, number, make)                             \
  TEST(a_coroutine_that_never_waits_gives_way_in_##title) {    \
    way = number;                                              \
    NEED((make) == 0);                                         \
    beside(never_wait);                                        \
    clean_up();                                                \
  }
CALLS(reads_and_writes_of_sockets, 0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
CALLS(reads_and_writes_of_pipes, 0, pipe(ends))
CALLS(reads_and_writes_of_vectors, 1, pipe(ends))
CALLS(poll, 2, pipe(ends))
CALLS(co_poll, 3, pipe(ends))
CALLS(select, 5, pipe(ends))
CALLS(epoll_wait, 7, make_watched_pipe())
CALLS(sends_and_receives_of_several_messages, 9, socketpair(AF_UNIX, SOCK_DGRAM, 0, ends))
CALLS(queues_of_messages, 10, make_queue())
CALLS(locks_of_files, 13, (instance = memfd_create("locked", 0)) < 0)
CALLS(semaphores_of_system_v, 11, make_semaphore())
CALLS(messages_of_system_v, 12, make_messages())

TEST(a_coroutine_keeps_running_through_calls_on_non_blocking_descriptors) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  beside(may_not_wait);
}

#define LOOKS(title, number, make)                             \
  TEST(a_coroutine_keeps_running_through_##title##_without_time) { \
    way = number;                                              \
    NEED((make) == 0);                                         \
    beside(may_not_wait);                                      \
  }
LOOKS(polls, 4, pipe(ends))
LOOKS(selects, 6, pipe(ends))
LOOKS(waits_of_epoll, 8, make_watched_pipe())

static void *resumed(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < 1000; i++) call_it_once();
  CHECK_IS(ran, 0);
  ran = -1;
  return nothing;
}

static void *resume_another(void *nothing) {
  stCoRoutine_t *child = spawn(resumed, NULL);
  usleep(1000);
  co_resume(child);
  /* It has run to its end: what it did was between the two. */
  CHECK_IS(ran, -1);
  co_release(child);
  over++;
  return nothing;
}

TEST(a_coroutine_that_another_resumed_gives_nobody_way) {
  NEED(pipe(ends) == 0);
  start(resume_another, NULL);
  loop_until(&over, 1);
}

static void *never_wait_from_the_first_call_on(void *nothing) {
  co_enable_hook_sys();
  for (int i = 0; i < ENDLESS && !ran; i++) call_it_once();
  CHECK_IS(ran, 1);
  over++;
  return nothing;
}

TEST(a_coroutine_that_the_program_resumed_gives_way_in_the_end) {
  NEED(pipe(ends) == 0);
  start(run_soon, NULL);
  start(never_wait_from_the_first_call_on, NULL);
  CHECK_IS(over, 0);
  loop_until(&over, 1);
}

static void *resume_an_endless_one(void *nothing) {
  co_enable_hook_sys();
  usleep(1000);
  start(never_wait_from_the_first_call_on, NULL);
  CHECK_IS(over, 0);
  return nothing;
}

TEST(a_coroutine_that_another_resumed_gives_way_in_the_end) {
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  start(resume_an_endless_one, NULL);
  start(run_soon, NULL);
  loop_until(&over, 1);
}

static int called;

static void *call_and_yield(void *nothing) {
  co_enable_hook_sys();
  for (;; called++, co_yield_ct()) call_it_once();
  return nothing;
}

TEST(calls_between_yields_are_no_row) {
  NEED(pipe(ends) == 0);
  stCoRoutine_t *child = spawn(call_and_yield, NULL);
  for (int i = 1; i <= 10000; i++) {
    co_resume(child);
    if (called != i) {
      CHECK_IS(called, i);
      break;
    }
  }
  co_release(child);
}

RUN_TESTS
