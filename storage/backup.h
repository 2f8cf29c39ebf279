// A copy of a store while it is at work.

#pragma once

#include <filesystem>
#include <functional>

#include "engine/base/result.h"
#include "storage/catalogue.h"

namespace storage {

/// Copies the store as of one moment into `to`, which must be empty or missing, while others append to it. Files that
/// retention removes during the copy are not in it. Blocks. The catalogue comes last: a copy that was interrupted has none,
/// and is no store. Errors: std::errc::file_exists; Errc::Stopped once `give_up` says so, which is asked now and then; those
/// of Database; the system's.
base::Result<void> back_up_store(const StoreShared& shared, const std::filesystem::path& to,
                                 const std::function<bool()>& give_up);

}  // namespace storage
