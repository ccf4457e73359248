/* Look-ups of users, groups, services and protocols in the files of /etc. */
#include "scenario.h"

#include <grp.h>
#include <pwd.h>
#include <shadow.h>

static void say_user(const char *call, const struct passwd *entry) {
  if (entry)
    say("%s: %s %s %u %u %s %s %s", call, entry->pw_name, entry->pw_passwd, entry->pw_uid, entry->pw_gid, entry->pw_gecos,
        entry->pw_dir, entry->pw_shell);
  else
    say("%s: nobody, errno %s", call, error_name(errno));
}
static void say_group(const char *call, const struct group *entry) {
  if (!entry) {
    say("%s: none, errno %s", call, error_name(errno));
    return;
  }
  say("%s: %s %s %u", call, entry->gr_name, entry->gr_passwd, entry->gr_gid);
  for (char **member = entry->gr_mem; *member; member++) say("  %s", *member);
}
static void say_service(const char *call, const struct servent *entry) {
  if (!entry) {
    say("%s: none, errno %s", call, error_name(errno));
    return;
  }
  say("%s: %s %d %s", call, entry->s_name, ntohs((uint16_t)entry->s_port), entry->s_proto);
  for (char **alias = entry->s_aliases; *alias; alias++) say("  %s", *alias);
}
static void say_protocol(const char *call, const struct protoent *entry) {
  if (!entry) {
    say("%s: none, errno %s", call, error_name(errno));
    return;
  }
  say("%s: %s %d", call, entry->p_name, entry->p_proto);
  for (char **alias = entry->p_aliases; *alias; alias++) say("  %s", *alias);
}
#define SAY(what, call) (errno = EXDEV, say_##what(#call, call))

SCENARIO(users, "users, groups and their members, those that are none, and what earlier answers become") {
  SAY(user, getpwnam("root"));
  SAY(user, getpwnam("no-such-user"));
  SAY(user, getpwnam(""));
  SAY(user, getpwuid(1));
  SAY(user, getpwuid(4711471));
  SAY(group, getgrnam("root"));
  SAY(group, getgrnam("no-such-group"));
  SAY(group, getgrgid(4));
  SAY(group, getgrgid(4711471));
  const struct passwd *by_name = getpwnam("daemon"), *by_number = getpwuid(2);
  say("%s %s", by_name->pw_name, by_number->pw_name);
  say("the same place: %d", getpwnam("root") == by_name);
  say("%s %s", by_name->pw_name, by_number->pw_name);
  struct spwd *shadow = getspnam("daemon");
  if (shadow) say("%s %s %ld", shadow->sp_namp, shadow->sp_pwdp, shadow->sp_max);
  TRACE(getspnam("no-such-user") == NULL);
}

SCENARIO(users_into_buffers, "users and groups into buffers that are too small, and large enough") {
  static struct passwd user;
  static struct group group;
  static struct passwd *found;
  static struct group *found_group;
  static char buffer[2000];
  for (size_t length = 0; length < 200; length += 7) {
    found = &user;
    TRACE(getpwnam_r("daemon", &user, buffer + length % 16, length, &found));
    if (found) SAY(user, found);
  }
  TRACE(getpwnam_r("no-such-user", &user, buffer, sizeof buffer, &found));
  say("found: %d", found != NULL);
  TRACE(getpwuid_r(3, &user, buffer, sizeof buffer, &found));
  say("in its place: %d %d", found == &user, user.pw_name >= buffer && user.pw_name < buffer + sizeof buffer);
  TRACE(getpwuid_r(4711471, &user, buffer, sizeof buffer, &found));
  TRACE(getgrnam_r("daemon", &group, buffer, 5, &found_group));
  TRACE(getgrnam_r("daemon", &group, buffer, sizeof buffer, &found_group));
  SAY(group, found_group);
  TRACE(getgrgid_r(4711471, &group, buffer, sizeof buffer, &found_group));
}

SCENARIO(walks_through_users, "all users and groups, one after another, twice") {
  static struct passwd user, *found;
  static char buffer[2000];
  for (int round = 0; round < 2; round++) {
    struct passwd *entry;
    struct group *group;
    setpwent();
    while ((entry = getpwent())) say("%s", entry->pw_name);
    say("errno %s", error_name(errno));
    setgrent();
    while ((group = getgrent())) say("%s", group->gr_name);
  }
  setpwent();
  TRACE(getpwent_r(&user, buffer, 3, &found));
  TRACE(getpwent_r(&user, buffer, sizeof buffer, &found));
  say("%s", found->pw_name);
  endpwent();
  TRACE(getpwent_r(&user, buffer, sizeof buffer, &found));
  say("%s", found->pw_name);
  endpwent();
  endgrent();
}

SCENARIO(groups_of_users, "the groups of a user, with room for none and for many") {
  for (int room = 0; room < 4; room++) {
    gid_t groups[4] = {99, 99, 99, 99};
    int count = room;
    TRACE(getgrouplist("daemon", 77, groups, &count));
    say("%d: %u %u", count, groups[0], groups[1]);
  }
  int count = 1;
  gid_t group;
  TRACE(getgrouplist("no-such-user", 5, &group, &count));
  say("%d: %u", count, group);
  static gid_t groups[100];
  TRACE(initgroups("daemon", 77));
  TRACE(count = getgroups(100, groups));
  for (int i = 0; i < count; i++) say("%u", groups[i]);
}

SCENARIO(services, "services and protocols by name and number") {
  static struct servent service, *found;
  static struct protoent protocol, *found_protocol;
  static char buffer[2000];
  SAY(service, getservbyname("http", "tcp"));
  SAY(service, getservbyname("domain", NULL));
  SAY(service, getservbyname("domain", "udp"));
  SAY(service, getservbyname("http", "no-such-protocol"));
  SAY(service, getservbyname("no-such-service", NULL));
  SAY(service, getservbyport(htons(443), "tcp"));
  SAY(service, getservbyport(htons(53), NULL));
  SAY(service, getservbyport(htons(4711), NULL));
  TRACE(getservbyname_r("www", "tcp", &service, buffer, 10, &found));
  TRACE(getservbyname_r("www", "tcp", &service, buffer, sizeof buffer, &found));
  if (found) SAY(service, found);
  TRACE(getservbyport_r(htons(25), NULL, &service, buffer, sizeof buffer, &found));
  if (found) SAY(service, found);
  SAY(protocol, getprotobyname("tcp"));
  SAY(protocol, getprotobyname("no-such-protocol"));
  SAY(protocol, getprotobynumber(17));
  SAY(protocol, getprotobynumber(4711));
  TRACE(getprotobyname_r("ICMP", &protocol, buffer, sizeof buffer, &found_protocol));
  if (found_protocol) SAY(protocol, found_protocol);
  TRACE(getprotobynumber_r(6, &protocol, buffer, 3, &found_protocol));
}
