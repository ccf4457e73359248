/* processes.c - children that have not ended yet. */
#define _GNU_SOURCE
#include "park.h"

#include <sys/wait.h>

/* A child that ends with the waiter's number when it is told. It inherits pipes of others, so only a byte counts. */
static void child(struct waiter *me) {
  empty_pipe(me);
  me->child = fork();
  NEED(me->child >= 0);
  if (me->child == 0) {
    char byte;
    ssize_t n = read(me->in, &byte, 1);
    _exit(n == 1 ? 50 + me->index : 1);
  }
}

static bool ended_as_told(struct waiter *me, pid_t pid, int status) {
  return pid == me->child && WIFEXITED(status) && WEXITSTATUS(status) == 50 + me->index;
}

/* Of any child: each is taken once. */
static bool ended_as_any(pid_t pid, int status) {
  static bool taken[CROWD];
  int index = WEXITSTATUS(status) - 50;
  if (pid <= 0 || !WIFEXITED(status) || index < 0 || index >= CROWD || taken[index]) return false;
  taken[index] = true;
  return true;
}

PARKS(wait, child, write_a_byte) {
  int status = 0;
  (void)me;
  pid_t pid = wait(&status);
  return ended_as_any(pid, status);
}

PARKS(wait3, child, write_a_byte) {
  struct rusage usage = {.ru_maxrss = -1};
  int status = 0;
  (void)me;
  pid_t pid = wait3(&status, 0, &usage);
  return ended_as_any(pid, status) && usage.ru_maxrss >= 0;
}

PARKS(waitpid, child, write_a_byte) {
  int status = 0;
  pid_t pid = waitpid(me->child, &status, 0);
  return ended_as_told(me, pid, status);
}

PARKS_AS(waitpid_of_any, "waitpid", child, write_a_byte) {
  int status = 0;
  (void)me;
  pid_t pid = waitpid(-1, &status, 0);
  return ended_as_any(pid, status);
}

PARKS(wait4, child, write_a_byte) {
  struct rusage usage = {.ru_maxrss = -1};
  int status = 0;
  pid_t pid = wait4(me->child, &status, 0, &usage);
  return ended_as_told(me, pid, status) && usage.ru_maxrss >= 0;
}

PARKS(waitid, child, write_a_byte) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)me->child, &info, WEXITED) == 0 && info.si_pid == me->child && info.si_code == CLD_EXITED &&
         info.si_status == 50 + me->index;
}

/* ---- commands: each waits for a line of its pipe ---------------------------------------------------- */

static void write_a_line(struct waiter *me) { NEED(write(me->far, "x\n", 2) == 2); }
static void command(struct waiter *me, char *text, size_t room) {
  snprintf(text, room, "read word </proc/self/fd/%d; exit %d", me->in, 50 + me->index);
}

PARKS(system, empty_pipe, write_a_line) {
  char text[100];
  command(me, text, sizeof text);
  int status = system(text);
  return WIFEXITED(status) && WEXITSTATUS(status) == 50 + me->index;
}

static void started_command(struct waiter *me) {
  char text[100];
  empty_pipe(me);
  command(me, text, sizeof text);
  NEED((me->stream = popen(text, "w")) != NULL);
}

PARKS(pclose, started_command, write_a_line) {
  int status = pclose(me->stream);
  return WIFEXITED(status) && WEXITSTATUS(status) == 50 + me->index;
}
