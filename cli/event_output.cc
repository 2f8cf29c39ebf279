#include "cli/event_output.h"

#include "cli/json.h"
#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/xml/document.h"
#include "engine/xml/writer.h"
#include "events/render.h"

namespace cli {
namespace {

constexpr int kFractionDigits = 7;
/// ERROR_EVT_INVALID_EVENT_DATA: what Windows puts into ProcessingErrorData.
constexpr std::string_view kInvalidEventData = "15005";

std::string hexadecimal(std::uint64_t number) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[number & 15]);
    number >>= 4;
  } while (number != 0);
  return "0x" + text;
}

/// An event in whose stead something unreadable came.
std::string wrapped(const resources::LogRecord& record) {
  xml::Writer writer;
  writer.open("Event").attribute("xmlns", events::kEventNamespace);
  writer.open("System").open("Provider").attribute("Name", "Muster").close();
  writer.leaf("EventID", "0").open("TimeCreated");
  writer.attribute("SystemTime", base::format_utc(record.received, kFractionDigits)).close();
  writer.leaf("EventRecordID", std::to_string(record.record)).leaf("Channel", record.log);
  writer.leaf("Computer", record.machine).close();
  writer.open("ProcessingErrorData").leaf("ErrorCode", kInvalidEventData).empty("DataItemName");
  writer.leaf("EventPayload", base::to_hex(record.event.xml));
  return writer.take();
}

std::string_view quality_name(events::Quality quality) {
  switch (quality) {
    case events::Quality::Good:
      break;
    case events::Quality::Repaired:
      return "Repaired";
    case events::Quality::Raw:
      return "Raw";
  }
  return "Good";
}

void add_system(JsonObject& object, const events::System& system) {
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) object.text(name, value);
  };
  const auto number = [&](std::string_view name, const auto& value) {
    if (value) object.number(name, *value);
  };
  object.text("Provider", system.provider);
  text("ProviderGuid", system.provider_guid);
  text("EventSourceName", system.event_source_name);
  object.number("EventID", system.event_id);
  number("Qualifiers", system.qualifiers);
  object.number("Version", system.version).number("Level", system.level);
  object.text("LevelName", events::level_name(system.level));
  object.number("Task", system.task).number("Opcode", system.opcode);
  object.text("Keywords", hexadecimal(system.keywords));
  object.text("TimeCreated", base::format_utc(system.time, kFractionDigits));
  number("EventRecordID", system.record_id);
  text("ActivityID", system.activity_id);
  text("RelatedActivityID", system.related_activity_id);
  number("ProcessID", system.process_id);
  number("ThreadID", system.thread_id);
  object.text("Channel", system.channel).text("Computer", system.computer);
  text("UserID", system.user_id);
}

void add_payload(JsonObject& object, const std::string& event_xml) {
  const auto document = xml::Document::parse(event_xml);
  if (!document.ok()) return;
  if (const xml::Element event_data = document->root().child("EventData")) {
    JsonArray data;
    for (const xml::Element item : event_data.children()) {
      JsonObject member;
      if (item.local_name() != "Data") {
        member.text("Name", item.local_name()).text("Value", item.inner_xml());
      } else {
        member.text("Name", item.attribute("Name").value_or("")).text("Value", item.text());
      }
      data.raw(member.take());
    }
    object.raw("EventData", data.take());
  }
  if (const xml::Element user_data = document->root().child("UserData")) object.text("UserData", user_data.inner_xml());
}

}  // namespace

EventPrinter::EventPrinter(std::ostream& out, EventFormat format, std::string root)
    : out_(out), format_(format), root_(std::move(root)) {}

bool EventPrinter::has_root() const {
  return !root_.empty() && (format_ == EventFormat::Xml || format_ == EventFormat::RenderedXml);
}

void EventPrinter::begin() {
  if (has_root()) out_ << '<' << root_ << ">\n";
}

void EventPrinter::print(resources::LogRecord record) {
  const std::size_t index = index_++;
  if (format_ == EventFormat::Xml || format_ == EventFormat::RenderedXml) {
    out_ << event_xml_line(record, format_ == EventFormat::Xml ? Rendering::Remove : Rendering::Add) << '\n';
    return;
  }
  parse_event(record);
  switch (format_) {
    case EventFormat::Xml:
    case EventFormat::RenderedXml:
      break;
    case EventFormat::Text:
      if (index != 0) out_ << '\n';
      out_ << events::as_text(record.event, index);
      break;
    case EventFormat::Json:
      out_ << event_json(record) << '\n';
      break;
  }
}

std::string event_xml_line(resources::LogRecord& record, Rendering rendering) {
  if (record.event.quality == events::Quality::Raw) return wrapped(record);
  // Most events carry no RenderingInfo and are printed as they are, without being read.
  if (rendering == Rendering::Keep) return record.event.xml;
  if (rendering == Rendering::Remove && record.event.xml.find("RenderingInfo") == std::string::npos) return record.event.xml;
  parse_event(record);
  return rendering == Rendering::Remove ? events::without_rendering_info(record.event)
                                        : events::with_rendering_info(record.event);
}

void parse_event(resources::LogRecord& record) {
  const events::Quality quality = record.event.quality;
  if (quality == events::Quality::Raw) return;
  record.event = events::Event::from_wire(std::move(record.event.xml));
  if (record.event.quality == events::Quality::Good) record.event.quality = quality;
}

void EventPrinter::end() {
  if (has_root()) out_ << "</" << root_ << ">\n";
}

std::string event_json(const resources::LogRecord& record) {
  JsonObject object;
  object.text("Log", record.log).number("RecordId", record.record);
  object.text("Received", base::format_utc(record.received, kFractionDigits));
  if (!record.machine.empty()) object.text("Machine", record.machine);
  object.text("Quality", quality_name(record.event.quality));
  if (record.cut) object.boolean("Cut", true);
  if (record.event.quality == events::Quality::Raw) return object.text("Text", record.event.xml).take();
  add_system(object, record.event.system);
  add_payload(object, record.event.xml);
  return object.text("Message", events::message_of(record.event)).take();
}

}  // namespace cli
