// openwsman 2.8 as a source, with what it does differently from the specifications.
//
// It closes the connection after each answer, refuses chunked bodies with 411, gives faults many a status (a sender's 400,
// an unknown resource's 503, TimedOut's 408), and takes only CQL and WQL filters. A Pull does not wait. Its events come
// without n:Items from a Pull, and without their root element when they are pushed; w:Action, an attribute of batched items
// and a header of single ones, says what they are. Heartbeats and Acks are spelt with a namespace of its own, and any other
// Ack ends the subscription.

#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "engine/base/task_group.h"
#include "engine/http/client.h"
#include "engine/wsman/eventing.h"
#include "tests/fakes/source_log.h"
#include "tests/fakes/source_server.h"

namespace fakes {

struct OpenwsmanSourceOptions {
  /// What it serves besides Identify.
  std::string resource_uri = "http://schemas.dmtf.org/wbem/wscim/1/*";
  /// w:Action of its events.
  std::string event_action = "http://schemas.microsoft.com/win/2004/08/events/event/Event";
  /// For pushing: how to connect, and who it says it is. Real ones take this from the Subscribe; what is left empty is not
  /// said.
  http::ClientOptions push;
  std::string push_user;
  std::string push_password;
  std::chrono::milliseconds heartbeat{300};
};

class OpenwsmanSource final : public SourceServer {
 public:
  OpenwsmanSource(SourceLog& log, SourceServerOptions server = {}, OpenwsmanSourceOptions options = {});
  ~OpenwsmanSource() override;

  std::size_t subscriptions() const;
  /// How many subscriptions it has cancelled because what came was not its Ack.
  std::size_t cancelled() const;
  /// Messages that were pushed and acknowledged in its own spelling.
  std::size_t acknowledged() const;

 private:
  enum class Mode { Push, PushWithAck, Events, Pull };
  struct Subscription {
    Mode mode = Mode::Pull;
    std::uint64_t position = 0;
    std::string notify_to;
    std::string echo;  ///< header elements of each message that is pushed
  };

  base::Task<http::Response> answer(wsman::Envelope envelope, wsman::Charset charset) override;
  std::optional<http::Response> refuse(const http::RequestHead& head) override;
  http::Response identify() const;
  http::Response subscribe(const wsman::Envelope& request);
  http::Response pull(const wsman::Envelope& request);
  http::Response renew(const wsman::Envelope& request);
  http::Response unsubscribe(const wsman::Envelope& request);
  http::Response fault(wsman::FaultCode code, const wsman::Envelope& request) const;

  base::Task<void> push(std::string id, Subscription subscription);
  bool is_subscribed(const std::string& id) const;
  /// One message for `records`; a Heartbeat where there are none.
  std::string pushed_message(const Subscription& subscription, const std::vector<SourceLog::Record>& records,
                             const std::string& message_id) const;
  void cancel(const std::string& id);

  SourceLog& log_;
  OpenwsmanSourceOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, Subscription> subscriptions_;
  std::size_t cancelled_ = 0;
  std::size_t acknowledged_ = 0;
  base::TaskGroup pushing_;
};

}  // namespace fakes
