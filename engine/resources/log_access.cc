#include "engine/resources/log_access.h"

#include "engine/resources/log_query.h"

namespace resources {

wsman::Result<void> check_log_access(LogAccess* access, const auth::Principal& who, const LogDescription* log,
                                     std::uint32_t wanted) {
  if (access == nullptr) return {};
  const bool is_default = log == nullptr || log->channel_access.empty();
  const std::string_view descriptor = is_default ? kDefaultChannelAccess : std::string_view(log->channel_access);
  if (access->may_use_log(who, descriptor, wanted)) return {};
  return wsman::make_fault(wsman::FaultCode::AccessDenied,
                           "The ChannelAccess of the log" + (log == nullptr ? "" : " " + log->name) + " does not allow it.");
}

wsman::AsyncResult<void> check_readable_logs(EventLogs& logs, const events::Query& query, LogAccess* access,
                                             const auth::Principal& who, bool ignore_missing) {
  for (const std::string& path : query.paths()) {
    auto log = co_await logs.find_log(path);
    if (!log.ok()) co_return wsman::as_fault(log.error(), "looking for an event log");
    if (!*log && ignore_missing) continue;
    if (!*log) co_return log_not_found(path);
    CO_RETURN_IF_ERROR(check_log_access(access, who, &**log, auth::rights::kReadLog));
  }
  co_return wsman::Result<void>();
}

}  // namespace resources
