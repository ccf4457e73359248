/* cpp-httplib: a page that comes after 0.1 s and holds its number a thousand times, then an echo over the same connection. */
#include "hundred.h"
#include <httplib.h>
#include <string>

static std::string httplib_host;
static int httplib_port;

static int httplib_client(int number) {
  std::string line = std::to_string(number) + "\n", page, text(10000, char('a' + number % 26));
  for (int i = 0; i < 1000; i++) page += line;
  httplib::Client client(httplib_host, httplib_port);
  client.set_keep_alive(true);
  auto answer = client.Get(("/" + std::to_string(number)).c_str());
  if (!answer) return wrong(number, "GET: %s", httplib::to_string(answer.error()).c_str());
  if (answer->status != 200 || answer->body != page) return wrong(number, "status %d, %zu bytes", answer->status, answer->body.size());
  answer = client.Post("/", text + line, "text/plain");
  if (!answer) return wrong(number, "POST: %s", httplib::to_string(answer.error()).c_str());
  if (answer->body != text + line) return wrong(number, "another's echo");
  return 0;
}

static void httplib_prepare(void) {
  httplib_host = hundred_setting("SERVER_HOST");
  httplib_port = atoi(hundred_setting("HTTP_PORT"));
}

HUNDRED(httplib_client, httplib_prepare);
