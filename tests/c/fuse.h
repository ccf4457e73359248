/*
 * fuse.h - a FUSE file system whose files have numbers for names and 4096 bytes each. Whoever includes it serves what is of
 * interest, and leaves all other requests to `serve_as_any_disk`.
 */
#ifndef FUSE_H
#define FUSE_H

#include <errno.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* The file "0" is the first. */
enum { FIRST_NODE = 2, FILE_SIZE = 4096 };

/* The device by which requests come. */
static int device;

static void answer(uint64_t unique, int error, const void *body, size_t size) {
  struct fuse_out_header head = {.len = (uint32_t)(sizeof head + size), .error = -error, .unique = unique};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)body, size}};
  /* It fails when whoever asked has gone. */
  if (writev(device, parts, size ? 2 : 1) < 0) return;
}

static struct fuse_attr attributes_of(uint64_t node) {
  return (struct fuse_attr){.ino = node, .size = FILE_SIZE, .mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0600, .nlink = 1, .blksize = FILE_SIZE};
}

/* Files are opened with the flags that `open_flags` gives. */
static void serve_as_any_disk(const struct fuse_in_header *request, const void *body, uint32_t open_flags) {
  switch (request->opcode) {
    case FUSE_INIT: {
      const struct fuse_init_in *in = body;
      struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = in->minor, .max_write = FILE_SIZE, .max_background = 64};
      answer(request->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_LOOKUP: {
      uint64_t node = FIRST_NODE + strtoul(body, NULL, 10);
      struct fuse_entry_out out = {.nodeid = node, .attr_valid = 100, .entry_valid = 100, .attr = attributes_of(node)};
      answer(request->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_GETATTR: {
      struct fuse_attr_out out = {.attr_valid = 100, .attr = attributes_of(request->nodeid)};
      answer(request->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_OPEN: {
      struct fuse_open_out out = {.fh = 1, .open_flags = open_flags};
      answer(request->unique, 0, &out, sizeof out);
      break;
    }
    case FUSE_RELEASE:
      answer(request->unique, 0, NULL, 0);
      break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      break;
    default:
      /* Nobody is asked a second time: closing sends no more FLUSH. */
      answer(request->unique, ENOSYS, NULL, 0);
  }
}

#endif
