#include "cli/export_format.h"

#include <array>
#include <ctime>

#include "cli/event_output.h"
#include "cli/export_mlog.h"
#include "cli/output_file.h"
#include "engine/base/encoding.h"
#include "engine/base/iso8601.h"
#include "engine/base/win32.h"
#include "engine/xml/document.h"
#include "events/render.h"

namespace cli {
namespace {

constexpr int kFractionDigits = 7;

struct Extension {
  std::string_view name;
  ExportForm form;
};
constexpr std::array kExtensions{
    Extension{".mlog", ExportForm::Mlog},     Extension{".xml", ExportForm::Xml},    Extension{".csv", ExportForm::Csv},
    Extension{".txt", ExportForm::Text},      Extension{".jsonl", ExportForm::Json}, Extension{".json", ExportForm::Json},
    Extension{".sqlite", ExportForm::Sqlite},
};

class XmlSink final : public EventSink {
 public:
  explicit XmlSink(bool render) : render_(render) {}
  base::Result<void> create(const std::filesystem::path& file, bool overwrite) {
    RETURN_IF_ERROR(file_.create(file, overwrite));
    return file_.write("<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\n<Events>\n");
  }
  base::Result<void> add(resources::LogRecord& record) override {
    return file_.write(event_xml_line(record, render_ ? Rendering::Add : Rendering::Keep) + "\n");
  }
  base::Result<void> finish() override {
    RETURN_IF_ERROR(file_.write("</Events>\n"));
    return file_.finish();
  }

 private:
  OutputFile file_;
  bool render_;
};

class JsonSink final : public EventSink {
 public:
  base::Result<void> create(const std::filesystem::path& file, bool overwrite) { return file_.create(file, overwrite); }
  base::Result<void> add(resources::LogRecord& record) override {
    parse_event(record);
    return file_.write(event_json(record) + "\n");
  }
  base::Result<void> finish() override { return file_.finish(); }

 private:
  OutputFile file_;
};

/// What Event Viewer shows of an event in a line.
struct Row {
  std::string level, date, source, id, task, message;
};

std::string local_date(base::WallTime time) {
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm local{};
  char text[64] = "";
  if (::localtime_r(&seconds, &local) == nullptr) return base::format_utc(time, 0);
  // English as in the United States, which is what most such files come in: 5/1/2024 10:15:30 AM.
  const int hour = local.tm_hour % 12 == 0 ? 12 : local.tm_hour % 12;
  std::snprintf(text, sizeof text, "%d/%d/%d %d:%02d:%02d %s", local.tm_mon + 1, local.tm_mday, local.tm_year + 1900, hour,
                local.tm_min, local.tm_sec, local.tm_hour < 12 ? "AM" : "PM");
  return text;
}

Row row_of(resources::LogRecord& record, bool classic) {
  parse_event(record);
  Row row;
  if (record.event.quality == events::Quality::Raw) {
    row.date = classic ? local_date(record.received) : base::format_utc(record.received, kFractionDigits);
    row.message = record.event.xml;
    return row;
  }
  const events::System& system = record.event.system;
  const auto document = xml::Document::parse(record.event.xml);
  const xml::Element info = document.ok() ? document->root().child("RenderingInfo") : xml::Element();
  row.level = info.child("Level").text();
  if (row.level.empty()) row.level = events::level_name(system.level);
  row.task = info.child("Task").text();
  if (row.task.empty()) row.task = system.task == 0 ? "None" : "(" + std::to_string(system.task) + ")";
  row.date = classic ? local_date(system.time) : base::format_utc(system.time, kFractionDigits);
  row.source = system.provider;
  row.id = std::to_string(system.event_id);
  row.message = events::message_of(record.event);
  return row;
}

/// Event Viewer's columns, with commas or tabs between them.
class TableSink final : public EventSink {
 public:
  TableSink(char separator, bool classic) : separator_(separator), classic_(classic) {}

  base::Result<void> create(const std::filesystem::path& file, bool overwrite) {
    RETURN_IF_ERROR(file_.create(file, overwrite));
    std::string heading;
    for (const std::string_view name : {"Level", "Date and Time", "Source", "Event ID", "Task Category"}) {
      if (!heading.empty()) heading += separator_;
      heading += name;
    }
    // Event Viewer writes the message below no heading at all.
    if (!classic_) heading += separator_ + std::string("Message");
    return file_.write(heading + "\r\n");
  }

  base::Result<void> add(resources::LogRecord& record) override {
    const Row row = row_of(record, classic_);
    std::string line;
    for (const std::string* cell : {&row.level, &row.date, &row.source, &row.id, &row.task, &row.message}) {
      if (cell != &row.level) line += separator_;
      line += separator_ == ',' ? csv_cell(*cell, !classic_) : tab_cell(*cell, cell == &row.message);
    }
    return file_.write(line + "\r\n");
  }

  base::Result<void> finish() override { return file_.finish(); }

 private:
  std::string tab_cell(const std::string& text, bool message) const {
    std::string guarded = csv_cell(text, !classic_);
    // The message stands in quotes always, as it may be of several lines.
    const bool quoted = guarded.starts_with('"');
    if (!quoted && (message || text.find('\t') != std::string::npos)) guarded = '"' + guarded + '"';
    return guarded;
  }

  OutputFile file_;
  char separator_;
  bool classic_;
};

template <typename Sink>
base::Result<std::unique_ptr<EventSink>> opened(std::unique_ptr<Sink> sink, const std::filesystem::path& file,
                                                bool overwrite) {
  RETURN_IF_ERROR(sink->create(file, overwrite));
  return std::unique_ptr<EventSink>(std::move(sink));
}

}  // namespace

base::Result<ExportForm> export_form(const std::filesystem::path& file) {
  const std::string extension = base::to_lower(file.extension().string());
  if (extension == ".evtx" || extension == ".evt") {
    return base::make_error(
        base::Win32::NotSupported,
        "Windows' own format " + extension +
            " is read but not written. Name the target .mlog (a log file of Muster's), .xml, .csv, .txt, "
            ".jsonl or .sqlite.");
  }
  for (const Extension& known : kExtensions) {
    if (known.name == extension) return known.form;
  }
  return ExportForm::Mlog;
}

base::Result<std::unique_ptr<EventSink>> create_export(const std::filesystem::path& file, ExportForm form,
                                                       const std::string& log, const ExportOptions& options) {
  RETURN_IF_ERROR(check_target(file, options.overwrite));
  switch (form) {
    case ExportForm::Xml:
      return opened(std::make_unique<XmlSink>(options.render), file, options.overwrite);
    case ExportForm::Csv:
      return opened(std::make_unique<TableSink>(',', options.classic), file, options.overwrite);
    case ExportForm::Text:
      return opened(std::make_unique<TableSink>('\t', options.classic), file, options.overwrite);
    case ExportForm::Json:
      return opened(std::make_unique<JsonSink>(), file, options.overwrite);
    case ExportForm::Mlog:
      return create_mlog(file, log, options);
    case ExportForm::Sqlite:
      return create_sqlite(file, options);
  }
  return base::make_error(base::Win32::NotSupported, file.string());
}

std::string csv_cell(std::string_view text, bool guard) {
  std::string cell;
  if (guard && !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) cell = "'";
  cell += text;
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace cli
