/* names.c - look-ups of names that need no server, and environment variables. */
#include "scenario.h"

static int compare(const void *a, const void *b) { return strcmp(a, b); }

static void look_up(const char *node, const char *service, const struct addrinfo *hints) {
  struct addrinfo *found = (struct addrinfo *)1;
  char lines[32][200], host[64] = "", port[32] = "";
  size_t count = 0;
  errno = 0;
  int code = getaddrinfo(node, service, hints, &found);
  say("getaddrinfo(%s, %s, {%#x, %d, %d, %d}) = %s", node ? node : "NULL", service ? service : "NULL",
      hints ? (unsigned)hints->ai_flags : 0, hints ? hints->ai_family : 0, hints ? hints->ai_socktype : 0,
      hints ? hints->ai_protocol : 0, code ? gai_strerror(code) : "0");
  if (code == EAI_SYSTEM) say("errno %s", error_name(errno));
  if (code) return;
  for (const struct addrinfo *a = found; a && count < 32; a = a->ai_next, count++) {
    getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(lines[count], sizeof *lines, "%s %s family %d type %d protocol %d flags %#x, %s", host, port, a->ai_family,
             a->ai_socktype, a->ai_protocol, (unsigned)a->ai_flags, a->ai_canonname ? a->ai_canonname : "-");
  }
  qsort(lines, count, sizeof *lines, compare);
  for (size_t i = 0; i < count; i++) say("  %s", lines[i]);
  freeaddrinfo(found);
}

SCENARIO(addresses, "getaddrinfo of numbers, localhost, services, nothing and nonsense") {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  look_up("127.0.0.1", "80", NULL);
  look_up("127.1", "80", &hints);
  look_up("::1", "443", &hints);
  look_up("localhost", "80", &hints);
  look_up("localhost", NULL, &hints);
  look_up("localhost", "http", &hints);
  look_up(NULL, "http", &hints);
  look_up(NULL, "ftp", NULL);
  look_up(NULL, "no-such-service", &hints);
  look_up("localhost", "no-such-service", NULL);
  look_up("localhost", "99999999", &hints);
  look_up("10.0.0.1", "", &hints);
  look_up(NULL, NULL, &hints);
  look_up("", NULL, &hints);
  hints.ai_flags = AI_PASSIVE;
  look_up(NULL, "80", &hints);
  hints.ai_flags = AI_NUMERICHOST;
  look_up("localhost", "80", &hints);
  hints.ai_flags = AI_NUMERICSERV;
  look_up("127.0.0.1", "http", &hints);
  hints.ai_flags = AI_CANONNAME;
  look_up("localhost", "80", &hints);
  look_up("127.0.0.1", "80", &hints);
  look_up(NULL, "80", &hints);
  hints = (struct addrinfo){.ai_family = 77};
  look_up("localhost", "80", &hints);
  hints = (struct addrinfo){.ai_socktype = 77};
  look_up("localhost", "80", &hints);
  hints = (struct addrinfo){.ai_flags = -1};
  look_up("localhost", "80", &hints);
  hints = (struct addrinfo){.ai_family = AF_INET6, .ai_socktype = SOCK_DGRAM};
  look_up("localhost", "domain", &hints);
  look_up("::1%lo", "1", &hints);
  look_up("fe80::1%lo", "1", &hints);
  look_up("127.0.0.1", "1", &hints);
  hints = (struct addrinfo){.ai_family = AF_UNSPEC, .ai_protocol = IPPROTO_UDP};
  look_up("localhost", "tftp", &hints);
}

static void name_it(const struct sockaddr *address, socklen_t length, socklen_t host_room, socklen_t service_room, int flags) {
  char host[100] = "untouched", service[100] = "untouched";
  int code = getnameinfo(address, length, host, host_room, service, service_room, flags);
  say("getnameinfo(%u, %u, %u, %#x) = %s: %s %s", length, host_room, service_room, (unsigned)flags,
      code ? gai_strerror(code) : "0", host, service);
}

