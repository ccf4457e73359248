/* What libco does wrong, case by case: each name says the fault, each body shows that it is not ours. */
#include "check.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fenv.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <ucontext.h>

#include "co_routine_inner.h"

static int done, ends[2];
static long long took_ns;

static void make_pair(void) { NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }

/* Sizes and address of a TCP connection over the loopback. */
static struct sockaddr_in at;

static int listen_somewhere(void) {
  socklen_t length = sizeof at;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  at.sin_family = AF_INET;
  at.sin_port = 0;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 10) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&at, &length) == 0);
  return listener;
}

static void make_tcp_pair(void) {
  int listener = listen_somewhere();
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  NEED(connect(ends[0], (struct sockaddr *)&at, sizeof at) == 0);
  ends[1] = accept(listener, NULL, NULL);
  NEED(ends[1] >= 0);
  close(listener);
}

static void *with_hooks(void *body) {
  long long before = now_ns();
  co_enable_hook_sys();
  ((void (*)(void))body)();
  took_ns = now_ns() - before;
  done++;
  return NULL;
}

static stCoRoutine_t *go(void (*body)(void)) { return start(with_hooks, (void *)body); }

static void finish(void (*body)(void)) {
  int before = done;
  go(body);
  loop_until(&done, before + 1);
}

/* ---- stacks and contexts ---------------------------------------------------------------------------- */

static void *keeps_bytes(void *argument) {
  volatile unsigned char bytes[4000];
  memset((void *)bytes, (int)(intptr_t)argument, sizeof bytes);
  for (int i = 0; i < 2; i++) {
    co_yield_ct();
    for (size_t j = 0; j < sizeof bytes; j++) CHECK_IS(bytes[j], (int)(intptr_t)argument);
  }
  done++;
  return NULL;
}

static void share(void (*end)(stCoRoutine_t *)) {
  stShareStack_t *stacks = co_alloc_sharestack(1, 65536);
  stCoRoutine_t *one = spawn_on(stacks, 0, keeps_bytes, (void *)1), *two = spawn_on(stacks, 0, keeps_bytes, (void *)2),
                *three = spawn_on(stacks, 0, keeps_bytes, (void *)3);
  co_resume(one);
  co_resume(two);
  co_resume(three);
  end(two);
  end(three);
  co_resume(one);
  co_resume(one);
  CHECK_IS(done, 1);
  CHECK(one->cEnd);
}

TEST(releasing_a_shared_stack_coroutine_loses_the_next_ones_stack) { share(co_release); }
TEST(resetting_a_shared_stack_coroutine_loses_the_next_ones_stack) { share(co_reset); }

static void *counts(void *unused) {
  done++;
  return unused;
}

TEST(resuming_a_finished_coroutine_crashes) {
  stCoRoutine_t *co = start(counts, NULL);
  co_resume(co);
  co_resume(co);
  CHECK_IS(done, 1);
}

TEST(yielding_from_main_crashes) {
  co_yield_ct();
  co_init_curr_thread_env();
  co_yield_ct();
  co_yield(co_self());
  co_release(start(counts, NULL));
  co_yield_ct();
  CHECK_IS(done, 1);
}

static void poll_zero(void) {
  struct pollfd fd = {ends[0], POLLIN, -1};
  CHECK_IS(co_poll(co_get_epoll_ct(), &fd, 1, 0), 0);
  CHECK_IS(co_poll(co_get_epoll_ct(), NULL, 0, 0), 0);
  CHECK_IS(fd.revents, 0);
}

TEST(co_poll_with_a_time_out_of_zero_crashes) {
  make_pair();
  poll_zero();
  go(poll_zero);
  CHECK_IS(done, 1);
}

static void *nests(void *argument) {
  intptr_t left = (intptr_t)argument;
  if (left > 0) {
    stCoRoutine_t *next = spawn_on(NULL, 16384, nests, (void *)(left - 1));
    co_resume(next);
    co_release(next);
  }
  done++;
  return NULL;
}

TEST(the_call_stack_of_128_is_unchecked) {
  co_release(spawn_on(NULL, 16384, nests, NULL));
  co_resume(spawn_on(NULL, 16384, nests, (void *)1000));
  CHECK_IS(done, 1001);
}

static void *changes_mxcsr(void *unused) {
  unsigned word = 0x7f80;
  __asm__ volatile("ldmxcsr %0" : : "m"(word));
  co_yield_ct();
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  CHECK_IS(word & 0xffc0, 0x7f80);
  return unused;
}

