/* A module of libc's for users, groups and services, `park` in nsswitch.conf: it answers once nss_park_answers is set. Whatever
   is looked up has the name "name" and the number 4711, and its texts are in the caller's buffer. */
#define _GNU_SOURCE
#include <grp.h>
#include <netdb.h>
#include <nss.h>
#include <pwd.h>
#include <shadow.h>
#include <string.h>
#include <unistd.h>

int nss_park_answers;

static char *put(char **place, const char *text) {
  char *at = *place;
  *place = stpcpy(at, text) + 1;
  return at;
}

/* The names "one" and "two", in a list. */
static char **put_names(char **place) {
  char **list = (char **)(((size_t)*place + 7) / 8 * 8);
  *place = (char *)(list + 3);
  list[0] = put(place, "one"), list[1] = put(place, "two"), list[2] = NULL;
  return list;
}

static enum nss_status answer(void) {
  while (!__atomic_load_n(&nss_park_answers, __ATOMIC_ACQUIRE)) usleep(1000);
  return NSS_STATUS_SUCCESS;
}

static enum nss_status user(struct passwd *entry, char *room) {
  *entry = (struct passwd){put(&room, "name"), put(&room, "x"), 4711, 4711, put(&room, ""), put(&room, "/"), put(&room, "/bin/sh")};
  return answer();
}
static enum nss_status group(struct group *entry, char *room) {
  *entry = (struct group){put(&room, "name"), put(&room, "x"), 4711, put_names(&room)};
  return answer();
}
static enum nss_status shadow(struct spwd *entry, char *room) {
  *entry = (struct spwd){.sp_namp = put(&room, "name"), .sp_pwdp = put(&room, "x"), .sp_max = 4711};
  return answer();
}
static enum nss_status service(struct servent *entry, char *room) {
  *entry = (struct servent){put(&room, "name"), put_names(&room), 4711, put(&room, "tcp")};
  return answer();
}
static enum nss_status protocol(struct protoent *entry, char *room) {
  *entry = (struct protoent){put(&room, "name"), put_names(&room), 4711};
  return answer();
}

#define FINDS(function, find, type, key)                                                    \
  enum nss_status _nss_park_##function(key, struct type *, char *, size_t, int *);          \
  enum nss_status _nss_park_##function(key unused, struct type *entry, char *room, size_t length, int *error) { \
    (void)unused, (void)length, (void)error;                                                \
    return find(entry, room);                                                               \
  }
FINDS(getpwnam_r, user, passwd, const char *)
FINDS(getpwuid_r, user, passwd, uid_t)
FINDS(getgrnam_r, group, group, const char *)
FINDS(getgrgid_r, group, group, gid_t)
FINDS(getspnam_r, shadow, spwd, const char *)
FINDS(getprotobyname_r, protocol, protoent, const char *)
FINDS(getprotobynumber_r, protocol, protoent, int)

/* One entry in all. */
static int given;
#define WALKS(database, find, type)                                                         \
  enum nss_status _nss_park_set##database(int), _nss_park_end##database(void);              \
  enum nss_status _nss_park_set##database(int stays) { return given = 0, (void)stays, answer(); } \
  enum nss_status _nss_park_end##database(void) { return answer(); }                        \
  enum nss_status _nss_park_get##database##_r(struct type *, char *, size_t, int *);        \
  enum nss_status _nss_park_get##database##_r(struct type *entry, char *room, size_t length, int *error) { \
    (void)length, (void)error;                                                              \
    return given++ ? NSS_STATUS_NOTFOUND : find(entry, room);                               \
  }
WALKS(pwent, user, passwd)
WALKS(grent, group, group)

enum nss_status _nss_park_getservbyname_r(const char *, const char *, struct servent *, char *, size_t, int *);
enum nss_status _nss_park_getservbyname_r(const char *name, const char *of, struct servent *entry, char *room, size_t length, int *error) {
  (void)name, (void)of, (void)length, (void)error;
  return service(entry, room);
}
enum nss_status _nss_park_getservbyport_r(int, const char *, struct servent *, char *, size_t, int *);
enum nss_status _nss_park_getservbyport_r(int port, const char *of, struct servent *entry, char *room, size_t length, int *error) {
  (void)port, (void)of, (void)length, (void)error;
  return service(entry, room);
}

enum nss_status _nss_park_initgroups_dyn(const char *, gid_t, long *, long *, gid_t **, long, int *);
enum nss_status _nss_park_initgroups_dyn(const char *user_name, gid_t own, long *count, long *room, gid_t **groups, long limit, int *error) {
  (void)user_name, (void)own, (void)room, (void)limit, (void)error;
  (*groups)[(*count)++] = 4712;
  return answer();
}
