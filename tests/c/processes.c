/* processes.c - waiting for children: the coroutine waits, its thread does not, and no child is lost. */
#include "all_at_once.h"

static pid_t children[MANY];

/* ---- one child -------------------------------------------------------------------------------------- */

static void *wait_for_one(void *number) {
  intptr_t i = (intptr_t)number;
  int status = -1;
  struct rusage usage;
  siginfo_t info;
  co_enable_hook_sys();
  memset(&usage, 0x55, sizeof usage);
  memset(&info, 0x55, sizeof info);
  pid_t child = children[i];
  CHECK_IS(waitpid(child, &status, WNOHANG), 0);
  begun++;
  switch (i % 4) {
    case 0: CHECK_IS(waitpid(child, &status, 0), child); break;
    case 1:
      CHECK_IS(wait4(child, &status, 0, &usage), child);
      CHECK(usage.ru_maxrss > 0 && usage.ru_maxrss < 1 << 30);
      break;
    case 2:
      CHECK_IS(waitid(P_PID, (id_t)child, &info, WEXITED), 0);
      CHECK(info.si_pid == child && info.si_code == CLD_EXITED && info.si_signo == SIGCHLD);
      CHECK(info.si_uid == getuid());
      status = info.si_status << 8;
      break;
    case 3: {
      int fd = (int)syscall(SYS_pidfd_open, child, 0);
      CHECK_IS(waitid((idtype_t)3 /* P_PIDFD */, (id_t)fd, &info, WEXITED | WNOWAIT), 0);
      CHECK_IS(waitid((idtype_t)3, (id_t)fd, NULL, WEXITED), 0);
      CHECK(waitid((idtype_t)3, (id_t)fd, NULL, WEXITED) == -1 && errno == ECHILD);
      close(fd);
      status = info.si_status << 8;
      break;
    }
  }
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i);
  CHECK(waitpid(child, &status, 0) == -1 && errno == ECHILD);
  finished++;
  return NULL;
}

TEST(waiting_for_one_child) {
  int before = open_descriptors();
  for (int i = 0; i < MANY; i++) children[i] = held_child(i);
  all_at_once(wait_for_one, open_for_children);
  /* The loop's own two. */
  CHECK(open_descriptors() <= before + 2);
}

/* ---- any child -------------------------------------------------------------------------------------- */

static int seen[MANY];

static void *wait_for_any(void *number) {
  int status = -1;
  struct rusage usage;
  siginfo_t info = {0};
  pid_t child = 0;
  co_enable_hook_sys();
  begun++;
  switch ((intptr_t)number % 6) {
    case 0: child = wait(&status); break;
    case 1: child = waitpid(-1, &status, 0); break;
    case 2: child = wait3(&status, 0, &usage); break;
    case 3: child = wait4(0, &status, 0, &usage); break;
    case 4: child = waitpid(-getpgrp(), &status, WUNTRACED | WCONTINUED); break;
    case 5:
      CHECK_IS(waitid(P_ALL, 0, &info, WEXITED), 0);
      child = info.si_pid;
      status = info.si_status << 8;
      break;
  }
  CHECK(child > 0 && WIFEXITED(status));
  for (int i = 0; i < MANY; i++)
    if (children[i] == child) {
      CHECK_IS(WEXITSTATUS(status), i);
      seen[i]++;
    }
  finished++;
  return NULL;
}

TEST(each_of_many_who_wait_for_any_child_gets_one) {
  for (int i = 0; i < MANY; i++) children[i] = held_child(i);
  all_at_once(wait_for_any, open_for_children);
  for (int i = 0; i < MANY; i++) CHECK_IS(seen[i], 1);
  CHECK(wait(NULL) == -1 && errno == ECHILD);
}

static void *wait_in_vain(void *pid) {
  co_enable_hook_sys();
  waitpid((pid_t)(intptr_t)pid, NULL, 0);
  CHECK(!"a released coroutine goes on");
  return NULL;
}

static void *wait_for_all(void *count) {
  co_enable_hook_sys();
  for (intptr_t i = 0; i < (intptr_t)count; i++) CHECK(waitpid(-1, NULL, 0) > 0);
  CHECK(waitpid(-1, NULL, 0) == -1 && errno == ECHILD);
  finished++;
  return NULL;
}

TEST(a_released_coroutine_takes_no_child_away) {
  start(tick, NULL);
  int before = open_descriptors();
  for (int i = 0; i < MANY; i++) children[i] = held_child(0);
  for (int i = 0; i < MANY; i++) {
    stCoRoutine_t *co = start(wait_in_vain, (void *)(intptr_t)(i % 2 ? -1 : children[i]));
    if (i % 4 > 1) loop_for(2);
    co_release(co);
  }
  start(wait_for_all, (void *)MANY);
  close(gate[1]);
  loop_until(&finished, 1);
  CHECK(open_descriptors() <= before + 2);
}

static int signals_seen;

static void *watch_stops(void *nothing) {
  int status = 0;
  siginfo_t info = {0};
  co_enable_hook_sys();
  CHECK_IS(waitpid(children[0], &status, WUNTRACED), children[0]);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  signals_seen = 1;
  CHECK_IS(waitid(P_PID, (id_t)children[0], &info, WCONTINUED | WEXITED), 0);
  CHECK(info.si_pid == children[0] && info.si_code == CLD_CONTINUED);
  signals_seen = 2;
  CHECK_IS(waitpid(children[0], &status, 0), children[0]);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  finished++;
  return nothing;
}

