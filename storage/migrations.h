// The versions of a database file, and the way from one to the next.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/base/result.h"
#include "storage/database.h"

namespace storage {

/// What a kind of database file is known by, and the SQL that leads from each version to the next.
struct Schema {
  std::int32_t application_id = 0;          ///< PRAGMA application_id
  std::span<const std::string_view> steps;  ///< steps[n] leads from version n to n + 1; version 0 is the empty file
};

/// Brings the file to the newest version, in one transaction. Errors: Errc::TooNew where it is beyond that; Errc::Corrupt
/// where it belongs to something else; those of Database.
base::Result<void> migrate(Database& database, const Schema& schema);

/// The schema of events.db. Tables: docs/storage-schema.md.
const Schema& event_schema();
/// The schema of state.db.
const Schema& state_schema();

}  // namespace storage
