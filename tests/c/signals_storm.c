/*
 * A storm of signals: timers and another thread interrupt whatever coroutines and the library do, some thousands of times a
 * second, and the handlers make hooked calls. What the coroutines do must come out right, and nothing may hang.
 * ROUNDS in the environment makes every case that many times as long.
 */
#include "check.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/time.h>

enum { MAX_WORKERS = 4 };

/* ---- the storm ------------------------------------------------------------------------------------------ */

static long handled[3], broken_calls;
static long long calm_at;
static timer_t ticks;
static pthread_t chaser, workers[MAX_WORKERS];
static int worker_count, chasing;

static void complain_once(int line) {
  if (__atomic_fetch_add(&broken_calls, 1, __ATOMIC_RELAXED) < 5) {
    char text[60];
    int length = snprintf(text, sizeof text, "# a handler's call failed at line %d, errno %d\n", line, errno);
    if (write(2, text, (size_t)length) != length) abort();
  }
}

#define IN_HANDLER(condition) ((condition) ? (void)0 : complain_once(__LINE__))

/* What a thread's handler may do with descriptors of its own. */
static void use_descriptors(int which) {
  int pair[2], copy;
  char bytes[4] = "";
  struct pollfd wait;
  int found, made = which & 1 ? pipe2(pair, O_CLOEXEC) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
  IN_HANDLER(made == 0);
  if (made != 0) return;
  IN_HANDLER(write(pair[1], "abc", 3) == 3);
  wait.fd = pair[0];
  wait.events = POLLIN;
  /* Another handler may interrupt this one. */
  while ((found = poll(&wait, 1, 1000)) < 0 && errno == EINTR) continue;
  IN_HANDLER(found == 1 && wait.revents == POLLIN);
  IN_HANDLER(read(pair[0], bytes, 4) == 3 && memcmp(bytes, "abc", 3) == 0);
  copy = dup(pair[0]);
  IN_HANDLER(copy >= 0);
  IN_HANDLER(dup2(pair[1], copy) == copy);
  if (!(which & 1)) {
    int kind = 0;
    socklen_t length = sizeof kind;
    IN_HANDLER(getsockopt(copy, SOL_SOCKET, SO_TYPE, &kind, &length) == 0 && kind == SOCK_STREAM);
    IN_HANDLER(send(copy, "d", 1, 0) == 1 && recv(pair[0], bytes, 1, 0) == 1 && bytes[0] == 'd');
    IN_HANDLER(shutdown(copy, SHUT_WR) == 0 && recv(pair[0], bytes, 1, 0) == 0);
  }
  IN_HANDLER((fcntl(copy, F_GETFD) & ~FD_CLOEXEC) == 0);
  IN_HANDLER(close(copy) == 0 && close(pair[0]) == 0 && close(pair[1]) == 0);
}

static void on_storm(int signal) {
  int kept = errno, which = signal == SIGALRM ? 0 : signal == SIGUSR1 ? 1 : 2;
  struct timespec nothing = {0, 0};
  const char *value;
  long number = __atomic_add_fetch(&handled[which], 1, __ATOMIC_RELAXED);
  use_descriptors((int)number & 1);
  IN_HANDLER(nanosleep(&nothing, NULL) == 0 || errno == EINTR);
  /* Listed, and another in each coroutine: a handler gets the process's. */
  value = getenv("STORM_LISTED");
  IN_HANDLER(value != NULL && strcmp(value, "process") == 0);
  if (now_ns() > calm_at) {
    static const char text[] = "# the storm goes on long after its end\n";
    if (write(2, text, sizeof text - 1) > 0) _exit(99);
  }
  errno = kept;
}

static void on_storm_informed(int signal, siginfo_t *info, void *context) {
  IN_HANDLER(info != NULL && context != NULL && info->si_signo == signal);
  on_storm(signal);
}

/* Timers' signals go to whichever thread does not block them; this thread sees to the workers one by one. */
static void *chase(void *unused) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  for (int i = 0; __atomic_load_n(&chasing, __ATOMIC_ACQUIRE); i++) {
    struct timespec pause = {0, 400000};
    for (int w = 0; w < worker_count; w++) pthread_kill(workers[w], SIGUSR2);
    nanosleep(&pause, NULL);
  }
  return unused;
}

