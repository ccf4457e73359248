/* Faults of threads and forks: what is left, what is shared, who is woken where. */
#include "faults.h"

#include "co_routine_inner.h"

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

static pid_t parent;

static void reads_a_byte_in_the_parent(void) {
  char byte;
  ssize_t n = read(ends[0], &byte, 1);
  if (getpid() == parent) {
    CHECK(n == 1 && byte == 'x');
  } else {
    /* Its copy waits for what the child closes. */
    CHECK(n == -1 && errno == EBADF);
  }
}

TEST(fork_shares_the_epoll_descriptor) {
  int parents[2], status = -1;
  make_pair();
  memcpy(parents, ends, sizeof parents);
  parent = getpid();
  go(reads_a_byte_in_the_parent);
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