static void *give_signals(void *nothing) {
  static const int signals[] = {SIGSTOP, SIGCONT, SIGKILL};
  co_enable_hook_sys();
  for (int i = 0; i < 3; i++) {
    do usleep(5000);
    while (signals_seen < i);
    kill(children[0], signals[i]);
  }
  return nothing;
}

TEST(stopped_and_continued_children_are_told) {
  children[0] = held_child(0);
  start(watch_stops, NULL);
  start(give_signals, NULL);
  loop_until(&finished, 1);
}

static void *wait_wrongly(void *nothing) {
  siginfo_t info;
  int status;
  co_enable_hook_sys();
  CHECK(wait(&status) == -1 && errno == ECHILD);
  CHECK(waitpid(getpid(), &status, 0) == -1 && errno == ECHILD);
  CHECK(waitpid(-1, &status, 0x12345678) == -1 && errno == EINVAL);
  CHECK(waitid(P_ALL, 0, &info, 0) == -1 && errno == EINVAL);
  CHECK(waitid((idtype_t)77, 0, &info, WEXITED) == -1 && errno == EINVAL);
  CHECK(waitid((idtype_t)3, 999, &info, WEXITED) == -1 && errno == EBADF);
  pid_t child = sleeper(50, 3);
  CHECK(waitpid(child, (int *)8, 0) == -1 && errno == EFAULT);
  CHECK(waitpid(child, &status, 0) == -1 && errno == ECHILD);
  signal(SIGCHLD, SIG_IGN);
  child = sleeper(50, 3);
  CHECK(waitpid(child, &status, 0) == -1 && errno == ECHILD);
  child = sleeper(50, 3);
  CHECK(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
  signal(SIGCHLD, SIG_DFL);
  /* A child of this thread alone. */
  child = sleeper(50, 3);
  CHECK_IS(waitpid(-1, &status, __WNOTHREAD), child);
  CHECK_IS(waitpid(sleeper(20, 4), &status, __WALL) > 0, 1);
  CHECK_IS(WEXITSTATUS(status), 4);
  finished++;
  return nothing;
}

TEST(errors_of_waiting) {
  start(wait_wrongly, NULL);
  loop_until(&finished, 1);
}

/* ---- commands --------------------------------------------------------------------------------------- */

/* A number that a shell can name. */
#define COMMANDS_GATE 9

static void *command(void *number) {
  char text[64];
  intptr_t i = (intptr_t)number;
  co_enable_hook_sys();
  snprintf(text, sizeof text, "read line <&%d; exit %d", COMMANDS_GATE, (int)i);
  if (i % 2) {
    begun++;
    int status = system(text);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i);
  } else {
    FILE *stream = popen(text, i % 4 ? "r" : "w");
    NEED(stream != NULL);
    begun++;
    int status = pclose(stream);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i);
  }
  finished++;
  return NULL;
}

TEST(system_and_pclose_wait_for_commands) {
  NEED(pipe2(gate, O_CLOEXEC) == 0 && dup2(gate[0], COMMANDS_GATE) == COMMANDS_GATE);
  all_at_once(command, open_for_children);
  struct sigaction action;
  CHECK(sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
}

static int reaped;
static void reap_all(int signal) {
  int saved = errno;
  (void)signal;
  while (waitpid(-1, NULL, WNOHANG) > 0) reaped++;
  errno = saved;
}

static void *commands_one_by_one(void *nothing) {
  struct sigaction action;
  co_enable_hook_sys();
  CHECK(system(NULL) != 0);
  int status = system("kill -9 $$");
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  CHECK_IS(WEXITSTATUS(system("this-command-does-not-exist 2>/dev/null")), 127);
  /* The command does not begin with signals blocked or ignored. */
  CHECK_IS(WEXITSTATUS(system("grep -q '^SigBlk:.0000000000000000' /proc/self/status")), 0);
  CHECK_IS(WEXITSTATUS(system("grep -q '^SigIgn:.*[02468ace]$' /proc/self/status")), 0);
  status = system("kill -INT $$; kill -INT $PPID; sleep 1");
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  CHECK(sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
  /* A handler that waits for all children does not make the status unknown. */
  signal(SIGCHLD, reap_all);
  for (int i = 0; i < 5; i++) {
    status = system("exit 5");
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 5) || (status == -1 && errno == ECHILD && reaped));
  }
  finished++;
  return nothing;
}

TEST(statuses_and_signals_of_commands) {
  start(commands_one_by_one, NULL);
  loop_until(&finished, 1);
}

static void *command_in_vain(void *nothing) {
  co_enable_hook_sys();
  system("sleep 0.05");
  CHECK(!"a released coroutine goes on");
  return nothing;
}

TEST(a_coroutine_is_released_while_its_command_runs) {
  struct sigaction action;
  stCoRoutine_t *co = start(command_in_vain, NULL);
  CHECK(sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
  co_release(co);
  CHECK(sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
  loop_for(10);
  CHECK(wait(NULL) > 0);
}

/* ---- fork ------------------------------------------------------------------------------------------- */

static int waiters;

static void *wait_and_count(void *nothing) {
  co_enable_hook_sys();
  waiters++;
  pid_t got = waitpid(-1, NULL, 0);
  if (getpid() == children[1])
    CHECK(got == children[0]);
  else
    CHECK(got == -1 && errno == ECHILD);
  finished++;
  return nothing;
}

TEST(in_a_child_of_fork_waiting_coroutines_find_no_children_of_theirs) {
  children[1] = getpid();
  children[0] = held_child(0);
  start(tick, NULL);
  start(wait_and_count, NULL);
  loop_for(50);
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    loop_until(&finished, 1);
    _exit(check_failures ? 1 : 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  close(gate[1]);
  loop_until(&finished, 1);
}

RUN_TESTS
