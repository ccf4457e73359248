/* A program that traces its children, which tell it of more than their end: printed. */
#include "threads_mode.h"

#include <sys/ptrace.h>

static int status;
static void say_status(void) {
  if (WIFSTOPPED(status)) SAY(WSTOPSIG(status));
  else SAY(WEXITSTATUS(status));
}
/* A child that asks to be traced, after a while, and stops twice. */
static pid_t begin(void) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    usleep(20000);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    kill(getpid(), SIGSTOP);
    kill(getpid(), SIGUSR1);
    _exit(42);
  }
  return child;
}

static void *traces_by_number(void *unused) {
  pid_t child = begin();
  for (int i = 0; i < 3; i++) {
    SAY(waitpid(child, &status, 0) == child);
    say_status();
    if (i < 2) SAY(ptrace(PTRACE_CONT, child, NULL, NULL));
  }
  SAY(waitpid(child, NULL, 0) < 0 && errno == ECHILD);
  return unused;
}
static void *traces_all(void *unused) {
  pid_t child = begin();
  for (int i = 0; i < 3; i++) {
    SAY(waitpid(-1, &status, __WALL) == child);
    say_status();
    if (i < 2) SAY(ptrace(PTRACE_CONT, child, NULL, NULL));
  }
  return unused;
}
static void *traces_by_waitid(void *unused) {
  pid_t child = begin();
  for (int i = 0; i < 3; i++) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    SAY(waitid(P_PID, (id_t)child, &info, WEXITED));
    SAY(info.si_pid == child);
    SAY(info.si_code);
    SAY(info.si_status);
    if (i < 2) SAY(ptrace(PTRACE_CONT, child, NULL, NULL));
  }
  return unused;
}
/* Nobody traces: a stop ends no wait. */
static void *waits_for_the_end(void *unused) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    kill(getpid(), SIGSTOP);
    _exit(7);
  }
  usleep(20000);
  while (kill(child, 0) == 0 && waitpid(child, &status, WNOHANG | WUNTRACED) != child) usleep(1000);
  SAY(WIFSTOPPED(status));
  kill(child, SIGCONT);
  SAY(waitpid(child, &status, 0) == child);
  say_status();
  return unused;
}

static void in_a_thread(void *(*routine)(void *)) {
  pthread_t thread;
  pthread_create(&thread, NULL, routine, NULL);
  SAY(pthread_join(thread, NULL));
}
static void main_traces_by_number(void) { traces_by_number(NULL); }
static void a_thread_traces_by_number(void) { in_a_thread(traces_by_number); }
static void a_thread_traces_all(void) { in_a_thread(traces_all); }
static void a_thread_traces_by_waitid(void) { in_a_thread(traces_by_waitid); }
static void untraced_children_end_once(void) { in_a_thread(waits_for_the_end); }

CASES(CASE(main_traces_by_number), CASE(a_thread_traces_by_number), CASE(a_thread_traces_all), CASE(a_thread_traces_by_waitid),
      CASE(untraced_children_end_once))
