/*
 * Once through the interface and the hooks, on stacks of its own and on shared ones, in the main thread and in others.
 * Everything is released at the end, so that whatever is lost then, the library lost. The argument says which stacks, or
 * "fork", which is apart because a child loses what the parent's threads had. SMALL makes it short.
 */
#include "check.h"

#include <alloca.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "co_routine.h"
#include "plain.h"

static __thread stShareStack_t *stacks;
static __thread int working;
static int size_of_it = 100;

static stCoRoutine_t *make(void *(*body)(void *), void *argument) {
  stCoRoutine_t *co = NULL;
  stCoRoutineAttr_t attr;
  memset(&attr, 0, sizeof attr);
  attr.stack_size = 256 * 1024;
  attr.share_stack = stacks;
  HOLDS(co_create(&co, &attr, body, argument) == 0);
  return co;
}

static int nobody_works(void *unused) {
  (void)unused;
  return working == 0 ? -1 : 0;
}

static void run(int count, void *(*const bodies[])(void *), void *arguments[]) {
  stCoRoutine_t **co = malloc(sizeof *co * (size_t)count);
  working = count;
  for (int i = 0; i < count; i++) co[i] = make(bodies[i], arguments ? arguments[i] : NULL);
  for (int i = 0; i < count; i++) co_resume(co[i]);
  co_eventloop(co_get_epoll_ct(), nobody_works, NULL);
  for (int i = 0; i < count; i++) co_release(co[i]);
  free(co);
}

/* ---- switching: frames of different shapes that stay whole ------------------------------------------------------ */

static long deep(int depth, int seed) {
  volatile int numbers[50];
  char *more = alloca((size_t)(64 + 16 * (depth % 5)));
  for (int i = 0; i < 50; i++) numbers[i] = seed + i;
  memset(more, seed, 64);
  if (depth % 7 == 0) co_yield_ct();
  long below = depth > 0 ? deep(depth - 1, seed + 1) : 0;
  for (int i = 0; i < 50; i++) HOLDS(numbers[i] == seed + i);
  HOLDS(more[0] == (char)seed && more[63] == (char)seed);
  return below + numbers[49];
}

static long shallow(int seed) {
  volatile char bytes[7] = {(char)seed};
  volatile struct {
    int a;
    char b[33];
  } record = {seed, {(char)seed}};
  co_yield_ct();
  HOLDS(bytes[0] == (char)seed && record.a == seed && record.b[0] == (char)seed);
  return record.a;
}

static void *switches(void *argument) {
  int seed = *(int *)argument;
  for (int i = 0; i < 5; i++) {
    if ((seed + i) % 2)
      HOLDS(deep(10 + seed % 20, seed) > 0);
    else
      HOLDS(shallow(seed) == seed);
    HOLDS(plain_work(2) == 3 * 2999);
  }
  working--;
  return NULL;
}

static void switching(void) {
  int *seeds = malloc(sizeof(int) * (size_t)size_of_it);
  stCoRoutine_t **co = malloc(sizeof *co * (size_t)size_of_it);
  working = size_of_it;
  for (int i = 0; i < size_of_it; i++) {
    seeds[i] = i + 1;
    co[i] = make(switches, &seeds[i]);
  }
  for (int i = 0; working > 0; i++) co_resume(co[(i * 7) % size_of_it]);
  for (int i = 0; i < size_of_it; i++) co_release(co[i]);
  free(co);
  free(seeds);
}

static void *nests(void *depth) {
  int below = *(int *)depth - 1;
  char room[100];
  memset(room, below, sizeof room);
  if (below > 0) {
    stCoRoutine_t *co = make(nests, &below);
    co_resume(co);
    co_resume(co);
    co_release(co);
  }
  co_yield_ct();
  HOLDS(room[99] == (char)below);
  return NULL;
}

static void nesting(void) {
  int depth = 20;
  stCoRoutine_t *co = make(nests, &depth);
  co_resume(co);
  co_resume(co);
  co_release(co);
}

/* ---- stacks that are given up in the middle of deep frames, and used again with others ---------------------------- */

static void *stops_deep(void *seed) {
  deep(*(int *)seed % 30, *(int *)seed);
  return NULL;
}

static void *stops_shallow(void *seed) {
  HOLDS(plain_work(8) == 9 * 2999);
  shallow(*(int *)seed);
  return NULL;
}

