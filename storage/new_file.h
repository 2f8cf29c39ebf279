// A file that is written beside its place, and takes it when it is complete.

#pragma once

#include <filesystem>

#include "engine/base/result.h"

namespace storage {

/// The name of a file in the making, and what SQLite keeps beside it; removed with this, unless it has taken its place.
class NewFile {
 public:
  /// Errors: std::errc::file_exists where there is a file already, unless `overwrite`.
  static base::Result<NewFile> plan(const std::filesystem::path& place, bool overwrite);
  ~NewFile();
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;

  const std::filesystem::path& place() const { return place_; }
  /// Where to write it. There is none of this name.
  const std::filesystem::path& path() const { return path_; }

  /// Syncs the file, moves it to its place and syncs the folder. Nobody has it open. Errors: std::errc::file_exists where a
  /// file has come there meanwhile; the system's.
  base::Result<void> take_place();

 private:
  NewFile(std::filesystem::path place, bool overwrite);

  std::filesystem::path place_;
  std::filesystem::path path_;
  bool overwrite_ = false;
};

/// Makes a file's content, or a folder's names, durable.
base::Result<void> sync_path(const std::filesystem::path& path);

}  // namespace storage
