/*
 * users.c - look-ups of users, groups, services and protocols, by a module of libc's that takes its time (module/nss.c).
 */
#define _GNU_SOURCE
#include "park.h"

#include "../c/namespaces.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <shadow.h>

extern int nss_park_answers;

static void ask_the_module(void) {
  enter_own_namespaces();
  replace_file("/etc/nsswitch.conf",
               "passwd: park\ngroup: park\nshadow: park\nservices: park\nprotocols: park\ninitgroups: park\n");
}

static void answer(struct waiter *me) {
  (void)me;
  __atomic_store_n(&nss_park_answers, 1, __ATOMIC_RELEASE);
}

#define FINDS(function) PARKS_AS(function, #function, nothing, answer, .begin = ask_the_module)

static bool is_named(const char *text) { return text && strcmp(text, "name") == 0; }
static bool has_names(char **list) {
  return list && list[0] && strcmp(list[0], "one") == 0 && list[1] && strcmp(list[1], "two") == 0 && !list[2];
}
static bool is_user(const struct passwd *entry) {
  return entry && is_named(entry->pw_name) && entry->pw_uid == 4711 && strcmp(entry->pw_shell, "/bin/sh") == 0;
}
static bool is_group(const struct group *entry) {
  return entry && is_named(entry->gr_name) && entry->gr_gid == 4711 && has_names(entry->gr_mem);
}
static bool is_service(const struct servent *entry) {
  return entry && is_named(entry->s_name) && strcmp(entry->s_proto, "tcp") == 0 && has_names(entry->s_aliases);
}
static bool is_protocol(const struct protoent *entry) {
  return entry && is_named(entry->p_name) && entry->p_proto == 4711 && has_names(entry->p_aliases);
}
static bool is_shadow(const struct spwd *entry) { return entry && is_named(entry->sp_namp) && entry->sp_max == 4711; }

FINDS(getpwnam) { return me && is_user(getpwnam("name")); }
FINDS(getpwuid) { return me && is_user(getpwuid(1)); }
FINDS(getgrnam) { return me && is_group(getgrnam("name")); }
FINDS(getgrgid) { return me && is_group(getgrgid(1)); }
FINDS(getspnam) { return me && is_shadow(getspnam("name")); }
FINDS(getservbyname) { return me && is_service(getservbyname("name", NULL)); }
FINDS(getservbyport) { return me && is_service(getservbyport(1, "tcp")); }
FINDS(getprotobyname) { return me && is_protocol(getprotobyname("name")); }
FINDS(getprotobynumber) { return me && is_protocol(getprotobynumber(1)); }

/* The same by a function that is given room. */
#define FINDS_INTO(function, type, is_right, ...)                                                                        \
  FINDS(function) {                                                                                                      \
    struct type entry, *found = NULL;                                                                                    \
    char room[1000];                                                                                                     \
    return me && function(__VA_ARGS__ __VA_OPT__(, ) & entry, room, sizeof room, &found) == 0 && found == &entry && is_right(found); \
  }
FINDS_INTO(getpwnam_r, passwd, is_user, "name")
FINDS_INTO(getpwuid_r, passwd, is_user, 1)
FINDS_INTO(getgrnam_r, group, is_group, "name")
FINDS_INTO(getgrgid_r, group, is_group, 1)
FINDS_INTO(getspnam_r, spwd, is_shadow, "name")
FINDS_INTO(getservbyname_r, servent, is_service, "name", NULL)
FINDS_INTO(getservbyport_r, servent, is_service, 1, "tcp")
FINDS_INTO(getprotobyname_r, protoent, is_protocol, "name")
FINDS_INTO(getprotobynumber_r, protoent, is_protocol, 1)

FINDS(getgrouplist) {
  gid_t groups[5];
  int count = 5;
  return me && getgrouplist("name", 7, groups, &count) == 2 && count == 2 && groups[0] == 7 && groups[1] == 4712;
}

FINDS(setpwent) { return setpwent(), me != NULL; }
FINDS(endpwent) { return setpwent(), endpwent(), me != NULL; }
FINDS(setgrent) { return setgrent(), me != NULL; }
FINDS(endgrent) { return setgrent(), endgrent(), me != NULL; }

/* Who walks through all entries shares the walk with the others of the process: of all, one meets the entry. */
static int met;
static bool at_most_one(bool right, bool found) { return !found || (right && ++met == 1); }
FINDS(getpwent) {
  struct passwd *entry = getpwent();
  return me && at_most_one(is_user(entry), entry);
}
FINDS(getgrent) {
  struct group *entry = getgrent();
  return me && at_most_one(is_group(entry), entry);
}
FINDS(getpwent_r) {
  struct passwd entry, *found = NULL;
  char room[1000];
  return me && (getpwent_r(&entry, room, sizeof room, &found), at_most_one(is_user(found), found));
}
FINDS(getgrent_r) {
  struct group entry, *found = NULL;
  char room[1000];
  return me && (getgrent_r(&entry, room, sizeof room, &found), at_most_one(is_group(found), found));
}
