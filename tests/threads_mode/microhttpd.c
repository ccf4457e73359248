/* A thread for each connection, by libmicrohttpd: gives the page of each number.
   Usage: microhttpd PORT. Ends on SIGTERM. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>

enum { SIZE = 20000 };

static enum MHD_Result answer(void *unused, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **state) {
  (void)unused, (void)method, (void)version, (void)data, (void)size;
  /* The first call tells of the head alone: who answers then closes the connection. */
  if (!*state) return *state = connection, MHD_YES;
  char *page = malloc(SIZE);
  long number = strtol(path + 1, NULL, 10);
  for (long i = 0; i < SIZE; i++) page[i] = (char)(number * 7 + i * 13 + i / 256);
  struct MHD_Response *response = MHD_create_response_from_buffer(SIZE, page, MHD_RESPMEM_MUST_FREE);
  enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
  MHD_destroy_response(response);
  return result;
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sigset_t end;
  int signal;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end, NULL);
  unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG;
  struct MHD_Daemon *server =
      MHD_start_daemon(flags, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_CONNECTION_LIMIT, 2000u,
                       MHD_OPTION_LISTEN_BACKLOG_SIZE, 512u, MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
  if (!server) return 1;
  sigwait(&end, &signal);
  MHD_stop_daemon(server);
  return 0;
}
