#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "events/clean.h"
#include "events/event.h"
#include "events/markup.h"

namespace events {
namespace {

void append_number(std::string& xml, std::uint64_t value, int base = 10) {
  char digits[20];
  xml.append(digits, std::to_chars(digits, digits + sizeof digits, value, base).ptr);
}

void append_element(std::string& xml, std::string_view name, std::string_view clean_text) {
  xml += '<';
  xml += name;
  xml += '>';
  xml::append_text(xml, clean_text);
  xml += "</";
  xml += name;
  xml += '>';
}

std::string record_id_element(std::uint64_t record_id) {
  return "<EventRecordID>" + std::to_string(record_id) + "</EventRecordID>";
}

/// Writes an event's XML from a draft and in step with it the System that Event::parse() would read from that XML: parsing
/// takes several times as long as writing.
class Composer {
 public:
  explicit Composer(Event& event) : xml_(event.xml), system_(event.system) {}

  void compose(const Draft& draft, std::uint64_t record_id, std::string_view extra_message) {
    std::size_t size = 1024 + 2 * extra_message.size();
    for (const auto& [name, value] : draft.data) size += 32 + name.size() + value.size() + value.size() / 8;
    xml_.reserve(size);
    xml_ += "<Event xmlns='";
    xml_ += kEventNamespace;
    xml_ += "'><System>";
    write_system(draft.system, record_id);
    xml_ += "</System><EventData>";
    for (const auto& [name, value] : draft.data) write_data(name, value);
    if (!extra_message.empty()) write_data("MESSAGE", extra_message);
    xml_ += "</EventData></Event>";
  }

 private:
  void know(Field field) { system_.known |= 1u << static_cast<unsigned>(field); }

  void write_attribute(std::string_view name, std::string_view clean_value) {
    xml_ += ' ';
    xml_ += name;
    xml_ += "='";
    xml::append_attribute(xml_, clean_value);
    xml_ += '\'';
  }

  void text_attribute(std::string_view name, const std::string& value, Field field, std::string& to) {
    to = is_clean(value) ? value : clean(value);
    write_attribute(name, to);
    know(field);
  }
  void rare_attribute(std::string_view name, const std::string& value, Field field, std::string& to) {
    if (!value.empty()) text_attribute(name, value, field, to);
  }

  void text_element(std::string_view name, const std::string& value, Field field, std::string& to) {
    to = is_clean(value) ? value : clean(value);
    append_element(xml_, name, to);
    // The parser takes white space between two tags for layout; CR is written as a reference and is none.
    if (to.find_first_not_of(" \t\n") == std::string::npos) to.clear();
    know(field);
  }

  /// The digits behind an opening tag or attribute and what closes it.
  template <typename T, typename To>
  void number(std::string_view before, T value, std::string_view behind, Field field, To& to) {
    xml_ += before;
    append_number(xml_, value);
    xml_ += behind;
    to = value;
    know(field);
  }

  void write_system(const System& system, std::uint64_t record_id) {
    xml_ += "<Provider";
    text_attribute("Name", system.provider, Field::Provider, system_.provider);
    rare_attribute("Guid", system.provider_guid, Field::ProviderGuid, system_.provider_guid);
    rare_attribute("EventSourceName", system.event_source_name, Field::EventSourceName, system_.event_source_name);
    xml_ += "/><EventID";
    if (system.qualifiers) number(" Qualifiers='", *system.qualifiers, "'", Field::Qualifiers, system_.qualifiers);
    number(">", system.event_id, "</EventID>", Field::EventId, system_.event_id);
    number("<Version>", system.version, "</Version>", Field::Version, system_.version);
    number("<Level>", system.level, "</Level>", Field::Level, system_.level);
    number("<Task>", system.task, "</Task>", Field::Task, system_.task);
    number("<Opcode>", system.opcode, "</Opcode>", Field::Opcode, system_.opcode);
    xml_ += "<Keywords>0x";
    append_number(xml_, system.keywords, 16);
    xml_ += "</Keywords>";
    system_.keywords = system.keywords;
    know(Field::Keywords);
    write_time(system.time);
    number("<EventRecordID>", record_id, "</EventRecordID><Correlation", Field::RecordId, system_.record_id);
    rare_attribute("ActivityID", system.activity_id, Field::ActivityId, system_.activity_id);
    rare_attribute("RelatedActivityID", system.related_activity_id, Field::RelatedActivityId, system_.related_activity_id);
    xml_ += "/>";
    if (system.process_id || system.thread_id) {
      // Both are required where there is an Execution at all.
      const std::uint32_t process = system.process_id.value_or(0);
      number("<Execution ProcessID='", process, "'", Field::ProcessId, system_.process_id);
      number(" ThreadID='", system.thread_id.value_or(process), "'/>", Field::ThreadId, system_.thread_id);
    }
    if (!system.channel.empty()) text_element("Channel", system.channel, Field::Channel, system_.channel);
    text_element("Computer", system.computer, Field::Computer, system_.computer);
    xml_ += "<Security";
    rare_attribute("UserID", system.user_id, Field::UserId, system_.user_id);
    xml_ += "/>";
  }

  void write_time(base::WallTime time) {
    const std::string text = base::format_utc(time, 7);
    xml_ += "<TimeCreated SystemTime='";
    xml_ += text;
    xml_ += "'/>";
    // Read back, because the text is coarser than the clock.
    if (const auto read = base::parse_datetime(text)) {
      system_.time = *read;
      know(Field::Time);
    }
  }

  void write_data(std::string_view name, std::string_view value) {
    xml_ += "<Data";
    if (!name.empty()) {
      if (is_clean(name)) {
        write_attribute("Name", name);
      } else {
        write_attribute("Name", clean(name));
      }
    }
    if (is_clean(value)) {
      xml_ += '>';
      xml::append_text(xml_, value);
    } else {
      xml_ += " Type='hex'>";
      xml_ += base::to_hex(value);
    }
    xml_ += "</Data>";
  }

  std::string& xml_;
  System& system_;
};

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
    append_element(channel, "Channel", clean(draft.system.channel));
    placed = set_system_child(xml, "Channel", channel, {"Computer", "Container", "Security"});
  }
  if (!placed) return base::make_error(std::errc::invalid_argument, "the event's System element is empty");
  correct_user_id(xml);
  ASSIGN_OR_RETURN(Event finished, Event::parse(std::move(xml)));
  finished.quality = checked.quality;
  return finished;
}

/// More Data than this, each an element with up to two attributes, might be beyond what Event::parse() takes.
constexpr std::size_t kMostData = xml::ParseLimits{}.nodes / 4;

}  // namespace

Event finish(const Draft& draft, std::uint64_t record_id) {
  std::string_view unusable;
  if (!draft.ready_xml.empty()) {
    auto ready = finish_ready(draft, record_id);
    if (ready.ok()) return std::move(*ready);
    unusable = draft.ready_xml;
  }
  Event event;
  Composer(event).compose(draft, record_id, unusable);
  if (draft.data.size() > kMostData) return Event::from_wire(std::move(event.xml));
  return event;
}

}  // namespace events
