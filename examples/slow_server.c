/*
 * A server that takes its time: it answers each request line after a delay with the line's checksum and
 * length. One thread for each connection, so that no client waits for another.
 *
 * Usage: slow_server [MILLISECONDS]      (default 100)
 * The port, chosen by the kernel on 127.0.0.1, is the first line of its output. It serves until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "slow_server.h"

static long delay_ms = 100;

static void *serve(void *arg) {
  int fd = (int)(intptr_t)arg;
  FILE *connection = fdopen(fd, "r+");
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  const struct timespec delay = {delay_ms / 1000, delay_ms % 1000 * 1000000};

  while (connection != NULL && (length = getline(&line, &room, connection)) > 0) {
    if (line[length - 1] == '\n') line[--length] = '\0';
    nanosleep(&delay, NULL);
    dprintf(fd, "%08x %zd\n", checksum(line, (size_t)length), length);
  }
  free(line);
  if (connection != NULL) fclose(connection); else close(fd);
  return NULL;
}

int main(int argc, char *argv[]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  pthread_attr_t attributes;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (argc > 1) delay_ms = atol(argv[1]);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1024) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
    perror("slow_server");
    return 1;
  }
  signal(SIGPIPE, SIG_IGN);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  for (;;) {
    pthread_t thread;
    int fd = accept(listener, NULL, NULL);
    if (fd >= 0 && pthread_create(&thread, &attributes, serve, (void *)(intptr_t)fd) != 0) close(fd);
  }
}
