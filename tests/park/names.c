/*
 * names.c - look-ups at a name server that takes its time.
 *
 * It is a thread of this file. Who the name server is stands in files of /etc, which the case's own namespaces replace.
 */
#define _GNU_SOURCE
#include "park.h"

#include "../c/namespaces.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

struct question {
  unsigned char packet[512];
  size_t length;
  struct sockaddr_in from;
  long long since;
};

static int server;
static struct question questions[256];
static int asked, answered;

/* Names have the address 10.9.8.7, and it the name back.test. */
static void answer(struct question *question) {
  static const unsigned char address[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 9, 8, 7};
  static const unsigned char name[] = {0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 9, 0, 11, 4, 'b', 'a', 'c', 'k', 4, 't', 'e', 's', 't', 0};
  unsigned char *packet = question->packet;
  size_t end = 12;
  while (end < question->length && packet[end]) end += packet[end] + 1u;
  int type = packet[end + 1] << 8 | packet[end + 2];
  end += 5;
  packet[2] = 0x81, packet[3] = 0x80;
  memset(packet + 6, 0, 6);
  if (type == 1 || type == 12) {
    size_t size = type == 1 ? sizeof address : sizeof name;
    memcpy(packet + end, type == 1 ? address : name, size);
    packet[7] = 1;
    end += size;
  }
  sendto(server, packet, end, 0, (struct sockaddr *)&question->from, sizeof question->from);
}

static void *serve(void *unused) {
  while (asked < 256) {
    struct question *next = &questions[asked];
    socklen_t size = sizeof next->from;
    ssize_t n = recvfrom(server, next->packet, 300, MSG_DONTWAIT, (struct sockaddr *)&next->from, &size);
    if (n >= 17) {
      next->length = (size_t)n;
      next->since = now_ns();
      asked++;
      continue;
    }
    while (answered < asked && may_end(questions[answered].since)) answer(&questions[answered++]);
    usleep(500);
  }
  return unused;
}

/* As a case begins: the namespaces must be the coroutines' thread's and the helpers' too. */
static void private_files(void) {
  enter_own_namespaces();
  replace_file("/etc/resolv.conf", "nameserver 127.77.0.54\noptions timeout:20 attempts:1\n");
  replace_file("/etc/nsswitch.conf", "hosts: files dns\nservices: files\n");
}

static void name_server(struct waiter *me) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(53)};
  pthread_t thread;
  if (me->index != 0) return;
  inet_pton(AF_INET, "127.77.0.54", &here.sin_addr);
  NEED((server = socket(AF_INET, SOCK_DGRAM, 0)) >= 0);
  NEED(bind(server, (struct sockaddr *)&here, sizeof here) == 0);
  NEED(pthread_create(&thread, NULL, serve, NULL) == 0);
}

#define LOOKS_UP(name) PARKS_AS(name, #name, name_server, nothing, .begin = private_files)

static const char *name_of(struct waiter *me) {
  snprintf(me->path, sizeof me->path, "host%d.test.", me->index);
  return me->path;
}
static const struct in_addr *ten_nine_eight_seven(void) {
  static struct in_addr address;
  inet_pton(AF_INET, "10.9.8.7", &address);
  return &address;
}
static bool is_right(const struct hostent *entry) {
  return entry && entry->h_addrtype == AF_INET && memcmp(entry->h_addr_list[0], ten_nine_eight_seven(), 4) == 0;
}

