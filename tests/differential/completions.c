/* completions.c - the kernel's asynchronous input and output: waits for completions, without and with a signal mask. */
#include "scenario.h"

#include <linux/aio_abi.h>

#ifndef SYS_io_pgetevents
#define SYS_io_pgetevents 333
#endif
enum { MOST = 4 };
struct sized_mask {
  const void *mask;
  size_t size;
};
static aio_context_t context;
static struct iocb requests[MOST];
static struct io_event events[MOST];
static int ends[2];
static uint64_t none, all, but_one;
static struct sized_mask mask;
static struct timespec half = {0, 50 * 1000000};
static volatile sig_atomic_t ones, twos;

static void handler(int signal) {
  if (signal == SIGUSR1) ones++;
  if (signal == SIGUSR2) twos++;
}
static void tell(void) { say("handled: %d and %d", (int)ones, (int)twos); }

static void prepare(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGUSR1, &action, NULL));
  MUST(sigaction(SIGUSR2, &action, NULL));
  MUST(syscall(SYS_io_setup, MOST, &context));
  make_pair(PIPE, ends);
  all = ~0ULL;
  but_one = all & ~(1ULL << (SIGUSR1 - 1));
}
/* A request that is completed when there is something to read, or at once. */
static void request(int number, int fd, int for_what) {
  struct iocb *list[] = {&requests[number]};
  requests[number] = (struct iocb){.aio_data = (unsigned)number, .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = (unsigned)fd, .aio_buf = (unsigned)for_what};
  if (MUST(syscall(SYS_io_submit, context, 1, list)) != 1) say("not submitted");
}
static long completions(long least, long most, struct timespec *time, struct sized_mask *masked) {
  return syscall(SYS_io_pgetevents, context, least, most, events, time, masked);
}
static struct sized_mask *by(const void *set) { return mask = (struct sized_mask){set, sizeof none}, &mask; }

static void waiting_masked(void *set) {
  TRACE(completions(2, MOST, NULL, by(set)));
  tell();
}
static void waiting(void *unused) {
  (void)unused;
  TRACE(completions(1, MOST, NULL, NULL));
  say("number %d", (int)events[0].data);
  TRACE(completions(1, MOST, NULL, by(NULL)));
  say("number %d", (int)events[0].data);
}

SCENARIO(completions_come, "completions come while they are waited for, with and without a mask") {
  prepare();
  start("waiting", waiting, NULL);
  for (int i = 0; i < 2; i++) {
    request(i, ends[0], POLLIN);
    settle();
    say("still waiting: %d", !has_ended("waiting"));
    MUST(write(ends[1], "x", 1));
    char byte;
    MUST(read(ends[0], &byte, 1));
    settle();
  }
  join();
  request(0, ends[1], POLLOUT);
  request(1, ends[0], POLLIN);
  start("masked", waiting_masked, &all);
  settle();
  signal_actor("masked", SIGUSR1);
  settle();
  say("still waiting: %d", !has_ended("masked"));
  MUST(write(ends[1], "x", 1));
  join();
  say("%d and %d", (int)events[0].data, (int)events[1].data);
}

SCENARIO(completions_interrupted, "a signal that the mask lets through ends the wait, one that it blocks does not") {
  prepare();
  start("none yet", waiting_masked, &but_one);
  settle();
  signal_actor("none yet", SIGUSR2);
  settle();
  say("still waiting: %d", !has_ended("none yet"));
  signal_actor("none yet", SIGUSR1);
  join();
  request(0, ends[1], POLLOUT);
  start("one already", waiting_masked, &none);
  settle();
  say("still waiting: %d", !has_ended("one already"));
  signal_actor("one already", SIGUSR1);
  join();
  tell();
}

SCENARIO(completions_let_through, "a signal that only the mask lets through ends the wait, and the call that does not wait") {
  prepare();
  MUST(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8));
  start("suddenly", waiting_masked, &but_one);
  settle();
  signal_actor("suddenly", SIGUSR1);
  join();
  raise(SIGUSR1);
  TRACE(completions(0, MOST, &half, by(&but_one)));
  tell();
  raise(SIGUSR1);
  request(0, ends[1], POLLOUT);
  TRACE(completions(1, MOST, NULL, by(&but_one)));
  tell();
  MUST(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8));
  tell();
}

SCENARIO(completions_refused, "time-outs and arguments of waits for completions") {
  prepare();
  TRACE_WAIT(50, completions(1, MOST, &half, by(&all)));
  TRACE_WAIT(50, completions(1, MOST, &half, NULL));
  request(0, ends[1], POLLOUT);
  TRACE_WAIT(50, completions(2, MOST, &half, by(&all)));
  TRACE(completions(2, 1, &half, by(&all)));
  TRACE(completions(-1, 1, &half, by(&all)));
  TRACE(completions(0, 0, &half, by(&all)));
  mask = (struct sized_mask){&all, 4};
  TRACE(completions(1, 1, &half, &mask));
  mask = (struct sized_mask){NULL, 4};
  TRACE(completions(1, 1, &half, &mask));
  mask = (struct sized_mask){nowhere, 4};
  TRACE(completions(1, 1, &half, &mask));
  TRACE(completions(1, 1, &half, by(nowhere)));
  TRACE(completions(1, 1, &half, nowhere));
  TRACE(completions(1, 1, nowhere, nowhere));
  request(0, ends[1], POLLOUT);
  TRACE(syscall(SYS_io_pgetevents, context, 1, 1, nowhere, &half, by(&all)));
  TRACE(syscall(SYS_io_pgetevents, 1, 1, 1, events, &half, by(&all)));
}
