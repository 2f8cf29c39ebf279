#include "events/render.h"

#include <array>
#include <optional>
#include <vector>

#include "engine/base/iso8601.h"
#include "engine/base/utf16.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "events/markup.h"

namespace events {
namespace {

constexpr std::array<std::string_view, 6> kLevels{"Information", "Critical", "Error", "Warning", "Information", "Verbose"};

constexpr std::array<std::string_view, 10> kOpcodes{"Info",      "Start", "Stop",   "DC_Start", "DC_Stop",
                                                    "Extension", "Reply", "Resume", "Suspend",  "Send"};
constexpr std::uint8_t kReceive = 240;

struct NamedKeyword {
  std::uint64_t mask;
  std::string_view name;
};
// Source: event-query, section 8. The bits above belong to the logs and have no names.
constexpr std::array kKeywords{
    NamedKeyword{0x0001000000000000, "Response Time"},    NamedKeyword{0x0002000000000000, "WDI Context"},
    NamedKeyword{0x0004000000000000, "WDI Diagnostic"},   NamedKeyword{0x0008000000000000, "SQM"},
    NamedKeyword{0x0010000000000000, "Audit Failure"},    NamedKeyword{0x0020000000000000, "Audit Success"},
    NamedKeyword{0x0040000000000000, "Correlation Hint"}, NamedKeyword{0x0080000000000000, "Classic"},
};

// RFC 5424, section 6.2.1; the short names of syslog(3).
constexpr std::array<std::string_view, 24> kFacilities{"kern",   "user",     "mail",    "daemon", "auth",     "syslog",
                                                       "lpr",    "news",     "uucp",    "cron",   "authpriv", "ftp",
                                                       "ntp",    "security", "console", "clock",  "local0",   "local1",
                                                       "local2", "local3",   "local4",  "local5", "local6",   "local7"};

struct Account {
  std::string_view sid;
  std::string_view name;
};
constexpr std::array kAccounts{
    Account{"S-1-0-0", "NULL SID"},
    Account{"S-1-1-0", "Everyone"},
    Account{"S-1-5-7", "NT AUTHORITY\\ANONYMOUS LOGON"},
    Account{"S-1-5-18", "NT AUTHORITY\\SYSTEM"},
    Account{"S-1-5-19", "NT AUTHORITY\\LOCAL SERVICE"},
    Account{"S-1-5-20", "NT AUTHORITY\\NETWORK SERVICE"},
    Account{"S-1-5-32-544", "BUILTIN\\Administrators"},
    Account{"S-1-22-1-0", "Unix User\\root"},
};

std::vector<std::string_view> named_keywords(std::uint64_t keywords) {
  std::vector<std::string_view> names;
  for (const NamedKeyword& keyword : kKeywords) {
    if ((keywords & keyword.mask) != 0) names.push_back(keyword.name);
  }
  return names;
}

std::string joined(const std::vector<std::string_view>& parts) {
  std::string text;
  for (const std::string_view part : parts) {
    if (!text.empty()) text += ',';
    text += part;
  }
  return text;
}

/// Our sources that put the syslog facility, plus one, into Task. Source: event-xml, section 9.1.
bool has_facility(const System& system) {
  return system.provider == "Linux-Journal" || system.provider == "Linux-Syslog" || system.provider == "Linux-Kernel";
}

/// Empty where only the provider's own resources would know.
std::string task_name(const System& system) {
  if (system.task == 0) return "None";
  if (has_facility(system) && system.task <= kFacilities.size()) return syslog_facility_name(system.task - 1u);
  return {};
}

/// The message of an event whose provider left none. Source: event-xml, section 8.2.
std::string message_from_data(xml::Element root) {
  std::string pairs;
  for (const xml::Element payload : root.children()) {
    const std::string_view name = payload.local_name();
    if (name == "EventData") {
      for (const xml::Element data : payload.children()) {
        const auto data_name = data.attribute("Name");
        if (data_name == "MESSAGE" || data_name == "Message") return data.text();
        if (!pairs.empty()) pairs += '\n';
        if (data_name && !data_name->empty()) pairs += std::string(*data_name) + "=";
        pairs += data.text();
      }
    } else if (name == "UserData") {
      for (const xml::Element wrapper : payload.children()) {
        for (const xml::Element field : wrapper.children()) {
          if (!pairs.empty()) pairs += '\n';
          pairs += std::string(field.local_name()) + "=" + field.text();
        }
      }
    }
  }
  return pairs;
}

std::string message_of_root(xml::Element root) {
  std::string message = root.child("RenderingInfo").child("Message").text();
  return message.empty() ? message_from_data(root) : message;
}

/// Text of foreign hands on a terminal: what could move the cursor or forge a line becomes U+FFFD or, in one line, a blank.
std::string printable(std::string_view text, bool one_line) {
  std::string out;
  const std::string valid = base::repaired_utf8(text).text;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const auto byte = static_cast<unsigned char>(valid[i]);
    const auto next = i + 1 < valid.size() ? static_cast<unsigned char>(valid[i + 1]) : 0;
    if (byte == '\r' && next == '\n') continue;
    if (byte == '\n' || byte == '\r' || byte == '\t') {
      out += one_line ? ' ' : (byte == '\r' ? '\n' : valid[i]);
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\xEF\xBF\xBD";
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      out += "\xEF\xBF\xBD";
      ++i;
    } else {
      out += valid[i];
    }
  }
  return out;
}

std::string or_missing(std::string text) {
  return text.empty() ? "N/A" : text;
}

/// The names that a RenderingInfo brings along, where there is one.
std::string rendered(xml::Element root, std::string_view name) {
  return root.child("RenderingInfo").child(name).text();
}

std::string rendered_keywords(xml::Element root) {
  std::string text;
  for (const xml::Element keyword : root.child("RenderingInfo").child("Keywords").children()) {
    const std::string name = keyword.text();
    if (name.empty()) continue;
    if (!text.empty()) text += ',';
    text += name;
  }
  return text;
}

std::string account_name(std::string_view sid) {
  for (const Account& account : kAccounts) {
    if (account.sid == sid) return std::string(account.name);
  }
  return {};
}

std::string rendering_info(const Event& event, xml::Element root, std::string_view prefix) {
  const System& system = event.system;
  std::string info;
  const std::string tag_prefix = prefix.empty() ? std::string() : std::string(prefix) + ":";
  const auto add = [&](std::string_view name, std::string_view text) {
    info += "<" + tag_prefix;
    info += name;
    info += '>';
    xml::append_text(info, text);
    info += "</" + tag_prefix;
    info += name;
    info += '>';
  };
  info += "<" + tag_prefix + "RenderingInfo Culture='en-US'>";
  add("Message", message_of_root(root));
  add("Level", level_name(system.level));
  add("Task", system.task == 0 ? std::string() : task_name(system));
  add("Opcode", opcode_name(system.opcode));
  add("Channel", system.channel);
  add("Provider", system.provider);
  info += "<" + tag_prefix + "Keywords>";
  for (const std::string_view keyword : named_keywords(system.keywords)) add("Keyword", keyword);
  info += "</" + tag_prefix + "Keywords></" + tag_prefix + "RenderingInfo>";
  return info;
}

}  // namespace

