/*
 * Look-ups of names do not block the thread, and their results are the coroutine's own.
 *
 * The slow cases have a name server of their own, a coroutine of the very thread that looks up: it answers
 * only if the thread goes on. They have namespaces of their own to say who the name server is.
 */
#include "../namespaces.h"
#include "../ticks.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

static int finished, step;

/* ---- what each coroutine has for itself ------------------------------------------------------------- */

static const char *address_of(const struct hostent *entry) {
  static char text[8][64];
  static int turn;
  if (!entry) return "none";
  return inet_ntop(entry->h_addrtype, entry->h_addr_list[0], text[turn++ % 8], sizeof *text);
}

/* Lets the other look up in between. */
static void wait_for_step(int number) {
  while (step < number) usleep(1000);
}

static void *first(void *nothing) {
  co_enable_hook_sys();
  struct hostent *mine = gethostbyname("localhost");
  CHECK_TEXT(address_of(mine), "127.0.0.1");
  step = 1;
  wait_for_step(2);
  CHECK_TEXT(address_of(mine), "127.0.0.1");
  CHECK_TEXT(mine->h_name, "localhost");
  CHECK(gethostbyname("no spaces in names") == NULL);
  int error = h_errno;
  CHECK(error != 0);
  step = 3;
  wait_for_step(4);
  CHECK_IS(h_errno, error);
  h_errno = 77;
  step = 5;
  wait_for_step(6);
  CHECK_IS(h_errno, 77);
  finished++;
  return nothing;
}

static void *second(void *nothing) {
  co_enable_hook_sys();
  wait_for_step(1);
  struct hostent *mine = gethostbyname("127.0.0.9");
  CHECK_TEXT(address_of(mine), "127.0.0.9");
  h_errno = 5;
  step = 2;
  wait_for_step(3);
  CHECK_TEXT(address_of(mine), "127.0.0.9");
  CHECK_IS(h_errno, 5);
  h_errno = 6;
  step = 4;
  wait_for_step(5);
  CHECK_IS(h_errno, 6);
  step = 6;
  finished++;
  return nothing;
}

TEST(static_results_and_h_errno_are_the_coroutines_own) {
  start(first, NULL);
  start(second, NULL);
  loop_until(&finished, 2);
}

static void *results_of_three(void *nothing) {
  struct in_addr here = {htonl(INADDR_LOOPBACK)};
  co_enable_hook_sys();
  struct hostent *one = gethostbyname("localhost"), *two = gethostbyname2("127.0.0.7", AF_INET);
  struct hostent *three = gethostbyaddr(&here, sizeof here, AF_INET);
  CHECK_TEXT(address_of(one), "127.0.0.1");
  CHECK_TEXT(address_of(two), "127.0.0.7");
  CHECK_TEXT(three ? three->h_name : "none", "localhost");
  CHECK(gethostbyaddr(&here, 3, AF_INET) == NULL);
  CHECK(gethostbyname2("localhost", 77) == NULL);
  finished++;
  return nothing;
}

TEST(each_function_has_a_static_result_of_its_own) {
  start(results_of_three, NULL);
  loop_until(&finished, 1);
}

static void *many_times(void *number) {
  co_enable_hook_sys();
  char name[32];
  snprintf(name, sizeof name, "127.0.1.%d", (int)(intptr_t)number);
  for (int i = 0; i < 30; i++) {
    struct hostent *entry = gethostbyname((i + (int)(intptr_t)number) % 3 ? name : "localhost");
    const char *expected = (i + (int)(intptr_t)number) % 3 ? name : "127.0.0.1";
    CHECK_TEXT(address_of(entry), expected);
    usleep(100);
    CHECK_TEXT(address_of(entry), expected);
    struct addrinfo *list = NULL;
    CHECK_IS(getaddrinfo("localhost", "http", NULL, &list), 0);
    freeaddrinfo(list);
  }
  finished++;
  return NULL;
}

