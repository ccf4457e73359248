/* A thread for each connection, from a pool, by civetweb: gives the page of each number.
   Usage: civetweb PORT. Ends on SIGTERM. */
#include <civetweb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 20000 };

static int answer(struct mg_connection *connection, void *unused) {
  char page[SIZE];
  (void)unused;
  long number = strtol(mg_get_request_info(connection)->local_uri + 1, NULL, 10);
  for (long i = 0; i < SIZE; i++) page[i] = (char)(number * 7 + i * 13 + i / 256);
  mg_send_http_ok(connection, "application/octet-stream", SIZE);
  mg_write(connection, page, SIZE);
  return 200;
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  char place[32];
  snprintf(place, sizeof place, "127.0.0.1:%s", arguments[1]);
  const char *options[] = {"listening_ports",  place, "num_threads",        "250",  "enable_keep_alive",  "yes",
                           "listen_backlog",   "512", "request_timeout_ms", "60000", "keep_alive_timeout_ms", "60000", NULL};
  sigset_t end;
  int signal;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end, NULL);
  struct mg_callbacks callbacks;
  memset(&callbacks, 0, sizeof callbacks);
  mg_init_library(0);
  struct mg_context *server = mg_start(&callbacks, NULL, options);
  if (!server) return 1;
  mg_set_request_handler(server, "/", answer, NULL);
  sigwait(&end, &signal);
  mg_stop(server);
  return 0;
}
