// Stands in until storage/maintenance.h is implemented.

#include "engine/base/win32.h"
#include "storage/maintenance.h"

namespace storage {

base::Result<CheckReport> check_store(const std::filesystem::path&, const Progress&) {
  return base::make_error(base::Win32::NotSupported, "This is not available in this version.");
}

base::Result<CheckReport> repair_store(const std::filesystem::path&, const Progress&) {
  return base::make_error(base::Win32::NotSupported, "This is not available in this version.");
}

}  // namespace storage
