// From a source into the host's own store.

#pragma once

#include <memory>

#include "engine/base/clock.h"
#include "engine/base/task.h"
#include "forwarder/delivery_progress.h"
#include "forwarder/source.h"
#include "storage/event_store.h"

namespace forwarder {

/// Opens the source at its stored position and moves what it reads into its channel, position and events in one transaction,
/// until it is cancelled. A source that fails is opened again after a while; a full store makes it wait with its batch in
/// hand. Where more events would make the channel's log overwrite what `progress` says is not delivered yet, it waits before
/// it reads, as long as the source may_wait(). What it is given outlives it.
base::Task<void> pump(std::shared_ptr<Source> source, storage::EventStore& store, const DeliveryProgress& progress,
                      base::Clock& clock);

}  // namespace forwarder
