// Events on standard output, in the formats of wevtutil and as JSON.

#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "engine/resources/event_logs.h"

namespace cli {

enum class EventFormat {
  Xml,          ///< the event's XML without RenderingInfo, one event a line
  RenderedXml,  ///< the same with RenderingInfo
  Text,         ///< blocks of labels and values
  Json,         ///< one object a line: event_json()
};

/// Writes events one after the other. What could not be read as an event (Quality::Raw) is written in the XML formats as an
/// event that carries it as ProcessingErrorData, so that the output stays XML.
class EventPrinter {
 public:
  /// `root`, where it is not empty, becomes the element around the events of the XML formats.
  EventPrinter(std::ostream& out, EventFormat format, std::string root);

  void begin();
  void print(resources::LogRecord record);
  void end();

 private:
  bool has_root() const;

  std::ostream& out_;
  EventFormat format_;
  std::string root_;
  std::size_t index_ = 0;
};

/// What is done about an event's RenderingInfo.
enum class Rendering { Keep, Remove, Add };

/// The event's XML as the XML formats print it, without a line end.
std::string event_xml_line(resources::LogRecord& record, Rendering rendering);

/// Reads the System fields of the record's event, which came as text only; its quality stays what the store knows.
void parse_event(resources::LogRecord& record);

/// One JSON object. Members: Log, RecordId, Received, Machine (where another machine delivered it), Quality ("Good",
/// "Repaired", "Raw"), Cut (true where the event was too large for a message and has its System part only); of a readable
/// event the System fields under their XML names (Provider, ProviderGuid, EventID, Qualifiers, Version, Level, LevelName,
/// Task, Opcode, Keywords as 0x text, TimeCreated, EventRecordID, ActivityID, RelatedActivityID, ProcessID, ThreadID,
/// Channel, Computer, UserID; what the event lacks is left out), EventData as an array of {"Name", "Value"} in order,
/// UserData as XML, Message; of a raw one Text.
std::string event_json(const resources::LogRecord& record);

}  // namespace cli
