/* namespaces.h - a case with a network and files of /etc of its own, so that no other test can be in its way.
 *
 * Both belong to the thread that asks for them and to all that it makes later: ask before there is any other. */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include "check.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

UNUSED static void write_file(const char *path, const char *text) {
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
  NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* What is not permitted to everybody is to the root of a user namespace. */
UNUSED static int unshare_as_root(int what) {
  char map[64];
  uid_t user = getuid();
  gid_t group = getgid();
  if (unshare(what) == 0) return 0;
  if (unshare(CLONE_NEWUSER | what) != 0) return -1;
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %u 1", (unsigned)user);
  write_file("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "0 %u 1", (unsigned)group);
  write_file("/proc/self/gid_map", map);
  return 0;
}

/* A network with nothing but a loopback interface, and mounts that nobody else sees. */
UNUSED static void enter_own_namespaces(void) {
  struct ifreq loopback = {.ifr_name = "lo"};
  if (unshare_as_root(CLONE_NEWNS | CLONE_NEWNET) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
    SKIP("namespaces of its own are not permitted");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  NEED(fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &loopback) == 0);
  loopback.ifr_flags |= IFF_UP;
  NEED(ioctl(fd, SIOCSIFFLAGS, &loopback) == 0 && close(fd) == 0);
}

/* Puts a text in the place of a file. */
UNUSED static void replace_file(const char *file, const char *text) {
  char path[] = "/tmp/colib-namespaces-XXXXXX";
  int fd = mkstemp(path);
  NEED(fd >= 0 && close(fd) == 0);
  write_file(path, text);
  int bound = mount(path, file, "none", MS_BIND, NULL);
  unlink(path);
  if (bound != 0) SKIP("the files of the resolver cannot be replaced");
}

#endif
