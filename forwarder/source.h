// Where a forwarder's events come from: the journal, files, and later auditd, kernel messages and the BMC.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/budget.h"
#include "engine/base/task.h"
#include "events/event.h"

namespace forwarder {

/// What a source has read, and where it stands after it.
struct SourceBatch {
  std::vector<events::Draft> drafts;
  /// Given back to open() after a restart: reading goes on exactly behind these drafts. Opaque text.
  std::string position;
};

/// One stream of events, read in order. One strand; what blocks inside runs on a BlockingPool.
class Source {
 public:
  virtual ~Source() = default;
  /// Identifies its stored position: "file:/var/log/*.log", "journal". Never changes for the same configuration.
  virtual const std::string& name() const = 0;
  /// The log that its events belong to.
  virtual const std::string& channel() const = 0;
  /// Starts behind `position`; an empty one means the source's configured beginning. Errors: what cannot be opened, by name.
  virtual base::AsyncResult<void> open(std::string position) = 0;
  /// Waits until `budget.until` for events and returns what there is, within the budget. An empty batch is normal; its
  /// position may have moved all the same. Trouble with one file or one line is logged and passed over, never an error: an
  /// error means that the source is unusable now, and the caller tries open() again later.
  virtual base::AsyncResult<SourceBatch> read(base::Budget budget) = 0;
  /// Whether what was not read yet is safe where it is for some time to come, so that the caller may let it wait. False
  /// where nobody can say.
  virtual base::Task<bool> may_wait() { co_return false; }
};

}  // namespace forwarder
