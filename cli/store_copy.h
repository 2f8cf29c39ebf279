// A copy of a service's state directory, read without a service: what `wevtutil qe DIR /lf:true` opens.

#pragma once

#include <filesystem>
#include <memory>

#include "engine/base/result.h"
#include "engine/base/task.h"
#include "engine/wsman/client.h"

namespace cli {

/// The event store in a directory, behind an engine of its own. Call stop() before destruction.
class StoreCopy {
 public:
  /// Errors: Win32::PathNotFound; Win32::NotSupported for a file (an .evtx, say); Win32::InvalidData where the directory
  /// holds no store; Win32::SharingViolation while a service uses it; the store's own.
  static base::Result<std::unique_ptr<StoreCopy>> open(const std::filesystem::path& directory);
  ~StoreCopy();

  /// A client that may read everything; it is gone before the copy is.
  std::unique_ptr<wsman::Client> client();
  base::Task<void> stop();

 private:
  struct State;
  explicit StoreCopy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cli
