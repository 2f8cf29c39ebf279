// What syslog lines and journal entries become as events.
//
// Source: event-xml, sections 9.1 to 9.4 and 9.8.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/event.h"
#include "forwarder/syslog_parser.h"

namespace forwarder {

inline constexpr std::string_view kSyslogProvider = "Linux-Syslog";
inline constexpr std::string_view kSyslogChannel = "Linux-Syslog/Operational";
inline constexpr std::string_view kJournalProvider = "Linux-Journal";
inline constexpr std::string_view kJournalChannel = "Linux-Journal/Operational";

/// What all events of one source have in common: Provider, Channel, Computer, Keywords, EventID 1, Level 4. Our own
/// providers have fixed GUIDs, others none.
events::System common_system(std::string_view provider, std::string_view channel, std::string_view computer);

/// Windows' level for a syslog severity: 0 to 2 are Critical, 3 Error, 4 Warning, 5 and 6 Information, 7 Verbose.
std::uint8_t level_of(unsigned severity);

/// True for a message that is a whole event, as Sysmon for Linux writes them.
bool is_whole_event(std::string_view message);

/// Where a line stood.
struct LineOrigin {
  std::string_view file;
  /// 0 for a whole line; a line that was too long comes in parts, numbered from 1.
  unsigned part = 0;
  base::WallTime modified{};  ///< the file's, for a line without a time of its own
};

/// Data in the line's order: PRI, FACILITY, SEVERITY (by name), TIMESTAMP (as written), HOSTNAME, APP-NAME, PROCID, MSGID,
/// SD-ID.param…, MESSAGE, then FILE, and LINE_PART where the line came in parts.
events::Draft draft_of(const SyslogLine& line, const events::System& common, const LineOrigin& origin);

/// One field of a journal entry; the value is any bytes.
using JournalField = std::pair<std::string, std::string>;

/// All fields in their order as Data. `received` is __REALTIME_TIMESTAMP.
events::Draft draft_of(std::vector<JournalField> fields, base::WallTime received, const events::System& common);

}  // namespace forwarder
