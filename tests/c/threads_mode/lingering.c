/* Closing a socket that lingers (SO_LINGER): it takes as long as it takes, and nobody else waits. */
#include "threads_mode.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>

enum { SECONDS = 1 };

/* A connection whose other end, `*peer`, reads nothing and has no more room: what is sent is not acknowledged, and the end neither. */
static int clogged(int *peer) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  static char bytes[1 << 16];
  int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 1)) puts("no listener");
  getsockname(listener, (struct sockaddr *)&at, &size);
  if (connect(fd, (struct sockaddr *)&at, size)) puts("no connection");
  *peer = accept(listener, NULL, NULL);
  close(listener);
  /* What is under way arrives meanwhile, and makes room again. */
  for (int i = 0; i < 3; i++) {
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) continue;
    usleep(20000);
  }
  return fd;
}
static int set_linger(int fd, int seconds) {
  struct linger wish = {1, seconds};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &wish, sizeof wish);
}
static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

static int over;
static long ticks;
static void *counts(void *unused) {
  while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
    usleep(1000);
    ticks++;
  }
  return unused;
}
/* Each way to close it: as such, by putting something else there, and as a stream with something left to write. */
static FILE *stream;
static int other;
static long close_by(int way, int fd) {
  switch (way) {
    case 0: return close(fd);
    case 1: return dup2(other, fd) - fd;
    case 2: return dup3(other, fd, O_CLOEXEC) - fd;
    case 3: return syscall(SYS_dup2, other, fd) - fd;
    case 4: return syscall(SYS_dup3, other, fd, 0) - fd;
    default: return fclose(stream);
  }
}
static int way;
static void *closes(void *fd) {
  double began = now();
  long ticked = ticks;
  errno = 0;
  SAY(close_by(way, (int)(long)fd));
  SAY(errno);
  SAY(now() - began >= SECONDS);
  SAY(ticks > ticked + 1);
  SAY(fcntl((int)(long)fd, F_GETFD));
  return NULL;
}
static void others_go_on_while_a_socket_lingers(void) {
  other = open("/dev/null", O_RDWR);
  for (way = 0; way < 6; way++) {
    int peer, fd = clogged(&peer), begins = ticks;
    pthread_t counter, closer;
    SAY(way);
    SAY(set_linger(fd, SECONDS));
    if (way == 5) stream = fdopen(fd, "w");
    over = 0;
    MAKE(pthread_create(&counter, NULL, counts, NULL));
    while (__atomic_load_n(&ticks, __ATOMIC_SEQ_CST) == begins) usleep(1000);
    MAKE(pthread_create(&closer, NULL, closes, (void *)(long)fd));
    pthread_join(closer, NULL);
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    pthread_join(counter, NULL);
    close(peer);
    close(fd);
  }
}

/* The number means the new file at once, and what was written arrives before the end. */
static void *replaces(void *fd) {
  return (void *)(long)(dup2(other, (int)(long)fd) == (int)(long)fd);
}
static void a_number_has_its_new_meaning_while_the_old_socket_lingers(void) {
  int peer, fd = clogged(&peer), ends[2];
  size_t sum = 0;
  ssize_t got;
  static char bytes[1 << 16];
  pthread_t replacer;
  struct timeval patience = {30, 0};
  struct stat status;
  void *result;
  if (pipe(ends)) puts("no pipe");
  other = ends[1];
  SAY(set_linger(fd, 60));
  MAKE(pthread_create(&replacer, NULL, replaces, (void *)(long)fd));
  while (fstat(fd, &status) || !S_ISFIFO(status.st_mode)) usleep(1000);
  SAY(write(fd, "x", 1));
  SAY(read(ends[0], bytes, 2));
  setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  while ((got = recv(peer, bytes, sizeof bytes, 0)) > 0) sum += (size_t)got;
  SAY(got);
  SAY(sum > 0);
  SAY(pthread_join(replacer, &result));
  SAY((long)result);
  close(peer);
}
/* What fails leaves the socket as it was, and waits for nothing. */
static void a_replacement_that_fails_changes_nothing(void) {
  int peer, fd = clogged(&peer);
  double began = now();
  char byte;
  SAY(set_linger(fd, 60));
  SAY(dup2(1000, fd) == -1 && errno == EBADF);
  SAY(dup3(fd, fd, 0) == -1 && errno == EINVAL);
  SAY(dup3(0, fd, 0x1234) == -1 && errno == EINVAL);
  SAY(dup2(fd, fd) == fd);
  SAY(now() - began < 20);
  SAY(fcntl(fd, F_GETFD));
  while (recv(peer, &byte, 1, MSG_DONTWAIT) == 1) continue;
  SAY(errno == EAGAIN); /* the socket has not ended */
  exit(0);
}