static int rounds(void) {
  const char *given = getenv("ROUNDS");
  int number = given ? atoi(given) : 1;
  return number > 0 ? number : 1;
}

/* The alternate stack of the main thread. */
static char alternate[128 * 1024];

static void begin_storm(void) {
  struct sigaction one;
  struct sigevent event;
  struct itimerval interval = {{0, 1000}, {0, 1000}};
  struct itimerspec period = {{0, 700000}, {0, 700000}};
  stack_t stack;
  const char *listed[] = {"STORM_LISTED"};
  setenv("STORM_LISTED", "process", 1);
  co_set_env_list(listed, 1);
  calm_at = now_ns() + 30000000000LL * rounds();
  memset(&stack, 0, sizeof stack);
  stack.ss_sp = alternate;
  stack.ss_size = sizeof alternate;
  NEED(sigaltstack(&stack, NULL) == 0);
  memset(&one, 0, sizeof one);
  one.sa_handler = on_storm;
  one.sa_flags = SA_RESTART;
  NEED(sigaction(SIGALRM, &one, NULL) == 0);
  one.sa_flags = 0;
  NEED(sigaction(SIGUSR2, &one, NULL) == 0);
  one.sa_sigaction = on_storm_informed;
  /* A checker that cannot follow to the alternate stack says ALTERNATE=no. */
  one.sa_flags = SA_SIGINFO | (getenv("ALTERNATE") ? 0 : SA_ONSTACK);
  NEED(sigaction(SIGUSR1, &one, NULL) == 0);
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  NEED(timer_create(CLOCK_MONOTONIC, &event, &ticks) == 0);
  NEED(timer_settime(ticks, 0, &period, NULL) == 0);
  NEED(setitimer(ITIMER_REAL, &interval, NULL) == 0);
  if (worker_count == 0) workers[worker_count++] = pthread_self();
  chasing = 1;
  NEED(pthread_create(&chaser, NULL, chase, NULL) == 0);
}

static void end_storm(void) {
  struct itimerval none = {{0, 0}, {0, 0}};
  __atomic_store_n(&chasing, 0, __ATOMIC_RELEASE);
  pthread_join(chaser, NULL);
  setitimer(ITIMER_REAL, &none, NULL);
  timer_delete(ticks);
  CHECK_IS(broken_calls, 0);
  /* Far fewer than were sent would be enough to say that the case was about something. */
  for (int i = 0; i < 3; i++) CHECK(handled[i] > 30);
}

/* ---- work ------------------------------------------------------------------------------------------------- */

static __thread long long until;
static __thread int working;
static __thread long done;

static void *enabled(void) {
  co_enable_hook_sys();
  return NULL;
}

static int time_is_left(void) { return now_ns() < until; }

static int nobody_works(void *unused) {
  (void)unused;
  return working == 0 ? -1 : 0;
}

struct job {
  int number, fds[2];
  struct dice dice;
};

