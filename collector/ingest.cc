#include "collector/ingest.h"

#include "engine/base/log.h"
#include "engine/base/win32.h"

namespace collector {
namespace {

wsman::Fault store_fault(const base::Error& error) {
  const auto& code = error.code;
  if (code == storage::Errc::Full) {
    base::log_error("a delivery was refused for now: {}", error.message());
    wsman::Fault fault = wsman::make_fault(wsman::FaultCode::EndpointUnavailable, "The collector's store is full.");
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::DiskFull);
    return fault;
  }
  if (code == storage::Errc::LogDisabled) {
    wsman::Fault fault = wsman::make_fault(wsman::FaultCode::EndpointUnavailable, "The destination log is disabled.");
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::EcLogDisabled);
    return fault;
  }
  if (code == storage::Errc::Stopped) {
    return wsman::make_fault(wsman::FaultCode::EndpointUnavailable, "The collector is stopping.");
  }
  return wsman::as_fault(error, "storing a delivery");
}

}  // namespace

Ingest::Ingest(subscriptions::Manager& manager, storage::EventStore& store, RecordWatch& watch, base::Clock& clock)
    : manager_(manager), store_(store), watch_(watch), clock_(clock) {}

wsman::AsyncResult<void> Ingest::deliver(wsman::Delivery delivery) {
  auto admitted = manager_.admit(delivery.who, delivery.identifier, delivery.path);
  if (!admitted.ok()) {
    base::log_warning("{} ({}) may not deliver: {}", delivery.who.name, delivery.address, admitted.error().reason);
    co_return std::move(admitted).error();
  }
  subscriptions::SourceNews news;
  if (delivery.kind == wsman::Delivery::Kind::SubscriptionEnd) {
    news = subscriptions::SourceNews{true, delivery.end_code, delivery.end_message};
  }
  const subscriptions::Admitted whose = *admitted;
  auto taken = co_await take(std::move(delivery), std::move(*admitted));
  if (taken.ok()) manager_.tell_heard(whose, news);
  co_return taken;
}

std::string_view Ingest::ack_action(std::string_view identifier, std::string_view path) const {
  return manager_.ack_action(identifier, path);
}

wsman::AsyncResult<void> Ingest::take(wsman::Delivery delivery, subscriptions::Admitted admitted) {
  if (delivery.kind == wsman::Delivery::Kind::Events) {
    co_return co_await take_events(std::move(delivery), std::move(admitted));
  }
  storage::DeliveryUpdate update;
  update.subscription = std::move(admitted.subscription);
  update.machine = std::move(admitted.machine);
  update.address = delivery.address;
  if (delivery.kind == wsman::Delivery::Kind::Heartbeat) {
    update.heartbeat = clock_.wall();
    update.failure = storage::DeliveryUpdate::Failure{};
  } else {
    base::log_notice("{} has ended its side of subscription {}: {} {}", update.machine, update.subscription,
                     delivery.end_status, delivery.end_message);
    update.failure = storage::DeliveryUpdate::Failure{delivery.end_code, delivery.end_message, clock_.wall()};
  }
  auto updated = co_await store_.update_delivery(std::move(update));
  if (!updated.ok()) co_return store_fault(updated.error());
  co_return wsman::Result<void>();
}

wsman::AsyncResult<void> Ingest::take_events(wsman::Delivery delivery, subscriptions::Admitted admitted) {
  storage::DeliveredBatch batch;
  batch.log = admitted.log;
  batch.subscription = admitted.subscription;
  batch.machine = admitted.machine;
  batch.address = delivery.address;
  batch.received = clock_.wall();
  batch.bookmark = std::move(delivery.bookmark);
  batch.events.reserve(delivery.events.size());
  std::size_t unreadable = 0;
  for (std::string& text : delivery.events) {
    batch.events.push_back(events::Event::from_wire(std::move(text)));
    if (batch.events.back().quality == events::Quality::Raw) ++unreadable;
  }
  if (unreadable != 0) {
    base::log_warning("{} of {} events from {} cannot be read and are kept as they came", unreadable, batch.events.size(),
                      admitted.machine);
  }
  RecordWatch::Batch watched{admitted.subscription, admitted.machine, std::move(admitted.log)};
  watched.records = BatchRecords(batch.events, *admitted.whole_channels);
  if (delivery.dropped != 0 && batch.bookmark) {
    // The same once more says the same once more.
    const auto before = co_await store_.find_bookmark(batch.subscription, batch.machine);
    if (before.ok() && *before == batch.bookmark) delivery.dropped = 0;
  }
  watched.dropped = delivery.dropped;
  watched.bookmark = batch.bookmark;
  if (watched.says_something()) {
    // A failing store tells itself by what comes next.
    auto before = co_await watch_.positions(watched.subscription, watched.machine);
    if (before.ok()) watched.before = std::move(*before);
  }
  auto stored = co_await store_.append(std::move(batch));
  if (!stored.ok()) co_return store_fault(stored.error());
  watched.all_new = stored->duplicates == 0;
  if (watched.says_something()) co_await watch_.stored(std::move(watched));
  if (delivery.dropped != 0) {
    storage::DeliveryUpdate update;
    update.subscription = std::move(admitted.subscription);
    update.machine = std::move(admitted.machine);
    update.address = delivery.address;
    update.dropped = delivery.dropped;
    auto updated = co_await store_.update_delivery(std::move(update));
    if (!updated.ok()) co_return store_fault(updated.error());
  }
  co_return wsman::Result<void>();
}

}  // namespace collector
