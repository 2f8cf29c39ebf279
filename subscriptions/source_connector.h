// Collector-initiated subscriptions: a session for each enabled source of each that is enabled.

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "engine/base/task_group.h"
#include "subscriptions/source_session.h"

namespace subscriptions {

struct SourceConnectorOptions {
  SubscribeLimits limits;
  /// How many sources may be connected to and subscribed at at the same time.
  std::size_t connecting = 64;
  /// New sessions begin spread over so much time for each, half a minute at most in all.
  std::chrono::milliseconds spread{5};
};

/// Thread-safe. What it is given outlives it. The manager learns of it by set_connector(), before start().
class SourceConnector final : public Connector {
 public:
  SourceConnector(base::Executor executor, Manager& manager, storage::EventStore& events, SourceRoutes& routes,
                  EventIntake& intake, base::Clock& clock, SourceConnectorOptions options = {});
  ~SourceConnector() override;

  /// Begins with every definition that there is.
  void start();
  /// Ends all sessions at once. The sources are told, for which there are five seconds. Nothing runs when it returns. The
  /// manager does not know it any more.
  base::Task<void> stop();

  void definition_changed(const std::string& id) override;
  void retry(const std::string& id, const std::vector<std::string>& addresses) override;
  bool expects(const std::string& id, const std::string& address, std::string_view path) override;
  void heard(const std::string& id, const std::string& address, const SourceNews& news) override;
  std::string_view ack_action(const std::string& id, const std::string& address) const override;

  /// Sessions that there are, whatever they do.
  std::size_t sessions() const;

 private:
  struct Running {
    std::string asked;  ///< what the source was told; another text needs another session
    std::shared_ptr<SourceSession> session;
  };
  using Sources = std::map<std::string, Running>;  ///< by address in small letters

  base::Task<void> supervise();
  void reconcile(const std::string& id);
  std::shared_ptr<SourceSession> find(const std::string& id, const std::string& address) const;

  base::Executor executor_;
  Manager& manager_;
  wsman::ByteBudget connecting_;
  const SourceConnectorOptions options_;
  const SessionParts parts_;
  std::minstd_rand random_;
  boost::asio::experimental::concurrent_channel<void(boost::system::error_code)> wake_;
  mutable std::mutex mutex_;  ///< guards the next three
  bool stopping_ = false;
  std::set<std::string> changed_;
  std::map<std::string, Sources> sources_;  ///< by id in small letters
  base::TaskGroup sessions_;
  base::TaskGroup supervisor_;
};

}  // namespace subscriptions
