// A file that is there complete or not at all.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace cli {

/// Text that is written beside its place, and takes it in finish(). One thread. Destroyed before that, it leaves nothing.
class OutputFile {
 public:
  OutputFile() = default;
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Errors: Win32::PathNotFound where the folder is missing, Win32::FileExists unless `overwrite`, the system's.
  base::Result<void> create(const std::filesystem::path& file, bool overwrite);
  base::Result<void> write(std::string_view text);
  /// Durable on return. Errors: Win32::FileExists where a file has come to be there meanwhile, unless `overwrite`.
  base::Result<void> finish();

 private:
  base::Result<void> flush();
  base::Error failure(std::string_view doing) const;

  std::filesystem::path file_;
  std::string temporary_;
  bool overwrite_ = false;
  int descriptor_ = -1;
  std::string buffer_;
};

/// Win32::PathNotFound or Win32::FileExists where `file` cannot be made.
base::Result<void> check_target(const std::filesystem::path& file, bool overwrite);

}  // namespace cli
