/* children.c - waiting for children and commands. */
#include "scenario.h"

#include <sys/resource.h>
#include <sys/wait.h>

static int hold[2];
static pid_t children[4];

/* A child that ends with `code` once the pipe is closed. */
static pid_t child_that_ends(int code) {
  pid_t child = MUST(fork());
  if (child == 0) {
    char byte;
    syscall(SYS_close, hold[1]);
    syscall(SYS_read, hold[0], &byte, 1);
    _exit(code);
  }
  return child;
}

static void wait_for(void *way) {
  int status = -1;
  siginfo_t info = {0};
  pid_t got = 0;
  errno = 0;
  switch (*(int *)way) {
    case 0: got = waitpid(children[0], &status, 0); break;
    case 1: got = waitpid(-1, &status, 0); break;
    case 2: got = wait(&status); break;
    case 3: got = wait4(0, &status, WUNTRACED, NULL); break;
    case 4: got = waitid(P_PID, (id_t)children[0], &info, WEXITED | WNOWAIT) == 0 ? children[0] : -1; break;
    case 5: got = waitid(P_ALL, 0, &info, WEXITED | WSTOPPED) == 0 ? info.si_pid : -1; break;
    case 6: got = waitpid(-getpgrp(), &status, __WALL); break;
  }
  say("mine: %d, status %#x, errno %s, code %d, status %d", got == children[0], (unsigned)status, error_name(errno), info.si_code,
      info.si_status);
}

SCENARIO(waiting_for_children, "one child is waited for in every way") {
  static int ways[] = {0, 1, 2, 3, 4, 5, 6};
  static const char *const names[] = {"pid", "any", "wait", "group", "look", "id", "all"};
  for (int i = 0; i < 7; i++) {
    MUST(pipe(hold));
    children[0] = child_that_ends(40 + i);
    TRACE(waitpid(children[0], NULL, WNOHANG));
    start(names[i], wait_for, &ways[i]);
    settle();
    say("still waiting: %d", !has_ended(names[i]));
    MUST(close(hold[1]));
    MUST(close(hold[0]));
    join();
    say("%s", i == 4 ? "left" : "taken");
    TRACE(waitpid(-1, NULL, 0) > 0);
  }
}

SCENARIO(stopped_children, "children that are stopped, continued and killed") {
  static int way = 3;
  MUST(pipe(hold));
  children[0] = child_that_ends(1);
  start("stop", wait_for, &way);
  settle();
  MUST(kill(children[0], SIGSTOP));
  join();
  MUST(kill(children[0], SIGKILL));
  wait_for(&way);
  wait_for(&way);
}

SCENARIO(wrong_waits, "waits for nobody") {
  siginfo_t info;
  TRACE(wait(NULL));
  TRACE(waitpid(1, NULL, 0));
  TRACE(waitpid(-1, NULL, 12345));
  TRACE(waitpid(INT_MIN, NULL, 0));
  TRACE(waitid(P_ALL, 0, &info, 0));
  TRACE(waitid(P_PID, 0, &info, WEXITED));
  TRACE(waitid(P_PGID, 77777, &info, WEXITED));
  TRACE(waitid((idtype_t)9, 0, &info, WEXITED));
  TRACE(waitid((idtype_t)3, 0, &info, WEXITED));
  TRACE(wait4(-1, NULL, WEXITED, NULL));
}

SCENARIO(commands, "system and popen") {
  TRACE(system(NULL));
  TRACE(system("exit 7"));
  TRACE(system("kill -TERM $$"));
  TRACE(system("no-such-command-at-all 2>/dev/null"));
  TRACE(system(""));
  FILE *stream = popen("cat >/dev/null; exit 9", "w");
  TRACE(fputs("text", stream));
  TRACE(pclose(stream));
  stream = popen("echo word; kill -HUP $$", "r");
  char word[16] = "";
  TRACE(fgets(word, sizeof word, stream) != NULL);
  say("%s", word);
  TRACE(pclose(stream));
}
