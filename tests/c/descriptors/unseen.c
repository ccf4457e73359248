/*
 * descriptors_unseen.c - numbers that are closed where no hook sees it and used again at once by other kinds,
 * while coroutines wait on them; what children inherit; threads that a coroutine makes.
 *
 * SEED repeats a run.
 */
#include "../ticks.h"

#include <dirent.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

enum { PLACES = 10, WAITERS = 20, ROUNDS = 600 };

/* A system call that nobody interposes. */
static long unseen(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

enum kind { PIPE_IN, SOCKET, DATAGRAM, EVENT, TIMER, SIGNAL, CHANGE, EPOLL, MEMORY, KINDS };

struct place {
  int fd, peer, life;
  enum kind kind;
};

static struct place places[PLACES];
static struct dice dice;
static int stopped, rounds, ended, got, told, wrong, over;

/* Opens something new, whose number is that of whatever was closed last. */
static int open_kind(struct place *place) {
  sigset_t none;
  int pair[2] = {-1, -1};
  sigemptyset(&none);
  place->peer = -1;
  switch (place->kind) {
    case PIPE_IN: NEED(pipe(pair) == 0); break;
    case SOCKET: NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0); break;
    case DATAGRAM: NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0); break;
    case EVENT: pair[0] = eventfd(0, 0); break;
    case TIMER: pair[0] = timerfd_create(CLOCK_MONOTONIC, 0); break;
    case SIGNAL: pair[0] = signalfd(-1, &none, 0); break;
    case CHANGE: pair[0] = inotify_init(); break;
    case EPOLL: pair[0] = epoll_create1(0); break;
    case MEMORY: pair[0] = memfd_create("memory", 0); break;
    default: break;
  }
  NEED(pair[0] >= 0);
  place->peer = pair[1];
  return pair[0];
}

/* Makes something readable, whatever it is: everybody who reads gets eight bytes. */
static void feed(struct place *place) {
  uint64_t bytes = 1;
  struct itimerspec at_once = {.it_value = {0, 1}, .it_interval = {0, 2000000}};
  switch (place->kind) {
    case PIPE_IN:
    case SOCKET:
    case DATAGRAM: CHECK_IS(write(place->peer, &bytes, 8), 8); break;
    case EVENT: CHECK_IS(write(place->fd, &bytes, 8), 8); break;
    case TIMER: CHECK_IS(timerfd_settime(place->fd, 0, &at_once, NULL), 0); break;
    default: break;
  }
}

/* Closes a place out of sight, and fills it with another kind. */
static void replace(struct place *place) {
  int fd = place->fd;
  place->life++;
  if (place->peer >= 0) unseen(SYS_close, place->peer, 0, 0);
  switch (below(&dice, 3)) {
    case 0: unseen(SYS_close, fd, 0, 0); break;
    case 1: unseen(SYS_close_range, fd, fd, 0); break;
    default: {
      int null = open("/dev/null", O_RDONLY);
      unseen(SYS_dup2, null, fd, 0);
      unseen(SYS_close, null, 0, 0);
      unseen(SYS_close, fd, 0, 0);
    }
  }
  place->kind = (enum kind)below(&dice, KINDS);
  place->fd = open_kind(place);
}

static void *wait_at_random(void *nothing) {
  co_enable_hook_sys();
  while (!stopped) {
    struct place *place = &places[below(&dice, PLACES)];
    int fd = place->fd;
    uint64_t bytes = 0;
    struct iovec piece = {&bytes, 8};
    struct epoll_event event;
    struct pollfd polled = {fd, POLLIN, 0};
    long n;
    switch (below(&dice, 5)) {
      case 0: n = read(fd, &bytes, 8); break;
      case 1: n = preadv2(fd, &piece, 1, -1, 0); break;
      case 2: n = epoll_wait(fd, &event, 1, 20); break;
      case 3: n = poll(&polled, 1, 20); break;
      default: n = eventfd_read(fd, &bytes) == 0 ? 8 : -1;
    }
    if (n > 0) got++;
    if (n < 0) {
      told += errno == EBADF;
      wrong += errno == EAGAIN || errno == EFAULT;
    }
    if (n <= 0) usleep(300);
  }
  ended++;
  return nothing;
}