TEST(mxcsr_leaks_between_coroutines) {
  stCoRoutine_t *co = start(changes_mxcsr, NULL);
  unsigned word;
  __asm__ volatile("stmxcsr %0" : "=m"(word));
  CHECK_IS(word & 0xffc0, 0x1f80);
  co_resume(co);
  CHECK(co->cEnd);
}

static void *changes_x87(void *unused) {
  unsigned short word = 0x0c7f;
  __asm__ volatile("fldcw %0" : : "m"(word));
  co_yield_ct();
  __asm__ volatile("fnstcw %0" : "=m"(word));
  CHECK_IS(word, 0x0c7f);
  return unused;
}

TEST(the_x87_control_word_leaks_between_coroutines) {
  stCoRoutine_t *co = start(changes_x87, NULL);
  unsigned short word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  CHECK_IS(word, 0x037f);
  co_resume(co);
  CHECK(co->cEnd);
}

static volatile int bottomless = 1;

static NOINLINE int falls(volatile char *above) {
  volatile char frame[256];
  frame[0] = above ? *above : 0;
  return bottomless ? falls(frame) + frame[0] : 0;
}

static void *overflows(void *unused) {
  falls(NULL);
  return unused;
}

static void overflow(void *unused) {
  /* Neighbours on both sides. */
  (void)unused;
  start(keeps_bytes, (void *)1);
  stCoRoutine_t *middle = spawn(overflows, NULL);
  start(keeps_bytes, (void *)1);
  co_resume(middle);
}

TEST(an_overflow_runs_into_the_neighbour) {
  struct ending ended = apart(overflow, NULL);
  CHECK(WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGSEGV);
  CHECK(strstr(ended.text, "stack overflow") != NULL);
}

TEST(every_coroutine_holds_8_kib_of_specifics) {
  stShareStack_t *stacks = co_alloc_sharestack(1, 65536);
  for (int i = 0; i < 100; i++) spawn_on(stacks, 0, counts, NULL);
  size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 1000; i++) spawn_on(stacks, 0, counts, NULL);
  CHECK(mallinfo2().uordblks - before < 1000 * 1024);
}

static void *frames[100];

static void *walks_up(void *unused) {
  Dl_info last, library;
  int depth = backtrace(frames, 100);
  CHECK(depth >= 2 && depth < 10);
  CHECK(dladdr(frames[depth - 1], &last) && dladdr((void *)(intptr_t)co_create, &library));
  CHECK(last.dli_fbase == library.dli_fbase);
  return unused;
}

TEST(there_is_no_unwind_information) { start(walks_up, NULL); }

static struct {
  uintptr_t low, high;
} grounds[3];
static volatile int steps, astray;

static void steps_on(int number, siginfo_t *info, void *context) {
  uintptr_t sp = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
  (void)info;
  if (number != SIGTRAP) return;
  steps++;
  for (int i = 0; i < 3; i++)
    if (sp >= grounds[i].low && sp < grounds[i].high) return;
  astray++;
}

static void know_ground(int number, uintptr_t here, uintptr_t size) {
  grounds[number].low = here - size;
  grounds[number].high = here + 8192;
}

static void *yields_often(void *number) {
  char here;
  know_ground((int)(intptr_t)number, (uintptr_t)&here, 60000);
  for (;;) co_yield_ct();
  return NULL;
}

#define TRAP_FLAG 0x100
static void set_trap_flag(void) { __asm__ volatile("pushf\n orl %0, (%%rsp)\n popf" : : "i"(TRAP_FLAG) : "memory", "cc"); }
static void clear_trap_flag(void) { __asm__ volatile("pushf\n andl %0, (%%rsp)\n popf" : : "i"(~TRAP_FLAG) : "memory", "cc"); }

/* A signal after each instruction of the switches, handled where the stack pointer points. */
TEST(signals_are_delivered_while_the_stack_pointer_points_into_the_heap) {
  char here;
  struct sigaction action;
  stCoRoutine_t *own = spawn_on(NULL, 65536, yields_often, (void *)1);
  know_ground(0, (uintptr_t)&here, 1 << 20);
  co_resume(own);
  memset(&action, 0, sizeof action);
  action.sa_sigaction = steps_on;
  action.sa_flags = SA_SIGINFO;
  CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
  set_trap_flag();
  co_resume(own);
  co_resume(own);
  clear_trap_flag();
  CHECK(steps > 100);
  CHECK_IS(astray, 0);
}