static ssize_t read_all(int fd, void *to, size_t size) {
  size_t got = 0;
  while (got < size) {
    ssize_t n = read(fd, (char *)to + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n;
    got += (size_t)n;
  }
  return (ssize_t)got;
}

static ssize_t write_all(int fd, const void *from, size_t size) {
  size_t sent = 0;
  while (sent < size) {
    ssize_t n = write(fd, (const char *)from + sent, size - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n;
    sent += (size_t)n;
  }
  return (ssize_t)sent;
}

/* Coroutines of `body`, one for each of `count` jobs, until all have ended. */
static void run_jobs(struct job *jobs, int count, void *(*body)(void *), stShareStack_t *shared) {
  stCoRoutine_t **co = calloc((size_t)count, sizeof *co);
  working = count;
  for (int i = 0; i < count; i++) co[i] = spawn_on(shared, 64 * 1024, body, &jobs[i]);
  for (int i = 0; i < count; i++) co_resume(co[i]);
  co_eventloop(co_get_epoll_ct(), nobody_works, NULL);
  for (int i = 0; i < count; i++) co_release(co[i]);
  free(co);
}

enum { ROUNDS_MS = 500 };

static void begin_work(void) {
  until = now_ns() + ROUNDS_MS * 1000000LL * rounds();
  done = 0;
}

static void stormy(void (*work)(void)) {
  int before = open_descriptors();
  begin_storm();
  begin_work();
  work();
  end_storm();
  CHECK(done > 0);
  fprintf(stderr, "# %ld done, %ld + %ld + %ld signals\n", done, handled[0], handled[1], handled[2]);
  /* The library's own descriptors are not the program's; whatever is more was lost. */
  CHECK_IS(open_descriptors(), before);
}

/* ---- pairs that send numbers back and forth ------------------------------------------------------------------ */

enum { PAIRS = 100, MESSAGE = 32 };

static void *plays(void *argument) {
  struct job *job = argument;
  enabled();
  for (uint32_t i = 0;; i++) {
    uint32_t sent[MESSAGE], got[MESSAGE];
    int last = job->number % 2 == 0 && !time_is_left();
    for (uint32_t j = 0; j < MESSAGE; j++) sent[j] = last ? UINT32_MAX : i + j;
    if (job->number % 2 == 0) {
      CHECK(write_all(job->fds[0], sent, sizeof sent) == sizeof sent);
      if (last) break;
    }
    if (!CHECK(read_all(job->fds[0], got, sizeof got) == sizeof got)) break;
    if (job->number % 2 == 1) {
      if (got[0] == UINT32_MAX) break;
      CHECK(write_all(job->fds[0], sent, sizeof sent) == sizeof sent);
    }
    if (!CHECK(memcmp(sent, got, sizeof got) == 0)) break;
    done++;
  }
  close(job->fds[0]);
  working--;
  return NULL;
}

static struct job *pairs(void) {
  struct job *jobs = calloc(2 * PAIRS, sizeof *jobs);
  for (int i = 0; i < 2 * PAIRS; i += 2) {
    int pair[2];
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    for (int j = 0; j < 2; j++) {
      jobs[i + j].number = i + j;
      jobs[i + j].fds[0] = pair[j];
    }
  }
  return jobs;
}

static void play(void) {
  struct job *jobs = pairs();
  run_jobs(jobs, 2 * PAIRS, plays, NULL);
  free(jobs);
}

static void play_on_shared_stacks(void) {
  struct job *jobs = pairs();
  stShareStack_t *shared = co_alloc_sharestack(3, 128 * 1024);
  run_jobs(jobs, 2 * PAIRS, plays, shared);
  CHECK(co_free_sharestack(shared) == 0);
  free(jobs);
}

TEST(pairs_talk_in_a_storm) { stormy(play); }
TEST(pairs_on_shared_stacks_talk_in_a_storm) { stormy(play_on_shared_stacks); }

/* ---- creation and release ----------------------------------------------------------------------------------- */

static void *lives_a_little(void *argument) {
  volatile char room[2000];
  enabled();
  room[0] = room[sizeof room - 1] = *(char *)argument;
  for (int i = 0; i < *(char *)argument % 3; i++) co_yield_ct();
  if (*(char *)argument % 4 == 0) usleep(100);
  CHECK(room[0] == room[sizeof room - 1]);
  return NULL;
}

static void create_and_release(void) {
  enum { LIVING = 50 };
  static const int sizes[] = {0, 16 * 1024, 32 * 1024, 128 * 1024, 1 << 20};
  stShareStack_t *shared = co_alloc_sharestack(2, 64 * 1024);
  stCoRoutine_t *living[LIVING] = {NULL};
  char numbers[LIVING];
  struct dice dice = cast_dice();
  while (time_is_left()) {
    unsigned i = below(&dice, LIVING);
    if (living[i] == NULL) {
      numbers[i] = (char)below(&dice, 100);
      living[i] = spawn_on(below(&dice, 2) ? shared : NULL, sizes[below(&dice, 5)], lives_a_little, &numbers[i]);
    }
    switch (below(&dice, 4)) {
      case 0:
        co_reset(living[i]);
        break;
      case 1:
        co_release(living[i]);
        living[i] = NULL;
        done++;
        break;
      default:
        co_resume(living[i]);
    }
  }
  for (int i = 0; i < LIVING; i++) co_release(living[i]);
  CHECK(co_free_sharestack(shared) == 0);
}

TEST(coroutines_are_made_reset_and_released_in_a_storm) { stormy(create_and_release); }

/* ---- conditions ----------------------------------------------------------------------------------------------- */

static stCoCond_t *cond;
static long put, taken;

static void *produces(void *argument) {
  struct job *job = argument;
  enabled();
  while (time_is_left()) {
    put += 3;
    if (below(&job->dice, 2))
      co_cond_broadcast(cond);
    else
      for (int i = 0; i < 3; i++) co_cond_signal(cond);
    usleep(below(&job->dice, 300));
  }
  working--;
  return NULL;
}

static void *consumes(void *argument) {
  struct job *job = argument;
  enabled();
  while (time_is_left() || taken < put) {
    if (taken < put) {
      taken++;
      done++;
    } else {
      int ms = 1 + (int)below(&job->dice, 5);
      long long before = now_ns();
      if (co_cond_timedwait(cond, ms) != 0) {
        CHECK_IS(errno, ETIMEDOUT);
        CHECK(now_ns() - before >= ms * 1000000LL);
      }
    }
  }
  working--;
  return NULL;
}

static void *either(void *argument) { return ((struct job *)argument)->number < 10 ? produces(argument) : consumes(argument); }

static void use_conditions(void) {
  enum { COUNT = 60 };
  struct job jobs[COUNT];
  for (int i = 0; i < COUNT; i++) jobs[i] = (struct job){.number = i, .dice = {(uint64_t)i}};
  cond = co_cond_alloc();
  run_jobs(jobs, COUNT, either, NULL);
  CHECK_IS(taken, put);
  CHECK(co_cond_free(cond) == 0);
}

TEST(conditions_serve_in_a_storm) { stormy(use_conditions); }

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static void *allocates(void *argument) {
  enum { BLOCKS = 16 };
  struct job *job = argument;
  unsigned char *blocks[BLOCKS] = {NULL};
  size_t sizes[BLOCKS] = {0};
  enabled();
  while (time_is_left()) {
    for (int i = 0; i < 50; i++) {
      unsigned at = below(&job->dice, BLOCKS);
      size_t size = 1 + below(&job->dice, 20000);
      unsigned char mark = (unsigned char)(job->number + (int)at);
      for (size_t j = 0; j < sizes[at]; j += 97)
        if (!CHECK(blocks[at][j] == mark)) break;
      blocks[at] = realloc(blocks[at], size);
      NEED(blocks[at] != NULL);
      memset(blocks[at], mark, sizes[at] = size);
      done++;
    }
    usleep(below(&job->dice, 200));
  }
  for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
  working--;
  return NULL;
}

static void use_memory(void) {
  enum { COUNT = 100 };
  struct job jobs[COUNT];
  for (int i = 0; i < COUNT; i++) jobs[i] = (struct job){.number = i, .dice = {(uint64_t)i}};
  run_jobs(jobs, COUNT, allocates, NULL);
}

TEST(memory_is_allocated_in_a_storm) { stormy(use_memory); }

/* ---- descriptors that come and go ---------------------------------------------------------------------------------- */

struct visit {
  int fd, expected, *closed, over;
};

static void *waits_for_close(void *argument) {
  struct visit *visit = argument;
  char byte;
  ssize_t n;
  enabled();
  do n = read(visit->fd, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (visit->expected == 0)
    CHECK_IS(n, 0);
  else
    CHECK(n == -1 && errno == visit->expected);
  visit->over = 1;
  return NULL;
}

/* Opens a pair, lets another coroutine wait for it, and closes one end or the other, or puts something else in its place. */
static void *comes_and_goes(void *argument) {
  struct job *job = argument;
  enabled();
  while (time_is_left()) {
    int pair[2], way = (int)below(&job->dice, 3);
    struct visit visit = {0};
    NEED((below(&job->dice, 2) ? pipe(pair) : socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) == 0);
    visit.fd = pair[0];
    visit.expected = way == 0 ? 0 : EBADF;
    stCoRoutine_t *co = start(waits_for_close, &visit);
    if (below(&job->dice, 2)) usleep(below(&job->dice, 200));
    CHECK_IS(visit.over, 0);
    if (way == 0) {
      CHECK(close(pair[1]) == 0);
    } else if (way == 1) {
      CHECK(close(pair[0]) == 0);
    } else {
      CHECK(dup2(pair[1], pair[0]) == pair[0]);
    }
    while (!visit.over) usleep(50);
    co_release(co);
    if (way != 1) close(pair[0]);
    if (way != 0) close(pair[1]);
    done++;
  }
  working--;
  return NULL;
}

static void open_and_close(void) {
  enum { COUNT = 40 };
  struct job jobs[COUNT];
  for (int i = 0; i < COUNT; i++) jobs[i] = (struct job){.number = i, .dice = {(uint64_t)i * 77}};
  run_jobs(jobs, COUNT, comes_and_goes, NULL);
}

TEST(descriptors_come_and_go_in_a_storm) { stormy(open_and_close); }

/* ---- connections ------------------------------------------------------------------------------------------------------ */

static int listener, serving;
static struct sockaddr_in address;

static void *serves(void *argument) {
  int fd = (int)(intptr_t)argument;
  char bytes[4096];
  ssize_t n;
  enabled();
  while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0) CHECK(write_all(fd, bytes, (size_t)n) == n);
  CHECK_IS(n, 0);
  close(fd);
  serving--;
  co_release(co_self());
  return NULL;
}

static void *accepts(void *argument) {
  enabled();
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 && errno == EINTR) continue;
    if (fd < 0) break;
    serving++;
    start(serves, (void *)(intptr_t)fd);
  }
  CHECK_IS(errno, EBADF);
  working--;
  return argument;
}

