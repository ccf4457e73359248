/* Vectors where a filter refuses the calls that can be told not to wait: they are read, written and refused as ever. */
#include "../refusal.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>

static int ends[2], ended;
static char bytes[3] = {'a', 'b', 'c'}, room[3];
static struct iovec *nowhere;

static void refuse_all(int fd, ssize_t (*call)(int, const struct iovec *, int)) {
  struct iovec negative = {room, (size_t)-1}, beyond = {(void *)-4096, 1}, many[1025] = {{room, 0}};
  CHECK(call(fd, nowhere, 1) == -1 && errno == EFAULT);
  CHECK(call(fd, nowhere, 1024) == -1 && errno == EFAULT);
  CHECK(call(fd, &negative, 1) == -1 && errno == EINVAL);
  CHECK(call(fd, &beyond, 1) == -1 && errno == EFAULT);
  CHECK(call(fd, many, 1025) == -1 && errno == EINVAL);
  CHECK(call(fd, many, -1) == -1 && errno == EINVAL);
  CHECK(call(fd, many, 0) == 0);
  CHECK(call(fd, nowhere, 0) == 0);
}

static void *takes(void *unused) {
  struct iovec pieces[2] = {{room, 1}, {room + 1, 2}};
  co_enable_hook_sys();
  refuse_all(ends[0], readv);
  CHECK(readv(ends[0], pieces, 2) == 3 && memcmp(room, bytes, 3) == 0);
  CHECK(readv(ends[0], pieces, 2) == 0);
  ended++;
  return unused;
}

static void *gives(void *unused) {
  struct iovec pieces[2] = {{bytes, 2}, {bytes + 2, 1}};
  co_enable_hook_sys();
  usleep(10000);
  refuse_all(ends[1], writev);
  CHECK(writev(ends[1], pieces, 2) == 3);
  usleep(10000);
  close(ends[1]);
  ended++;
  return unused;
}

/* What the kernel gives, and what the hook. */
static void count_with(uint64_t value) {
  char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int counters[2] = {eventfd(0, 0), eventfd(0, 0)};
  NEED(memory != MAP_FAILED && counters[0] >= 0 && counters[1] >= 0 && mprotect(memory + 4096, 4096, PROT_NONE) == 0);
  struct iovec long_one = {memory + 4096 - 20, (size_t)SSIZE_MAX};
  memcpy(long_one.iov_base, &value, sizeof value);
  errno = 0;
  co_disable_hook_sys();
  ssize_t expected = writev(counters[0], &long_one, 1);
  int error = errno;
  co_enable_hook_sys();
  errno = 0;
  CHECK(writev(counters[1], &long_one, 1) == expected && errno == error);
}

static void *counts(void *unused) {
  co_enable_hook_sys();
  count_with(0);
  count_with(1);
  count_with(UINT64_MAX);
  ended++;
  return unused;
}

TEST(a_counter_is_not_written_more_than_a_count) {
  stCoRoutine_t *co = spawn_on(NULL, 128 * 1024, counts, NULL);
  co_resume(co);
  loop_until(&ended, 1);
  co_release(co);
}

static void go_through(int type) {
  nowhere = mmap(NULL, 1024 * sizeof *nowhere, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  NEED(nowhere != MAP_FAILED);
  NEED(type ? socketpair(AF_UNIX, type, 0, ends) == 0 : pipe(ends) == 0);
  refuse(SYS_preadv2, EPERM);
  refuse(SYS_pwritev2, EPERM);
  stCoRoutine_t *one = spawn_on(NULL, 128 * 1024, takes, NULL), *other = spawn_on(NULL, 128 * 1024, gives, NULL);
  co_resume(one);
  co_resume(other);
  loop_until(&ended, 2);
  co_release(one);
  co_release(other);
}

TEST(vectors_for_a_pipe_where_a_filter_refuses_flags) { go_through(0); }
TEST(vectors_for_a_stream_where_a_filter_refuses_flags) { go_through(SOCK_STREAM); }
TEST(vectors_for_messages_where_a_filter_refuses_flags) { go_through(SOCK_SEQPACKET); }

RUN_TESTS
