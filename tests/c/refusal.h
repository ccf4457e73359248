/* refusal.h - a kernel that refuses a system call, as older or stricter ones do. */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "check.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

/* From now on that happens to calls of that number by this thread and those that it makes. */
static void filter_calls(unsigned number, unsigned action) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) SKIP("the kernel filters no calls");
}

/* From now on they fail with `error`. */
UNUSED static void refuse(unsigned number, unsigned error) {
  filter_calls(number, SECCOMP_RET_ERRNO | error);
  NEED(syscall(number, -1, NULL, 0, NULL, NULL, 0) == -1 && errno == (int)error);
}

#endif
