// The events of an opened block that a search selects.

#pragma once

#include <cstdint>

#include "events/event.h"
#include "storage/bitmap.h"
#include "storage/log_scan.h"

namespace storage {

/// Which rows of the scan's current block are selected and in view. Errors: Errc::Corrupt; those of the block's source.
base::Result<Bitmap> select_events(OpenBlock& block, LogScan& scan, const SearchPlan& plan);
/// The same for one template, by place among its rows, whether in view or not.
base::Result<Bitmap> select_events_of(OpenBlock& block, std::uint32_t template_index, LogScan& scan, const SearchPlan& plan);

/// The event in a row, with System read from its text.
base::Result<events::Event> read_event(Block& block, std::size_t row);

}  // namespace storage
