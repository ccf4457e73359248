/* gRPC: a call that waits for its answer, which comes after 0.1 s from a server of the same process, whose threads are plain ones; then one
 * that is refused. In coroutines of one thread it needs thread-local variables for each. */
#include "hundred.h"
#include <grpcpp/alarm.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <string>
#if __has_include(<grpcpp/impl/client_unary_call.h>)
#include <grpcpp/impl/client_unary_call.h>
#else
#include <grpcpp/impl/codegen/client_unary_call.h>
#endif

static int echo_port;
static std::unique_ptr<grpc::Server> echo_server;

static std::string text_of(const grpc::ByteBuffer &bytes) {
  std::vector<grpc::Slice> slices;
  std::string text;
  bytes.Dump(&slices);
  for (const grpc::Slice &slice : slices) text.append(reinterpret_cast<const char *>(slice.begin()), slice.size());
  return text;
}
static grpc::ByteBuffer bytes_of(const std::string &text) {
  grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

class Echo : public grpc::ServerGenericBidiReactor {
public:
  explicit Echo(bool known) : known(known) { StartRead(&bytes); }

private:
  void OnReadDone(bool read) override {
    if (!read) return Finish(grpc::Status(grpc::StatusCode::UNKNOWN, "no request"));
    if (!known) return Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, text_of(bytes)));
    alarm.Set(std::chrono::system_clock::now() + std::chrono::milliseconds(100),
              [this](bool) { StartWriteAndFinish(&bytes, grpc::WriteOptions(), grpc::Status::OK); });
  }
  void OnDone() override { delete this; }

  bool known;
  grpc::ByteBuffer bytes;
  grpc::Alarm alarm;
};
class Service : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor *CreateReactor(grpc::GenericCallbackServerContext *context) override {
    return new Echo(context->method() == "/test/echo");
  }
};

static int grpc_client(int number) {
  auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(echo_port), grpc::InsecureChannelCredentials());
  std::string text = std::string(10 * number, 'x') + std::to_string(number);
  for (const char *method : {"/test/echo", "/test/nothing"}) {
    grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC, channel);
    grpc::ClientContext context;
    grpc::ByteBuffer answer;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    grpc::Status status = grpc::internal::BlockingUnaryCall(channel.get(), rpc, &context, bytes_of(text), &answer);
    if (rpc.name()[6] == 'e') {
      if (!status.ok()) return wrong(number, "%s", status.error_message().c_str());
      if (text_of(answer) != text) return wrong(number, "another's answer");
    } else if (status.error_code() != grpc::StatusCode::UNIMPLEMENTED || status.error_message() != text) {
      return wrong(number, "another's refusal: %s", status.error_message().c_str());
    }
  }
  return 0;
}

static void grpc_prepare(void) {
  static Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &echo_port);
  builder.RegisterCallbackGenericService(&service);
  echo_server = builder.BuildAndStart();
}

HUNDRED(grpc_client, grpc_prepare);
