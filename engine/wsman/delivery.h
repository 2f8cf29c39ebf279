// Pushed events: the short way through the engine, without any per-resource machinery.
//
// Source: wef-wire, sections 8.4 to 8.8.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/auth/principal.h"
#include "engine/base/task.h"
#include "engine/wsman/fault.h"

namespace wsman {

/// One message of a source to the address in NotifyTo or EndTo.
struct Delivery {
  enum class Kind { Events, Heartbeat, SubscriptionEnd };
  Kind kind = Kind::Events;
  std::string identifier;  ///< e:Identifier of the header, as it came; empty if there was none
  std::string path;        ///< of the HTTP request: "/wsman/subscriptions/GUID"
  std::string machine_id;  ///< what the source says of itself; not authenticated
  std::string address;     ///< the peer's network address
  auth::Principal who;
  std::vector<std::string> events;      ///< the text of each w:Event: event XML
  std::optional<std::string> bookmark;  ///< XML inside w:Bookmark, byte for byte
  std::uint64_t dropped = 0;            ///< sum of w:DroppedEvents
  /// SubscriptionEnd: the status URI, and the WSManFault of its detail if any.
  std::string end_status;
  std::uint32_t end_code = 0;
  std::string end_message;
  std::string session_id;
};

/// Takes deliveries. Thread-safe.
class DeliverySink {
 public:
  virtual ~DeliverySink() = default;
  /// Success means that it is durable: only then the Ack goes out.
  virtual AsyncResult<void> deliver(Delivery delivery) = 0;
  /// The action of the Ack for a delivery with this e:Identifier and path: the one of the specification, but for a source
  /// that is known to take another one only.
  virtual std::string_view ack_action(std::string_view identifier, std::string_view path) const;
};

}  // namespace wsman