static void *connects(void *argument) {
  struct job *job = argument;
  if (job->number == 0) return accepts(argument);
  enabled();
  while (time_is_left()) {
    char sent[1000], got[1000];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(sent, (int)below(&job->dice, 256), sizeof sent);
    NEED(fd >= 0);
    /* Ports are not used up by connections that linger. */
    struct linger now = {1, 0};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    if (!CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0)) break;
    for (int i = 0; i < 5; i++) {
      CHECK(write_all(fd, sent, sizeof sent) == sizeof sent);
      CHECK(read_all(fd, got, sizeof got) == sizeof got && memcmp(sent, got, sizeof got) == 0);
    }
    CHECK(shutdown(fd, SHUT_WR) == 0);
    CHECK_IS(read_all(fd, got, 1), 0);
    close(fd);
    done++;
  }
  if (--working == 1) {
    while (serving > 0) usleep(100);
    close(listener);
  }
  return NULL;
}

static void talk_over_tcp(void) {
  enum { COUNT = 41 };
  struct job jobs[COUNT];
  socklen_t length = sizeof address;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 100) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
  for (int i = 0; i < COUNT; i++) jobs[i] = (struct job){.number = i, .dice = {(uint64_t)i * 7}};
  run_jobs(jobs, COUNT, connects, NULL);
}

