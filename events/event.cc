#include "events/event.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/utf16.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "events/markup.h"
#include "events/plain_event.h"
#include "events/system_reader.h"

namespace events {
namespace {

/// A document's memory is kept for the next event unless this one was unusually large.
constexpr std::size_t kLargeEvent = 256 << 10;

base::Result<System> system_of(const std::string& text) {
  if (auto plain = read_plain_system(text)) return std::move(*plain);
  thread_local xml::Document kept;
  xml::Document own;
  xml::Document& document = text.size() > kLargeEvent ? own : kept;
  RETURN_IF_ERROR(document.reparse(text));
  const xml::Element root = document.root();
  if (root.local_name() != "Event") return base::make_error(std::errc::invalid_argument, "the root element is not Event");
  if (!root.child("System")) return base::make_error(std::errc::invalid_argument, "the event has no System element");
  return read_system(root);
}

/// Takes away what may stand around the root element of a document and has no place in a stored event.
void strip_prolog(std::string& text) {
  std::size_t from = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  const auto skip_blanks = [&] { from = std::min(text.find_first_not_of(" \t\r\n", from), text.size()); };
  skip_blanks();
  if (text.compare(from, 5, "<?xml") == 0) {
    const auto end = text.find("?>", from);
    if (end != std::string::npos) from = end + 2;
    skip_blanks();
  }
  if (from != 0) text.erase(0, from);
  const auto last = text.find_last_not_of(" \t\r\n");
  if (last != std::string::npos) text.erase(last + 1);
}

/// `text` up to its RenderingInfo with the root closed; empty where there is none to cut.
std::string without_broken_rendering(std::string_view text) {
  const auto start = text.find('<');
  const auto cut = text.find("<RenderingInfo");
  if (start == std::string_view::npos || cut == std::string_view::npos || cut <= start) return {};
  const auto name_end = text.find_first_of(" \t\r\n/>", start + 1);
  std::string repaired(text.substr(0, cut));
  repaired += "</";
  repaired += text.substr(start + 1, name_end - start - 1);
  repaired += '>';
  return repaired;
}

std::string clean(std::string_view text) {
  std::string good = base::repaired_utf8(text).text;
  base::replace_forbidden_xml_characters(good);
  return good;
}

/// Whether XML can hold `text` as it is.
bool is_clean(std::string_view text) {
  if (!base::is_valid_utf8(text)) return false;
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    // Eight at a time while there is nothing but printable ASCII: each byte below 0x20 or from 0x80 sets a top bit.
    if (text.size() - i >= 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + i, 8);
      if ((((word - 0x2020202020202020u) | word) & 0x8080808080808080u) == 0) {
        i += 8;
        continue;
      }
    }
    const unsigned char byte = byte_at(i);
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') return false;
    // U+FFFE and U+FFFF.
    if (byte == 0xEF && byte_at(i + 1) == 0xBF && byte_at(i + 2) >= 0xBE) return false;
    ++i;
  }
  return true;
}

void add_attribute(std::string& xml, std::string_view name, std::string_view value) {
  xml += ' ';
  xml += name;
  xml += "='";
  xml::append_attribute(xml, clean(value));
  xml += '\'';
}

void add_element(std::string& xml, std::string_view name, std::string_view value) {
  xml += '<';
  xml += name;
  xml += '>';
  xml::append_text(xml, clean(value));
  xml += "</";
  xml += name;
  xml += '>';
}

std::string hexadecimal(std::uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return "0x" + std::string(digits, end);
}

std::string record_id_element(std::uint64_t record_id) {
  return "<EventRecordID>" + std::to_string(record_id) + "</EventRecordID>";
}

std::string system_element(const System& system, std::uint64_t record_id) {
  std::string xml = "<System><Provider";
  add_attribute(xml, "Name", system.provider);
  if (!system.provider_guid.empty()) add_attribute(xml, "Guid", system.provider_guid);
  if (!system.event_source_name.empty()) add_attribute(xml, "EventSourceName", system.event_source_name);
  xml += "/><EventID";
  if (system.qualifiers) add_attribute(xml, "Qualifiers", std::to_string(*system.qualifiers));
  xml += ">" + std::to_string(system.event_id) + "</EventID>";
  xml += "<Version>" + std::to_string(system.version) + "</Version>";
  xml += "<Level>" + std::to_string(system.level) + "</Level>";
  xml += "<Task>" + std::to_string(system.task) + "</Task>";
  xml += "<Opcode>" + std::to_string(system.opcode) + "</Opcode>";
  xml += "<Keywords>" + hexadecimal(system.keywords) + "</Keywords>";
  xml += "<TimeCreated SystemTime='" + base::format_utc(system.time, 7) + "'/>";
  xml += record_id_element(record_id);
  xml += "<Correlation";
  if (!system.activity_id.empty()) add_attribute(xml, "ActivityID", system.activity_id);
  if (!system.related_activity_id.empty()) add_attribute(xml, "RelatedActivityID", system.related_activity_id);
  xml += "/>";
  if (system.process_id || system.thread_id) {
    // Both are required where there is an Execution at all.
    xml += "<Execution ProcessID='" + std::to_string(system.process_id.value_or(0)) + "' ThreadID='" +
           std::to_string(system.thread_id ? *system.thread_id : *system.process_id) + "'/>";
  }
  if (!system.channel.empty()) add_element(xml, "Channel", system.channel);
  add_element(xml, "Computer", system.computer);
  xml += "<Security";
  if (!system.user_id.empty()) add_attribute(xml, "UserID", system.user_id);
  xml += "/></System>";
  return xml;
}

