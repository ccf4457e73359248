/* Boost.Asio: a request whose answer comes after 0.1 s, by an io_context that the client runs until it has nothing to do, with a timer that
 * would give it up. In coroutines of one thread it needs thread-local variables for each: what run() keeps there is one call's. */
#include "hundred.h"
#include <boost/asio.hpp>
#include <string>

using boost::asio::ip::tcp;

static int asio_client(int number) {
  boost::asio::io_context context;
  boost::asio::steady_timer limit(context, std::chrono::seconds(30));
  tcp::socket socket(context);
  std::string request = "GET /" + std::to_string(number) + " HTTP/1.0\r\nHost: test\r\nConnection: close\r\n\r\n", answer, expected;
  boost::system::error_code why;
  bool late = false;
  const tcp::endpoint server(boost::asio::ip::make_address(hundred_setting("SERVER_HOST")),
                             static_cast<unsigned short>(atoi(hundred_setting("HTTP_PORT"))));
  auto ended = [&](boost::system::error_code error) {
    if (error && error != boost::asio::error::eof) why = error;
    limit.cancel();
  };
  limit.async_wait([&](boost::system::error_code error) {
    if (!error) late = true, socket.close();
  });
  socket.async_connect(server, [&](boost::system::error_code error) {
    if (error) return ended(error);
    boost::asio::async_write(socket, boost::asio::buffer(request), [&](boost::system::error_code error, size_t) {
      if (error) return ended(error);
      boost::asio::async_read(socket, boost::asio::dynamic_buffer(answer),
                              [&](boost::system::error_code error, size_t) { ended(error); });
    });
  });
  context.run();
  for (int i = 0; i < 1000; i++) expected += std::to_string(number) + "\n";
  if (late) return wrong(number, "no answer in 30 s");
  if (why) return wrong(number, "%s", why.message().c_str());
  if (answer.size() < expected.size() || answer.compare(answer.size() - expected.size(), std::string::npos, expected))
    return wrong(number, "another's answer: %zu bytes", answer.size());
  return 0;
}

static void asio_prepare(void) {}

HUNDRED(asio_client, asio_prepare);
