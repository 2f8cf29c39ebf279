// Questions to all events of a block at once.

#pragma once

#include "events/formula.h"
#include "storage/block.h"

namespace storage {

/// Which rows of `rows_of(template_index)`, by their place, satisfy `formula`, which was bound to that template's skeleton.
/// Only the columns that the formula needs are decoded, and none more once nothing is left to find; tests of dictionaries
/// and numbers are answered once for each entry, or without making text. Errors: those of Block::column().
base::Result<Bitmap> select_rows(Block& block, std::uint32_t template_index, const events::Formula& formula,
                                 base::WallTime now);

}  // namespace storage
