#include "storage/file_source.h"

#include <algorithm>
#include <limits>

#include "engine/base/encoding.h"

namespace storage {

FileShared::FileShared(std::filesystem::path file)
    : file_(std::move(file)), templates_([this](std::uint32_t id) -> base::Result<std::string> {
        ASSIGN_OR_RETURN(auto reader, readers_.borrow(file_, 0, false));
        ASSIGN_OR_RETURN(auto text, reader->template_text(id));
        if (!text) return base::make_error(Errc::Corrupt, file_.string() + " has no template " + std::to_string(id));
        return std::move(*text);
      }) {}

base::Result<std::unique_ptr<FileShared>> FileShared::open(const std::filesystem::path& file) {
  std::unique_ptr<FileShared> shared(new FileShared(file));
  ASSIGN_OR_RETURN(auto reader, shared->readers_.borrow(file, 0, false));
  ASSIGN_OR_RETURN(auto blocks, reader->summaries(0, std::numeric_limits<std::int64_t>::max()));
  auto summaries = std::make_shared<FileSummaries>();
  auto& log = shared->log_;
  auto& status = log.log.status;
  log.id = 1;
  log.log.properties.name = reader->info().log;
  log.log.properties.enabled = false;
  status.created = reader->info().created;
  std::int64_t last_write = 0;
  for (auto& block : blocks) {
    if (status.records == 0) status.oldest_record = block.first_record;
    status.newest_record = block.last_record();
    status.records += block.events;
    status.text_bytes += block.text_bytes;
    last_write = std::max(last_write, block.max_received);
    summaries->blocks.push_back(std::make_shared<const BlockSummary>(std::move(block)));
  }
  summaries->last_record = status.newest_record;
  status.last_write = base::WallTime(std::chrono::nanoseconds(last_write));
  status.last_access = status.last_write;
  std::error_code ignored;
  status.size = std::filesystem::file_size(file, ignored);
  log.next_record = status.newest_record + 1;
  shared->row_.first_record = status.oldest_record;
  shared->row_.last_record = status.newest_record;
  shared->row_.events = status.records;
  shared->row_.name = file.string();
  shared->summaries_ = std::move(summaries);
  return shared;
}

base::Result<std::vector<LogRow>> FileSource::logs() {
  return std::vector<LogRow>{shared_.log_};
}

base::Result<std::optional<LogRow>> FileSource::find_log(const std::string& name) {
  std::optional<LogRow> log;
  if (base::equal_ignoring_case(name, shared_.log_.log.properties.name)) log = shared_.log_;
  return log;
}

base::Result<LogPlaces> FileSource::places(std::int64_t, std::uint64_t first, std::uint64_t last, Direction) {
  LogPlaces places;
  const auto& row = shared_.row_;
  if (row.events > 0 && row.first_record <= last && row.last_record >= first) places.files.push_back(row);
  return places;
}

base::Result<std::optional<std::vector<std::string>>> FileSource::tail_frames(std::int64_t, const BlockSummary&) {
  return std::optional<std::vector<std::string>>();
}

base::Result<std::optional<std::vector<ValueKey>>> FileSource::tail_keys(std::int64_t, const BlockSummary&) {
  return std::optional<std::vector<ValueKey>>();
}

base::Result<const Sender*> FileSource::sender(std::uint32_t id) {
  if (const auto known = senders_.find(id); known != senders_.end()) return &known->second;
  ASSIGN_OR_RETURN(auto reader, open(shared_.row_));
  ASSIGN_OR_RETURN(auto sender, reader->sender(id));
  if (!sender) return base::make_error(Errc::Corrupt, shared_.row_.name + " has no sender " + std::to_string(id));
  return &senders_.emplace(id, std::move(*sender)).first->second;
}

base::Result<std::shared_ptr<const FileSummaries>> FileSource::summaries(const FileRow&) {
  return shared_.summaries_;
}

base::Result<SegmentPool::Lease> FileSource::open(const FileRow&) {
  return shared_.readers_.borrow(shared_.file_, 0, false);
}

std::string FileSource::file_name(const FileRow& file) const {
  return file.name;
}

}  // namespace storage
