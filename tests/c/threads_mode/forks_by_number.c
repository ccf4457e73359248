/* Children that are made by `syscall`, without libc's knowledge: printed. */
#include "threads_mode.h"

#include <linux/sched.h>
#include <pwd.h>

static void *sleeps(void *unused) {
  usleep(2000);
  return unused;
}
static void *waits(void *descriptor) {
  char byte;
  return (void *)(long)read(*(int *)descriptor, &byte, 1);
}
/* Waits for all that there is to wait for; helpers look up the user. */
static void work(void) {
  int ends[2];
  pthread_t threads[2];
  void *result = NULL;
  if (pipe(ends)) return;
  pthread_create(&threads[0], NULL, sleeps, NULL);
  pthread_create(&threads[1], NULL, waits, &ends[0]);
  SAY(getpwnam("root") != NULL);
  SAY(usleep(1000));
  SAY(write(ends[1], "x", 1));
  SAY(pthread_join(threads[0], NULL));
  SAY(pthread_join(threads[1], &result));
  SAY((long)result);
  close(ends[0]);
  close(ends[1]);
}
static void with(long child) {
  int status;
  if (child == 0) {
    work();
    _exit(7);
  }
  /* The child prints too, so nothing is said before it has ended. */
  pid_t ended = waitpid((pid_t)child, &status, 0);
  SAY(child > 0);
  SAY(ended == child);
  SAY(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  work();
}
static void by_fork(void) {
  work();
  with(syscall(SYS_fork));
}
static void by_clone(void) {
  work();
  with(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}
static void by_clone3(void) {
  struct clone_args how;
  memset(&how, 0, sizeof how);
  how.exit_signal = SIGCHLD;
  work();
  with(syscall(SYS_clone3, &how, sizeof how));
}
static void refused(void) {
  work();
  SAY(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL, NULL));
  SAY(errno == EINVAL);
  work();
}

CASES(CASE(by_fork), CASE(by_clone), CASE(by_clone3), CASE(refused))