LOOKS_UP(gethostbyname) { return is_right(gethostbyname(name_of(me))); }
LOOKS_UP(gethostbyname2) { return is_right(gethostbyname2(name_of(me), AF_INET)); }
LOOKS_UP(gethostbyname_r) {
  struct hostent entry, *found = NULL;
  char room[512];
  int error = 0;
  return gethostbyname_r(name_of(me), &entry, room, sizeof room, &found, &error) == 0 && is_right(found);
}
LOOKS_UP(gethostbyname2_r) {
  struct hostent entry, *found = NULL;
  char room[512];
  int error = 0;
  return gethostbyname2_r(name_of(me), AF_INET, &entry, room, sizeof room, &found, &error) == 0 && is_right(found);
}
LOOKS_UP(gethostbyaddr) {
  (void)me;
  struct hostent *entry = gethostbyaddr(ten_nine_eight_seven(), 4, AF_INET);
  return entry && strcmp(entry->h_name, "back.test") == 0;
}
LOOKS_UP(gethostbyaddr_r) {
  struct hostent entry, *found = NULL;
  char room[2048]; // glibc before 2.37 lays out more there than it gives
  int error = 0;
  (void)me;
  return gethostbyaddr_r(ten_nine_eight_seven(), 4, AF_INET, &entry, room, sizeof room, &found, &error) == 0 && found &&
         strcmp(found->h_name, "back.test") == 0;
}
LOOKS_UP(getnameinfo) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = *ten_nine_eight_seven()};
  char host[64] = "";
  (void)me;
  return getnameinfo((struct sockaddr *)&address, sizeof address, host, sizeof host, NULL, 0, NI_NAMEREQD) == 0 && strcmp(host, "back.test") == 0;
}
LOOKS_UP(getaddrinfo) {
  struct addrinfo *list = NULL, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  if (getaddrinfo(name_of(me), "80", &hints, &list) != 0) return false;
  bool right = memcmp(&((struct sockaddr_in *)list->ai_addr)->sin_addr, ten_nine_eight_seven(), 4) == 0;
  freeaddrinfo(list);
  return right;
}

/* An answer ends with the address. */
static bool ends_right(const unsigned char *answer, int length) {
  return length > 16 && memcmp(answer + length - 4, ten_nine_eight_seven(), 4) == 0;
}
static const char *first_label(struct waiter *me) {
  snprintf(me->path, sizeof me->path, "host%d", me->index);
  return me->path;
}
#define QUERIES(name, call)                            \
  LOOKS_UP(name) {                                     \
    unsigned char answer[512] = {0};                   \
    int length = call;                                 \
    return ends_right(answer, length);                 \
  }
#define QUERIES_OF_STATE(name, call)                   \
  LOOKS_UP(name) {                                     \
    unsigned char answer[512] = {0};                   \
    struct __res_state state;                          \
    memset(&state, 0, sizeof state);                   \
    if (res_ninit(&state) != 0) return false;          \
    int length = call;                                 \
    res_nclose(&state);                                \
    return ends_right(answer, length);                 \
  }
QUERIES(res_query, res_query(name_of(me), 1, 1, answer, sizeof answer))
/* What programs call that were linked with older libraries. */
int old_res_query(const char *, int, int, unsigned char *, int) __asm__("__res_query");
QUERIES(__res_query, old_res_query(name_of(me), 1, 1, answer, sizeof answer))
QUERIES(res_search, res_search(name_of(me), 1, 1, answer, sizeof answer))
QUERIES(res_querydomain, res_querydomain(first_label(me), "test.", 1, 1, answer, sizeof answer))
QUERIES_OF_STATE(res_nquery, res_nquery(&state, name_of(me), 1, 1, answer, sizeof answer))
QUERIES_OF_STATE(res_nsearch, res_nsearch(&state, name_of(me), 1, 1, answer, sizeof answer))
QUERIES_OF_STATE(res_nquerydomain, res_nquerydomain(&state, first_label(me), "test.", 1, 1, answer, sizeof answer))
LOOKS_UP(res_send) {
  unsigned char question[512], answer[512] = {0};
  int asks = res_mkquery(0, name_of(me), 1, 1, NULL, 0, NULL, question, sizeof question);
  return ends_right(answer, res_send(question, asks, answer, sizeof answer));
}
LOOKS_UP(res_nsend) {
  unsigned char question[512], answer[512] = {0};
  struct __res_state state;
  memset(&state, 0, sizeof state);
  if (res_ninit(&state) != 0) return false;
  int asks = res_nmkquery(&state, 0, name_of(me), 1, 1, NULL, 0, NULL, question, sizeof question);
  int length = res_nsend(&state, question, asks, answer, sizeof answer);
  res_nclose(&state);
  return ends_right(answer, length);
}
LOOKS_UP(getaddrinfo_a) {
  /* libc's own threads touch these meanwhile. */
  static struct gaicb requests[CROWD];
  static const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct gaicb *one = &requests[me->index], *all[] = {one};
  *one = (struct gaicb){.ar_name = name_of(me), .ar_service = "80", .ar_request = &hints};
  if (getaddrinfo_a(GAI_WAIT, all, 1, NULL) != 0 || gai_error(one) != 0) return false;
  bool right = memcmp(&((struct sockaddr_in *)one->ar_result->ai_addr)->sin_addr, ten_nine_eight_seven(), 4) == 0;
  freeaddrinfo(one->ar_result);
  return right;
}
