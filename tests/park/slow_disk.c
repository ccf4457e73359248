/*
 * slow_disk.c - a disk that takes its time: a FUSE file system with a file for each waiter, since the kernel does one thing after
 * another to a single file.
 *
 * A process of its own serves it, in which alone the device is open: when it ends, whatever still waits for the disk is let go. It
 * answers a request of the kind that is waited for when it is told to, all others at once.
 */
#define _GNU_SOURCE
#include "park.h"

#include "../c/fuse.h"

#include <sched.h>
#include <sys/mount.h>

/* Linux 6.18 asks for copies by a newer name first. The answer has the same bytes. */
enum { COPY_FILE_RANGE_64 = 53 };

static int orders;
static uint32_t slow;
static char mounted[64];

/* ---- the disk --------------------------------------------------------------------------------------- */

static uint64_t asked[CROWD];
static bool told[CROWD];

static void answer_when_told(uint64_t index) {
  struct fuse_write_out copied = {.size = 4};
  if (index >= CROWD || !asked[index] || !told[index]) return;
  answer(asked[index], 0, &copied, slow == FUSE_COPY_FILE_RANGE ? sizeof copied : 0);
}

static void serve_one(const struct fuse_in_header *request, const void *body) {
  if (request->opcode == slow || (slow == FUSE_COPY_FILE_RANGE && request->opcode == COPY_FILE_RANGE_64)) {
    uint64_t index = request->nodeid - FIRST_NODE;
    if (index < CROWD) asked[index] = request->unique;
    answer_when_told(index);
    return;
  }
  serve_as_any_disk(request, body, FOPEN_DIRECT_IO);
}

static void serve(int told_by) {
  static char request[FUSE_MIN_READ_BUFFER * 4];
  for (;;) {
    struct pollfd fds[2] = {{device, POLLIN, 0}, {told_by, POLLIN, 0}};
    unsigned char index;
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents) {
      /* The end of the orders is the end of the case. */
      if (read(told_by, &index, 1) != 1) _exit(0);
      told[index] = true;
      answer_when_told(index);
    }
    if (fds[0].revents & POLLERR) _exit(0);
    if (fds[0].revents) {
      ssize_t n = read(device, request, sizeof request);
      if (n >= (ssize_t)sizeof(struct fuse_in_header)) serve_one((void *)request, request + sizeof(struct fuse_in_header));
    }
  }
}

/* ---- its files -------------------------------------------------------------------------------------- */

/* Before the process has another thread: all of them see the disk. */
static void mount_it(void) {
  char options[100];
  int ends[2];
  if ((device = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0) CANNOT("/dev/fuse cannot be opened");
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    CANNOT("a mount namespace of its own is not permitted");
  snprintf(mounted, sizeof mounted, "/tmp/colib-park-disk-%d", (int)getpid());
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", device, (int)getuid(), (int)getgid());
  NEED(mkdir(mounted, 0700) == 0);
  int failed = mount("colib", mounted, "fuse", 0, options);
  if (failed) rmdir(mounted);
  if (failed) CANNOT("a FUSE file system cannot be mounted");
  NEED(pipe2(ends, O_CLOEXEC) == 0);
  pid_t child = fork();
  NEED(child >= 0);
  if (child == 0) {
    close(ends[1]);
    serve(ends[0]);
  }
  close(ends[0]);
  close(device);
  orders = ends[1];
}

static void open_file(struct waiter *me) {
  char path[100];
  snprintf(path, sizeof path, "%s/%d", mounted, me->index);
  NEED((me->in = open(path, O_RDWR)) >= 0);
  if (me->index < CROWD - 1) return;
  /* Nothing stays behind but the open files. */
  umount2(mounted, MNT_DETACH);
  rmdir(mounted);
}
static void tell_disk(struct waiter *me) {
  unsigned char index = (unsigned char)me->index;
  NEED(write(orders, &index, 1) == 1);
}

static void slow_to_sync(void) {
  slow = FUSE_FSYNC;
  mount_it();
}
static void slow_to_copy(void) {
  slow = FUSE_COPY_FILE_RANGE;
  mount_it();
}
static void slow_to_read(void) {
  slow = FUSE_READ;
  mount_it();
}

#define ON_SLOW_DISK(name, needs, slow_to) PARKS_AS(name, needs, open_file, tell_disk, .begin = slow_to)

ON_SLOW_DISK(fsync, "fsync", slow_to_sync) { return fsync(me->in) == 0; }
ON_SLOW_DISK(fdatasync, "fdatasync", slow_to_sync) { return fdatasync(me->in) == 0; }
ON_SLOW_DISK(copy_file_range, "copy_file_range", slow_to_copy) {
  off64_t from = 0, to = 1024;
  return copy_file_range(me->in, &from, me->in, &to, 4, 0) == 4 && from == 4 && to == 1028;
}
/* A plain read of a file is not hooked as far as this table goes; a symbol to be exported one day would turn it on. */
ON_SLOW_DISK(read_of_a_slow_disk, "colib_reads_files_on_helpers", slow_to_read) {
  char byte;
  return read(me->in, &byte, 1) == 0;
}
