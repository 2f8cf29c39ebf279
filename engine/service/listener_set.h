// The sockets behind the listeners of the configuration, made and unmade while the service runs.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/task_group.h"
#include "engine/config/configuration.h"
#include "engine/http/listener.h"
#include "engine/service/addresses.h"

namespace service {

/// One listener, with what it needs to listen.
struct WantedListener {
  config::Listener listener;
  /// Null: HTTP, or an HTTPS listener whose files cannot be read now: an open socket keeps what it has, a new one is not
  /// opened.
  std::shared_ptr<http::TlsServerContext> tls;
};

/// A socket serves all listeners that it covers: two with one port and other prefixes share it, and so does one for an
/// address that "*" has already. Thread-safe.
class ListenerSet {
 public:
  /// `handler` outlives the set and looks at no path: requests that reach it are below a prefix of their listener.
  ListenerSet(base::Executor executor, std::string program, http::Handler& handler);

  struct Failure {
    config::ListenerKey key;
    base::Error error;
  };
  /// Closes sockets that nobody wants any more, opens those that are missing, and leaves all others and their connections
  /// alone. A socket that is closed lets its requests in progress finish. Each listener that comes to accept connections
  /// says so on standard error. Returns what could not be opened. Blocks; never on a thread of the executor while sockets
  /// are open.
  std::vector<Failure> apply(const std::vector<WantedListener>& wanted, const AddressFilters& filters,
                             std::chrono::milliseconds retrieval_timeout);

  config::Listening listening_on(const config::ListenerKey& key) const;
  /// Ends all of them.
  base::Task<void> stop();

 private:
  class Door;
  /// A socket that should be there.
  struct Plan {
    BindAddress address;
    std::uint16_t port = 0;
    std::shared_ptr<http::TlsServerContext> tls;
    bool https = false;
    std::vector<config::Listener> listeners;  ///< that it serves, the first decides
  };
  struct Open {
    Plan plan;
    std::uint16_t port = 0;
    std::shared_ptr<Door> door;
    std::unique_ptr<http::Listener> listener;
  };

  static std::vector<Plan> plan_of(const std::vector<WantedListener>& wanted, const AddressFilters& filters,
                                   std::vector<Failure>& failures);
  static bool is_same(const Open& open, const Plan& plan);
  base::Result<Open> open(Plan plan, std::chrono::milliseconds retrieval_timeout);
  void announce(const Open& open, const config::Listener& listener) const;

  const base::Executor executor_;
  const std::string program_;
  http::Handler& handler_;
  std::mutex applying_;
  mutable std::mutex mutex_;
  AddressFilters filters_;
  std::vector<Open> open_;
  base::TaskGroup draining_;
};

}  // namespace service
