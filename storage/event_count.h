// Counting events: from summaries where they say enough, from columns where not, from the events' text where nothing else
// helps.

#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/clock.h"
#include "storage/event_store.h"
#include "storage/log_scan.h"

namespace storage {

/// Answers EventStore::count(). `touched`, where it is not null, gets the ids of the logs that were looked into. Errors:
/// those of EventStore::count(); std::errc::operation_canceled. Blocks.
base::Result<CountResult> count_events(LogSource& source, const CountRequest& request, base::Clock& clock,
                                       const CancelFlag& cancelled, std::vector<std::int64_t>* touched);

}  // namespace storage
