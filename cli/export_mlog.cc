#include "cli/export_mlog.h"

#include "cli/event_output.h"
#include "events/render.h"
#include "storage/log_file.h"
#include "storage/sql_export.h"

namespace cli {
namespace {

storage::StoredEvent stored_event(resources::LogRecord& record, bool render) {
  parse_event(record);
  if (render && record.event.quality != events::Quality::Raw) {
    record.event = events::Event::from_wire(events::with_rendering_info(record.event));
  }
  storage::StoredEvent event;
  event.log = record.log;
  event.record = record.record;
  event.received = record.received;
  event.machine = std::move(record.machine);
  event.event = std::move(record.event);
  return event;
}

/// What storage::LogFileWriter and storage::SqlExport write.
template <typename Writer>
class StoreSink final : public EventSink {
 public:
  StoreSink(std::unique_ptr<Writer> writer, bool render) : writer_(std::move(writer)), render_(render) {}
  base::Result<void> add(resources::LogRecord& record) override { return writer_->add(stored_event(record, render_)); }
  base::Result<void> finish() override { return writer_->finish(); }

 private:
  std::unique_ptr<Writer> writer_;
  bool render_;
};

}  // namespace

base::Result<std::unique_ptr<EventSink>> create_mlog(const std::filesystem::path& file, const std::string& log,
                                                     const ExportOptions& options) {
  ASSIGN_OR_RETURN(auto writer, storage::LogFileWriter::create(file, log, options.overwrite));
  return std::unique_ptr<EventSink>(std::make_unique<StoreSink<storage::LogFileWriter>>(std::move(writer), options.render));
}

base::Result<std::unique_ptr<EventSink>> create_sqlite(const std::filesystem::path& file, const ExportOptions& options) {
  ASSIGN_OR_RETURN(auto writer, storage::SqlExport::create(file, options.overwrite));
  return std::unique_ptr<EventSink>(std::make_unique<StoreSink<storage::SqlExport>>(std::move(writer), options.render));
}

}  // namespace cli
