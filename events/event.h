// One event: its XML, which is kept as it came, and the System fields that everybody asks for.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/xml/element.h"

namespace events {

inline constexpr std::string_view kEventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event";

/// The System fields by number, for System::known.
enum class Field : std::uint8_t {
  None,
  Provider,
  ProviderGuid,
  EventSourceName,
  EventId,
  Qualifiers,
  Version,
  Level,
  Task,
  Opcode,
  Keywords,
  Time,
  RecordId,
  ActivityId,
  RelatedActivityId,
  ProcessId,
  ThreadId,
  Channel,
  Computer,
  UserId,
};

/// The children of Event/System. What an event lacks stays at its default. Source: event-xml, section 3.
struct System {
  std::string provider;
  std::string provider_guid;  ///< as written, with braces
  std::string event_source_name;
  std::uint16_t event_id = 0;
  std::optional<std::uint16_t> qualifiers;
  std::uint8_t version = 0;
  std::uint8_t level = 0;
  std::uint16_t task = 0;
  std::uint8_t opcode = 0;
  std::uint64_t keywords = 0;
  base::WallTime time{};
  std::optional<std::uint64_t> record_id;
  std::string activity_id;
  std::string related_activity_id;
  std::optional<std::uint32_t> process_id;
  std::optional<std::uint32_t> thread_id;
  std::string channel;
  std::string computer;
  std::string user_id;  ///< a SID

  /// One bit (1 << Field) for each field that the XML states exactly once and in its plain form, so that a query may answer
  /// from here without reading the XML. Set by read_system(); 0 is always right, only slower.
  std::uint32_t known = 0;

  bool operator==(const System& other) const = default;

  bool knows(Field field) const { return (known >> static_cast<unsigned>(field) & 1u) != 0; }
};

/// How much of an event could be understood.
enum class Quality : std::uint8_t {
  Good = 0,
  Repaired = 1,  ///< forbidden characters replaced, or a broken RenderingInfo cut off
  Raw = 2,       ///< not an event that we can read: `xml` is what came, `system` is empty
};

/// An event as it is delivered, stored and queried. A value.
struct Event {
  std::string xml;  ///< UTF-8, one <Event> element without a declaration; for Quality::Raw any text
  System system;
  Quality quality = Quality::Good;

  /// Reads one well-formed <Event> with a System element. Errors: xml::Errc, or std::errc::invalid_argument where the root
  /// is not Event (any namespace is accepted) or System is missing. Odd or missing System fields are no error.
  static base::Result<Event> parse(std::string xml);

  /// The same for text that a source has delivered: never fails. Forbidden characters become U+FFFD; where it then does not
  /// parse, everything from <RenderingInfo on is cut off and the root is closed; where that does not help either the text is
  /// kept as it came, as Quality::Raw. Source: wef-wire, section 10.
  static Event from_wire(std::string xml);

  /// True for the carrier of a bookmark (provider Microsoft-Windows-EventForwarder, id 111), which is no log record.
  bool is_bookmark_carrier() const;
};

/// Reads the System fields below a parsed Event element.
System read_system(xml::Element event);

/// An event that a local source has made and that has no EventRecordID yet.
struct Draft {
  System system;
  /// EventData: names and values in order. An empty name makes a Data without a name. Values are any bytes: what is not
  /// valid UTF-8 or XML is written as hexadecimal with Type="hex".
  std::vector<std::pair<std::string, std::string>> data;
  /// A complete Event element from elsewhere (Sysmon for Linux writes them into syslog): taken instead of the above, with
  /// EventRecordID and Channel replaced. Usually empty.
  std::string ready_xml;
};

/// The draft as event XML in Windows' manner: single quotes, no white space between elements, 7 fraction digits. A ready_xml
/// that is no event becomes the Data "MESSAGE" of an event made from the other fields.
Event finish(const Draft& draft, std::uint64_t record_id);

}  // namespace events
