/* Runs a command as on Linux 4.18: older COMMAND...
 *
 * Of what the library has a use for, pidfds came with 5.3, io_uring's accept with 5.5, close_range with 5.9, MADV_COLLAPSE with
 * 6.1 and MADV_GUARD_INSTALL with 6.13; epoll_pwait2, of 5.11, is not refused, as programs get it from the library then.
 * RWF_NOWAIT came with 4.14 for files on disk, with 5.8 for eventfds, with 6.5 for pipes and sockets, with 6.10 for timerfds and
 * signalfds: this process is asked about each such call (seccomp_unotify(2)), and refuses it where that kernel did, behind all
 * that it looked at first. */
#include "check.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

static int filter_what_is_newer(void) {
  enum { COLLAPSE = 25, GUARD_INSTALL = 102 };
  struct sock_filter filter[] = {
      /* Jumps count from the next statement. */
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 12, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 11, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 10, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, COLLAPSE, 6, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GUARD_INSTALL, 5, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_preadv2, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwritev2, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, RWF_NOWAIT, 3, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  /* Signals that come while this process thinks about a call would have it begin again and again: not since Linux 5.19. */
  enum { WAIT_KILLABLE = 1 << 5 };
  unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | WAIT_KILLABLE, &program);
  if (listener < 0) listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  return (int)listener;
}

static int process_of(unsigned thread) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%u/status", thread);
  FILE *status = fopen(path, "r");
  int process = -1;
  while (status && process < 0 && fgets(line, sizeof line, status)) sscanf(line, "Tgid: %d", &process);
  if (status) fclose(status);
  return process;
}

/* Whether the kernel, if it knew no flag, would come so far as to look at the vector's buffers. */
static int takes(unsigned thread, uint64_t vector, uint64_t count) {
  struct iovec pieces[1024];
  if (count == 0 || count > 1024) return 0;
  struct iovec here = {pieces, count * sizeof *pieces}, there = {(void *)vector, count * sizeof *pieces};
  if (process_vm_readv((pid_t)thread, &here, 1, &there, 1, 0) != (ssize_t)here.iov_len) return 0;
  size_t all = 0;
  for (size_t i = 0; i < count; i++) {
    uintptr_t end;
    if ((ssize_t)pieces[i].iov_len < 0 || __builtin_add_overflow((uintptr_t)pieces[i].iov_base, pieces[i].iov_len, &end) ||
        end > 0x7ffffffff000)
      return 0;
    all += pieces[i].iov_len;
  }
  return all > 0;
}

/* Whether a thread's descriptor is for a file on disk. The caller may be the file system itself: it is neither asked now nor told
 * that a descriptor is closed. */
static int is_on_disk(unsigned thread, int descriptor) {
  char path[64];
  struct statx status;
  snprintf(path, sizeof path, "/proc/%u/fd/%d", thread, descriptor);
  if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return 0;
  return S_ISREG(status.stx_mode) || S_ISDIR(status.stx_mode) || S_ISBLK(status.stx_mode);
}

/* Whether an older kernel said that it cannot. */
static int refuses(const struct seccomp_notif *call) {
  if (is_on_disk(call->pid, (int)call->data.args[0])) return 0;
  int process = (int)syscall(SYS_pidfd_open, process_of(call->pid), 0);
  int file = (int)syscall(SYS_pidfd_getfd, process, (int)call->data.args[0], 0);
  close(process);
  if (file < 0) return 0;
  /* The same without buffers, at the same position: -1 is the file's own. */
  int suits = syscall((int)call->data.nr, file, NULL, 0, call->data.args[3], call->data.args[4], 0) == 0;
  close(file);
  return suits && takes(call->pid, call->data.args[1], call->data.args[2]);
}

static void answer(int listener) {
  struct seccomp_notif call = {0};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return;
  struct seccomp_notif_resp response = {.id = call.id};
  if (refuses(&call))
    response.error = -EOPNOTSUPP;
  else
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int main(int count, char **arguments) {
  if (count < 2) return 2;
  int told[2], heard[2], listener;
  NEED(pipe2(told, O_CLOEXEC) == 0 && pipe2(heard, O_CLOEXEC) == 0);
  pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    listener = filter_what_is_newer();
    NEED(write(told[1], &listener, sizeof listener) == sizeof listener);
    NEED(read(heard[0], &listener, sizeof listener) == sizeof listener);
    if (listener < 0) {
      fprintf(stderr, "older: this kernel asks nobody about calls: seccomp_unotify(2)\n");
      _exit(126);
    }
    close(listener);
    execvp(arguments[1], arguments + 1);
    perror(arguments[1]);
    _exit(127);
  }
  NEED(read(told[0], &listener, sizeof listener) == sizeof listener);
  int number = listener, process = (int)syscall(SYS_pidfd_open, child, 0);
  if (number >= 0) listener = (int)syscall(SYS_pidfd_getfd, process, number, 0);
  NEED(write(heard[1], &number, sizeof number) == sizeof number);
  /* Until the last one that the filter holds for has ended. */
  for (struct pollfd asked = {listener, POLLIN, 0}; listener >= 0 && poll(&asked, 1, -1) > 0 && !(asked.revents & POLLHUP);)
    if (asked.revents & POLLIN) answer(listener);
  int status;
  NEED(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