/* Nothing is waited for: no time is given, the other end has seen all, or another number has the socket too. */
static void *closes_at_once(void *fd) {
  double began = now();
  SAY(close((int)(long)fd));
  SAY(now() - began < 20);
  return NULL;
}
static void what_need_not_linger_is_closed_at_once(void) {
  int peer, fd[4];
  pthread_t closer;
  fd[0] = clogged(&peer), SAY(set_linger(fd[0], 0));
  fd[1] = clogged(&peer), SAY(set_linger(fd[1], 60)), SAY(dup(fd[1]) >= 0);
  fd[2] = socket(AF_INET, SOCK_STREAM, 0), SAY(set_linger(fd[2], 60));
  fd[3] = socket(AF_UNIX, SOCK_STREAM, 0), SAY(set_linger(fd[3], 60));
  for (int i = 0; i < 4; i++) {
    MAKE(pthread_create(&closer, NULL, closes_at_once, (void *)(long)fd[i]));
    pthread_join(closer, NULL);
  }
  exit(0);
}

/* A handler ends the waiting, and the socket is closed. */
static void handle(int signal) { (void)signal; }
static void is_ended_by_handlers_every(useconds_t pause) {
  int peer, fd = clogged(&peer);
  struct sigaction action;
  pthread_t closer;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  sigaction(SIGUSR1, &action, NULL);
  SAY(set_linger(fd, 60));
  MAKE(pthread_create(&closer, NULL, closes_at_once, (void *)(long)fd));
  while (pthread_tryjoin_np(closer, NULL) == EBUSY) {
    usleep(pause);
    pthread_kill(closer, SIGUSR1);
  }
  SAY(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
  exit(0);
}
static void a_handler_ends_the_waiting(void) { is_ended_by_handlers_every(50000); }
static void handlers_end_the_waiting_from_its_beginning(void) { is_ended_by_handlers_every(0); }

/* So does a cancellation, and the thread with it. */
static void *closes_for_long(void *fd) {
  close((int)(long)fd);
  return NULL;
}
static void a_cancellation_ends_the_waiting(void) {
  int peer, fd = clogged(&peer);
  pthread_t closer;
  void *result;
  SAY(set_linger(fd, 60));
  MAKE(pthread_create(&closer, NULL, closes_for_long, (void *)(long)fd));
  while (fcntl(fd, F_GETFD) != -1) usleep(1000); /* the number is free while the socket lingers */
  double began = now();
  SAY(pthread_cancel(closer));
  SAY(pthread_join(closer, &result));
  SAY(result == PTHREAD_CANCELED);
  SAY(now() - began < 20);
  exit(0);
}

/* close is a cancellation point, and syscall is none: who calls it by number goes on afterwards. */
static sem_t ready, cancelled;
static long closed = -1;
static void *closes_by_number(void *fd) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  sem_post(&ready);
  sem_wait(&cancelled);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  closed = syscall(SYS_close, (int)(long)fd);
  return NULL; /* not cancelled */
}
static void a_call_by_number_is_no_cancellation_point(void) {
  int peer, fd = clogged(&peer);
  pthread_t closer;
  void *result;
  sem_init(&ready, 0, 0);
  sem_init(&cancelled, 0, 0);
  SAY(set_linger(fd, SECONDS));
  MAKE(pthread_create(&closer, NULL, closes_by_number, (void *)(long)fd));
  sem_wait(&ready);
  SAY(pthread_cancel(closer));
  sem_post(&cancelled);
  SAY(pthread_join(closer, &result));
  SAY(result == NULL);
  SAY(closed);
  SAY(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
  close(peer);
}

CASES(CASE(others_go_on_while_a_socket_lingers), CASE(a_number_has_its_new_meaning_while_the_old_socket_lingers),
      CASE(a_replacement_that_fails_changes_nothing), CASE(what_need_not_linger_is_closed_at_once), CASE(a_handler_ends_the_waiting),
      CASE(handlers_end_the_waiting_from_its_beginning), CASE(a_cancellation_ends_the_waiting), CASE(a_call_by_number_is_no_cancellation_point))
