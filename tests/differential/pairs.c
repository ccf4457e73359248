/* pairs.c - connected descriptors of every kind, and small helps with them. */
#include "stage.h"

const char *const kind_names[KINDS] = {"tcp", "unix", "seqpacket", "datagram", "udp", "pipe", "fifo", "pty"};
volatile sig_atomic_t sigpipes;
void *const volatile nowhere = (void *)1;

int listen_tcp(int backlog, struct sockaddr_in *address) {
  socklen_t length = sizeof *address;
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  MUST(bind(fd, plain(address), sizeof *address));
  MUST(listen(fd, backlog));
  MUST(getsockname(fd, (struct sockaddr *)address, &length));
  return fd;
}

struct sockaddr_un unix_address(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  return address;
}

int listen_unix(int type, int backlog, const char *path, struct sockaddr_un *address) {
  int fd = MUST(socket(AF_UNIX, type, 0));
  *address = unix_address(path);
  MUST(bind(fd, plain(address), sizeof *address));
  MUST(listen(fd, backlog));
  return fd;
}

static int bound_udp(struct sockaddr_in *address) {
  socklen_t length = sizeof *address;
  int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  MUST(bind(fd, plain(address), sizeof *address));
  MUST(getsockname(fd, (struct sockaddr *)address, &length));
  return fd;
}

static void make_pty(int ends[2]) {
  struct termios raw;
  char name[64];
  ends[1] = MUST(posix_openpt(O_RDWR | O_NOCTTY));
  MUST(grantpt(ends[1]));
  MUST(unlockpt(ends[1]));
  MUST(ptsname_r(ends[1], name, sizeof name));
  ends[0] = MUST(open(name, O_RDWR | O_NOCTTY));
  MUST(tcgetattr(ends[0], &raw));
  cfmakeraw(&raw);
  MUST(tcsetattr(ends[0], TCSANOW, &raw));
}

void make_pair(enum kind kind, int ends[2]) {
  static const int types[] = {[UNIX] = SOCK_STREAM, [SEQPACKET] = SOCK_SEQPACKET, [DGRAM] = SOCK_DGRAM};
  static int fifos;
  char name[32];
  struct sockaddr_in address, other;
  int listener, on = 1;
  switch (kind) {
    case TCP:
      listener = listen_tcp(1, &address);
      ends[1] = MUST(socket(AF_INET, SOCK_STREAM, 0));
      MUST(connect(ends[1], plain(&address), sizeof address));
      ends[0] = MUST(accept(listener, NULL, NULL));
      MUST(close(listener));
      for (int i = 0; i < 2; i++) MUST(setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
      break;
    case UNIX:
    case SEQPACKET:
    case DGRAM:
      MUST(socketpair(AF_UNIX, types[kind], 0, ends));
      break;
    case UDP:
      ends[0] = bound_udp(&address);
      ends[1] = bound_udp(&other);
      MUST(connect(ends[0], plain(&other), sizeof other));
      MUST(connect(ends[1], plain(&address), sizeof address));
      break;
    case FIFO:
      snprintf(name, sizeof name, "fifo%d", fifos++);
      unlink(name);
      MUST(mkfifo(name, 0600));
      ends[0] = MUST(open(name, O_RDONLY | O_NONBLOCK));
      ends[1] = MUST(open(name, O_WRONLY));
      set_nonblocking(ends[0], false);
      break;
    case PTY:
      make_pty(ends);
      break;
    default:
      MUST(pipe(ends));
  }
}

void set_time_out(int fd, int option, int ms) {
  struct timeval time = {ms / 1000, ms % 1000 * 1000};
  MUST(setsockopt(fd, SOL_SOCKET, option, &time, sizeof time));
}

void reset_on_close(int fd) {
  struct linger linger = {1, 0};
  MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

void set_nonblocking(int fd, bool on) {
  int flags = MUST(fcntl(fd, F_GETFL));
  MUST(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

static void count_one(int signal) {
  (void)signal;
  sigpipes++;
}

void count_sigpipes(void) {
  struct sigaction action = {.sa_handler = count_one, .sa_flags = SA_RESTART};
  MUST(sigaction(SIGPIPE, &action, NULL));
}

size_t read_all(int fd, void *data, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t n = read(fd, (char *)data + done, length - done);
    if (n <= 0) break;
    done += (size_t)n;
  }
  return done;
}

char *before_a_hole(size_t length) {
  size_t whole = (length + 4095) / 4096 * 4096;
  char *start = mmap(NULL, whole + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED || mprotect(start + whole, 4096, PROT_NONE) != 0) fail("mmap");
  return start + whole - length;
}
