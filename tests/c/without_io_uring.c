/* Runs a command where the kernel allows no io_uring, as many containers do: without_io_uring COMMAND... */
#include "refusal.h"

int main(int count, char **arguments) {
  if (count < 2) return 2;
  refuse(SYS_io_uring_setup, EPERM);
  execvp(arguments[1], arguments + 1);
  perror(arguments[1]);
  return 127;
}
