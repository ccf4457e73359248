/*
 * Holds many connections to an echo server at once, and checks every byte that comes back on each of them.
 * Usage: hold PORT PID CONNECTIONS      PID is the server's
 * Prints the connections that were right to the end, and what the server took meanwhile: kernel threads, memory of each.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { SIZE = 3000, ROUNDS = 3 };

static int tasks_of(const char *pid) {
  char path[64];
  int count = -2; /* . and .. */
  snprintf(path, sizeof path, "/proc/%s/task", pid);
  DIR *tasks = opendir(path);
  while (tasks && readdir(tasks)) count++;
  if (tasks) closedir(tasks);
  return count;
}
static long resident_kb(const char *pid) {
  char path[64];
  long pages = 0;
  snprintf(path, sizeof path, "/proc/%s/statm", pid);
  FILE *file = fopen(path, "r");
  if (!file || fscanf(file, "%*d %ld", &pages) != 1) exit(5);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
/* No two messages are alike. */
static void fill(unsigned char *message, unsigned number) {
  for (int i = 0; i < SIZE; i++) {
    if (i % 4 == 0) number = number * 1664525u + 1013904223u;
    message[i] = (unsigned char)(number >> 8 * (i % 4));
  }
}
static int opened(struct sockaddr_in *address) {
  struct timeval patience = {30, 0};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)address, sizeof *address)) return perror("connect"), -1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

int main(int count, char *arguments[]) {
  if (count != 4) return 2;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const char *pid = arguments[2];
  long connections = atol(arguments[3]), right = 0, before = resident_kb(pid);
  int *fds = calloc((size_t)connections, sizeof *fds), *wrong = calloc((size_t)connections, sizeof *wrong), most = 0;
  address.sin_port = htons((unsigned short)atoi(arguments[1]));
  for (long i = 0; i < connections; i++) {
    if ((fds[i] = opened(&address)) < 0) return 1;
  }
  for (unsigned round = 0; round < ROUNDS; round++) {
    static unsigned char sent[SIZE], back[SIZE];
    for (long i = 0; i < connections; i++) {
      fill(sent, (unsigned)i * ROUNDS + round);
      wrong[i] |= send(fds[i], sent, SIZE, MSG_NOSIGNAL) != SIZE;
    }
    for (long i = 0; i < connections; i++) {
      fill(sent, (unsigned)i * ROUNDS + round);
      wrong[i] |= recv(fds[i], back, SIZE, MSG_WAITALL) != SIZE || memcmp(sent, back, SIZE) != 0;
    }
    if (tasks_of(pid) > most) most = tasks_of(pid);
  }
  long each = (resident_kb(pid) - before) / connections;
  /* The server ends a connection when we end it, and no sooner. */
  for (long i = 0; i < connections; i++) {
    char byte;
    wrong[i] |= recv(fds[i], &byte, 1, MSG_DONTWAIT) >= 0;
    shutdown(fds[i], SHUT_WR);
  }
  for (long i = 0; i < connections; i++) {
    char byte;
    wrong[i] |= recv(fds[i], &byte, 1, 0) != 0;
    right += !wrong[i];
  }
  printf("right=%ld threads=%d kilobytes=%ld\n", right, most, each);
  return 0;
}