static void *shuffle(void *nothing) {
  co_enable_hook_sys();
  for (rounds = 0; rounds < ROUNDS; rounds++) {
    struct place *place = &places[below(&dice, PLACES)];
    if (below(&dice, 2)) replace(place);
    else feed(place);
    if (below(&dice, 2)) usleep(below(&dice, 800));
    for (int i = 0; i < PLACES; i++) wrong += (fcntl(places[i].fd, F_GETFL) & O_NONBLOCK) != 0;
  }
  stopped = 1;
  for (int i = 0; i < PLACES; i++) {
    close(places[i].fd);
    if (places[i].peer >= 0) close(places[i].peer);
  }
  return nothing;
}

TEST(numbers_closed_unseen_are_used_again_at_random) {
  dice = cast_dice();
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < PLACES; i++) {
    places[i].kind = (enum kind)(i % KINDS);
    places[i].fd = open_kind(&places[i]);
  }
  for (int i = 0; i < WAITERS; i++) start(wait_at_random, NULL);
  start(shuffle, NULL);
  loop_until(&ended, WAITERS);
  CHECK(got > 0);
  CHECK(told > 0);
  CHECK_IS(wrong, 0);
}

/* ---- each way a number is given out anew ------------------------------------------------------------ */

static int number;

static void *wait_for_number(void *nothing) {
  char byte;
  co_enable_hook_sys();
  CHECK(read(number, &byte, 1) == -1 && errno == EBADF);
  ended++;
  return nothing;
}

TEST(whatever_gets_a_number_anew_tells_who_waits_for_the_old) {
  for (int kind = 0; kind < KINDS + 4; kind++) {
    struct place place = {.kind = (enum kind)kind};
    int ends[2], pipes[2], receiver[2], again = -1;
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, receiver) == 0 && pipe(pipes) == 0);
    union {
      char room[CMSG_SPACE(sizeof(int))];
      struct cmsghdr header;
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec piece = {"x", 1};
    struct mmsghdr batch = {.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control}};
    memcpy(CMSG_DATA(&control.header), &pipes[0], sizeof(int));
    NEED(sendmsg(receiver[1], &batch.msg_hdr, 0) == 1);
    char byte;
    piece.iov_base = &byte;
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    number = ends[0];
    start(wait_for_number, NULL);
    loop_for(3);
    unseen(SYS_close, number, 0, 0);
    co_enable_hook_sys();
    switch (kind - KINDS) {
      case 0: again = fcntl(ends[1], F_DUPFD_CLOEXEC, 3); break;
      case 1: again = dup(ends[1]); break;
      case 2: again = (int)syscall(SYS_eventfd2, 0, 0); break;
      case 3: again = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY); break;
      default: again = open_kind(&place);
    }
    CHECK_IS(again, number);
    loop_until(&ended, kind + 1);
    for (int fd = 3; fd < 30; fd++) close(fd);
  }
}

static void *receive_number(void *batch) {
  struct mmsghdr *messages = batch;
  int fd;
  co_enable_hook_sys();
  if (messages[1].msg_len) CHECK_IS(recvmsg((int)messages[1].msg_len, &messages->msg_hdr, 0), 1);
  else CHECK_IS(recvmmsg(4, messages, 1, 0, NULL), 1);
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&messages->msg_hdr)), sizeof fd);
  CHECK_IS(fd, number);
  ended++;
  return NULL;
}

TEST(a_number_that_comes_with_a_message_tells_who_waits_for_the_old) {
  for (int round = 0; round < 2; round++) {
    static char byte, room[CMSG_SPACE(sizeof(int))];
    static struct iovec piece;
    static struct mmsghdr batch[2];
    int pair[2], ends[2], before = ended;
    for (int fd = 3; fd < 40; fd++) close(fd);
    int spare = open("/dev/null", O_RDONLY);
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 && pair[0] == 4);
    piece = (struct iovec){&byte, 1};
    batch[0].msg_hdr = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    batch[1].msg_len = round ? (unsigned)pair[0] : 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(&batch[0].msg_hdr);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &spare, sizeof spare);
    NEED(sendmsg(pair[1], &batch[0].msg_hdr, 0) == 1);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    number = ends[0];
    start(wait_for_number, NULL);
    loop_for(3);
    unseen(SYS_close, number, 0, 0);
    start(receive_number, batch);
    loop_until(&ended, before + 2);
  }
}

