// The events of a store of version 1, which were a row each, on their way into files.

#pragma once

#include "engine/base/result.h"
#include "storage/catalogue.h"
#include "storage/database.h"
#include "storage/template_index.h"

namespace storage {

/// Moves the rows of all tables events_N into files and drops the tables. Begins where an earlier attempt was interrupted.
/// Says every few seconds how far it is. Errors: those of Database; Errc::Corrupt.
base::Result<void> move_rows(StoreShared& shared, TemplateIndex& index, Database& catalogue);

}  // namespace storage
