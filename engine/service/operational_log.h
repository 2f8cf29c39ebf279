// The service's own log lines as events in Muster/Operational.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "events/event.h"
#include "storage/event_store.h"

namespace service {

inline constexpr std::string_view kOperationalLog = "Muster/Operational";

/// EventID of a line of the service's own log, and of the event that tells of a cleared log (Windows' number for it).
inline constexpr std::uint16_t kLineEvent = 1;
inline constexpr std::uint16_t kLogClearedEvent = 104;
/// A machine's events that were lost before they came; that were cleared before they came; its records counted anew; events
/// that it says it left out because they are too large.
inline constexpr std::uint16_t kEventsLostEvent = 300;
inline constexpr std::uint16_t kEventsClearedEvent = 301;
inline constexpr std::uint16_t kRecordsRestartedEvent = 302;
inline constexpr std::uint16_t kEventsLeftOutEvent = 303;
/// Of a source: events that its bounded store had to overwrite before a subscriber got them.
inline constexpr std::uint16_t kEventsOverwrittenEvent = 304;

/// The service's own provider.
inline constexpr std::string_view kProvider = "Muster";
inline constexpr std::string_view kProviderGuid = "{3b6e2c0d-8f0a-4a5e-9a40-5d5f3c7c1e01}";

/// An event of the service's own, without data and of level Information.
events::Draft operational_draft(const std::string& computer, base::WallTime time);

class AuditLog;

/// While it lives, lines of level Notice and worse are stored as events too. At most 1,000 wait; further ones are counted
/// and the count is told. Run run() as a task.
class OperationalLog {
 public:
  /// Takes what `audits` has along, where it is given; that outlives this.
  OperationalLog(storage::EventStore& store, std::string computer, base::Clock& clock, AuditLog* audits = nullptr);
  ~OperationalLog();

  /// Stores lines as they come, until it is cancelled.
  base::Task<void> run();
  /// Stores what waits now: the last thing before the end.
  base::Task<void> store_rest();

 private:
  struct State;
  static base::Task<void> store_waiting(std::shared_ptr<State> state, bool all);
  std::shared_ptr<State> state_;
};

}  // namespace service