std::string level_name(std::uint8_t level) {
  return level < kLevels.size() ? std::string(kLevels[level]) : std::to_string(level);
}

std::string opcode_name(std::uint8_t opcode) {
  if (opcode == kReceive) return "Receive";
  return opcode < kOpcodes.size() ? std::string(kOpcodes[opcode]) : std::to_string(opcode);
}

std::string keyword_names(std::uint64_t keywords) {
  return joined(named_keywords(keywords));
}

std::string syslog_facility_name(unsigned facility) {
  return facility < kFacilities.size() ? std::string(kFacilities[facility]) : std::to_string(facility);
}

std::string message_of(const Event& event) {
  if (event.quality == Quality::Raw) return event.xml;
  const auto document = xml::Document::parse(event.xml);
  return document.ok() ? message_of_root(document->root()) : event.xml;
}

std::string with_rendering_info(const Event& event) {
  if (event.quality == Quality::Raw) return event.xml;
  const auto document = xml::Document::parse(event.xml);
  const auto root = next_element(event.xml, 0, event.xml.size());
  if (!document.ok() || !root || root->is_empty_tag() || find_child(event.xml, *root, "RenderingInfo")) return event.xml;
  const auto colon = root->name.find(':');
  const std::string_view prefix = colon == std::string_view::npos ? std::string_view() : root->name.substr(0, colon);
  std::string xml = event.xml;
  xml.insert(root->content_end, rendering_info(event, document->root(), prefix));
  return xml;
}

std::string without_rendering_info(const Event& event) {
  std::string xml = event.xml;
  if (event.quality == Quality::Raw) return xml;
  while (const auto root = next_element(xml, 0, xml.size())) {
    const auto info = find_child(xml, *root, "RenderingInfo");
    if (!info) break;
    xml.erase(info->begin, info->end - info->begin);
  }
  return xml;
}

std::string as_text(const Event& event, std::size_t index) {
  xml::Document document;
  const bool readable = event.quality != Quality::Raw && document.reparse(event.xml).ok();
  const xml::Element root = readable ? document.root() : xml::Element();
  const System& system = event.system;
  std::string text = "Event[" + std::to_string(index) + "]\n";
  const auto add = [&](std::string_view label, const std::string& value) {
    text += "  ";
    text += label;
    text += ": " + printable(or_missing(value), true) + "\n";
  };
  const auto first_of = [](std::string rendered_name, std::string own) {
    return rendered_name.empty() ? own : rendered_name;
  };
  const std::string task = task_name(system);
  add("Log Name", system.channel);
  add("Source", system.provider);
  add("Date", system.time == base::WallTime{} ? std::string() : base::format_utc(system.time, 7));
  add("Event ID", readable ? std::to_string(system.event_id) : std::string());
  add("Task",
      readable ? first_of(rendered(root, "Task"), task.empty() ? std::to_string(system.task) : task) : std::string());
  add("Level", readable ? first_of(rendered(root, "Level"), level_name(system.level)) : std::string());
  add("Opcode", readable ? first_of(rendered(root, "Opcode"), opcode_name(system.opcode)) : std::string());
  add("Keyword", first_of(rendered_keywords(root), keyword_names(system.keywords)));
  add("User", system.user_id);
  add("User Name", account_name(system.user_id));
  add("Computer", system.computer);
  text += "  Description: \n";
  std::string message = printable(readable ? message_of_root(root) : event.xml, false);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  text += or_missing(std::move(message)) + "\n";
  return text;
}

}  // namespace events
