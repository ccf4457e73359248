/* Apache Thrift: a call that takes 0.1 s, answered by a TThreadedServer of the same process, whose threads are plain ones; then one that
 * is refused, with an exception that is caught while others wait. What the compiler would generate is written by hand. */
#include "hundred.h"
#include <memory>
#include <string>
#include <thread>
#include <thrift/TApplicationException.h>
#include <thrift/TProcessor.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

using namespace apache::thrift;
using namespace apache::thrift::protocol;
using namespace apache::thrift::transport;

static int thrift_port;

struct Echo : TProcessor {
  bool process(std::shared_ptr<TProtocol> in, std::shared_ptr<TProtocol> out, void *) override {
    std::string name, text;
    TMessageType type;
    int32_t number;
    in->readMessageBegin(name, type, number);
    in->readString(text);
    in->readMessageEnd();
    in->getTransport()->readEnd();
    if (name == "echo") {
      usleep(100000);
      out->writeMessageBegin(name, T_REPLY, number);
      out->writeString(text);
    } else {
      out->writeMessageBegin(name, T_EXCEPTION, number);
      TApplicationException(TApplicationException::UNKNOWN_METHOD, text).write(out.get());
    }
    out->writeMessageEnd();
    out->getTransport()->writeEnd();
    out->getTransport()->flush();
    return true;
  }
};

static std::string call(TProtocol &protocol, const std::string &name, int number, const std::string &text) {
  std::string named, answer;
  TMessageType type;
  int32_t numbered;
  protocol.writeMessageBegin(name, T_CALL, number);
  protocol.writeString(text);
  protocol.writeMessageEnd();
  protocol.getTransport()->writeEnd();
  protocol.getTransport()->flush();
  protocol.readMessageBegin(named, type, numbered);
  if (type == T_EXCEPTION) {
    TApplicationException exception;
    exception.read(&protocol);
    throw exception;
  }
  protocol.readString(answer);
  protocol.readMessageEnd();
  protocol.getTransport()->readEnd();
  return numbered == number ? answer : "another's answer";
}

static int thrift_client(int number) {
  try {
    auto socket = std::make_shared<TSocket>(hundred_setting("SERVER_HOST"), thrift_port);
    socket->setConnTimeout(30000);
    socket->setRecvTimeout(30000);
    auto transport = std::make_shared<TFramedTransport>(socket);
    TBinaryProtocol protocol(transport);
    std::string text(1000 * number, 'x'), refused = "number " + std::to_string(number);
    transport->open();
    if (call(protocol, "echo", number, text + refused) != text + refused) return wrong(number, "another's echo");
    try {
      call(protocol, "nothing", number, refused);
      return wrong(number, "no exception");
    } catch (const TApplicationException &exception) {
      usleep(1000);
      if (exception.what() != refused) return wrong(number, "another's exception: %s", exception.what());
    }
    transport->close();
    return 0;
  } catch (const TException &exception) {
    return wrong(number, "%s", exception.what());
  }
}

static void thrift_prepare(void) {
  auto listener = std::make_shared<TServerSocket>(hundred_setting("SERVER_HOST"), 0);
  auto server = new server::TThreadedServer(std::make_shared<Echo>(), listener, std::make_shared<TFramedTransportFactory>(),
                                            std::make_shared<TBinaryProtocolFactory>());
  GlobalOutput.setOutputFunction([](const char *) {}); /* of each connection that is closed */
  std::thread([server] { server->serve(); }).detach();
  while (!(thrift_port = listener->getPort())) usleep(1000);
}

HUNDRED(thrift_client, thrift_prepare);