TEST(connections_are_made_and_served_in_a_storm) { stormy(talk_over_tcp); }

/* ---- time, values, variables, names ---------------------------------------------------------------------------------------- */

static pthread_key_t key;

static void *keeps_its_own(void *argument) {
  struct job *job = argument;
  char mine[20];
  enabled();
  snprintf(mine, sizeof mine, "%d", job->number);
  CHECK(setenv("STORM_LISTED", mine, 1) == 0);
  CHECK(co_setspecific(key, job) == 0);
  while (time_is_left()) {
    unsigned micros = below(&job->dice, 2000);
    long long before = now_ns();
    errno = job->number;
    if (usleep(micros) == 0) {
      CHECK_IS(errno, job->number);
      CHECK(now_ns() - before >= micros * 1000LL);
    } else {
      CHECK_IS(errno, EINTR);
    }
    CHECK_TEXT(getenv("STORM_LISTED"), mine);
    CHECK(co_getspecific(key) == job);
    done++;
  }
  working--;
  return NULL;
}

static void keep_own_things(void) {
  enum { COUNT = 200 };
  struct job jobs[COUNT];
  NEED(pthread_key_create(&key, NULL) == 0);
  for (int i = 0; i < COUNT; i++) jobs[i] = (struct job){.number = i, .dice = {(uint64_t)i}};
  run_jobs(jobs, COUNT, keeps_its_own, NULL);
}

