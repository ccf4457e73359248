/* GIO: a connection and a request by its synchronous calls, which wait in a main context that is the thread's, and an object that is asked
 * about by name. In coroutines of one thread it needs thread-local variables for each. */
#include "hundred.h"
#include <gio/gio.h>

static char gio_address[100];

static int gio_client(int number) {
  GError *error = NULL;
  GSocketClient *client = g_socket_client_new();
  GMainContext *context = g_main_context_new();
  int failed = 1;
  g_main_context_push_thread_default(context);
  GSocketConnection *connection = g_socket_client_connect_to_host(client, gio_address, 0, NULL, &error);
  if (!connection) {
    wrong(number, "%s", error->message);
  } else {
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    char request[200], answer[8000] = "", expected[50];
    gsize got = 0;
    snprintf(request, sizeof request, "GET /%d HTTP/1.0\r\nHost: test\r\nConnection: close\r\n\r\n", number);
    snprintf(expected, sizeof expected, "\r\n\r\n%d\n%d\n", number, number);
    if (!g_output_stream_write_all(out, request, strlen(request), NULL, NULL, &error) ||
        !g_input_stream_read_all(in, answer, sizeof answer - 1, &got, NULL, &error))
      wrong(number, "%s", error->message);
    else if (!strstr(answer, expected))
      wrong(number, "another's answer: %s", answer);
    else
      failed = g_main_context_get_thread_default() != context;
    if (!g_io_stream_close(G_IO_STREAM(connection), NULL, &error)) failed = wrong(number, "%s", error->message);
    g_object_unref(connection);
  }
  g_main_context_pop_thread_default(context);
  g_main_context_unref(context);
  g_object_unref(client);
  g_clear_error(&error);
  return failed;
}

static void gio_prepare(void) {
  snprintf(gio_address, sizeof gio_address, "%s:%s", hundred_setting("SERVER_HOST"), hundred_setting("HTTP_PORT"));
  g_type_ensure(G_TYPE_SOCKET_CLIENT);
}

HUNDRED(gio_client, gio_prepare);