/* ---- poll and epoll --------------------------------------------------------------------------------- */

static int found[10], revents[10];

static void *polls(void *argument) {
  intptr_t me = (intptr_t)argument;
  struct pollfd fd = {ends[0], POLLIN, -1};
  long long before = now_ns();
  co_enable_hook_sys();
  found[me] = poll(&fd, 1, me == 1 ? 10 : 30000);
  revents[me] = fd.revents;
  /* A wake-up that was lost is made good by the time-out's last look: only the time tells. */
  CHECK(since_ms(before) < 20000);
  done++;
  return NULL;
}

TEST(of_two_coroutines_on_one_descriptor_the_second_never_wakes) {
  make_pair();
  start(polls, (void *)0);
  start(polls, (void *)2);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 2);
  CHECK(found[0] == 1 && found[2] == 1);
}

TEST(of_two_coroutines_on_one_descriptor_the_end_of_the_second_breaks_the_first) {
  make_pair();
  start(polls, (void *)0);
  start(polls, (void *)1);
  loop_until(&done, 1);
  CHECK_IS(found[1], 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 2);
  CHECK(found[0] == 1 && revents[0] == POLLIN);
}

TEST(a_closed_descriptor_gives_no_pollnval) {
  make_pair();
  close(ends[0]);
  start(polls, (void *)0);
  CHECK_IS(done, 1);
  CHECK(found[0] == 1 && revents[0] == POLLNVAL);
}

static void closes(void) { CHECK_IS(close(ends[0]), 0); }

TEST(close_by_another_coroutine_does_not_wake_a_waiter) {
  make_pair();
  start(polls, (void *)0);
  go(closes);
  loop_until(&done, 2);
  CHECK(found[0] == 1 && revents[0] == POLLNVAL);
}

static void reads_what_is_closed(void) {
  char byte;
  CHECK(read(ends[0], &byte, 1) == -1 && errno == EBADF);
}

TEST(close_by_another_coroutine_does_not_wake_a_reader) {
  make_pair();
  go(reads_what_is_closed);
  go(closes);
  loop_until(&done, 2);
}

static int other[2];

static void replaces(void) { CHECK_IS(dup2(other[0], ends[0]), ends[0]); }

TEST(dup2_by_another_coroutine_does_not_wake_a_waiter) {
  make_pair();
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
  CHECK_IS(write(other[1], "x", 1), 1);
  start(polls, (void *)0);
  go(replaces);
  loop_until(&done, 2);
  CHECK_IS(found[0], 1);
}

static int turns;

static int counts_turns(void *until) {
  turns++;
  return now_ns() >= *(long long *)until ? -1 : 0;
}

static int turns_in(int ms) {
  long long until = now_ns() + ms * 1000000LL;
  turns = 0;
  co_eventloop(co_get_epoll_ct(), counts_turns, &until);
  return turns;
}

TEST(a_closed_descriptor_with_a_living_duplicate_spins_the_loop) {
  make_pair();
  int copy = dup(ends[0]);
  stCoRoutine_t *co = start(polls, (void *)0);
  go(closes);
  loop_until(&done, 2);
  CHECK_IS(revents[0], POLLNVAL);
  co_release(co);
  CHECK_IS(write(ends[1], "x", 1), 1);
  /* About one a millisecond is right; a loop that spins turns a hundred times as often. */
  CHECK(turns_in(300) < 3000);
  close(copy);
}

TEST(a_closed_descriptor_with_a_living_duplicate_is_used_after_it_was_freed) {
  make_pair();
  int copy = dup(ends[0]);
  for (int i = 0; i < 100; i++) {
    stCoRoutine_t *co = start(polls, (void *)0);
    /* Closed where no hook sees it, and released while it waits. */
    syscall(SYS_close, ends[0]);
    co_release(co);
    CHECK_IS(write(ends[1], "x", 1), 1);
    loop_for(1);
    char byte;
    CHECK_IS(recv(copy, &byte, 1, 0), 1);
    CHECK_IS(dup2(copy, ends[0]), ends[0]);
  }
  CHECK_IS(done, 0);
  start(polls, (void *)0);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
  CHECK_IS(revents[0], POLLIN);
}

static void waits_for_urgent(void) {
  struct pollfd fd = {ends[1], POLLPRI, -1};
  CHECK_IS(poll(&fd, 1, 100000), 1);
  CHECK_IS(fd.revents, POLLPRI);
}