SCENARIO(names_of_addresses, "getnameinfo of localhost, ports, short buffers and wrong addresses") {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  struct sockaddr_un un = unix_address("path");
  name_it(plain(&in), sizeof in, 100, 100, 0);
  name_it(plain(&in), sizeof in, 100, 100, NI_NUMERICHOST);
  name_it(plain(&in), sizeof in, 100, 100, NI_NUMERICHOST | NI_NUMERICSERV);
  name_it(plain(&in), sizeof in, 100, 100, NI_NUMERICSERV | NI_DGRAM);
  name_it(plain(&in), sizeof in, 100, 0, 0);
  name_it(plain(&in), sizeof in, 0, 100, 0);
  name_it(plain(&in), sizeof in, 0, 0, 0);
  name_it(plain(&in), sizeof in, 3, 100, 0);
  name_it(plain(&in), sizeof in, 100, 2, 0);
  name_it(plain(&in), sizeof in, 3, 100, NI_NUMERICHOST);
  name_it(plain(&in), 4, 100, 100, 0);
  name_it(plain(&in), sizeof in, 100, 100, -1);
  name_it(plain(&six), sizeof six, 100, 100, 0);
  name_it(plain(&six), sizeof six, 100, 100, NI_NUMERICHOST);
  name_it(plain(&un), sizeof un, 100, 100, 0);
  in.sin_family = 99;
  name_it(plain(&in), sizeof in, 100, 100, 0);
  say("%s", gai_strerror(getnameinfo(plain(&six), sizeof six, NULL, 0, NULL, 0, 0)));
}

static void tell(const struct hostent *entry) {
  char text[64];
  if (!entry) {
    say("nothing, h_errno %d", h_errno);
    return;
  }
  say("%s, type %d, length %d", entry->h_name, entry->h_addrtype, entry->h_length);
  for (char **alias = entry->h_aliases; *alias; alias++) say("  alias %s", *alias);
  for (char **address = entry->h_addr_list; *address; address++)
    say("  %s", inet_ntop(entry->h_addrtype, *address, text, sizeof text));
}

SCENARIO(hosts, "gethostbyname and gethostbyname_r of localhost, numbers, nonsense, short buffers") {
  static const char *const names[] = {"localhost", "127.0.0.1", "127.1", "::1", "not a name", ""};
  struct hostent entry, *found;
  char room[1024];
  int error;
  for (int i = 0; i < 6; i++) {
    say("%s", names[i]);
    h_errno = 0;
    tell(gethostbyname(names[i]));
    error = -9;
    found = (struct hostent *)1;
    TRACE_CODE(gethostbyname_r(names[i], &entry, room, sizeof room, &found, &error));
    say("its own entry: %d", found == &entry);
    if (found) tell(found);
    if (!found) say("error %d", error);
    error = -9;
    TRACE_CODE(gethostbyname_r(names[i], &entry, room, 7, &found, &error));
    say("found: %d, error %d, errno %s", found != NULL, error, error_name(errno));
  }
}

SCENARIO(variables, "getenv, secure_getenv, setenv, unsetenv, putenv, clearenv") {
  static char assignment[] = "COLOUR=green";
  const char *volatile null = NULL;
#define SHOW(name) say("%s: %s", name, getenv(name) ? getenv(name) : "none")
  TRACE(setenv("COLOUR", "blue", 1));
  SHOW("COLOUR");
  TRACE(setenv("COLOUR", "red", 0));
  SHOW("COLOUR");
  TRACE(setenv("COLOUR", "red", 1));
  say("%s", secure_getenv("COLOUR"));
  TRACE(setenv("", "x", 1));
  TRACE(setenv("A=B", "x", 1));
  TRACE(setenv(null, "x", 1));
  TRACE(unsetenv(""));
  TRACE(unsetenv("A=B"));
  TRACE(unsetenv("COLOUR"));
  SHOW("COLOUR");
  TRACE(unsetenv("COLOUR"));
  TRACE(putenv(assignment));
  assignment[7] = 'G';
  SHOW("COLOUR");
  TRACE(putenv("COLOUR"));
  SHOW("COLOUR");
  SHOW("");
  TRACE(clearenv());
  SHOW("PATH");
  TRACE(setenv("AFTER", "1", 1));
  SHOW("AFTER");
}
