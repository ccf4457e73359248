/* Cancellation: states and types, the order of an end, and more calls that it ends: printed. */
#include "threads_mode.h"

#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <threads.h>

static sem_t gate, ready;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *changes_states(void *unused) {
  int old = -1;
  SAY(pthread_setcancelstate(99, &old));
  SAY(pthread_setcanceltype(99, &old));
  SAY(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
  SAY(old);
  SAY(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old));
  SAY(old);
  SAY(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old));
  SAY(old);
  SAY(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old));
  SAY(old);
  SAY(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL));
  SAY(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL));
  return unused;
}
static void states_and_types_say_what_they_were(void) {
  pthread_t thread;
  changes_states(NULL);
  pthread_create(&thread, NULL, changes_states, NULL);
  pthread_join(thread, NULL);
}

/* Each way by which a thread that has been cancelled before comes to its end. */
static void *is_cancelled_already(void *way) {
  int old;
  pthread_cleanup_push(say_cleanup, (void *)"the last");
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  while (sem_wait(&gate)) continue;
  switch ((long)way) {
    case 0:
      pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old); /* ends here */
      break;
    case 1:
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
      puts("still there");
      pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old); /* ends here */
      break;
    case 2:
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
      pthread_mutex_lock(&mutex); /* no points */
      pthread_mutex_unlock(&mutex);
      SAY(sem_post(&gate));
      SAY(sem_trywait(&gate));
      sched_yield();
      puts("still there");
      usleep(0);
      break;
    case 3:
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
      SAY(sem_post(&gate));
      sem_wait(&gate); /* ends here, although it need not wait */
      break;
    case 4:
      pthread_exit(way); /* not cancelled: it has exited by itself */
    case 5:
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
      close(open("/dev/null", O_RDONLY));
      break;
    case 6:
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
      pthread_join(pthread_self(), NULL);
      waitpid(-1, NULL, WNOHANG);
      break;
  }
  puts("not any more");
  pthread_cleanup_pop(0);
  return way;
}
static void who_is_cancelled_before_ends_at_the_next_point(void) {
  for (long way = 0; way < 7; way++) {
    pthread_t thread;
    SAY(way);
    sem_init(&gate, 0, 0);
    pthread_create(&thread, NULL, is_cancelled_already, (void *)way);
    SAY(pthread_cancel(thread));
    sem_post(&gate);
    end_of(thread);
    int left;
    sem_getvalue(&gate, &left);
    SAY(left);
  }
}
static pthread_key_t key;
static void *waits_with_handlers(void *unused) {
  pthread_setspecific(key, "value");
  pthread_cleanup_push(say_cleanup, "outermost");
  pthread_cleanup_push(say_cleanup, "popped without a run");
  pthread_cleanup_pop(0);
  pthread_cleanup_push(say_cleanup, "run when popped");
  pthread_cleanup_pop(1);
  pthread_cleanup_push(say_cleanup, "innermost");
  sem_post(&ready);
  pause();
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return unused;
}
static void say_destroyed(void *value) { printf("destroyed: %s\n", (char *)value); }
static void handlers_run_before_destructors(void) {
  pthread_t thread;
  sem_init(&ready, 0, 0);
  pthread_key_create(&key, say_destroyed);
  pthread_create(&thread, NULL, waits_with_handlers, NULL);
  sem_wait(&ready);
  pthread_cancel(thread);
  end_of(thread);
}

static void waits_while_cleaning(void *unused) {
  (void)unused;
  usleep(2000);
  sem_post(&gate);
  SAY(sem_wait(&gate));
  puts("cleaned");
}
static void *cleans_slowly(void *unused) {
  pthread_cleanup_push(waits_while_cleaning, NULL);
  sem_post(&ready);
  pause();
  pthread_cleanup_pop(0);
  return unused;
}
static void handlers_may_wait(void) {
  pthread_t thread;
  sem_init(&ready, 0, 0);
  sem_init(&gate, 0, 0);
  pthread_create(&thread, NULL, cleans_slowly, NULL);
  sem_wait(&ready);
  pthread_cancel(thread);
  pthread_cancel(thread);
  end_of(thread);
}