TEST(pollpri_is_dropped) {
  make_tcp_pair();
  go(waits_for_urgent);
  CHECK_IS(done, 0);
  CHECK_IS(send(ends[0], "!", 1, MSG_OOB), 1);
  loop_until(&done, 1);
}

static void waits_for_the_peers_end(void) {
  struct pollfd fd = {ends[1], POLLRDHUP, -1};
  CHECK_IS(poll(&fd, 1, 100000), 1);
  CHECK_IS(fd.revents, POLLRDHUP);
}

TEST(pollrdhup_is_dropped) {
  make_tcp_pair();
  go(waits_for_the_peers_end);
  CHECK_IS(done, 0);
  CHECK_IS(shutdown(ends[0], SHUT_WR), 0);
  loop_until(&done, 1);
}

static void polls_duplicates(void) {
  struct pollfd fds[4] = {{ends[0], POLLIN, -1}, {ends[0], POLLIN | POLLOUT, -1}, {ends[0], 0, -1}, {ends[0], POLLIN, -1}};
  struct pollfd same[3] = {{ends[0], POLLIN, -1}, {ends[0], POLLIN, -1}, {ends[0], POLLPRI, -1}};
  CHECK_IS(poll(same, 3, 100000), 2);
  CHECK(same[0].revents == POLLIN && same[1].revents == POLLIN && same[2].revents == 0);
  CHECK_IS(poll(fds, 4, 100000), 3);
  CHECK(fds[0].revents == POLLIN && fds[1].revents == (POLLIN | POLLOUT) && fds[2].revents == 0 &&
        fds[3].revents == POLLIN);
}

TEST(duplicates_in_one_poll_are_counted_wrong) {
  make_pair();
  go(polls_duplicates);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
}

static void polls_with_old_revents(void) {
  struct pollfd fds[2] = {{ends[0], POLLIN, POLLIN}, {ends[0], POLLPRI, POLLPRI | POLLERR}};
  CHECK_IS(poll(fds, 2, 5), 0);
  CHECK(fds[0].revents == 0 && fds[1].revents == 0);
}

TEST(revents_are_stale) {
  make_pair();
  finish(polls_with_old_revents);
}

/* Runs `body` in a loop without a callback, and tells how long that loop sleeps. */
static pid_t loop_thread;

static void *runs_a_loop(void *body) {
  go((void (*)(void))body);
  __atomic_store_n(&loop_thread, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
  return NULL;
}

static long loop_with(void (*body)(void)) {
  pthread_t thread;
  pthread_create(&thread, NULL, runs_a_loop, (void *)body);
  while (!__atomic_load_n(&loop_thread, __ATOMIC_ACQUIRE)) usleep(100);
  long sleeps = loop_sleeps_for(loop_thread);
  if (sleeps == UNKNOWN) SKIP("the kernel does not tell for how long a thread sleeps");
  return sleeps;
}

static void polls_without_end(void) {
  struct pollfd fd = {ends[0], POLLIN, 0};
  poll(&fd, 1, -1);
}

TEST(infinite_ends_after_25_days) {
  make_pair();
  CHECK_IS(loop_with(polls_without_end), FOREVER);
}

static void waits_for_anything(void) {
  struct pollfd fd = {ends[0], POLLIN, 0};
  poll(&fd, 1, 20);
}

TEST(releasing_a_waiting_coroutine_leaves_timers_pointing_at_it) {
  make_pair();
  for (int i = 0; i < 1000; i++) co_release(go(waits_for_anything));
  /* Others live where they lived when the time would be up. */
  for (int i = 0; i < 1000; i++) start(keeps_bytes, (void *)1);
  loop_for(60);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_for(10);
  CHECK_IS(done, 0);
}

/* ---- time ------------------------------------------------------------------------------------------- */

/* A wall clock that can be set back, for whoever asks it in this process. */
static volatile long set_back;

int gettimeofday(struct timeval *time, void *zone) {
  int result = (int)syscall(SYS_gettimeofday, time, zone);
  time->tv_sec -= set_back;
  return result;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec -= set_back;
  return result;
}

time_t time(time_t *place) {
  time_t now = (time_t)syscall(SYS_time, NULL) - set_back;
  if (place) *place = now;
  return now;
}

static void sleeps_fifty_ms(void) { CHECK_IS(usleep(50000), 0); }

TEST(timers_go_by_the_wall_clock) {
  struct timeval first, then;
  gettimeofday(&first, NULL);
  go(sleeps_fifty_ms);
  set_back = 3600;
  gettimeofday(&then, NULL);
  CHECK(then.tv_sec < first.tv_sec);
  loop_until(&done, 1);
  CHECK(took_ns >= 50000000);
  set_back = 0;
  go(sleeps_fifty_ms);
  set_back = -3600;
  loop_until(&done, 2);
  CHECK(took_ns >= 50000000);
}

static long long best = LLONG_MAX;

static void sleeps_short(void) {
  for (int i = 0; i < 200; i++) {
    long long before = now_ns();
    usleep(50);
    if (now_ns() - before < best) best = now_ns() - before;
  }
}

TEST(the_clock_ticks_in_milliseconds) {
  finish(sleeps_short);
  CHECK(best >= 50000 && best < 1000000);
}

static void polls_a_minute(void) { poll(NULL, 0, 61500); }

TEST(time_outs_above_60_seconds_are_rearmed_by_accident) {
  long sleeps = loop_with(polls_a_minute);
  CHECK(sleeps >= 60 && sleeps <= 61);
}

static struct dice dice;

static void sleeps_at_random(void) {
  for (int i = 0; i < 50; i++) {
    unsigned ms = below(&dice, 8);
    long long before = now_ns();
    CHECK_IS(poll(NULL, 0, (int)ms), 0);
    CHECK(now_ns() - before >= ms * 1000000LL);
  }
}

TEST(sleepers_wake_early) {
  dice = cast_dice();
  for (int i = 0; i < 100; i++) go(sleeps_at_random);
  loop_until(&done, 100);
}

/* ---- input and output ------------------------------------------------------------------------------- */

static void reads_a_byte(void) {
  char byte = 0;
  CHECK_IS(read(ends[0], &byte, 1), 1);
  CHECK_IS(byte, 'x');
}

TEST(read_gives_eagain_after_a_second_when_no_time_out_was_set) {
  make_pair();
  go(reads_a_byte);
  loop_for(1300);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
}

static void reads_with_a_zero_time_out(void) {
  struct timeval zero = {0, 0};
  CHECK_IS(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &zero, sizeof zero), 0);
  reads_a_byte();
}

