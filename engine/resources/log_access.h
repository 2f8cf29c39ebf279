// Who may read, fill and empty which event log.
//
// Source: wevtutil, sections 4.2 and 5.1 (channelAccess).

#pragma once

#include <cstdint>
#include <string_view>

#include "engine/auth/principal.h"
#include "engine/auth/security_descriptor.h"
#include "engine/resources/event_logs.h"
#include "engine/wsman/fault.h"

namespace resources {

/// What holds for a log whose ChannelAccess is empty: administrators may do everything, event log readers read.
inline constexpr std::string_view kDefaultChannelAccess = "O:BAG:SYD:(A;;0xf0007;;;SY)(A;;0x7;;;BA)(A;;0x1;;;S-1-5-32-573)";

/// The service plugs in who knows what a principal is. Thread-safe.
class LogAccess {
 public:
  virtual ~LogAccess() = default;
  /// Whether `who` may do `wanted` (auth::rights::kReadLog, kWriteLog, kClearLog) with a log of this ChannelAccess, never
  /// empty. Must not block.
  virtual bool may_use_log(const auth::Principal& who, std::string_view channel_access, std::uint32_t wanted) = 0;
};

/// Fails with AccessDenied. A log that is not there is treated as one that has just been made; without `access` everybody
/// may do everything.
wsman::Result<void> check_log_access(LogAccess* access, const auth::Principal& who, const LogDescription* log,
                                     std::uint32_t wanted);

/// Fails with ResourceNotFound and 15007 where a log of the query does not exist (unless `ignore_missing`), with
/// AccessDenied where `who` may not read one.
wsman::AsyncResult<void> check_readable_logs(EventLogs& logs, const events::Query& query, LogAccess* access,
                                             const auth::Principal& who, bool ignore_missing = false);

}  // namespace resources
