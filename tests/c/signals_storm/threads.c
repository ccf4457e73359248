/* Coroutines of one thread and of several at once work in a storm: they talk, allocate, open and close. */
#include "storm.h"

/* ---- pairs that send numbers back and forth --------------------------------------------------------- */

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

/* ---- memory ----------------------------------------------------------------------------------------- */

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

/* ---- descriptors that come and go ------------------------------------------------------------------- */

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

/* ---- several threads -------------------------------------------------------------------------------- */

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