TEST(read_gives_eagain_at_once_when_the_time_out_is_zero) {
  make_pair();
  go(reads_with_a_zero_time_out);
  loop_for(20);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
}

TEST(a_spurious_wake_gives_eagain) {
  make_pair();
  for (int i = 0; i < 5; i++) go(reads_a_byte);
  for (int i = 1; i <= 5; i++) {
    /* All are woken, one has it. */
    CHECK_IS(write(ends[1], "x", 1), 1);
    loop_for(10);
    CHECK_IS(done, i);
  }
}

static void reads_a_reset(void) {
  char byte;
  CHECK(read(ends[1], &byte, 1) == -1 && errno == ECONNRESET);
}

TEST(econnreset_becomes_epipe_and_sigpipe) {
  struct linger at_once = {1, 0};
  make_tcp_pair();
  go(reads_a_reset);
  CHECK_IS(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  close(ends[0]);
  loop_until(&done, 1);
}

static void never_waits(void) {
  char byte;
  CHECK(recv(ends[0], &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

TEST(msg_dontwait_waits) {
  make_pair();
  go(never_waits);
  CHECK_IS(done, 1);
}

static void reads_all(void) {
  char bytes[9] = {0};
  CHECK_IS(recv(ends[0], bytes, 8, MSG_WAITALL), 8);
  CHECK_TEXT(bytes, "01234567");
}

TEST(msg_waitall_is_short) {
  make_pair();
  go(reads_all);
  for (int i = 0; i < 8; i++) {
    CHECK_IS(done, 0);
    CHECK_IS(write(ends[1], &"01234567"[i], 1), 1);
    loop_for(2);
  }
  loop_until(&done, 1);
}

/* A listener that takes one connection and lets the next one wait. */
static char directory[] = "/tmp/faultsXXXXXX";
static struct sockaddr_un crowded;
static int crowded_listener;

static void make_crowded(void) {
  NEED(mkdtemp(directory) != NULL);
  crowded.sun_family = AF_UNIX;
  snprintf(crowded.sun_path, sizeof crowded.sun_path, "%s/socket", directory);
  crowded_listener = socket(AF_UNIX, SOCK_STREAM, 0);
  NEED(bind(crowded_listener, (struct sockaddr *)&crowded, sizeof crowded) == 0 && listen(crowded_listener, 0) == 0);
  NEED(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&crowded, sizeof crowded) == 0);
}

static void tidy_crowded(void) {
  unlink(crowded.sun_path);
  rmdir(directory);
}

static void connects_to_the_crowded(void) {
  connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&crowded, sizeof crowded);
}

TEST(connect_is_capped_at_75_seconds) {
  make_crowded();
  long sleeps = loop_with(connects_to_the_crowded);
  /* Looking again now and then is right as well, as long as the call does not end. */
  if (sleeps != FOREVER) usleep(1200000);
  CHECK_IS(done, 0);
  tidy_crowded();
}

static void connects_with_a_time_out(void) {
  struct timeval limit = {0, 50000};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_IS(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
  CHECK(connect(fd, (struct sockaddr *)&crowded, sizeof crowded) == -1 && errno == EAGAIN);
}

TEST(so_sndtimeo_is_ignored_by_connect) {
  make_crowded();
  finish(connects_with_a_time_out);
  CHECK(took_ns >= 50000000);
  tidy_crowded();
}

static void writes_with_a_time_out(void) {
  struct timeval limit = {0, 50000};
  char chunk[4096] = {0};
  ssize_t n;
  CHECK_IS(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
  while ((n = write(ends[0], chunk, sizeof chunk)) > 0) continue;
  CHECK(n == -1 && errno == EAGAIN);
}

TEST(so_sndtimeo_is_ignored_by_write) {
  make_pair();
  finish(writes_with_a_time_out);
  CHECK(took_ns >= 50000000);
}

static void is_refused_later(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr *)&crowded, sizeof crowded) == -1 && errno == ECONNREFUSED);
}

static void is_refused(void) {
  close(listen_somewhere());
  CHECK(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at) == -1 && errno == ECONNREFUSED);
}

