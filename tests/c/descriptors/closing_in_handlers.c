/*
 * closing_in_handlers.c - a signal handler closes what a coroutine of another thread is about to wait for, or what the
 * library remembers something of.
 *
 * SEED repeats a run, though not the order among threads.
 */
#include "../check.h"

#include <sched.h>
#include <stdatomic.h>

enum { MOST_ROUNDS = 20000, HANG_SECONDS = 10 };
static const long long LIMIT_NS = 2000000000LL;

static atomic_int begun, ended, over;
static int ends[2];
static struct dice dice;

static void close_it(int signal) {
  (void)signal;
  close(ends[0]);
}

static void dawdle(unsigned steps) {
  for (volatile unsigned i = 0; i < steps; i++);
}

/* Closes in a handler, a little earlier or later than the coroutine begins to read. */
static void *close_often(void *nothing) {
  long long until = now_ns() + LIMIT_NS;
  int round = 0;
  while (round < MOST_ROUNDS && now_ns() < until) {
    NEED(pipe(ends) == 0);
    atomic_store(&begun, ++round);
    dawdle(below(&dice, 400));
    NEED(raise(SIGUSR1) == 0);
    long long since = now_ns();
    while (atomic_load(&ended) < round) {
      if (since_ms(since) > HANG_SECONDS * 1000) {
        fprintf(stderr, "# the wait of round %d was lost\n", round);
        _exit(1);
      }
      sched_yield();
    }
    close(ends[1]);
  }
  atomic_store(&over, 1);
  return nothing;
}

static void *read_often(void *seed) {
  struct dice mine = {(uint64_t)(uintptr_t)seed};
  char byte;
  co_enable_hook_sys();
  for (int round = 1;; round++) {
    while (atomic_load(&begun) < round && !atomic_load(&over)) sched_yield();
    if (atomic_load(&over)) break;
    dawdle(below(&mine, 400));
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EBADF);
    atomic_store(&ended, round);
  }
  fflush(NULL);
  _exit(check_failures ? 1 : 0);
}

/* The loop has nothing that would wake it but what the handler tells. */
TEST(no_wait_is_lost_that_begins_while_a_handler_closes) {
  pthread_t thread;
  dice = cast_dice();
  signal(SIGUSR1, close_it);
  NEED(pthread_create(&thread, NULL, close_often, NULL) == 0);
  start(read_often, (void *)(uintptr_t)dice.state);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
}

/* ---- what is remembered ------------------------------------------------------------------------------------ */

static struct sockaddr_un peer_name = {.sun_family = AF_UNIX};
static int sender, sent, sent_errno, done;

/* A datagram socket that nobody sends to any more until somebody receives; such a send is waited for without readiness. */
static int full_peer(void) {
  int peer = socket(AF_UNIX, SOCK_DGRAM, 0), filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  socklen_t length = sizeof peer_name;
  NEED(bind(peer, (struct sockaddr *)&peer_name, sizeof(sa_family_t)) == 0);
  NEED(getsockname(peer, (struct sockaddr *)&peer_name, &length) == 0);
  while (sendto(filler, "x", 1, 0, (struct sockaddr *)&peer_name, sizeof(sa_family_t) + 6) == 1) continue;
  NEED(errno == EAGAIN);
  close(filler);
  return peer;
}

static void *sends(void *unused) {
  co_enable_hook_sys();
  sent = sendto(sender, "y", 1, 0, (struct sockaddr *)&peer_name, sizeof(sa_family_t) + 6);
  sent_errno = errno;
  done++;
  return unused;
}

static void *naps(void *unused) {
  co_enable_hook_sys();
  usleep(1000);
  done++;
  return unused;
}

static int a_seen_socket(void) { return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0); }

static int an_unseen_socket(void) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_socket), "D"(AF_UNIX), "S"(SOCK_DGRAM | SOCK_NONBLOCK), "d"(0) : "rcx", "r11", "memory");
  return (int)result;
}

static void a_handler_closes_what_is_remembered(int (*make_next)(void)) {
  char byte;
  /* Once something has waited, the library knows what is made. */
  start(naps, NULL);
  loop_until(&done, 1);
  int peer = full_peer();
  sender = ends[0] = socket(AF_UNIX, SOCK_DGRAM, 0);
  signal(SIGUSR1, close_it);
  start(sends, NULL);
  CHECK_IS(done, 1);
  NEED(recv(peer, &byte, 1, 0) == 1);
  loop_until(&done, 2);
  CHECK_IS(sent, 1);
  NEED(raise(SIGUSR1) == 0);
  NEED(make_next() == sender);
  /* A call that may not wait ends before anybody else runs. */
  start(sends, NULL);
  CHECK_IS(done, 3);
  CHECK(sent == -1 && sent_errno == EAGAIN);
}

TEST(what_comes_after_a_socket_that_a_handler_closed_does_not_block_as_that_did) {
  a_handler_closes_what_is_remembered(a_seen_socket);
}

TEST(what_comes_unseen_after_a_socket_that_a_handler_closed_does_not_block_as_that_did) {
  a_handler_closes_what_is_remembered(an_unseen_socket);
}

RUN_TESTS
