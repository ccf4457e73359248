/* Runs a command where a filter refuses system calls with EPERM, as those of containers do that were written before there were
 * these calls: without CALL,CALL,... COMMAND... */
#include "refusal.h"

static const struct {
  const char *name;
  unsigned number;
} calls[] = {
    {"epoll_pwait2", SYS_epoll_pwait2},         {"io_uring_setup", SYS_io_uring_setup},     {"pidfd_open", SYS_pidfd_open},
    {"process_vm_readv", SYS_process_vm_readv}, {"process_vm_writev", SYS_process_vm_writev},
};
enum { CALLS = sizeof calls / sizeof *calls };

int main(int count, char **arguments) {
  if (count < 3) return 2;
  for (char *name = strtok(arguments[1], ","); name; name = strtok(NULL, ",")) {
    int i = 0;
    while (i < CALLS && strcmp(calls[i].name, name) != 0) i++;
    if (i == CALLS) {
      fprintf(stderr, "without: which call is %s?\n", name);
      return 2;
    }
    refuse(calls[i].number, EPERM);
  }
  execvp(arguments[2], arguments + 2);
  perror(arguments[2]);
  return 127;
}