static void *change_settings(void *nothing) {
  co_enable_hook_sys();
  res_init();
  int before = _res.retry;
  _res.retry = 41;
  usleep(5000);
  CHECK_IS(_res.retry, 41);
  _res.retry = before;
  finished++;
  return nothing;
}

static void *see_settings(void *nothing) {
  co_enable_hook_sys();
  CHECK(_res.retry != 41);
  CHECK_TEXT(address_of(gethostbyname("localhost")), "127.0.0.1");
  CHECK(_res.retry != 41);
  finished++;
  return nothing;
}

TEST(settings_of_the_resolver_are_the_coroutines_own) {
  start(change_settings, NULL);
  start(see_settings, NULL);
  loop_until(&finished, 2);
}

/* What libc keeps in a state of the resolver belongs to one of them alone. */
static void *closes_its_resolver(void *nothing) {
  co_enable_hook_sys();
  CHECK_IS(res_init(), 0);
  struct __res_state *own = &_res;
  CHECK(own->nscount > 0);
  CHECK(!own->dnsrch[0] || (own->dnsrch[0] >= own->defdname && own->dnsrch[0] < own->defdname + sizeof own->defdname));
  res_nclose(own);
  CHECK_TEXT(address_of(gethostbyname("localhost")), "127.0.0.1");
  finished++;
  return nothing;
}

TEST(closing_the_coroutines_resolver_leaves_the_threads_as_it_is) {
  enter_own_namespaces();
  replace_file("/etc/resolv.conf", "nameserver 127.77.0.53\nnameserver ::1\nsearch one.test two.test\n");
  replace_file("/etc/nsswitch.conf", "hosts: files\n");
  for (int i = 0; i < 3; i++) start(closes_its_resolver, NULL);
  loop_until(&finished, 3);
  CHECK_TEXT(address_of(gethostbyname("localhost")), "127.0.0.1");
  CHECK(_res.nscount == 2 && _res._u._ext.nsaddrs[1] != NULL);
}

enum { ALIASES = 30000 };
static void *asks_for_a_host_of_many_names(void *nothing) {
  co_enable_hook_sys();
  struct hostent *entry = gethostbyname("many.test");
  int aliases = 0;
  if (CHECK(entry != NULL)) {
    while (entry->h_aliases[aliases]) aliases++;
    CHECK_TEXT(address_of(entry), "10.1.2.3");
  }
  CHECK_IS(aliases, ALIASES);
  finished++;
  return nothing;
}

TEST(an_answer_of_megabytes_is_given_whole) {
  static char text[ALIASES * 60 + 100];
  int length = sprintf(text, "10.1.2.3 many.test");
  for (int i = 0; i < ALIASES; i++) length += sprintf(text + length, " alias-%d.of.a.host.with.many.names.test", i);
  strcpy(text + length, "\n");
  enter_own_namespaces();
  replace_file("/etc/hosts", text);
  replace_file("/etc/nsswitch.conf", "hosts: files\n");
  start(asks_for_a_host_of_many_names, NULL);
  loop_until(&finished, 1);
}

TEST(many_coroutines_look_up_at_once) {
  for (intptr_t i = 1; i <= 20; i++) start(many_times, (void *)i);
  loop_until(&finished, 20);
}

static void *release_me(void *nothing) {
  co_enable_hook_sys();
  struct addrinfo *list;
  getaddrinfo("localhost", "http", NULL, &list);
  CHECK(!"a released coroutine goes on");
  return nothing;
}

TEST(a_coroutine_is_released_while_it_looks_up) {
  for (int i = 0; i < 50; i++) {
    stCoRoutine_t *co = start(release_me, NULL);
    co_release(co);
  }
  start(tick, NULL);
  loop_until(&ticks, 30);
}

