/* A server whose listener is there before its first coroutine, and that serves some connections one after another. */
#include <arpa/inet.h>
#include <co_routine.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 5 };
static int listener;
static struct sockaddr_in address;

static void *connects(void *unused) {
  char byte;
  for (int i = 0; i < CONNECTIONS; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    usleep(20000);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) || read(fd, &byte, 1) != 1) abort();
    close(fd);
  }
  puts("works");
  fflush(stdout);
  _exit(0);
  return unused;
}

static void *serves(void *unused) {
  co_enable_hook_sys();
  for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd))
    if (write(fd, "x", 1) != 1) abort();
  return unused;
}

int main(void) {
  socklen_t size = sizeof address;
  stCoRoutine_t *co;
  pthread_t client;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 5)) abort();
  if (getsockname(listener, (struct sockaddr *)&address, &size)) abort();
  co_create(&co, NULL, serves, NULL);
  co_resume(co);
  pthread_create(&client, NULL, connects, NULL);
  co_eventloop(co_get_epoll_ct(), NULL, NULL);
}