TEST(the_error_of_a_connect_is_lost) {
  finish(is_refused);
  make_crowded();
  go(is_refused_later);
  CHECK_IS(done, 1);
  close(crowded_listener);
  loop_until(&done, 2);
  tidy_crowded();
}

static void connects_well(void) {
  int listener = listen_somewhere();
  errno = 77;
  CHECK_IS(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof at), 0);
  CHECK_IS(errno, 77);
  close(listener);
}

TEST(connect_sets_errno_to_zero) { finish(connects_well); }

static int listener;

static void accepts(void) {
  int fd = accept(listener, NULL, NULL);
  CHECK(fd >= 0);
  CHECK_IS(write(fd, "x", 1), 1);
}

TEST(accept_is_not_hooked) {
  listener = listen_somewhere();
  go(accepts);
  CHECK_IS(done, 0);
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  CHECK_IS(connect(ends[0], (struct sockaddr *)&at, sizeof at), 0);
  loop_until(&done, 1);
  reads_a_byte();
}

/* The pair was made outside any coroutine, where no hook was on: a blocked thread would hang here. */
static void writes_a_byte(void) { CHECK_IS(write(ends[1], "x", 1), 1); }

TEST(reading_a_descriptor_made_outside_the_hooks_blocks_the_thread) {
  make_pair();
  go(reads_a_byte);
  CHECK_IS(done, 0);
  go(writes_a_byte);
  loop_until(&done, 2);
}

static const size_t MUCH = 4 << 20;

static void writes_much(void) {
  char *bytes = calloc(1, MUCH);
  CHECK_IS(write(ends[1], bytes, MUCH), MUCH);
  free(bytes);
}

static void reads_much(void) {
  static char chunk[65536];
  size_t got = 0;
  ssize_t n;
  while (got < MUCH && (n = read(ends[0], chunk, sizeof chunk)) > 0) got += (size_t)n;
  CHECK_IS(got, MUCH);
}

static void makes_its_own_pair(void) {
  make_pair();
  writes_much();
}

TEST(writing_blocks_the_thread) {
  make_pair();
  go(writes_much);
  CHECK_IS(done, 0);
  go(reads_much);
  loop_until(&done, 2);
}

TEST(writing_to_a_socket_of_the_coroutines_own_blocks_the_thread) {
  go(makes_its_own_pair);
  CHECK_IS(done, 0);
  go(reads_much);
  loop_until(&done, 2);
}