TEST(freopen_tells_who_waits_for_the_old) {
  int ends[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  FILE *stream = fdopen(ends[0], "r");
  number = ends[0];
  start(wait_for_number, NULL);
  loop_for(3);
  CHECK(freopen("/dev/null", "r", stream) != NULL);
  loop_until(&ended, 1);
}

/* ---- children and threads --------------------------------------------------------------------------- */

extern char **environ;

static void *wait_for_a_signal(void *nothing) {
  sigset_t set;
  co_enable_hook_sys();
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigwaitinfo(&set, NULL);
  return nothing;
}

static void *accept_for_ever(void *listener) {
  co_enable_hook_sys();
  accept(*(int *)listener, NULL, NULL);
  return NULL;
}

static int listed_by(pid_t child, int output) {
  char text[4096];
  size_t length = 0;
  ssize_t n;
  int lines = 0, status;
  while ((n = read(output, text + length, sizeof text - length)) > 0) length += (size_t)n;
  for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
  CHECK_IS(waitpid(child, &status, 0), child);
  CHECK_IS(status, 0);
  return lines;
}

static void *inherit(void *nothing) {
  static char *const arguments[] = {"ls", "/proc/self/fd", NULL};
  sigset_t set;
  pid_t child;
  co_enable_hook_sys();
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
  usleep(20000);
  for (int way = 0; way < 3; way++) {
    int output[2];
    posix_spawn_file_actions_t actions;
    NEED(pipe2(output, O_CLOEXEC) == 0);
    switch (way) {
      case 0:
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, output[1], 1);
        NEED(posix_spawnp(&child, "ls", &actions, NULL, arguments, environ) == 0);
        posix_spawn_file_actions_destroy(&actions);
        break;
      case 1:
        if ((child = fork()) == 0) {
          dup2(output[1], 1);
          execvp("ls", arguments);
          _exit(127);
        }
        break;
      case 2:
        if ((child = vfork()) == 0) {
          dup2(output[1], 1);
          execvp("ls", arguments);
          _exit(127);
        }
        break;
    }
    close(output[1]);
    co_disable_hook_sys();
    /* Input, output, errors, and the directory that is read. */
    CHECK_IS(listed_by(child, output[0]), 4);
    co_enable_hook_sys();
    close(output[0]);
  }
  over++;
  return nothing;
}

TEST(children_inherit_nothing_of_the_librarys) {
  static int listener;
  struct sockaddr_un here = {.sun_family = AF_UNIX};
  unseen(SYS_close_range, 3, ~0U, 0);
  NEED((listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
  NEED(bind(listener, (struct sockaddr *)&here, sizeof(sa_family_t)) == 0 && listen(listener, 1) == 0);
  start(tick, NULL);
  start(wait_for_a_signal, NULL);
  start(accept_for_ever, &listener);
  start(inherit, NULL);
  loop_until(&over, 1);
}

static void *on_a_thread(void *nothing) {
  char byte;
  int ends[2];
  CHECK(!co_is_enable_sys_hook());
  CHECK(co_self() == NULL);
  NEED(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
  CHECK_IS(read(ends[0], &byte, 1), 1);
  /* The other thread's coroutines go on, sooner or later. */
  while (__atomic_load_n(&ticks, __ATOMIC_RELAXED) <= 3) usleep(1000);
  return nothing;
}

static void *make_a_thread(void *nothing) {
  pthread_t thread;
  co_enable_hook_sys();
  NEED(pthread_create(&thread, NULL, on_a_thread, NULL) == 0);
  while (pthread_tryjoin_np(thread, NULL) != 0) usleep(1000);
  CHECK(co_is_enable_sys_hook());
  over++;
  return nothing;
}

TEST(a_thread_that_a_coroutine_makes_begins_with_hooks_off) {
  start(tick, NULL);
  start(make_a_thread, NULL);
  loop_until(&over, 1);
}

RUN_TESTS
