// A log as a file of its own: what `wevtutil epl` writes and `wevtutil qe FILE /lf:true` reads.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "engine/base/result.h"
#include "storage/event_store.h"

namespace storage {

/// Writes events into a new file. One thread. A writer that is destroyed before finish() leaves nothing behind.
class LogFileWriter {
 public:
  /// Writes beside `file` and takes its place in finish(). Errors: std::errc::file_exists unless `overwrite`; those of
  /// Database.
  static base::Result<std::unique_ptr<LogFileWriter>> create(const std::filesystem::path& file, const std::string& log,
                                                             bool overwrite);
  ~LogFileWriter();

  /// Adds the event as the file's next record: 1, 2, … The record number it had, if any, is not kept. Errors: those of
  /// Database.
  base::Result<void> add(const StoredEvent& event);
  /// Durable, and complete, on return.
  base::Result<void> finish();

 private:
  struct State;
  explicit LogFileWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Opens such a file, or one segment of a store, to be read: a store that holds the one log and refuses changes with
/// Errc::ReadOnly. Call stop() on it. Errors: Errc::NotFound, Errc::Corrupt, Errc::TooNew, Errc::Io.
base::Result<std::unique_ptr<EventStore>> open_log_file(const std::filesystem::path& file);

}  // namespace storage
