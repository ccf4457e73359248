/* numbers.c - which numbers descriptors get, and what is done to descriptors that are waited for. */
#include "scenario.h"

static int ends[2], more[2], third[2];
static char buffer[64];

static void read_and_tell(void *argument) {
  (void)argument;
  TRACE(read(ends[0], buffer, 5));
}

static void poll_and_tell(void *argument) {
  struct pollfd p = {third[0], POLLIN, 0};
  (void)argument;
  TRACE(poll(&p, 1, -1));
  say("%s", poll_names(p.revents));
}

static void show_open(void) {
  char text[400] = "";
  for (int fd = 0; fd < 60; fd++)
    if (fcntl(fd, F_GETFD) >= 0) sprintf(text + strlen(text), " %d", fd);
  say("open:%s", text);
}

SCENARIO(same_numbers, "descriptors get the numbers that they would get") {
  struct sockaddr_in address;
  make_pair(PIPE, ends);
  make_pair(PIPE, third);
  start("reader", read_and_tell, NULL);
  start("poller", poll_and_tell, NULL);
  settle();
  TRACE(socket(AF_INET, SOCK_STREAM, 0));
  TRACE(socketpair(AF_UNIX, SOCK_STREAM, 0, more));
  say("%d %d", more[0], more[1]);
  TRACE(pipe(more));
  say("%d %d", more[0], more[1]);
  TRACE(pipe2(more, O_CLOEXEC));
  say("%d %d", more[0], more[1]);
  TRACE(open("/dev/null", O_RDWR));
  TRACE(dup(0));
  TRACE(dup2(0, 30));
  TRACE(dup3(0, 31, O_CLOEXEC));
  TRACE(fcntl(0, F_DUPFD, 30));
  TRACE(fcntl(0, F_DUPFD_CLOEXEC, 40));
  TRACE(fcntl(40, F_GETFD));
  TRACE(close(7));
  TRACE(eventfd(0, 0));
  TRACE(listen_tcp(1, &address));
  TRACE(close(9));
  TRACE(close(9));
  TRACE(dup(1));
  show_open();
  TRACE(write(ends[1], "done", 4));
  TRACE(write(third[1], "done", 4));
  join();
  show_open();
}

SCENARIO(closing_all, "a loop that closes everything leaves nothing open and breaks nothing") {
  make_pair(PIPE, ends);
  start("reader", read_and_tell, NULL);
  settle();
  MUST(write(ends[1], "done", 4));
  join();
  for (int fd = 3; fd < 1024; fd++) close(fd);
  show_open();
  make_pair(UNIX, ends);
  start("again", read_and_tell, NULL);
  settle();
  MUST(write(ends[1], "done", 4));
  join();
  closefrom(3);
  show_open();
  make_pair(PIPE, third);
  start("once more", poll_and_tell, NULL);
  settle();
  MUST(write(third[1], "done", 4));
  join();
  TRACE(close_range(3, ~0U, 0));
  show_open();
  TRACE(close_range(5, 3, 0));
  TRACE(close_range(3, 50, 1234));
  for (int fd = 3; fd < 60; fd++) MUST(dup2(0, fd));
  show_open();
  TRACE(usleep(1000));
}

