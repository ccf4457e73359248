/* world.c - the two worlds of equal descriptors. */
#define _GNU_SOURCE
#include "fuzz.h"

const char *const slot_names[OPEN_SLOTS] = {
    "closed", "scratch", "pipe_in_n", "pipe_out_n", "pipe_in", "pipe_out", "pipe_ended", "pipe_broken",
    "unix_n", "unix_peer_n", "unix_t", "unix_peer_t", "datagram_n", "datagram_peer_n", "datagram_t", "datagram_peer_t", "packet_n", "packet_peer_n",
    "tcp_n", "tcp_peer_n", "tcp_t", "tcp_peer_t", "udp_n", "udp_peer_n", "listener_n", "listener_t", "tcp_listener_t",
    "fresh_tcp", "fresh_unix", "fresh_datagram",
    "event_n", "event", "timer_n", "timer", "file_both", "file_in", "file_out", "directory", "nothing", "zeroes", "path_only", "epoll",
    "master_n", "terminal_n", "memory", "fifo_n", "watch_n"};

static struct sockaddr_in tcp_address[WORLDS];

bool is_fickle(enum slot slot) {
  return (slot >= TCP_N && slot <= UDP_PEER_N) || slot == TCP_LISTENER_T || slot == FRESH_TCP || slot == MASTER_N || slot == TERMINAL_N;
}

bool is_timed(enum slot slot) {
  const char *name = slot_names[slot];
  return strcmp(name + strlen(name) - 2, "_t") == 0 || (slot >= FRESH_TCP && slot <= FRESH_DATAGRAM);
}

static void put(int world, enum slot slot, int fd) {
  NEED(fd >= 0);
  if (fd != number_of(world, slot)) {
    NEED(dup2(fd, number_of(world, slot)) >= 0);
    close(fd);
  }
}

static void put_pair(int world, enum slot slot, const int pair[2]) {
  put(world, slot, pair[0]);
  put(world, slot + 1, pair[1]);
}

static void block(int fd, bool blocking) {
  int flags = fcntl(fd, F_GETFL);
  NEED(fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0);
}

