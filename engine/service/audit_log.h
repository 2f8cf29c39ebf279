// What audit entries of security descriptors want to be recorded, as events.
//
// Source: winrm-config, section 7.3 (SACL).

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/wsman/access.h"
#include "events/event.h"

namespace service {

/// EventIDs in Muster/Operational, Windows' numbers for such things: somebody asked for access, and attempts that could not
/// be recorded.
inline constexpr std::uint16_t kAccessAuditEvent = 4656;
inline constexpr std::uint16_t kAuditsDiscardedEvent = 4612;

/// Attempts that wait to become events. The same attempt (user, scheme, host, resource, action, outcome) becomes one event
/// at once and then at most one in kEvery, which says how many there were. Of one host at most kMostOfHost different ones
/// are kept at a time, in all kMost; what is more is counted, and the count is told. Thread-safe; never blocks for long.
class AuditLog {
 public:
  static constexpr std::size_t kMost = 500;
  static constexpr std::size_t kMostOfHost = 50;
  static constexpr std::chrono::seconds kEvery{10};

  /// `computer` is this host's name.
  AuditLog(std::string computer, base::Clock& clock);
  ~AuditLog();

  void record(const wsman::AccessRequest& request, bool granted);
  /// The events that are due; with `all` those too that would have waited for repetitions.
  std::vector<events::Draft> take(bool all = false);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace service
