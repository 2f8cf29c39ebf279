// Where a subscription begins to read.
//
// Source: wef-wire, section 9.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/task.h"
#include "engine/resources/event_logs.h"
#include "engine/resources/subscription_memory.h"
#include "engine/wsman/eventing.h"
#include "events/bookmark.h"

namespace resources {

/// What is known of a subscription that begins.
struct StartBasis {
  std::vector<std::string> channels;      ///< of its query
  std::optional<std::string> remembered;  ///< this source's own position, as XML
  std::string key;                        ///< of it in `memory`
  SubscriptionMemory* memory = nullptr;   ///< null: nothing is remembered
};

/// The position after which the channels are read. It has an entry for each of them, and so have the bookmarks that are made
/// of it: a channel that a bookmark lacks was not asked for when it was made.
///
/// A bookmark that the subscriber offers wins over `remembered`; without either, ReadExistingEvents decides between the
/// oldest event and the end. A bookmark that cannot be read means everything. A channel that the bookmark lacks has come
/// into the query since: it begins where it began when it was first asked for, which is remembered, durably, before this
/// returns; so the first time at its end, or with ReadExistingEvents at its oldest event. Where that cannot be remembered it
/// begins at its oldest event. What the position says of a log that was made anew since (it ends before the bookmark, or is
/// not there) is given up. The arguments outlive the call. Errors: those of `logs` and of the memory.
base::AsyncResult<events::Bookmark> find_start(const wsman::SubscribeRequest& how, const StartBasis& basis, EventLogs& logs);

}  // namespace resources