static void giving_up(void) {
  for (int i = 1; i < 3 * size_of_it; i++) {
    stCoRoutine_t *co = make(i % 2 ? stops_deep : stops_shallow, &i);
    for (int j = 0; j < i % 5; j++) co_resume(co);
    if (i % 3 == 0) {
      co_reset(co);
      co_resume(co);
    }
    co_release(co);
  }
}

static jmp_buf top;

static void leaves(int depth) {
  volatile char room[200];
  room[0] = (char)depth;
  if (depth <= 0) longjmp(top, 1);
  if (depth < 1000) leaves(depth - 1);
  HOLDS(room[0] == (char)depth);
}

static void *jumps(void *unused) {
  for (volatile int i = 0; i < 5; i++) {
    if (setjmp(top) == 0) {
      leaves(20);
      HOLDS(!"reached");
    }
    HOLDS(plain_work(3) == 4 * 2999);
    HOLDS(shallow(i) == i);
  }
  working--;
  return unused;
}

static void jumping(void) {
  stCoRoutine_t *co = make(jumps, NULL);
  working = 1;
  while (working) co_resume(co);
  co_release(co);
}

/* ---- hooked calls with everything on the stack ------------------------------------------------------------------------- */

static __thread int pair[2], tube[2], listener;
static __thread struct sockaddr_in address;

static void *sends(void *unused) {
  char text[300];
  co_enable_hook_sys();
  memset(text, 's', sizeof text);
  for (int i = 0; i < 10; i++) {
    usleep(200);
    HOLDS(write(pair[1], text, 100) == 100);
    struct iovec parts[2] = {{text, 150}, {text + 150, 50}};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    usleep(100);
    HOLDS(sendmsg(pair[1], &message, 0) == 200);
    HOLDS(writev(tube[1], parts, 2) == 200);
    HOLDS(send(pair[1], text, 10, 0) == 10);
  }
  working--;
  return unused;
}

static void *receives(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 10; i++) {
    char bytes[400], more[2][100];
    HOLDS(recv(pair[0], bytes, 10, MSG_PEEK) == 10);
    HOLDS(recv(pair[0], bytes, 100, MSG_WAITALL) == 100 && bytes[99] == 's');
    struct iovec parts[2] = {{more[0], 100}, {more[1], 100}};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    HOLDS(recvmsg(pair[0], &message, MSG_WAITALL) == 200 && more[1][99] == 's');
    size_t got = 0;
    while (got < 200) {
      struct iovec rest[2] = {{bytes + got, 1}, {bytes + got + 1, 399 - got}};
      ssize_t n = readv(tube[0], rest, 2);
      HOLDS(n > 0);
      got += (size_t)n;
    }
    HOLDS(got == 200 && bytes[199] == 's');
    struct pollfd wait[2] = {{.fd = pair[0], .events = POLLIN}, {.fd = tube[0], .events = POLLIN}};
    HOLDS(poll(wait, 2, 10000) == 1 && wait[0].revents == POLLIN && wait[1].revents == 0);
    fd_set set;
    struct timeval limit = {10, 0};
    FD_ZERO(&set);
    FD_SET(pair[0], &set);
    HOLDS(select(pair[0] + 1, &set, NULL, NULL, &limit) == 1 && FD_ISSET(pair[0], &set));
    HOLDS(read(pair[0], bytes, 10) == 10);
  }
  working--;
  return unused;
}

static void *sleeps(void *unused) {
  co_enable_hook_sys();
  for (int i = 0; i < 5; i++) {
    struct timespec some = {0, 100000};
    struct pollfd none = {.fd = -1};
    HOLDS(nanosleep(&some, NULL) == 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &some, NULL) == 0);
    HOLDS(co_poll(co_get_epoll_ct(), &none, 1, 1) == 0 && poll(NULL, 0, 1) == 0);
    HOLDS(plain_work(4) == 5 * 2999);
  }
  working--;
  return unused;
}

static void *serves(void *unused) {
  struct sockaddr_in peer;
  socklen_t length = sizeof peer;
  char bytes[64];
  co_enable_hook_sys();
  int fd = accept(listener, (struct sockaddr *)&peer, &length);
  HOLDS(fd >= 0 && length == sizeof peer);
  ssize_t n;
  while ((n = read(fd, bytes, sizeof bytes)) > 0) HOLDS(write(fd, bytes, (size_t)n) == n);
  HOLDS(n == 0 && close(fd) == 0);
  working--;
  return unused;
}

