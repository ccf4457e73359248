/* all_at_once.h - for calls that wait for others: many coroutines of one thread wait at once, and it goes on meanwhile. What
 * they wait for happens only when all of them wait, so a call that blocks the thread never comes to its end. */
#ifndef ALL_AT_ONCE_H
#define ALL_AT_ONCE_H

#include "ticks.h"

#include <dirent.h>

#define MANY 20

/* Bodies count themselves in `begun` right before the call that waits, and in `finished` at their end. */
static int begun, finished;

/* Runs `body` in MANY coroutines, some of them on one shared stack. When all have begun to wait, and none has ended, the
 * coroutine `open_gate` does what they wait for. */
UNUSED static void all_at_once(void *(*body)(void *), void *(*open_gate)(void *)) {
  stShareStack_t *shared = co_alloc_sharestack(1, 128 * 1024);
  for (intptr_t i = 0; i < MANY; i++) {
    stCoRoutine_t *co = spawn_on(i % 4 == 3 ? shared : NULL, 0, body, (void *)i);
    co_resume(co);
  }
  loop_until(&begun, MANY);
  CHECK_IS(finished, 0);
  start(open_gate, NULL);
  loop_until(&finished, MANY);
}

/* How many threads of the process wait in the system call `number`, as the kernel has it. */
UNUSED static int threads_in_call(long number) {
  int threads = 0;
  DIR *all = opendir("/proc/self/task");
  NEED(all != NULL);
  for (struct dirent *one; (one = readdir(all));) {
    char name[300];
    long call = -1;
    snprintf(name, sizeof name, "/proc/self/task/%s/syscall", one->d_name);
    FILE *file = fopen(name, "r");
    if (!file) continue;
    threads += fscanf(file, "%ld", &call) == 1 && call == number;
    fclose(file);
  }
  closedir(all);
  return threads;
}

static int gate[2];

/* A child that exits with `code` when the gate is opened. */
UNUSED static pid_t held_child(int code) {
  if (gate[1] == 0) NEED(pipe2(gate, O_CLOEXEC) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    syscall(SYS_close, gate[1]);
    syscall(SYS_read, gate[0], &byte, 1);
    _exit(code);
  }
  NEED(child > 0);
  return child;
}

/* Ends the children that are held. */
UNUSED static void *open_for_children(void *nothing) {
  close(gate[1]);
  return nothing;
}

/* A child that does nothing for some time and exits with `code`. */
UNUSED static pid_t sleeper(int ms, int code) {
  pid_t child = fork();
  if (child == 0) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    syscall(SYS_nanosleep, &time, NULL);
    _exit(code);
  }
  NEED(child > 0);
  return child;
}

/* A directory for this case, into which the process goes. */
UNUSED static void enter_directory(void) {
  char name[] = "/tmp/colib-files-XXXXXX";
  NEED(mkdtemp(name) && chdir(name) == 0);
}

UNUSED static void remove_directory(void) {
  char command[200], *name = getcwd(command, sizeof command);
  NEED(name && chdir("/") == 0);
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/rm", "rm", "-rf", name, NULL);
    _exit(1);
  }
  waitpid(child, NULL, 0);
}

#endif
