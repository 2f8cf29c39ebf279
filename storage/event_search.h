// Reading events: the search of several logs at once, merged by the events' time.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/clock.h"
#include "storage/event_store.h"
#include "storage/log_scan.h"

namespace storage {

/// Answers EventStore::read(). `touched`, where it is not null, gets the ids of the logs that were looked into. Errors:
/// those of EventStore::read(); std::errc::operation_canceled. Blocks.
base::Result<ReadResult> search_events(LogSource& source, const ReadRequest& request, base::Clock& clock,
                                       const CancelFlag& cancelled, std::vector<std::int64_t>* touched);

/// The logs of a query, each once, in the order of first mention. Errors: Errc::NotFound, unless `ignore_missing`.
base::Result<std::vector<LogRow>> logs_of_query(LogSource& source, const events::Query& query, bool ignore_missing);

}  // namespace storage
