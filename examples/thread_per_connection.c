/*
 * An echo server as textbooks have it: a thread for each connection, calls that block, nothing of colib's. Run as it is,
 * each connection is a thread of the kernel's; run under COLIB_THREADS=1 LD_PRELOAD=libcolib.so, each is a coroutine.
 *
 * Usage: thread_per_connection [PORT]      Its port on 127.0.0.1, else one that the kernel chooses, is its first line of output.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *serve(void *connection) {
  int fd = (int)(intptr_t)connection;
  char bytes[1024];
  ssize_t length;
  while ((length = read(fd, bytes, sizeof bytes)) > 0 && send(fd, bytes, (size_t)length, MSG_NOSIGNAL) == length) continue;
  close(fd);
  return NULL;
}

int main(int count, char *arguments[]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd, listener = socket(AF_INET, SOCK_STREAM, 0);
  if (count > 1) address.sin_port = htons((uint16_t)atoi(arguments[1]));
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) return perror("thread_per_connection"), 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  while ((fd = accept(listener, NULL, NULL)) >= 0) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd)) close(fd);
    else pthread_detach(thread);
  }
  return perror("accept"), 1;
}
