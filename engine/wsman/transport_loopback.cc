// Messages into a dispatcher of the same process, through their text: what is tested so is what goes over the wire.

#include "engine/wsman/client.h"

namespace wsman {
namespace {

class LoopbackTransport final : public Transport {
 public:
  LoopbackTransport(Dispatcher& dispatcher, Caller caller) : dispatcher_(dispatcher), caller_(std::move(caller)) {}

  base::AsyncResult<std::optional<Envelope>> round_trip(Message request, std::chrono::milliseconds) override {
    std::string relates_to;
    auto envelope = read_envelope(write_envelope(request), {}, &relates_to);
    std::optional<Message> reply;
    if (envelope.ok()) {
      Envelope message = std::move(*envelope);
      Caller caller = caller_;
      reply = co_await dispatcher_.dispatch(std::move(message), std::move(caller));
    } else {
      reply = fault_message(envelope.error(), relates_to, dispatcher_.options().machine);
    }
    if (!reply) co_return std::optional<Envelope>();
    auto answer = read_envelope(write_envelope(*reply));
    if (!answer.ok()) co_return as_error(answer.error());
    co_return std::optional<Envelope>(std::move(*answer));
  }

 private:
  Dispatcher& dispatcher_;
  Caller caller_;
};

}  // namespace

std::unique_ptr<Transport> loopback_transport(Dispatcher& dispatcher, Caller caller) {
  return std::make_unique<LoopbackTransport>(dispatcher, std::move(caller));
}

}  // namespace wsman
