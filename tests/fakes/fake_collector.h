// A collector in memory that answers as a test tells it to.

#pragma once

#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "engine/wsman/client.h"
#include "engine/wsman/eventing.h"

namespace test_support {

/// One message that a source has sent.
struct ReceivedMessage {
  std::string text;  ///< the envelope, UTF-8
  wsman::Headers headers;
  base::SteadyTime at;
  std::vector<std::string> events;  ///< of w:Events: the text of each item, or its XML where it is not text
  std::uint64_t dropped = 0;        ///< of w:DroppedEvents
  std::string end_status;           ///< of SubscriptionEnd
  std::string end_code;

  bool is(std::string_view action) const { return headers.action == action; }
};

/// Manager and delivery address in one. Thread-safe. Outlives its transports.
class FakeCollector {
 public:
  enum class Answer {
    Ack,           ///< with a list of the offers for Enumerate
    Nothing,       ///< as 204 does
    AnotherAck,    ///< which belongs to another message
    NotAnAck,      ///< a success with another action
    Silence,       ///< for ever
    Unreachable,   ///< connection refused
    Unauthorised,  ///< as 401 does
  };
  using Script = std::variant<Answer, wsman::FaultCode>;

  explicit FakeCollector(base::Clock& clock) : clock_(clock) {}

  /// For messages with this action; "" for all. Given several times, one after the other.
  void answer_once(std::string_view action, Script script);
  /// After those of answer_once().
  void answer_always(std::string_view action, Script script);
  /// Larger messages, in octets of UTF-8, get what HTTP status 413 becomes.
  void take_at_most(std::size_t octets);
  void offer(std::vector<wsman::OfferedSubscription> offers);

  std::unique_ptr<wsman::Transport> connect();

  std::vector<ReceivedMessage> received() const;
  std::vector<ReceivedMessage> received(std::string_view action) const;
  /// The events of all deliveries that were acknowledged, in order.
  std::vector<std::string> events() const;

 private:
  class Link;
  struct Rule {
    std::string action;
    Script script;
  };

  Script script_for(std::string_view action);
  base::AsyncResult<std::optional<wsman::Envelope>> take(wsman::Message request);
  std::string offers_xml() const;

  base::Clock& clock_;
  mutable std::mutex mutex_;
  std::deque<Rule> once_;
  std::vector<Rule> always_;
  std::size_t at_most_ = std::numeric_limits<std::size_t>::max();
  std::vector<wsman::OfferedSubscription> offers_;
  std::vector<ReceivedMessage> received_;
  std::vector<std::string> events_;
};

}  // namespace test_support