TEST(errno_values_variables_and_sleeps_are_a_coroutines_own_in_a_storm) { stormy(keep_own_things); }

static void *looks_up(void *argument) {
  enabled();
  while (time_is_left()) {
    struct addrinfo hints, *found = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (CHECK_IS(getaddrinfo("localhost", "80", &hints, &found), 0)) freeaddrinfo(found);
    CHECK(gethostbyname("127.0.0.1") != NULL);
    done++;
  }
  working--;
  return argument;
}

static void look_up(void) {
  enum { COUNT = 10 };
  struct job jobs[COUNT] = {{0}};
  run_jobs(jobs, COUNT, looks_up, NULL);
}

TEST(names_are_looked_up_in_a_storm) { stormy(look_up); }

/* ---- several threads ----------------------------------------------------------------------------------------------------------- */

static void (*const works[MAX_WORKERS])(void) = {play, open_and_close, play_on_shared_stacks, use_memory};
static pthread_barrier_t together;
static long done_by_threads;

static void *thread(void *number) {
  workers[(intptr_t)number] = pthread_self();
  pthread_barrier_wait(&together);
  pthread_barrier_wait(&together);
  begin_work();
  works[(intptr_t)number]();
  __atomic_add_fetch(&done_by_threads, done, __ATOMIC_RELAXED);
  /* Whoever sends signals must know the thread to live. */
  pthread_barrier_wait(&together);
  return NULL;
}

TEST(threads_work_in_a_storm) {
  pthread_t threads[MAX_WORKERS];
  pthread_barrier_init(&together, NULL, MAX_WORKERS + 1);
  int before = open_descriptors();
  for (intptr_t i = 0; i < MAX_WORKERS; i++) NEED(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
  pthread_barrier_wait(&together);
  worker_count = MAX_WORKERS;
  begin_storm();
  pthread_barrier_wait(&together);
  while (pthread_barrier_wait(&together) > 0) continue;
  end_storm();
  for (int i = 0; i < MAX_WORKERS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(done_by_threads > 0);
  CHECK_IS(open_descriptors(), before);
}

/* The waiters' thread sleeps in its loop while another's handlers close what they wait for. */
static int victims[2];

static void closes_victim(int signal) {
  int kept = errno, fd = __atomic_exchange_n(&victims[0], -1, __ATOMIC_ACQ_REL);
  (void)signal;
  if (fd >= 0) close(fd);
  errno = kept;
}

static void *waits_and_is_woken(void *argument) {
  struct job *job = argument;
  enabled();
  while (time_is_left()) {
    int pair[2];
    struct visit visit = {0};
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    visit.fd = pair[0];
    visit.expected = EBADF;
    stCoRoutine_t *co = start(waits_for_close, &visit);
    if (below(&job->dice, 2)) usleep(below(&job->dice, 300));
    __atomic_store_n(&victims[0], pair[0], __ATOMIC_RELEASE);
    while (!visit.over) usleep(200);
    co_release(co);
    close(pair[1]);
    done++;
  }
  working--;
  return NULL;
}

static void be_closed(void) {
  struct sigaction one;
  struct job job = {.dice = {5}};
  memset(&one, 0, sizeof one);
  victims[0] = -1;
  one.sa_handler = closes_victim;
  one.sa_flags = SA_RESTART;
  NEED(sigaction(SIGRTMIN, &one, NULL) == 0);
  struct sigevent event;
  timer_t timer;
  struct itimerspec period = {{0, 900000}, {0, 900000}};
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN;
  NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &period, NULL) == 0);
  run_jobs(&job, 1, waits_and_is_woken, NULL);
  timer_delete(timer);
}

TEST(waiters_wake_when_handlers_close_in_a_storm) { stormy(be_closed); }

RUN_TESTS