std::string compose(const Draft& draft, std::uint64_t record_id, std::string_view extra_message) {
  std::string xml = "<Event xmlns='";
  xml += kEventNamespace;
  xml += "'>" + system_element(draft.system, record_id) + "<EventData>";
  const auto add_data = [&](std::string_view name, std::string_view value) {
    xml += "<Data";
    if (!name.empty()) add_attribute(xml, "Name", name);
    if (is_clean(value)) {
      xml += '>';
      xml::append_text(xml, value);
    } else {
      xml += " Type='hex'>" + base::to_hex(value);
    }
    xml += "</Data>";
  };
  for (const auto& [name, value] : draft.data) add_data(name, value);
  if (!extra_message.empty()) add_data("MESSAGE", extra_message);
  xml += "</EventData></Event>";
  return xml;
}

/// Puts `element` in the place of the child `name` of System, or in front of the first of `followers` that is there.
bool set_system_child(std::string& xml, std::string_view name, std::string_view element,
                      std::initializer_list<std::string_view> followers) {
  const auto root = next_element(xml, 0, xml.size());
  const auto system = root ? find_child(xml, *root, "System") : std::nullopt;
  if (!system || system->is_empty_tag()) return false;
  if (const auto child = find_child(xml, *system, name)) {
    xml.replace(child->begin, child->end - child->begin, element);
    return true;
  }
  std::size_t place = system->content_end;
  for (const std::string_view follower : followers) {
    const auto child = find_child(xml, *system, follower);
    if (child && child->begin < place) place = child->begin;
  }
  xml.insert(place, element);
  return true;
}

/// Sysmon for Linux writes <Security UserId="0"/>.
void correct_user_id(std::string& xml) {
  const auto root = next_element(xml, 0, xml.size());
  const auto system = root ? find_child(xml, *root, "System") : std::nullopt;
  const auto security = system ? find_child(xml, *system, "Security") : std::nullopt;
  if (!security) return;
  const std::string_view tag = std::string_view(xml).substr(security->begin, security->content_begin - security->begin);
  const auto at = tag.find(" UserId=");
  if (at != std::string_view::npos) xml.replace(security->begin + at, 8, " UserID=");
}

base::Result<Event> finish_ready(const Draft& draft, std::uint64_t record_id) {
  Event checked = Event::from_wire(draft.ready_xml);
  if (checked.quality == Quality::Raw) return base::make_error(std::errc::invalid_argument, "the text is not an event");
  std::string xml = std::move(checked.xml);
  bool placed = set_system_child(xml, "EventRecordID", record_id_element(record_id),
                                 {"Correlation", "Execution", "Channel", "Computer", "Container", "Security"});
  if (placed && !draft.system.channel.empty()) {
    std::string channel;
    add_element(channel, "Channel", draft.system.channel);
    placed = set_system_child(xml, "Channel", channel, {"Computer", "Container", "Security"});
  }
  if (!placed) return base::make_error(std::errc::invalid_argument, "the event's System element is empty");
  correct_user_id(xml);
  ASSIGN_OR_RETURN(Event finished, Event::parse(std::move(xml)));
  finished.quality = checked.quality;
  return finished;
}

}  // namespace

System read_system(xml::Element event) {
  System system;
  SystemReader<xml::Element> reader(system);
  bool first = true;
  for (const xml::Element child : event.children()) {
    if (child.local_name() != "System") continue;
    // A second System is there for queries, which must then look for themselves.
    if (!std::exchange(first, false)) {
      system.known = 0;
      break;
    }
    for (const xml::Element field : child.children()) reader.read(field);
  }
  return system;
}

base::Result<Event> Event::parse(std::string xml) {
  Event event;
  if (!xml.starts_with("<Event") || xml.back() != '>') strip_prolog(xml);
  ASSIGN_OR_RETURN(event.system, system_of(xml));
  event.xml = std::move(xml);
  return event;
}

Event Event::from_wire(std::string xml) {
  Event event;
  std::string original;
  bool repaired = false;
  if (!is_clean(xml)) {
    original = xml;
    xml = clean(xml);
    repaired = true;
  }
  if (!xml.starts_with("<Event") || xml.back() != '>') {
    if (!repaired) original = xml;
    strip_prolog(xml);
  }
  auto system = system_of(xml);
  if (!system.ok()) {
    if (original.empty()) original = xml;
    xml = without_broken_rendering(xml);
    system = system_of(xml);
    repaired = true;
  }
  if (!system.ok()) {
    event.xml = std::move(original);
    event.quality = Quality::Raw;
    return event;
  }
  event.xml = std::move(xml);
  event.system = std::move(*system);
  event.quality = repaired ? Quality::Repaired : Quality::Good;
  return event;
}

bool Event::is_bookmark_carrier() const {
  return system.event_id == 111 && base::equal_ignoring_case(system.provider, "Microsoft-Windows-EventForwarder");
}

Event finish(const Draft& draft, std::uint64_t record_id) {
  std::string_view unusable;
  if (!draft.ready_xml.empty()) {
    auto ready = finish_ready(draft, record_id);
    if (ready.ok()) return std::move(*ready);
    unusable = draft.ready_xml;
  }
  return Event::from_wire(compose(draft, record_id, unusable));
}

}  // namespace events