static void *co_lookups(void *nothing) {
  struct hostent entry, *found = NULL;
  char room[512];
  int error = 0;
  /* With hooks off. */
  CHECK_TEXT(address_of(co_gethostbyname("localhost")), "127.0.0.1");
  CHECK_IS(co_gethostbyname_r("localhost", &entry, room, sizeof room, &found, &error), 0);
  CHECK_TEXT(address_of(found), "127.0.0.1");
  finished++;
  return nothing;
}

TEST(co_gethostbyname_looks_up_with_hooks_off_and_outside_coroutines) {
  co_lookups(NULL);
  start(co_lookups, NULL);
  loop_until(&finished, 2);
}

/* ---- a slow name server ----------------------------------------------------------------------------- */

static int server, asked;
static unsigned char packets[64][512];

/* Answers one question after a while: no.* does not exist; others have the address 10.9.8.7; PTR is back.test. */
static void *answer_slowly(void *argument) {
  unsigned char *packet = argument;
  struct sockaddr_in from;
  size_t length;
  co_enable_hook_sys();
  memcpy(&from, packet + 400, sizeof from);
  memcpy(&length, packet + 450, sizeof length);
  usleep(150000);
  size_t end = 12;
  while (end < length && packet[end]) end += packet[end] + 1u;
  int type = packet[end + 1] << 8 | packet[end + 2];
  end += 5;
  packet[2] = 0x81;
  packet[3] = 0x80;
  memset(packet + 6, 0, 6);
  if (memcmp(packet + 12, "\2no", 3) == 0) {
    packet[3] = 0x83;
  } else if (type == 1) {
    static const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 9, 8, 7};
    packet[7] = 1;
    memcpy(packet + end, record, sizeof record);
    end += sizeof record;
  } else if (type == 12) {
    static const unsigned char record[] = {0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 9, 0, 11, 4, 'b', 'a', 'c', 'k', 4, 't', 'e', 's', 't', 0};
    packet[7] = 1;
    memcpy(packet + end, record, sizeof record);
    end += sizeof record;
  }
  sendto(server, packet, end, 0, (struct sockaddr *)&from, sizeof from);
  return NULL;
}

static void *serve(void *nothing) {
  co_enable_hook_sys();
  for (;;) {
    unsigned char *packet = packets[asked++ % 64];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(server, packet, 300, 0, (struct sockaddr *)&from, &size);
    if (n < 17) continue;
    size_t length = (size_t)n;
    memcpy(packet + 400, &from, sizeof from);
    memcpy(packet + 450, &length, sizeof length);
    start(answer_slowly, packet);
  }
  return nothing;
}

static void begin_serving(void) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(53)};
  enter_own_namespaces();
  replace_file("/etc/resolv.conf", "nameserver 127.77.0.53\noptions timeout:20 attempts:1\n");
  replace_file("/etc/nsswitch.conf", "hosts: files dns\nservices: files\n");
  inet_pton(AF_INET, "127.77.0.53", &here.sin_addr);
  NEED((server = socket(AF_INET, SOCK_DGRAM, 0)) >= 0);
  NEED(bind(server, (struct sockaddr *)&here, sizeof here) == 0);
  start(tick, NULL);
  start(serve, NULL);
}

