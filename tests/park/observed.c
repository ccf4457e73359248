/*
 * observed.c - what another process that shares descriptions sees of their flags, while coroutines use them.
 *
 * It looks again and again at each of them. Of transfers, of polling and of accepting it sees nothing. Of `connect` it may see O_NONBLOCK,
 * for the moment of the call that begins a connection: not while the coroutine waits for the outcome, and not after.
 */
#include "../c/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { MOST = 400, ROUNDS = 2000 };

static struct {
  int stop, waiting;
  long looks, looks_waiting, changes, strange, changes_waiting;
} *seen;
static int watched[MOST], watched_count, done;
static pid_t observer;

static void watch(int fd) {
  NEED(fd >= 0 && watched_count < MOST);
  watched[watched_count++] = fd;
}

static void watch_pair(int pair[2]) {
  watch(pair[0]);
  watch(pair[1]);
}

static void look(void) {
  int flags[MOST];
  for (int i = 0; i < watched_count; i++) flags[i] = fcntl(watched[i], F_GETFL);
  while (!__atomic_load_n(&seen->stop, __ATOMIC_ACQUIRE)) {
    int waiting = __atomic_load_n(&seen->waiting, __ATOMIC_ACQUIRE);
    for (int i = 0; i < watched_count; i++) {
      int now = fcntl(watched[i], F_GETFL);
      seen->changes += now != flags[i];
      seen->changes_waiting += now != flags[i] && waiting;
      seen->strange += (now & ~O_NONBLOCK) != (flags[i] & ~O_NONBLOCK);
    }
    seen->looks++;
    seen->looks_waiting += waiting;
  }
}

static void begin_to_observe(void) {
  seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(seen != MAP_FAILED);
  observer = fork();
  NEED(observer >= 0);
  if (observer == 0) {
    look();
    _exit(0);
  }
  while (__atomic_load_n(&seen->looks, __ATOMIC_ACQUIRE) < 10) usleep(1000);
}

/* Not before it has had a fair chance. */
static void end_observing(void) {
  long enough = seen->looks + 20;
  while (__atomic_load_n(&seen->looks, __ATOMIC_ACQUIRE) < enough) usleep(1000);
  __atomic_store_n(&seen->stop, 1, __ATOMIC_RELEASE);
  waitpid(observer, NULL, 0);
  fprintf(stderr, "# %ld looks at %d descriptions, %ld changes seen\n", seen->looks, watched_count, seen->changes);
}

/* ---- transfers -------------------------------------------------------------------------------------- */

enum { PAIRS = 6 };
static int pairs[PAIRS][2];
static char bytes[20000];

/* In pieces that the other side's room does not always hold. */
static void *writes(void *argument) {
  int fd = pairs[(intptr_t)argument][1], event = (intptr_t)argument == 5;
  co_enable_hook_sys();
  for (int i = 0; i < ROUNDS; i++) {
    struct iovec vector[2] = {{bytes, 3000}, {bytes, 5}};
    uint64_t one = 1;
    if (event) {
      CHECK_IS(write(fd, &one, 8), 8);
    } else if (i % 3 == 0) {
      CHECK_IS(writev(fd, vector, 2), 3005);
    } else {
      CHECK_IS(write(fd, bytes, i % 100 == 1 ? sizeof bytes : 30), i % 100 == 1 ? (int)sizeof bytes : 30);
    }
    if (i % 50 == 0) usleep(300);
  }
  done++;
  return NULL;
}

/* For ever: as the observer has all descriptors too, nothing ends. */
static void *reads(void *argument) {
  int fd = pairs[(intptr_t)argument][0];
  static char into[PAIRS][8000];
  ssize_t n = 1;
  co_enable_hook_sys();
  for (int i = 0; n > 0; i++) {
    struct pollfd one = {fd, POLLIN, 0};
    struct iovec vector = {into[(intptr_t)argument], 8000};
    if (i % 5 == 0) CHECK_IS(poll(&one, 1, -1), 1);
    n = i % 2 ? read(fd, vector.iov_base, vector.iov_len) : readv(fd, &vector, 1);
  }
  return NULL;
}

