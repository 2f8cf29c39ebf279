// Where a subscription begins to read, and what it can no longer get.
//
// Source: wef-wire, section 9.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/task.h"
#include "engine/resources/event_logs.h"
#include "engine/wsman/eventing.h"
#include "events/bookmark.h"

namespace resources {

/// The position after which `channels` are read; a channel without an entry is read from its oldest event.
///
/// A bookmark that the subscriber offers wins over `remembered`, this source's own; without either, ReadExistingEvents
/// decides between the beginning and the end. A bookmark that cannot be read means everything. What the position says of a
/// log that was made anew since (it ends before the bookmark, or is not there) is given up, and an event that the log no
/// longer has is counted in this service's own log. The arguments outlive the call. Errors: those of `logs`.
base::AsyncResult<events::Bookmark> find_start(const wsman::SubscribeRequest& how, const std::vector<std::string>& channels,
                                               const std::optional<std::string>& remembered, EventLogs& logs);

/// Writes into this service's log how many events behind `position` have been overwritten.
base::AsyncResult<void> log_gaps(const std::string& subscription, const events::Bookmark& position, EventLogs& logs);

}  // namespace resources