static void uses_a_socket(void) {
  int mine[2], copy;
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, mine) == 0);
  copy = dup(mine[0]);
  for (int i = 0; i < 2; i++) {
    char byte;
    CHECK_IS(fcntl(copy, F_GETFL) & O_NONBLOCK, 0);
    CHECK_IS(fcntl(mine[0], F_GETFL) & O_NONBLOCK, 0);
    /* As the kernel sees it, past every hook. */
    CHECK_IS(syscall(SYS_fcntl, copy, F_GETFL) & O_NONBLOCK, 0);
    CHECK_IS(write(mine[1], "x", 1), 1);
    CHECK_IS(read(mine[0], &byte, 1), 1);
    struct timeval limit = {0, 2000};
    setsockopt(mine[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    CHECK(read(mine[0], &byte, 1) == -1 && errno == EAGAIN);
  }
}

TEST(o_nonblock_is_visible_through_dup) { finish(uses_a_socket); }

static void waits_while_a_child_looks(void) {
  pid_t child = fork();
  int status = 0;
  if (child == 0) _exit(fcntl(ends[0], F_GETFL) & O_NONBLOCK ? 1 : 0);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

TEST(o_nonblock_is_visible_through_fork) {
  make_pair();
  go(reads_a_byte);
  finish(waits_while_a_child_looks);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 2);
}

TEST(a_descriptor_from_102400_on_crashes) {
  struct rlimit limit = {200000, 200000};
  make_pair();
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) SKIP("so many descriptors are not allowed");
  int high = fcntl(ends[0], F_DUPFD, 150000);
  NEED(high >= 150000);
  ends[0] = high;
  go(reads_a_byte);
  start(polls, (void *)0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 2);
}

static void reads_from_a_recycled_number(void) {
  int first[2];
  struct timeval limit = {0, 1000};
  make_pair();
  CHECK_IS(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
  CHECK_IS(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  never_waits();
  memcpy(first, ends, sizeof first);
  close(ends[0]);
  close(ends[1]);
  make_pair();
  CHECK(ends[0] == first[0] && ends[1] == first[1]);
  reads_a_byte();
}

TEST(recycled_descriptors_inherit_flags) {
  go(reads_from_a_recycled_number);
  loop_for(20);
  CHECK_IS(done, 0);
  CHECK_IS(write(ends[1], "x", 1), 1);
  loop_until(&done, 1);
}

static long fcntl_results[20][2];

static void ask_fcntl(void) {
  static const int commands[] = {F_GETFL,  F_SETFL,      F_GETFD, F_DUPFD,   F_DUPFD_CLOEXEC, F_GETOWN,
                                 F_GETSIG, F_GETPIPE_SZ, 9999,    F_GETLEASE, F_GET_SEALS};
  int fds[2], at_last = 0;
  make_pair();
  NEED(pipe(fds) == 0);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    errno = 0;
    fcntl_results[i][0] = fcntl(fds[0], commands[i], commands[i] == F_SETFL ? O_NONBLOCK : 50);
    fcntl_results[i][1] = errno;
    at_last++;
  }
  for (int fd = 50; fd < 60; fd++) close(fd);
  close(fds[0]);
  close(fds[1]);
  close(ends[0]);
  close(ends[1]);
  CHECK(at_last > 5);
}

static void ask_fcntl_of_nothing(void) {
  static const int commands[] = {F_GETFL, F_SETFL, F_GETFD, F_DUPFD, F_DUPFD_CLOEXEC, F_SETFD, F_GETOWN};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    errno = 0;
    CHECK(fcntl(-1, commands[i], 0) == -1 && errno == EBADF);
  }
}

TEST(fcntl_of_no_descriptor_returns_659) { finish(ask_fcntl_of_nothing); }

TEST(fcntl_with_f_dupfd_cloexec_and_others_fails_without_errno) {
  long expected[20][2];
  ask_fcntl();
  memcpy(expected, fcntl_results, sizeof expected);
  memset(fcntl_results, 1, sizeof fcntl_results);
  finish(ask_fcntl);
  for (int i = 0; i < 11; i++)
    CHECK(fcntl_results[i][0] == expected[i][0] && fcntl_results[i][1] == expected[i][1]);
}

/* ---- environment and names -------------------------------------------------------------------------- */

static void looks_at_the_environment(void) { CHECK_TEXT(getenv("LISTED"), "process"); }

TEST(getenv_hides_the_processs_value_of_a_listed_name) {
  static const char *names[] = {"LISTED"};
  co_set_env_list(names, 1);
  setenv("LISTED", "process", 1);
  finish(looks_at_the_environment);
}

static char pipe_of_names[64];