SCENARIO(control, "fcntl and ioctl with every kind of argument") {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
  struct winsize size = {.ws_row = 24, .ws_col = 80}, got = {0};
  struct f_owner_ex owner = {0};
  int on = 1, count = -1, fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
  TRACE(fcntl(fd, F_SETLK, &lock));
  TRACE(fcntl(fd, F_GETLK, &lock));
  say("%d", lock.l_type);
  TRACE(fcntl(fd, F_SETLKW, &lock));
  TRACE(fcntl(fd, F_SETLK, nowhere));
  TRACE(fcntl(fd, F_GETFL));
  TRACE(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
  TRACE(fcntl(fd, F_GETFL));
  TRACE(fcntl(fd, F_SETFD, FD_CLOEXEC));
  TRACE(fcntl(fd, F_GETFD));
  TRACE(fcntl(fd, 12345, 0));
  TRACE(fcntl(fd, F_DUPFD, 1 << 30));
  TRACE(fcntl(fd, F_DUPFD, -1));
  make_pair(PIPE, ends);
  TRACE(fcntl(ends[0], F_GETPIPE_SZ));
  TRACE(fcntl(ends[0], F_SETPIPE_SZ, 8192));
  TRACE(ioctl(ends[0], FIONREAD, &count));
  say("%d", count);
  TRACE(ioctl(ends[0], FIONBIO, &on));
  say("%s", flag_names(fcntl(ends[0], F_GETFL)));
  TRACE(read(ends[0], buffer, 1));
  on = 0;
  TRACE(ioctl(ends[0], FIONBIO, &on));
  say("%s", flag_names(fcntl(ends[0], F_GETFL)));
  TRACE(ioctl(ends[0], FIONBIO, nowhere));
  TRACE(ioctl(ends[0], TIOCGWINSZ, &got));
  TRACE(ioctl(fd, FIONREAD, &count));
  TRACE(ioctl(fd, 0x1234, 0));
  make_pair(PTY, ends);
  TRACE(ioctl(ends[1], TIOCSWINSZ, &size));
  TRACE(ioctl(ends[0], TIOCGWINSZ, &got));
  say("%d %d", got.ws_row, got.ws_col);
  make_pair(UNIX, ends);
  TRACE(fcntl(ends[0], F_SETOWN, getpid()));
  say("%d", fcntl(ends[0], F_GETOWN) == getpid());
  TRACE(fcntl(ends[0], F_GETOWN_EX, &owner));
  say("%d", owner.pid == getpid());
  TRACE(fcntl64(ends[0], F_GETFL));
}

SCENARIO(duplicates, "a duplicate is waited for by itself, and outlives the first") {
  for (enum kind kind = 0; kind < KINDS; kind++) {
    char name[40];
    make_pair(kind, ends);
    int copy = MUST(dup(ends[0]));
    snprintf(name, sizeof name, "%s before", kind_names[kind]);
    start(name, read_and_tell, NULL);
    settle();
    MUST(write(ends[1], "one", 3));
    join();
    MUST(close(ends[0]));
    ends[0] = copy;
    snprintf(name, sizeof name, "%s after", kind_names[kind]);
    start(name, read_and_tell, NULL);
    settle();
    MUST(write(ends[1], "three", 5));
    join();
    /* Its number is used again for something else. */
    int number = ends[0];
    MUST(close(ends[0]));
    MUST(close(ends[1]));
    make_pair(PIPE, more);
    ends[0] = more[0] == number ? more[0] : MUST(dup2(more[0], number));
    snprintf(name, sizeof name, "%s again", kind_names[kind]);
    start(name, read_and_tell, NULL);
    settle();
    MUST(write(more[1], "x", 1));
    join();
    closefrom(3);
  }
}

/* What a thread waits for stays the old description, even when its number is something else by now. */
static void read_old(void *argument) {
  (void)argument;
  ssize_t n = read(ends[0], buffer, 5);
  say("%zd %s", n, error_name(n < 0 ? errno : 0));
}

SCENARIO(closed_meanwhile, "a descriptor is closed while a call waits on it") {
  make_pair(PIPE, ends);
  int copy = MUST(dup(ends[0]));
  start("reader", read_old, NULL);
  settle();
  TRACE(close(ends[0]));
  settle();
  say("still waiting: %d", !has_ended("reader"));
  TRACE(write(ends[1], "late", 4));
  settle();
  join();
  TRACE(close(copy));
}

SCENARIO(replaced_meanwhile, "a descriptor is replaced by dup2 while a call waits on it") {
  make_pair(PIPE, ends);
  int copy = MUST(dup(ends[0]));
  make_pair(PIPE, more);
  start("reader", read_old, NULL);
  settle();
  TRACE(dup2(more[0], ends[0]));
  settle();
  say("still waiting: %d", !has_ended("reader"));
  TRACE(write(ends[1], "old", 3));
  settle();
  join();
  TRACE(close(copy));
}

static void accept_and_tell(void *argument) {
  TRACE(accept(*(int *)argument, NULL, NULL));
}

SCENARIO(accepted_number, "accept chooses the number of its descriptor before it waits") {
  struct sockaddr_in address;
  static int listener;
  ends[0] = listener = listen_tcp(1, &address);
  start("accept", accept_and_tell, &listener);
  settle();
  int client = (int)TRACE(socket(AF_INET, SOCK_STREAM, 0));
  MUST(connect(client, plain(&address), sizeof address));
  join();
}