static void *connects(void *unused) {
  char bytes[64];
  co_enable_hook_sys();
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval limit = {0, 2000};
  HOLDS(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  HOLDS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  HOLDS(recv(fd, bytes, sizeof bytes, 0) == -1 && errno == EAGAIN);
  limit.tv_sec = 20;
  HOLDS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
  HOLDS(send(fd, "hello", 5, 0) == 5 && recv(fd, bytes, 5, MSG_WAITALL) == 5 && memcmp(bytes, "hello", 5) == 0);
  HOLDS(shutdown(fd, SHUT_WR) == 0 && read(fd, bytes, 1) == 0 && close(fd) == 0);
  working--;
  return unused;
}

static void *looks_up(void *unused) {
  struct addrinfo hints, *found = NULL;
  struct hostent entry, *result = NULL;
  char host[200], buffer[2000];
  int error = 0;
  co_enable_hook_sys();
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  HOLDS(getaddrinfo("localhost", "80", &hints, &found) == 0);
  HOLDS(getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0);
  freeaddrinfo(found);
  HOLDS(getaddrinfo("127.0.0.1", NULL, &hints, &found) == 0);
  freeaddrinfo(found);
  HOLDS(gethostbyname("127.0.0.1") != NULL && gethostbyname("localhost") != NULL);
  HOLDS(gethostbyname_r("localhost", &entry, buffer, sizeof buffer, &result, &error) == 0 && result == &entry);
  working--;
  return unused;
}

static void *is_closed(void *unused) {
  int local[2];
  char byte;
  co_enable_hook_sys();
  HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, local) == 0);
  int copy = dup(local[0]);
  HOLDS(dup2(local[1], copy) == copy && close(local[1]) == 0 && close(copy) == 0);
  HOLDS(read(local[0], &byte, 1) == 0);
  HOLDS(fcntl(local[0], F_SETFL, O_NONBLOCK) == 0 && close(local[0]) == 0);
  working--;
  return unused;
}

static void calling(void) {
  void *(*const bodies[])(void *) = {receives, sends, sleeps, serves, connects, looks_up, is_closed, sleeps};
  socklen_t length = sizeof address;
  HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(tube) == 0);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  HOLDS(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 5) == 0);
  HOLDS(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  run(sizeof bodies / sizeof *bodies, bodies, NULL);
  for (int i = 0; i < 2; i++) {
    close(pair[i]);
    close(tube[i]);
  }
  close(listener);
}

/* ---- conditions, values, variables -------------------------------------------------------------------------------------- */

static __thread stCoCond_t *cond;
static stCoCond_t *between_threads;
static pthread_key_t key;
static int destroyed;

static void destroy(void *value) {
  __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
  free(value);
}

static void *waits(void *unused) {
  char name[20];
  co_enable_hook_sys();
  HOLDS(co_cond_timedwait(cond, 1) == -1 && errno == ETIMEDOUT);
  HOLDS(co_cond_timedwait(cond, 20000) == 0);
  HOLDS(co_setspecific(key, strdup("value")) == 0 && strcmp(co_getspecific(key), "value") == 0);
  snprintf(name, sizeof name, "%p", (void *)name);
  HOLDS(setenv("TOUR", name, 1) == 0);
  co_poll(co_get_epoll_ct(), NULL, 0, 1);
  HOLDS(strcmp(getenv("TOUR"), name) == 0);
  HOLDS(unsetenv("TOUR") == 0 && getenv("TOUR") == NULL);
  HOLDS(setenv("TOUR", "again", 1) == 0);
  working--;
  return unused;
}

static void *signals(void *unused) {
  co_enable_hook_sys();
  usleep(5000);
  HOLDS(co_cond_signal(cond) == 0);
  usleep(1000);
  HOLDS(co_cond_broadcast(cond) == 0);
  working--;
  return unused;
}

static void keeping(void) {
  void *(*const bodies[])(void *) = {waits, waits, waits, signals};
  int before = __atomic_load_n(&destroyed, __ATOMIC_RELAXED);
  cond = co_cond_alloc();
  run(4, bodies, NULL);
  HOLDS(co_cond_free(cond) == 0);
  HOLDS(__atomic_load_n(&destroyed, __ATOMIC_RELAXED) >= before + 3);
}

