// What subscribing at sources needs of the program that it runs in.

#pragma once

#include <memory>
#include <string>

#include "engine/wsman/client.h"
#include "engine/wsman/delivery.h"
#include "engine/wsman/eventing.h"
#include "subscriptions/manager.h"
#include "subscriptions/subscription.h"

namespace subscriptions {

/// A way to a source.
struct SourceRoute {
  std::string url;   ///< for a:To
  std::string host;  ///< "host7.lab.example:5986"
  std::unique_ptr<wsman::Transport> transport;
  std::chrono::milliseconds network_delay{5'000};
};

/// Finds the ways to sources and back. Thread-safe.
class SourceRoutes {
 public:
  virtual ~SourceRoutes() = default;
  /// Does not connect. Errors: what later attempts will not change as long as definition and configuration stay:
  /// Win32::NotSupported for a way to log on that there is not, Win32::InvalidParameter for an address that is none.
  virtual base::Result<SourceRoute> to_source(const Subscription& definition, const std::string& address,
                                              const Credentials& credentials) = 0;
  /// Where this source is to deliver. `path` goes behind ".../subscriptions/". Errors: as before.
  virtual base::Result<wsman::NotifyAddress> to_here(const Subscription& definition, const std::string& path) = 0;
};

/// Stores what came from a source, pulled or pushed. Thread-safe.
class EventIntake {
 public:
  virtual ~EventIntake() = default;
  /// Success means that events and bookmark are durable. Faults: EndpointUnavailable where they cannot be stored now.
  virtual wsman::AsyncResult<void> take(wsman::Delivery delivery, Admitted admitted) = 0;
};

}  // namespace subscriptions
