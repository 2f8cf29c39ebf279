// Events of machines, pushed to the engine's door or pulled at theirs, into the store.

#pragma once

#include "collector/record_watch.h"
#include "engine/base/clock.h"
#include "engine/wsman/delivery.h"
#include "storage/event_store.h"
#include "subscriptions/manager.h"
#include "subscriptions/source_environment.h"

namespace collector {

/// Admits a delivery to its subscription, makes events of its texts, and stores them with bookmark and heartbeat in one
/// transaction. Success, and so the Ack, means that they are on disk. Thread-safe; what it is given outlives it.
///
/// Faults: those of Manager::admit(); EndpointUnavailable where the disk or the log is full or the store is closing, so that
/// the source keeps the batch and comes again. Source: wef-wire, section 8.6.
class Ingest final : public wsman::DeliverySink, public subscriptions::EventIntake {
 public:
  Ingest(subscriptions::Manager& manager, storage::EventStore& store, RecordWatch& watch, base::Clock& clock);
  wsman::AsyncResult<void> deliver(wsman::Delivery delivery) override;
  std::string_view ack_action(std::string_view identifier, std::string_view path) const override;
  /// What has been admitted.
  wsman::AsyncResult<void> take(wsman::Delivery delivery, subscriptions::Admitted admitted) override;

 private:
  wsman::AsyncResult<void> take_events(wsman::Delivery delivery, subscriptions::Admitted admitted);

  subscriptions::Manager& manager_;
  storage::EventStore& store_;
  RecordWatch& watch_;
  base::Clock& clock_;
};

}  // namespace collector
