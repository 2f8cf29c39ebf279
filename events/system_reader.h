// How the System fields are taken from its elements, whoever has parsed them.

#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "engine/base/iso8601.h"
#include "events/event.h"
#include "events/value.h"

namespace events {

/// Reads the children of System, one call of read() for each, and keeps account of what came twice. `Element` is
/// xml::Element or has its local_name(), attribute(name), text(buffer) and first_child().
template <typename Element>
class SystemReader {
 public:
  explicit SystemReader(System& system) : system_(system) {}

  void read(const Element& child) {
    const std::string_view name = child.local_name();
    if (name == "Provider") {
      const bool first = seen(Provider);
      text_attribute(child, "Name", first, Field::Provider, system_.provider);
      text_attribute(child, "Guid", first, Field::ProviderGuid, system_.provider_guid);
      text_attribute(child, "EventSourceName", first, Field::EventSourceName, system_.event_source_name);
    } else if (name == "EventID") {
      const bool first = seen(EventId);
      number_content(child, first, Field::EventId, system_.event_id);
      number_attribute(child, "Qualifiers", first, Field::Qualifiers, system_.qualifiers);
    } else if (name == "Version") {
      number_content(child, seen(Version), Field::Version, system_.version);
    } else if (name == "Level") {
      number_content(child, seen(Level), Field::Level, system_.level);
    } else if (name == "Task") {
      number_content(child, seen(Task), Field::Task, system_.task);
    } else if (name == "Opcode") {
      number_content(child, seen(Opcode), Field::Opcode, system_.opcode);
    } else if (name == "Keywords") {
      number_content(child, seen(Keywords), Field::Keywords, system_.keywords);
    } else if (name == "TimeCreated") {
      const bool first = seen(TimeCreated);
      const auto text = child.attribute("SystemTime");
      const auto time = text ? base::parse_datetime(*text) : std::nullopt;
      if (first && time) {
        system_.time = *time;
        know(Field::Time);
      } else if (!first) {
        forget(Field::Time);
      }
    } else if (name == "EventRecordID") {
      number_content(child, seen(RecordId), Field::RecordId, system_.record_id);
    } else if (name == "Correlation") {
      const bool first = seen(Correlation);
      text_attribute(child, "ActivityID", first, Field::ActivityId, system_.activity_id);
      text_attribute(child, "RelatedActivityID", first, Field::RelatedActivityId, system_.related_activity_id);
    } else if (name == "Execution") {
      const bool first = seen(Execution);
      number_attribute(child, "ProcessID", first, Field::ProcessId, system_.process_id);
      number_attribute(child, "ThreadID", first, Field::ThreadId, system_.thread_id);
    } else if (name == "Channel") {
      text_content(child, seen(Channel), Field::Channel, system_.channel);
    } else if (name == "Computer") {
      text_content(child, seen(Computer), Field::Computer, system_.computer);
    } else if (name == "Security") {
      const bool first = seen(Security);
      // Sysmon for Linux writes it its own way.
      const char* const attribute = child.attribute("UserID") ? "UserID" : "UserId";
      text_attribute(child, attribute, first, Field::UserId, system_.user_id);
    }
  }

 private:
  enum Name : unsigned {
    Provider,
    EventId,
    Version,
    Level,
    Task,
    Opcode,
    Keywords,
    TimeCreated,
    RecordId,
    Correlation,
    Execution,
    Channel,
    Computer,
    Security
  };

  /// True for the first element of that name: the later ones are not read.
  bool seen(Name name) {
    const bool first = (seen_ >> name & 1u) == 0;
    seen_ |= 1u << name;
    return first;
  }

  void know(Field field) { system_.known |= 1u << static_cast<unsigned>(field); }
  void forget(Field field) { system_.known &= ~(1u << static_cast<unsigned>(field)); }

  void store_text(std::string_view text, Field field, std::string& to) {
    to = text;
    know(field);
  }

  template <typename T>
  void store_number(std::string_view text, Field field, T& to) {
    const auto number = parse_number(text);
    if (!number || !number->whole || number->negative) return;
    if constexpr (requires { typename T::value_type; }) {
      if (number->magnitude > std::numeric_limits<typename T::value_type>::max()) return;
      to = static_cast<typename T::value_type>(number->magnitude);
    } else {
      if (number->magnitude > std::numeric_limits<T>::max()) return;
      to = static_cast<T>(number->magnitude);
    }
    know(field);
  }

  void text_attribute(const Element& element, std::string_view name, bool first, Field field, std::string& to) {
    if (!first) return forget(field);
    if (const auto text = element.attribute(name)) store_text(*text, field, to);
  }
  template <typename T>
  void number_attribute(const Element& element, std::string_view name, bool first, Field field, T& to) {
    if (!first) return forget(field);
    if (const auto text = element.attribute(name)) store_number(*text, field, to);
  }
  void text_content(const Element& element, bool first, Field field, std::string& to) {
    if (!first) return forget(field);
    store_text(element.text(buffer_), field, to);
    if (element.first_child()) forget(field);
  }
  template <typename T>
  void number_content(const Element& element, bool first, Field field, T& to) {
    if (!first) return forget(field);
    store_number(element.text(buffer_), field, to);
    if (element.first_child()) forget(field);
  }

  System& system_;
  std::uint32_t seen_ = 0;
  std::string buffer_;
};

}  // namespace events
