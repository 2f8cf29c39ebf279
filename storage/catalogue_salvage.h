// A new catalogue out of what can be read of an old one.

#pragma once

#include <filesystem>

#include "engine/base/result.h"
#include "storage/catalogue.h"

namespace storage {

/// Makes the catalogue of `directory` anew: every row that can be read is taken over, be it from a catalogue that is damaged
/// or from the one that an interrupted repair has set aside; there may be none at all. The old one is kept as
/// "events.db.damaged". Errors: those of Database, for the new one.
base::Result<void> salvage_catalogue(const std::filesystem::path& directory);

/// Renames a database that is no more to be used, and its journal with it, to its name with ".damaged" behind it.
base::Result<void> set_aside(const std::filesystem::path& database);

}  // namespace storage
