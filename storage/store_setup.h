// What has to be right before a store can be written: its folders, its schema, its files, its templates.

#pragma once

#include "engine/base/result.h"
#include "storage/catalogue.h"
#include "storage/template_index.h"

namespace storage {

/// Makes or migrates the catalogue, removes files that a crash has left behind, and learns the templates. Blocks; events of
/// an older version take their time, and the log says how far they are. Errors: Errc::Corrupt where there are files that the
/// catalogue cannot know, with a text that says how to repair it; those of migrate() and Database.
base::Result<void> set_up_store(StoreShared& shared, TemplateIndex& index);

}  // namespace storage
