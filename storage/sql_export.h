// Events as a plain SQLite file, for people's own tools.
//
// Tables: docs/storage-schema.md, "For your own tools".

#pragma once

#include <filesystem>
#include <memory>

#include "engine/base/result.h"
#include "storage/event_store.h"

namespace storage {

/// Writes events into a new file. One thread. A writer that is destroyed before finish() leaves nothing behind.
class SqlExport {
 public:
  /// Writes beside `file` and takes its place in finish(). Errors: std::errc::file_exists unless `overwrite`; those of
  /// Database.
  static base::Result<std::unique_ptr<SqlExport>> create(const std::filesystem::path& file, bool overwrite);
  ~SqlExport();

  /// Adds the event and the values below its EventData or UserData. Errors: those of Database.
  base::Result<void> add(const StoredEvent& event);
  /// Makes the indices; durable, and complete, on return.
  base::Result<void> finish();

 private:
  struct State;
  explicit SqlExport(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace storage