static void *ask(void *number) {
  char name[64], host[64] = "", text[64];
  char room[2048]; // glibc before 2.37 lays out more there than it gives
  struct hostent entry, *found = NULL;
  struct addrinfo *list = NULL, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct sockaddr_in in = {.sin_family = AF_INET};
  int error = 0, before = ticks;
  co_enable_hook_sys();
  snprintf(name, sizeof name, "host%d.test.", (int)(intptr_t)number);
  switch ((int)(intptr_t)number % 9) {
    case 0:
      CHECK_TEXT(address_of(gethostbyname(name)), "10.9.8.7");
      break;
    case 1:
      CHECK_IS(gethostbyname_r(name, &entry, room, sizeof room, &found, &error), 0);
      CHECK_TEXT(address_of(found), "10.9.8.7");
      break;
    case 2:
      if (CHECK_IS(getaddrinfo(name, "80", &hints, &list), 0)) {
        struct sockaddr_in *got = (struct sockaddr_in *)list->ai_addr;
        CHECK_TEXT(inet_ntop(AF_INET, &got->sin_addr, text, sizeof text), "10.9.8.7");
        freeaddrinfo(list);
      }
      break;
    case 3:
      inet_pton(AF_INET, "10.9.8.7", &in.sin_addr);
      CHECK_IS(getnameinfo((struct sockaddr *)&in, sizeof in, host, sizeof host, NULL, 0, NI_NAMEREQD), 0);
      CHECK_TEXT(host, "back.test");
      break;
    case 4:
      CHECK_TEXT(address_of(gethostbyname2(name, AF_INET)), "10.9.8.7");
      break;
    case 5:
      inet_pton(AF_INET, "10.9.8.7", &in.sin_addr);
      found = gethostbyaddr(&in.sin_addr, sizeof in.sin_addr, AF_INET);
      CHECK_TEXT(found ? found->h_name : "none", "back.test");
      break;
    case 6:
      inet_pton(AF_INET, "10.9.8.7", &in.sin_addr);
      CHECK_IS(gethostbyaddr_r(&in.sin_addr, sizeof in.sin_addr, AF_INET, &entry, room, sizeof room, &found, &error), 0);
      CHECK_TEXT(found ? found->h_name : "none", "back.test");
      CHECK_IS(gethostbyname2_r(name, AF_INET, &entry, room, sizeof room, &found, &error), 0);
      CHECK_TEXT(address_of(found), "10.9.8.7");
      break;
    case 7: {
      unsigned char answer[512] = {0};
      int length = res_query(name, 1, 1, answer, sizeof answer);
      CHECK(length > 16 && memcmp(answer + length - 4, "\12\11\10\7", 4) == 0);
      length = res_search(name, 1, 1, answer, sizeof answer);
      CHECK(length > 16 && memcmp(answer + length - 4, "\12\11\10\7", 4) == 0);
      CHECK(res_querydomain("no", "test.", 1, 1, answer, sizeof answer) == -1 && h_errno == HOST_NOT_FOUND);
      break;
    }
    case 8: {
      unsigned char question[512], answer[512] = {0};
      struct __res_state state;
      memset(&state, 0, sizeof state);
      CHECK_IS(res_ninit(&state), 0);
      int length = res_nquery(&state, name, 1, 1, answer, sizeof answer);
      CHECK(length > 16 && memcmp(answer + length - 4, "\12\11\10\7", 4) == 0);
      int asks = res_nmkquery(&state, 0, name, 1, 1, NULL, 0, NULL, question, sizeof question);
      length = res_nsend(&state, question, asks, answer, sizeof answer);
      CHECK(length > 16 && memcmp(answer + length - 4, "\12\11\10\7", 4) == 0);
      res_nclose(&state);
      break;
    }
  }
  CHECK(ticks > before);
  finished++;
  return NULL;
}

TEST(a_slow_name_server_keeps_nobody_else_waiting) {
  begin_serving();
  for (intptr_t i = 0; i < 18; i++) start(ask, (void *)i);
  loop_until(&finished, 18);
  CHECK(asked > 12);
}

static void *ask_in_vain(void *nothing) {
  struct addrinfo *list = NULL;
  co_enable_hook_sys();
  CHECK(gethostbyname("no.test.") == NULL);
  CHECK_IS(h_errno, HOST_NOT_FOUND);
  CHECK_IS(getaddrinfo("no.test.", NULL, NULL, &list), EAI_NONAME);
  finished++;
  return nothing;
}

TEST(a_slow_name_server_that_knows_no_such_name) {
  begin_serving();
  start(ask_in_vain, NULL);
  loop_until(&finished, 1);
}

RUN_TESTS
