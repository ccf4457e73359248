/* calls.c - the table of calls. A function more is a line more. */
#define _GNU_SOURCE
#include "fuzz.h"

enum { KERNEL_SET = 8 };

/* libc hands the kernel a copy of the time, and so does not tell how much is left. */
static struct timespec *copy(long time) {
  static struct timespec copied;
  if (!time) return NULL;
  copied = *(const struct timespec *)time;
  return &copied;
}

static long bare_ppoll(const long *a) { return bare(SYS_ppoll, a[0], a[1], (long)copy(a[2]), a[3], KERNEL_SET, 0); }
static long bare_pselect(const long *a) {
  long mask[2] = {a[5], KERNEL_SET};
  return bare(SYS_pselect6, a[0], a[1], a[2], a[3], (long)copy(a[4]), (long)mask);
}
static long bare_epoll_pwait(const long *a) { return bare(SYS_epoll_pwait, a[0], a[1], a[2], a[3], a[4], KERNEL_SET); }
static long bare_epoll_pwait2(const long *a) { return bare(441, a[0], a[1], a[2], a[3], a[4], KERNEL_SET); }
static long bare_preadv2(const long *a) { return bare(SYS_preadv2, a[0], a[1], a[2], a[3], 0, a[4]); }
static long bare_pwritev2(const long *a) { return bare(SYS_pwritev2, a[0], a[1], a[2], a[3], 0, a[4]); }
static long bare_recv(const long *a) { return bare(SYS_recvfrom, a[0], a[1], a[2], a[3], 0, 0); }
static long bare_send(const long *a) { return bare(SYS_sendto, a[0], a[1], a[2], a[3], 0, 0); }
static long bare_accept(const long *a) { return bare(SYS_accept, a[0], a[1], a[2], 0, 0, 0); }
/* libc knows that a thread cannot sleep by its own time, and refuses with another number. */
static long bare_clock_nanosleep(const long *a) {
  return a[0] == CLOCK_THREAD_CPUTIME_ID ? -EINVAL : bare(SYS_clock_nanosleep, a[0], a[1], a[2], a[3], 0, 0);
}
static long bare_sigtimedwait(const long *a) { return bare(SYS_rt_sigtimedwait, a[0], a[1], a[2], KERNEL_SET, 0, 0); }
static long bare_waitid(const long *a) { return bare(SYS_waitid, a[0], a[1], a[2], a[3], 0, 0); }
static long bare_open(const long *a) { return bare(SYS_openat, AT_FDCWD, a[0], a[1], 0, 0, 0); }
static long bare_openat(const long *a) { return bare(SYS_openat, a[0], a[1], a[2], 0, 0, 0); }
static long bare_syscall(const long *a) { return bare(a[0], a[1], a[2], a[3], a[4], a[5], 0); }
static long bare_usleep(const long *a) {
  struct timespec time = {0, a[0] * 1000};
  return bare(SYS_nanosleep, (long)&time, 0, 0, 0, 0, 0);
}