/* More calls that wait, and are cancelled meanwhile. */
static int pipes[2], full[2], listener, pair[2];
static char fifo[64], lock_file[64];
static void wait_by(long way) {
  static char big[1 << 20];
  char byte;
  struct iovec one = {&byte, 1}, much = {big, sizeof big};
  struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
  struct timespec hundred = {100, 0}, far;
  struct flock region = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  sigset_t signals;
  clock_gettime(CLOCK_REALTIME, &far);
  far.tv_sec += 100;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR2);
  switch (way) {
    case 0: accept(listener, NULL, NULL); break;
    case 1: recv(pair[0], &byte, 1, 0); break;
    case 2: recvmsg(pair[0], &message, 0); break;
    case 3: readv(pipes[0], &one, 1); break;
    case 4: write(full[1], big, sizeof big); break;
    case 5: writev(full[1], &much, 1); break;
    case 6: send(pair[0], big, sizeof big, 0); break;
    case 7: waitpid(-1, NULL, 0); break;
    case 8: open(fifo, O_RDONLY); break;
    case 9: fcntl(open(lock_file, O_RDWR), F_SETLKW, &region); break;
    case 10: sigtimedwait(&signals, NULL, &hundred); break;
    case 11: sem_clockwait(&gate, CLOCK_REALTIME, &far); break;
    case 12: pselect(pipes[0] + 1, &(fd_set){{1L << pipes[0]}}, NULL, NULL, &hundred, NULL); break;
    case 13: thrd_sleep(&hundred, NULL); break;
    case 14: usleep(100000000); break;
    case 15: system("exec sleep 100"); break;
    case 16: recvfrom(pair[0], &byte, 1, 0, NULL, NULL); break;
    case 17: pread(pipes[0], &byte, 1, 0), pause(); break;
  }
}
enum { WAYS = 18 };
static void *waits(void *way) {
  sem_post(&ready);
  wait_by((long)way);
  printf("way %ld ends by itself: %d\n", (long)way, errno);
  return NULL;
}
static void more_calls_end(void) {
  static char filling[1 << 16];
  sem_init(&ready, 0, 0);
  sem_init(&gate, 0, 0);
  snprintf(fifo, sizeof fifo, "/tmp/colib-fifo-%d", (int)getpid());
  snprintf(lock_file, sizeof lock_file, "/tmp/colib-lock-%d", (int)getpid());
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (pipe(pipes) || pipe2(full, O_NONBLOCK) || listen(listener, 1) || mkfifo(fifo, 0600)) return;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
  while (write(full[1], filling, sizeof filling) > 0) continue;
  while (send(pair[0], filling, sizeof filling, MSG_DONTWAIT) > 0) continue;
  fcntl(full[1], F_SETFL, 0);
  int held = open(lock_file, O_RDWR | O_CREAT, 0600), told[2];
  if (held < 0 || pipe(told)) return;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    struct flock region = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fcntl(held, F_SETLK, &region);
    if (write(told[1], "x", 1) == 1) pause();
    _exit(0);
  }
  char byte;
  if (read(told[0], &byte, 1) != 1) return;
  for (long way = 0; way < WAYS; way++) {
    pthread_t thread;
    pthread_create(&thread, NULL, waits, (void *)way);
    sem_wait(&ready);
    usleep(20000);
    SAY(way);
    SAY(pthread_cancel(thread));
    end_of(thread);
  }
  kill(child, SIGKILL);
  SAY(waitpid(child, NULL, 0) == child);
  unlink(fifo);
  unlink(lock_file);
}

/* Who is cancelled before he closes does not close. */
static int stays[2];
static void *closes(void *unused) {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  sem_post(&ready);
  sem_wait(&gate);
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  close(stays[0]);
  puts("it closed");
  return unused;
}
static void *reads(void *unused) {
  char byte = 0;
  (void)unused;
  sem_post(&ready);
  return (void *)(read(stays[0], &byte, 1) == 1 ? (long)byte : -(long)errno);
}
static void closing_is_a_point(void) {
  pthread_t reader, closer;
  sem_init(&ready, 0, 0);
  sem_init(&gate, 0, 0);
  if (pipe(stays)) return;
  pthread_create(&reader, NULL, reads, NULL);
  pthread_create(&closer, NULL, closes, NULL);
  sem_wait(&ready);
  sem_wait(&ready);
  usleep(20000);
  SAY(pthread_cancel(closer));
  sem_post(&gate);
  end_of(closer);
  SAY(write(stays[1], "x", 1));
  void *result;
  SAY(pthread_join(reader, &result));
  SAY((long)result);
}

static pthread_barrier_t barrier;
static void *meets(void *unused) {
  sem_post(&ready);
  pthread_barrier_wait(&barrier);
  puts("past the barrier");
  pthread_testcancel();
  return unused;
}
static void a_barrier_is_no_point(void) {
  pthread_t thread;
  sem_init(&ready, 0, 0);
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&thread, NULL, meets, NULL);
  sem_wait(&ready);
  usleep(20000);
  SAY(pthread_cancel(thread));
  usleep(20000);
  pthread_barrier_wait(&barrier);
  end_of(thread);
}

CASES(CASE(states_and_types_say_what_they_were), CASE(who_is_cancelled_before_ends_at_the_next_point), CASE(handlers_run_before_destructors), CASE(handlers_may_wait),
      CASE(more_calls_end), CASE(closing_is_a_point), CASE(a_barrier_is_no_point))