static void looks_up_nobody(void) {
  h_errno = 0;
  CHECK(gethostbyname("nobody") == NULL);
  CHECK(h_errno != 0);
}

static void works_meanwhile(void) {
  int writer = -1;
  for (int i = 0; i < 20; i++) {
    usleep(1000);
    CHECK_IS(done, 0);
  }
  /* The look-up reads a list of aliases first: a pipe that can be opened for writing once somebody reads it. */
  while ((writer = open(pipe_of_names, O_WRONLY | O_NONBLOCK)) < 0) usleep(1000);
  unlink(pipe_of_names);
  close(open(pipe_of_names, O_CREAT | O_WRONLY, 0600));
  close(writer);
}

static void look_up(void) {
  NEED(mkdtemp(directory) != NULL);
  snprintf(pipe_of_names, sizeof pipe_of_names, "%s/names", directory);
  NEED(mkfifo(pipe_of_names, 0600) == 0);
  setenv("HOSTALIASES", pipe_of_names, 1);
  setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
  go(looks_up_nobody);
  go(works_meanwhile);
  loop_until(&done, 2);
  unlink(pipe_of_names);
  rmdir(directory);
}

TEST(gethostbyname_blocks_the_thread) { look_up(); }

static void fails_and_succeeds(void) {
  h_errno = 0;
  CHECK(gethostbyname("") == NULL || h_errno == 0);
  CHECK(gethostbyname("999.999.999.999") == NULL);
  CHECK(h_errno != 0);
  usleep(1000);
  CHECK(h_errno != 0);
}

TEST(h_errno_is_never_set) {
  setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
  h_errno = 0;
  finish(fails_and_succeeds);
  CHECK_IS(h_errno, 0);
}

/* ---- threads and processes -------------------------------------------------------------------------- */

static void *uses_a_loop(void *unused) {
  int mine[2];
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, mine) == 0);
  for (int i = 0; i < 10; i++) start(polls, (void *)0);
  loop_for(1);
  close(mine[0]);
  close(mine[1]);
  return unused;
}

TEST(nothing_is_freed_at_the_end_of_a_thread) {
  int before = 0;
  long size = 0;
  make_pair();
  for (int i = 0; i < 220; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, uses_a_loop, NULL);
    pthread_join(thread, NULL);
    if (i == 19) {
      before = open_descriptors();
      size = status_of("VmSize");
    }
  }
  CHECK_IS(open_descriptors(), before);
  CHECK(status_of("VmSize") - size < 4096);
}

static void waits_in_the_child(void) {
  char byte;
  CHECK_IS(read(ends[0], &byte, 1), 1);
  _exit(byte == 'c' && check_failures == 0 ? 0 : 1);
}

TEST(fork_shares_the_epoll_descriptor) {
  int parents[2], status = -1;
  make_pair();
  memcpy(parents, ends, sizeof parents);
  go(reads_a_byte);
  loop_for(2);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    /* The number is the child's own now; what the parent registered must not change, nor be heard here. */
    close(parents[0]);
    make_pair();
    CHECK_IS(ends[0], parents[0]);
    go(waits_in_the_child);
    loop_for(20);
    CHECK_IS(write(ends[1], "c", 1), 1);
    co_eventloop(co_get_epoll_ct(), NULL, NULL);
  }
  /* Its loop sleeps and wakes while the child's does. */
  for (int i = 0; i < 1000 && waitpid(child, &status, WNOHANG) == 0; i++) loop_for(5);
  CHECK_IS(status, 0);
  CHECK_IS(done, 0);
  CHECK_IS(write(parents[1], "x", 1), 1);
  loop_until(&done, 1);
}

static stCoCond_t *cond;
static pid_t woken_in;

static void waits_for_a_signal(void) {
  CHECK_IS(co_cond_timedwait(cond, -1), 0);
  woken_in = (pid_t)syscall(SYS_gettid);
}

static void *signals_from_a_loop_of_its_own(void *unused) {
  co_init_curr_thread_env();
  loop_for(2);
  co_cond_signal(cond);
  loop_for(20);
  return unused;
}

TEST(a_signal_of_another_thread_queues_on_the_wrong_loop) {
  pthread_t thread;
  cond = co_cond_alloc();
  go(waits_for_a_signal);
  pthread_create(&thread, NULL, signals_from_a_loop_of_its_own, NULL);
  loop_until(&done, 1);
  CHECK_IS(woken_in, getpid());
  pthread_join(thread, NULL);
}

RUN_TESTS
