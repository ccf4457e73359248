/*
 * slow_disk.c - a disk that takes its time: a FUSE file system of one file, served by a thread of this file.
 *
 * Every request of the kind that is waited for is answered when the wait may end, all others at once. It is mounted in a mount
 * namespace of the case's own.
 */
#define _GNU_SOURCE
#include "park.h"

#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>

static int device;
static uint32_t slow;
static char mounted[64];

static void answer(uint64_t unique, int error, const void *body, size_t size) {
  struct fuse_out_header head = {.len = (uint32_t)(sizeof head + size), .error = -error, .unique = unique};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)body, size}};
  if (writev(device, parts, size ? 2 : 1) < 0) {
    /* Whoever asked has gone. */
  }
}

static struct fuse_attr attributes(uint64_t node) {
  return (struct fuse_attr){.ino = node, .size = 4096, .mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0600, .nlink = 1, .blksize = 4096};
}

struct late {
  uint64_t unique;
  long long since;
};
static struct late late[64];
static int late_count;
static pthread_mutex_t late_lock = PTHREAD_MUTEX_INITIALIZER;

static void *answer_late(void *unused) {
  struct fuse_write_out written = {.size = 4};
  for (;;) {
    pthread_mutex_lock(&late_lock);
    for (int i = 0; i < late_count; i++) {
      if (!may_end(late[i].since)) continue;
      answer(late[i].unique, 0, &written, slow == FUSE_COPY_FILE_RANGE ? sizeof written : 0);
      late[i--] = late[--late_count];
    }
    pthread_mutex_unlock(&late_lock);
    usleep(1000);
  }
  return unused;
}

static void serve_one(const struct fuse_in_header *request, const void *body) {
  if (request->opcode == slow) {
    pthread_mutex_lock(&late_lock);
    late[late_count++] = (struct late){request->unique, now_ns()};
    pthread_mutex_unlock(&late_lock);
    return;
  }
  switch (request->opcode) {
    case FUSE_INIT: {
      const struct fuse_init_in *in = body;
      struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = in->minor, .max_write = 4096, .max_background = 64};
      answer(request->unique, 0, &out, in->minor < 23 ? FUSE_COMPAT_22_INIT_OUT_SIZE : sizeof out);
      break;
    }
    case FUSE_LOOKUP: {
      struct fuse_entry_out out = {.nodeid = 2, .attr_valid = 100, .entry_valid = 100, .attr = attributes(2)};
      answer(request->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_GETATTR: {
      struct fuse_attr_out out = {.attr_valid = 100, .attr = attributes(request->nodeid)};
      answer(request->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
      struct fuse_open_out out = {.fh = 1, .open_flags = FOPEN_DIRECT_IO};
      answer(request->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      answer(request->unique, 0, NULL, 0);
      break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      break;
    default:
      answer(request->unique, ENOSYS, NULL, 0);
  }
}

static void *serve(void *unused) {
  static char request[FUSE_MIN_READ_BUFFER * 4];
  for (;;) {
    ssize_t n = read(device, request, sizeof request);
    if (n >= (ssize_t)sizeof(struct fuse_in_header)) serve_one((void *)request, request + sizeof(struct fuse_in_header));
    if (n < 0 && errno == ENODEV) return unused;
  }
}

static void mount_it(void) {
  char options[100];
  pthread_t thread;
  if ((device = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0) CANNOT("/dev/fuse cannot be opened");
  if (unshare(CLONE_NEWNS | CLONE_FS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    CANNOT("a mount namespace of its own is not permitted");
  snprintf(mounted, sizeof mounted, "/tmp/colib-park-disk-%d", (int)getpid());
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", device, (int)getuid(), (int)getgid());
  NEED(mkdir(mounted, 0700) == 0);
  int failed = mount("colib", mounted, "fuse", 0, options);
  if (failed) {
    rmdir(mounted);
    CANNOT("a FUSE file system cannot be mounted");
  }
  NEED(pthread_create(&thread, NULL, serve, NULL) == 0 && pthread_create(&thread, NULL, answer_late, NULL) == 0);
}

/* The files are opened by the thread that ends waits, which is in the namespace. */
static void on_slow_disk(struct waiter *me, uint32_t operation) {
  char path[100];
  if (me->index == 0) {
    slow = operation;
    mount_it();
  }
  snprintf(path, sizeof path, "%s/file", mounted);
  NEED((me->in = open(path, O_RDWR)) >= 0);
  if (me->index == CROWD - 1) {
    /* Nobody can reach it by name any more, and nothing stays behind. */
    umount2(mounted, MNT_DETACH);
    rmdir(mounted);
  }
}
static void slow_to_sync(struct waiter *me) { on_slow_disk(me, FUSE_FSYNC); }
static void slow_to_read(struct waiter *me) { on_slow_disk(me, FUSE_READ); }
static void slow_to_copy(struct waiter *me) {
  on_slow_disk(me, FUSE_COPY_FILE_RANGE);
  me->other = dup(me->in);
}

PARKS(fsync, slow_to_sync, nothing) { return fsync(me->in) == 0; }
PARKS(fdatasync, slow_to_sync, nothing) { return fdatasync(me->in) == 0; }
PARKS(copy_file_range, slow_to_copy, nothing) {
  off64_t from = 0, to = 1024;
  return copy_file_range(me->in, &from, me->other, &to, 4, 0) == 4 && from == 4 && to == 1028;
}
/* Reads of files on disk are the plain call: not hooked in the sense of this table until they are. */
PARKS_AS(read_of_a_slow_disk, "colib_reads_files_on_helpers", slow_to_read, nothing) {
  char byte;
  return read(me->in, &byte, 1) == 0;
}
