// Any bytes as syslog lines: nothing is read behind the line, and no byte of the message is made up.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "forwarder/mapping.h"
#include "forwarder/syslog_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  forwarder::SyslogParser parser;
  const base::WallTime reference = std::chrono::sys_days(std::chrono::year(2024) / 5 / 1);
  const forwarder::SyslogLine line = parser.parse(text, reference);
  if (line.pri && *line.pri > 191) std::abort();
  if (!text.ends_with(line.message)) std::abort();
  if (line.structured.size() > 256) std::abort();
  const auto common = forwarder::common_system("Linux-Syslog", "Linux-Syslog/Operational", "a.example.org");
  const auto draft = forwarder::draft_of(line, common, {"/var/log/syslog", 0, reference});
  if (draft.ready_xml.empty() && draft.data.empty()) std::abort();
  return 0;
}