/* ---- release in every state ------------------------------------------------------------------------------------------------- */

static void *parks(void *how) {
  char *held = calloc(1, 50), byte;
  struct pollfd wait = {.fd = pair[0], .events = POLLIN};
  HOLDS(co_setspecific(key, held) == 0);
  co_enable_hook_sys();
  switch (*(int *)how) {
    case 0: co_yield_ct(); break;
    case 1: (void)!read(pair[0], &byte, 1); break;
    case 2: poll(&wait, 1, 60000); break;
    case 3: sleep(60); break;
    case 4: co_cond_timedwait(cond, 60000); break;
    case 5: accept(listener, NULL, NULL); break;
  }
  return NULL;
}

static void *releases_itself(void *unused) {
  co_release(co_self());
  HOLDS(plain_work(1) == 2 * 2999);
  return unused;
}

static int three_turns(void *count) { return ++*(int *)count < 3 ? 0 : -1; }

static void releasing(void) {
  int hows[6], turns = 0;
  stCoRoutine_t *co[6];
  cond = co_cond_alloc();
  HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  HOLDS(listen(listener, 1) == 0);
  co_release(make(parks, hows));
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 6; i++) {
      hows[i] = i;
      co[i] = make(parks, &hows[i]);
      co_resume(co[i]);
    }
    turns = 0;
    if (round) co_eventloop(co_get_epoll_ct(), three_turns, &turns);
    for (int i = 0; i < 6; i++) {
      if (round == 2) co_reset(co[i]);
      co_release(co[i]);
    }
  }
  co_resume(make(releases_itself, NULL));
  HOLDS(co_cond_free(cond) == 0);
  close(pair[0]);
  close(pair[1]);
  close(listener);
}

/* ---- threads and a fork -------------------------------------------------------------------------------------------------------- */

static void once(void) {
  switching();
  nesting();
  giving_up();
  calling();
  keeping();
  releasing();
}

static void *waits_for_a_thread(void *unused) {
  HOLDS(co_cond_timedwait(between_threads, 20000) == 0);
  working--;
  return unused;
}

static int ready;

static void *waiting_thread(void *unused) {
  void *(*const bodies[])(void *) = {waits_for_a_thread};
  __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  run(1, bodies, NULL);
  return unused;
}

static void *touring_thread(void *shared) {
  if (shared) stacks = co_alloc_sharestack(2, 256 * 1024);
  once();
  HOLDS(co_free_sharestack(stacks) == 0);
  return NULL;
}

static void *forks(void *unused) {
  co_enable_hook_sys();
  pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    int ends[2];
    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && write(ends[0], "f", 1) == 1);
    usleep(100);
    HOLDS(read(ends[1], &byte, 1) == 1 && byte == 'f');
    _exit(0);
  }
  int status = -1;
  HOLDS(waitpid(child, &status, 0) == child && status == 0);
  working--;
  return unused;
}

int main(int count, char **arguments) {
  const char *names[] = {"TOUR"};
  pthread_t threads[3];
  void *(*const forking[])(void *) = {forks};
  const char *how = count > 1 ? arguments[1] : "private";
  int shared = strcmp(how, "shared") == 0;
  alarm(240);
  if (getenv("SMALL")) size_of_it = 20;
  HOLDS(pthread_key_create(&key, destroy) == 0);
  co_set_env_list(names, 1);
  if (shared) stacks = co_alloc_sharestack(2, 256 * 1024);
  if (strcmp(how, "fork") == 0) {
    run(1, forking, NULL);
    puts("toured");
    return 0;
  }
  once();
  jumping();
  for (int i = 0; i < 2; i++) HOLDS(pthread_create(&threads[i], NULL, touring_thread, shared ? &shared : NULL) == 0);
  between_threads = co_cond_alloc();
  HOLDS(pthread_create(&threads[2], NULL, waiting_thread, NULL) == 0);
  while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) usleep(1000);
  /* Signals nobody waits for yet are lost, as they are with pthread_cond_signal. */
  usleep(50000);
  HOLDS(co_cond_signal(between_threads) == 0);
  for (int i = 0; i < 3; i++) HOLDS(pthread_join(threads[i], NULL) == 0);
  HOLDS(co_cond_free(between_threads) == 0);
  HOLDS(co_free_sharestack(stacks) == 0);
  puts("toured");
  return 0;
}
