// The service's own log lines as events in Muster/Operational.

#pragma once

#include <memory>
#include <string>

#include "engine/base/task.h"
#include "storage/event_store.h"

namespace service {

inline constexpr std::string_view kOperationalLog = "Muster/Operational";

/// While it lives, lines of level Notice and worse are stored as events too. At most 1,000 wait; further ones are counted
/// and the count is told. Run run() as a task.
class OperationalLog {
 public:
  OperationalLog(storage::EventStore& store, std::string computer, base::Clock& clock);
  ~OperationalLog();

  /// Stores lines as they come, until it is cancelled.
  base::Task<void> run();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace service
