// A single file as if it were a store with one log.

#pragma once

#include <memory>
#include <string>

#include "storage/log_source.h"

namespace storage {

/// What the connections to one file share. Thread-safe.
class FileShared {
 public:
  /// Errors: those of SegmentReader::open() and summaries().
  static base::Result<std::unique_ptr<FileShared>> open(const std::filesystem::path& file);

 private:
  friend class FileSource;
  explicit FileShared(std::filesystem::path file);

  const std::filesystem::path file_;
  SegmentPool readers_{true};
  TemplateRegistry templates_;
  KeyCache keys_;
  ToldRecords told_;
  LogRow log_;
  FileRow row_;
  std::shared_ptr<const FileSummaries> summaries_;
};

/// One thread at a time.
class FileSource final : public LogSource {
 public:
  /// `shared` outlives it.
  explicit FileSource(FileShared& shared) : shared_(shared) {}

  base::Result<void> begin() override { return {}; }
  void end() override {}
  base::Result<std::vector<LogRow>> logs() override;
  base::Result<std::optional<LogRow>> find_log(const std::string& name) override;
  base::Result<LogPlaces> places(std::int64_t log, std::uint64_t first, std::uint64_t last, Direction direction) override;
  base::Result<std::optional<std::vector<std::string>>> tail_frames(std::int64_t log, const BlockSummary& block) override;
  base::Result<std::optional<std::vector<ValueKey>>> tail_keys(std::int64_t log, const BlockSummary& block) override;
  base::Result<const Sender*> sender(std::uint32_t id) override;
  base::Result<std::shared_ptr<const FileSummaries>> summaries(const FileRow& file) override;
  base::Result<SegmentPool::Lease> open(const FileRow& file) override;
  std::string file_name(const FileRow& file) const override;
  const TemplateSource& templates() const override { return shared_.templates_; }
  KeyCache& keys() override { return shared_.keys_; }
  bool is_news(std::int64_t log, std::uint64_t record) override { return shared_.told_.add(log, record); }

 private:
  FileShared& shared_;
  std::unordered_map<std::uint32_t, Sender> senders_;
};

}  // namespace storage
