#include "forwarder/mapping.h"

#include <array>
#include <charconv>
#include <limits>

#include "engine/base/encoding.h"

namespace forwarder {
namespace {

constexpr std::string_view kSyslogGuid = "{6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b11}";
constexpr std::string_view kJournalGuid = "{6f0c1c5e-1d7c-4a52-9a63-2f5f7c1f9b10}";
constexpr std::uint64_t kKeywords = 0x8000000000000000ull;
constexpr std::uint16_t kEventId = 1;
constexpr std::uint8_t kInformation = 4;

struct KnownMessage {
  std::string_view message_id;
  std::uint16_t event_id;
};
constexpr std::array<KnownMessage, 6> kKnownMessages{{
    {"39f53479d3a045ac8e11786248231fbf", 10},  // a unit has started
    {"9d1aaa27d60140bd96365438aad20286", 11},  // a unit has stopped
    {"be02cf6855d2428ba40df7e9d022f03d", 12},  // a unit has failed
    {"8d45620c1a4348dbb17410da57c60c66", 20},  // a session was opened
    {"3354939424b4456d9802ca8333ed424a", 21},  // a session was closed
    {"fc2e22bc6ee647b6b90729ab34a250b1", 30},  // a process has dumped core
}};

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

void set_process(events::System& system, std::string_view text) {
  if (const auto id = number_of<std::uint32_t>(text)) system.process_id = system.thread_id = *id;
}

/// 128 bits in hexadecimal as Windows writes a GUID; empty where `text` is something else.
std::string guid_of(std::string_view text) {
  if (text.size() != 32 || !base::parse_hex(text)) return {};
  std::string guid = "{";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) guid += '-';
    guid += text[i];
  }
  return guid + "}";
}

}  // namespace

events::System common_system(std::string_view provider, std::string_view channel, std::string_view computer) {
  events::System system;
  system.provider = provider;
  if (provider == kSyslogProvider) system.provider_guid = kSyslogGuid;
  if (provider == kJournalProvider) system.provider_guid = kJournalGuid;
  system.event_id = kEventId;
  system.level = kInformation;
  system.keywords = kKeywords;
  system.channel = channel;
  system.computer = computer;
  return system;
}

std::uint8_t level_of(unsigned severity) {
  static constexpr std::array<std::uint8_t, 8> kLevels{1, 1, 1, 2, 3, 4, 4, 5};
  return severity < kLevels.size() ? kLevels[severity] : kInformation;
}

bool is_whole_event(std::string_view message) {
  message = base::trimmed(message);
  return message.starts_with("<Event") && message.size() > 6 && (message[6] == '>' || message[6] == ' ') &&
         message.ends_with("</Event>");
}

events::Draft draft_of(const SyslogLine& line, const events::System& common, const LineOrigin& origin) {
  events::Draft draft;
  draft.system = common;
  events::System& system = draft.system;
  system.time = line.time.value_or(origin.modified);
  if (line.pri) {
    system.level = level_of(*line.pri % 8);
    system.task = static_cast<std::uint16_t>(*line.pri / 8 + 1);
  }
  set_process(system, line.proc_id);
  if (is_whole_event(line.message)) {
    draft.ready_xml = base::trimmed(line.message);
    return draft;
  }
  auto& data = draft.data;
  data.reserve(8 + line.structured.size() + (line.pri ? 3 : 0));
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) data.emplace_back(name, value);
  };
  if (line.pri) {
    add("PRI", std::to_string(*line.pri));
    add("FACILITY", facility_name(*line.pri / 8));
    add("SEVERITY", severity_name(*line.pri % 8));
  }
  add("TIMESTAMP", line.timestamp);
  add("HOSTNAME", line.hostname);
  add("APP-NAME", line.app_name);
  add("PROCID", line.proc_id);
  add("MSGID", line.msg_id);
  for (const auto& parameter : line.structured) data.push_back(parameter);
  data.emplace_back("MESSAGE", line.message);
  add("FILE", origin.file);
  if (origin.part != 0) add("LINE_PART", std::to_string(origin.part));
  return draft;
}

events::Draft draft_of(std::vector<JournalField> fields, base::WallTime received, const events::System& common) {
  events::Draft draft;
  draft.system = common;
  events::System& system = draft.system;
  system.time = received;
  std::string_view thread;
  for (const auto& [name, value] : fields) {
    if (name == "PRIORITY") {
      if (const auto severity = number_of<unsigned>(value)) system.level = level_of(*severity);
    } else if (name == "SYSLOG_FACILITY") {
      const auto facility = number_of<std::uint16_t>(value);
      if (facility && *facility < std::numeric_limits<std::uint16_t>::max()) {
        system.task = static_cast<std::uint16_t>(*facility + 1);
      }
    } else if (name == "MESSAGE_ID") {
      for (const KnownMessage& known : kKnownMessages) {
        if (base::equal_ignoring_case(value, known.message_id)) system.event_id = known.event_id;
      }
    } else if (name == "_SOURCE_REALTIME_TIMESTAMP") {
      const auto microseconds = number_of<std::int64_t>(value);
      if (microseconds && *microseconds > 0 && *microseconds < std::numeric_limits<std::int64_t>::max() / 1000) {
        system.time = base::WallTime(std::chrono::microseconds(*microseconds));
      }
    } else if (name == "_HOSTNAME") {
      // A journal collected from elsewhere; without a domain it says no more than what is configured.
      if (value.find('.') != std::string::npos) system.computer = value;
    } else if (name == "_PID") {
      set_process(system, value);
    } else if (name == "TID") {
      thread = value;
    } else if (name == "_UID") {
      if (number_of<std::uint32_t>(value)) system.user_id = "S-1-22-1-" + value;
    } else if (name == "_SYSTEMD_INVOCATION_ID") {
      system.activity_id = guid_of(value);
    } else if (name == "MESSAGE") {
      if (draft.ready_xml.empty() && is_whole_event(value)) draft.ready_xml = base::trimmed(value);
    }
  }
  if (const auto id = number_of<std::uint32_t>(thread); id && system.process_id) system.thread_id = *id;
  draft.data = std::move(fields);
  if (!draft.ready_xml.empty()) draft.data.clear();
  return draft;
}

}  // namespace forwarder