struct row rows[] = {
    {"read", "fbn", SYS_read, .weight = 10},
    {"readv", "fvk", SYS_readv, .weight = 8},
    {"recv", "fbnF", 0, bare_recv, .weight = 8},
    {"recvfrom", "fbnFal", SYS_recvfrom, .weight = 8},
    {"recvmsg", "fmF", SYS_recvmsg, .weight = 10},
    {"recvmmsg", "fjqFD", SYS_recvmmsg, .weight = 6, .gives = INT},
    {"pread", "fbnP", SYS_pread64, .weight = 4},
    {"preadv", "fvkP", SYS_preadv, .weight = 4},
    {"preadv2", "fvkPR", 0, bare_preadv2, .weight = 6},
    {"write", "fbn", SYS_write, .weight = 10},
    {"writev", "fvk", SYS_writev, .weight = 8},
    {"send", "fbnF", 0, bare_send, .weight = 8},
    {"sendto", "fbnFAn", SYS_sendto, .weight = 8},
    {"sendmsg", "fMF", SYS_sendmsg, .weight = 10},
    {"sendmmsg", "fJqF", SYS_sendmmsg, .weight = 6, .gives = INT},
    {"pwrite", "fbnP", SYS_pwrite64, .weight = 4},
    {"pwritev", "fvkP", SYS_pwritev, .weight = 4},
    {"pwritev2", "fvkPR", 0, bare_pwritev2, .weight = 6},
    {"connect", "fAn", SYS_connect, .weight = 4, .gives = INT},
    {"accept", "fal", 0, bare_accept, .weight = 4, .gives = INT, .makes_descriptor = true},
    {"accept4", "falo", SYS_accept4, .weight = 4, .gives = INT, .makes_descriptor = true},
    {"poll", "pqi", SYS_poll, .weight = 8, .gives = INT},
    {"ppoll", "pqTg", 0, bare_ppoll, .weight = 6, .gives = INT},
    {"select", "SsssU", SYS_select, .weight = 8, .gives = INT},
    {"pselect", "SsssTg", 0, bare_pselect, .weight = 6, .gives = INT},
    {"epoll_wait", "fbki", SYS_epoll_wait, .weight = 4, .gives = INT},
    {"epoll_pwait", "fbkig", 0, bare_epoll_pwait, .weight = 4, .gives = INT},
    {"epoll_pwait2", "fbkBg", 0, bare_epoll_pwait2, .weight = 4, .gives = INT},
    {"usleep", "u", 0, bare_usleep, .weight = 1, .gives = INT},
    {"nanosleep", "Bw", SYS_nanosleep, .weight = 3, .gives = INT},
    {"clock_nanosleep", "CxBw", 0, bare_clock_nanosleep, .weight = 3, .gives = CODE},
    {"splice", "fOfOnx", SYS_splice, .weight = 6},
    {"tee", "ffnx", SYS_tee, .weight = 4},
    {"vmsplice", "fvkx", SYS_vmsplice, .weight = 4},
    {"sendfile", "ffOn", SYS_sendfile, .weight = 5},
    {"copy_file_range", "fOfOnx", SYS_copy_file_range, .weight = 5},
    {"fsync", "f", SYS_fsync, .weight = 1, .gives = INT},
    {"fdatasync", "f", SYS_fdatasync, .weight = 1, .gives = INT},
    {"flock", "ez", SYS_flock, .weight = 2, .gives = INT},
    {"sync_file_range", "fPPx", SYS_sync_file_range, .weight = 1, .gives = INT},
    {"msync", "bnx", SYS_msync, .weight = 1, .gives = INT},
    {"open", "ZG", 0, bare_open, .weight = 2, .gives = INT, .makes_descriptor = true},
    {"openat", "fZG", 0, bare_openat, .weight = 2, .gives = INT, .makes_descriptor = true},
    {"syscall", "1fbn", 0, bare_syscall, .weight = 2},
    {"syscall", "2fvk", 0, bare_syscall, .weight = 2},
    {"syscall", "3fmF", 0, bare_syscall, .weight = 2},
    {"syscall", "4pqi", 0, bare_syscall, .weight = 2},
    /* There are no children, and no such queues. */
    {"wait4", "WbXb", SYS_wait4, .weight = 2, .gives = INT},
    {"waitid", "xWbX", 0, bare_waitid, .weight = 2, .gives = INT},
    {"sigtimedwait", "gbB", 0, bare_sigtimedwait, .weight = 2, .gives = INT},
    {"msgrcv", "IbnPX", SYS_msgrcv, .weight = 1},
    {"msgsnd", "IbnX", SYS_msgsnd, .weight = 1, .gives = INT},
    {"semop", "Ibk", SYS_semop, .weight = 1, .gives = INT},
    {"semtimedop", "IbkB", SYS_semtimedop, .weight = 1, .gives = INT},
    {"mq_timedreceive", "fbnbB", SYS_mq_timedreceive, .weight = 1},
    {"mq_timedsend", "fbnxB", SYS_mq_timedsend, .weight = 1, .gives = INT},
    /* What descriptors mean. */
    {"shutdown", "fh", SYS_shutdown, .weight = 1, .gives = INT},
    {"getsockopt", "fLNbl", SYS_getsockopt, .weight = 4, .gives = INT},
    {"setsockopt", "fLKbn", SYS_setsockopt, .weight = 2, .gives = INT},
    {"fcntl", "fcP", SYS_fcntl, .weight = 4, .gives = INT, .makes_descriptor = true},
    {"ioctl", "fPb", SYS_ioctl, .weight = 2, .gives = INT},
    {"socket", "dyx", SYS_socket, .weight = 2, .gives = INT, .makes_descriptor = true},
    {"socketpair", "dyxb", SYS_socketpair, .weight = 2, .gives = INT, .makes_pair = true},
    {"pipe", "b", SYS_pipe, .weight = 2, .gives = INT, .makes_pair = true},
    {"pipe2", "bo", SYS_pipe2, .weight = 2, .gives = INT, .makes_pair = true},
    {"dup", "f", SYS_dup, .weight = 2, .gives = INT, .makes_descriptor = true},
};
const size_t row_count = sizeof rows / sizeof *rows;