static void set_time_outs(int world, enum slot slot) {
  struct timeval time = {0, 2000};
  NEED(setsockopt(number_of(world, slot), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
  NEED(setsockopt(number_of(world, slot), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) == 0);
}

static void shrink(int fd) {
  int size = 8192;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

static void sockets(int world, enum slot slot, int type, bool timed) {
  int pair[2];
  NEED(socketpair(AF_UNIX, type | (timed ? 0 : SOCK_NONBLOCK), 0, pair) == 0);
  shrink(pair[0]);
  shrink(pair[1]);
  put_pair(world, slot, pair);
  if (timed) set_time_outs(world, slot), set_time_outs(world, slot + 1);
  NEED(send(number_of(world, slot + 1), "some words", 10, 0) == 10 && send(number_of(world, slot + 1), "and more", 8, 0) == 8);
}

socklen_t listener_address(int world, bool tcp, struct sockaddr_storage *address) {
  memset(address, 0, sizeof *address);
  if (tcp) {
    memcpy(address, &tcp_address[world], sizeof tcp_address[world]);
    return sizeof tcp_address[world];
  }
  struct sockaddr_un *here = (struct sockaddr_un *)address;
  here->sun_family = AF_UNIX;
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                     (size_t)snprintf(here->sun_path + 1, 60, "colib-fuzz-%d-%d", (int)getpid(), world));
}

static void listen_to(int world, enum slot slot, int domain, bool timed, bool known) {
  struct sockaddr_storage address;
  socklen_t size = listener_address(world, domain == AF_INET, &address);
  int fd = socket(domain, SOCK_STREAM | (timed ? 0 : SOCK_NONBLOCK), 0);
  if (domain == AF_INET) {
    struct sockaddr_in *in = (struct sockaddr_in *)&address;
    *in = (struct sockaddr_in){.sin_family = AF_INET};
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  if (domain == AF_UNIX && !known) size = sizeof(sa_family_t);
  NEED(bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 8) == 0);
  size = sizeof address;
  NEED(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
  if (domain == AF_INET) memcpy(&tcp_address[world], &address, sizeof tcp_address[world]);
  put(world, slot, fd);
  if (timed) set_time_outs(world, slot);
  for (int i = 0; i < 2; i++) {
    int one = socket(domain, SOCK_STREAM, 0);
    NEED(connect(one, (struct sockaddr *)&address, size) == 0);
    close(one);
  }
}

static void tcp_pair(int world, enum slot slot, bool timed) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, pair[2];
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  NEED(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
  NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  NEED((pair[0] = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && connect(pair[0], (struct sockaddr *)&address, size) == 0);
  NEED((pair[1] = accept(listener, NULL, NULL)) >= 0);
  close(listener);
  for (int i = 0; i < 2; i++) {
    setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    block(pair[i], timed);
  }
  put_pair(world, slot, pair);
  if (timed) set_time_outs(world, slot), set_time_outs(world, slot + 1);
  NEED(send(number_of(world, slot + 1), "some words", 10, 0) == 10);
}

static void udp_pair(int world) {
  struct sockaddr_in address[2];
  int pair[2];
  for (int i = 0; i < 2; i++) {
    socklen_t size = sizeof address[i];
    memset(&address[i], 0, size);
    address[i].sin_family = AF_INET;
    address[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    NEED((pair[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) >= 0 && bind(pair[i], (struct sockaddr *)&address[i], size) == 0);
    NEED(getsockname(pair[i], (struct sockaddr *)&address[i], &size) == 0);
  }
  for (int i = 0; i < 2; i++) NEED(connect(pair[i], (struct sockaddr *)&address[1 - i], sizeof address[0]) == 0);
  put_pair(world, UDP_N, pair);
}

static int file(int flags) {
  char path[] = "/tmp/colib-fuzz-XXXXXX";
  int made = mkstemp(path);
  NEED(made >= 0 && write(made, "the first line\nthe second line\n", 31) == 31);
  int fd = open(path, flags);
  close(made);
  unlink(path);
  return fd;
}

static void pipes(int world) {
  int pair[2];
  NEED(pipe2(pair, O_NONBLOCK) == 0 && write(pair[1], "in the pipe", 11) == 11);
  put_pair(world, PIPE_IN_N, pair);
  NEED(pipe(pair) == 0 && write(pair[1], "in the blocking pipe", 20) == 20);
  put_pair(world, PIPE_IN, pair);
  NEED(pipe(pair) == 0 && write(pair[1], "the last", 8) == 8 && close(pair[1]) == 0);
  put(world, PIPE_ENDED, pair[0]);
  NEED(pipe(pair) == 0 && close(pair[0]) == 0);
  put(world, PIPE_BROKEN, pair[1]);
}

static void terminal(int world) {
  struct termios settings;
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), slave;
  NEED(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  NEED((slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK)) >= 0 && tcgetattr(slave, &settings) == 0);
  cfmakeraw(&settings);
  NEED(tcsetattr(slave, TCSANOW, &settings) == 0);
  put(world, MASTER_N, master);
  put(world, TERMINAL_N, slave);
}

static void make_world(int world) {
  struct itimerspec soon = {{0, 0}, {0, 1}};
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = 5};
  char path[64];
  for (int slot = 0; slot < SLOTS; slot++) close(number_of(world, slot));
  pipes(world);
  sockets(world, UNIX_N, SOCK_STREAM, false);
  sockets(world, UNIX_T, SOCK_STREAM, true);
  sockets(world, DATAGRAM_N, SOCK_DGRAM, false);
  sockets(world, DATAGRAM_T, SOCK_DGRAM, true);
  sockets(world, PACKET_N, SOCK_SEQPACKET, false);
  tcp_pair(world, TCP_N, false);
  tcp_pair(world, TCP_T, true);
  udp_pair(world);
  listen_to(world, LISTENER_N, AF_UNIX, false, true);
  listen_to(world, LISTENER_T, AF_UNIX, true, false);
  listen_to(world, TCP_LISTENER_T, AF_INET, true, true);
  put(world, FRESH_TCP, socket(AF_INET, SOCK_STREAM, 0));
  put(world, FRESH_UNIX, socket(AF_UNIX, SOCK_STREAM, 0));
  put(world, FRESH_DATAGRAM, socket(AF_UNIX, SOCK_DGRAM, 0));
  for (enum slot slot = FRESH_TCP; slot <= FRESH_DATAGRAM; slot++) set_time_outs(world, slot);
  put(world, EVENT_N, eventfd(0, EFD_NONBLOCK));
  put(world, EVENT, eventfd(5, EFD_SEMAPHORE));
  put(world, TIMER_N, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  put(world, TIMER, timerfd_create(CLOCK_MONOTONIC, 0));
  NEED(timerfd_settime(number_of(world, TIMER), 0, &soon, NULL) == 0);
  put(world, FILE_BOTH, file(O_RDWR));
  put(world, FILE_IN, file(O_RDONLY));
  put(world, FILE_OUT, file(O_WRONLY | O_APPEND));
  put(world, DIRECTORY, open("/", O_RDONLY | O_DIRECTORY));
  put(world, NOTHING, open("/dev/null", O_RDWR));
  put(world, ZEROES, open("/dev/zero", O_RDWR));
  put(world, PATH_ONLY, open("/dev/null", O_PATH));
  put(world, EPOLL, epoll_create1(0));
  NEED(epoll_ctl(number_of(world, EPOLL), EPOLL_CTL_ADD, number_of(world, PIPE_IN_N), &event) == 0);
  terminal(world);
  put(world, MEMORY, memfd_create("fuzz", 0));
  snprintf(path, sizeof path, "/tmp/colib-fuzz-fifo-%d", (int)getpid());
  NEED(mkfifo(path, 0600) == 0);
  put(world, FIFO_N, open(path, O_RDWR | O_NONBLOCK));
  unlink(path);
  put(world, WATCH_N, inotify_init1(IN_NONBLOCK));
}

void make_worlds(void) {
  for (int world = 0; world < WORLDS; world++) make_world(world);
}