static void tcp_pair(int pair[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  NEED((pair[0] = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && connect(pair[0], (struct sockaddr *)&address, size) == 0);
  NEED((pair[1] = accept(listener, NULL, NULL)) >= 0);
  close(listener);
}

static void make_pairs(void) {
  char path[64];
  NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[0]) == 0 && pipe(pairs[1]) == 0);
  tcp_pair(pairs[2]);
  NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pairs[3]) == 0);
  snprintf(path, sizeof path, "/tmp/colib-observed-%d", (int)getpid());
  NEED(mkfifo(path, 0600) == 0 && (pairs[4][0] = open(path, O_RDONLY | O_NONBLOCK)) >= 0 && (pairs[4][1] = open(path, O_WRONLY)) >= 0);
  unlink(path);
  NEED(fcntl(pairs[4][0], F_SETFL, 0) == 0);
  NEED((pairs[5][0] = pairs[5][1] = eventfd(0, 0)) >= 0 && (pairs[5][0] = dup(pairs[5][1])) >= 0);
  for (int i = 0; i < PAIRS; i++) watch_pair(pairs[i]);
}

TEST(transfers_change_no_flag_that_another_process_could_see) {
  make_pairs();
  begin_to_observe();
  for (intptr_t i = 0; i < PAIRS; i++) {
    start(reads, (void *)i);
    start(writes, (void *)i);
  }
  loop_until(&done, PAIRS);
  end_observing();
  CHECK_IS(seen->changes, 0);
}

/* ---- connections ------------------------------------------------------------------------------------ */

enum { CLIENTS = 150 };
static int listener, clients[CLIENTS], accepted;
static struct sockaddr_in address = {.sin_family = AF_INET};

static void listen_here(int backlog) {
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED((listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0);
  NEED(listen(listener, backlog) == 0 && getsockname(listener, (struct sockaddr *)&address, &size) == 0);
}

static void *accepts(void *unused) {
  co_enable_hook_sys();
  while (accepted < CLIENTS) {
    int fd = accept(listener, NULL, NULL);
    if (CHECK(fd >= 0)) close(fd);
    accepted++;
  }
  return unused;
}

static void *connects(void *argument) {
  int fd = clients[(intptr_t)argument];
  co_enable_hook_sys();
  usleep(1000 * (unsigned)(intptr_t)argument);
  CHECK_IS(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  CHECK_IS(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  done++;
  return NULL;
}

TEST(accepting_changes_no_flag_that_another_process_could_see) {
  listen_here(CLIENTS);
  watch(listener);
  begin_to_observe();
  for (int i = 0; i < CLIENTS; i++) NEED((clients[i] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
  start(accepts, NULL);
  for (intptr_t i = 0; i < CLIENTS; i++) start(connects, (void *)i);
  loop_until(&done, CLIENTS);
  loop_until(&accepted, CLIENTS);
  end_observing();
  CHECK_IS(seen->changes, 0);
}

TEST(a_connect_is_seen_by_o_nonblock_alone_and_leaves_no_trace) {
  listen_here(CLIENTS);
  for (int i = 0; i < CLIENTS; i++) {
    NEED((clients[i] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
    watch(clients[i]);
  }
  begin_to_observe();
  start(accepts, NULL);
  for (intptr_t i = 0; i < CLIENTS; i++) start(connects, (void *)i);
  loop_until(&done, CLIENTS);
  end_observing();
  CHECK_IS(seen->strange, 0);
}

static void *connects_in_vain(void *unused) {
  struct timeval time = {1, 0};
  co_enable_hook_sys();
  setsockopt(clients[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  CHECK_IS(connect(clients[0], (struct sockaddr *)&address, sizeof address), -1);
  CHECK_IS(errno, EINPROGRESS);
  __atomic_store_n(&seen->waiting, 0, __ATOMIC_RELEASE);
  CHECK_IS(fcntl(clients[0], F_GETFL) & O_NONBLOCK, 0);
  done++;
  return unused;
}

TEST(while_a_connect_waits_no_flag_is_changed) {
  listen_here(0);
  /* The queue is full, and the kernel does not answer to more. */
  for (int i = 1; i < 4; i++) {
    NEED((clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0);
    connect(clients[i], (struct sockaddr *)&address, sizeof address);
  }
  usleep(10000);
  NEED((clients[0] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
  watch(clients[0]);
  begin_to_observe();
  start(connects_in_vain, NULL);
  /* It is parked by now. */
  if (!done) __atomic_store_n(&seen->waiting, 1, __ATOMIC_RELEASE);
  loop_until(&done, 1);
  end_observing();
  CHECK(seen->looks_waiting > 20);
  CHECK_IS(seen->changes_waiting, 0);
}

RUN_TESTS
