#include "forwarder/source_pump.h"

#include "engine/base/log.h"

namespace forwarder {
namespace {

constexpr std::size_t kBatchItems = 2000;
constexpr std::size_t kBatchBytes = 2 << 20;
constexpr auto kReadLimit = std::chrono::milliseconds(500);
constexpr auto kReopenDelay = std::chrono::seconds(5);
constexpr auto kRetryDelay = std::chrono::seconds(1);

base::AsyncResult<void> open_at_stored_position(Source& source, storage::EventStore& store) {
  ASSIGN_OR_CO_RETURN(auto position, co_await store.find_position(source.name()));
  co_return co_await source.open(position.value_or(""));
}

/// False where the store has stopped.
base::Task<bool> store_batch(Source& source, SourceBatch read, storage::EventStore& store, base::Clock& clock) {
  storage::LocalBatch batch;
  batch.log = source.channel();
  batch.drafts = std::move(read.drafts);
  batch.source = source.name();
  batch.position = std::move(read.position);
  bool told = false;
  for (;;) {
    auto stored = co_await store.append_local(batch);
    if (stored.ok()) {
      if (told) base::log_notice("source {}: storing again", source.name());
      co_return true;
    }
    if (stored.error().code == storage::Errc::Stopped) co_return false;
    if (!told) {
      base::log_error("source {}: waiting, its events cannot be stored: {}", source.name(), stored.error().message());
    }
    told = true;
    co_await clock.sleep_for(kRetryDelay);
  }
}

/// Whether the log's next events may cost others that somebody still waits for. Retention removes an eighth of a log at a
/// time.
base::Task<bool> is_full_of_undelivered(const std::string& channel, storage::EventStore& store,
                                        const DeliveryProgress& progress) {
  const auto slowest = progress.slowest(channel);
  if (!slowest) co_return false;
  const auto log = co_await store.find_log(channel);
  if (!log.ok() || !*log) co_return false;
  const storage::LogStatus& status = (*log)->status;
  const std::uint64_t max_size = (*log)->properties.max_size;
  if (status.records == 0 || status.size < max_size - max_size / 8) co_return false;
  co_return *slowest < status.oldest_record + status.records / 4;
}

base::Task<void> wait_for_delivery(Source& source, storage::EventStore& store, const DeliveryProgress& progress,
                                   base::Clock& clock) {
  bool told = false;
  for (;;) {
    const bool full = co_await is_full_of_undelivered(source.channel(), store, progress);
    if (!full) break;
    const bool may_wait = co_await source.may_wait();
    if (!may_wait) break;
    if (!told) base::log_notice("source {}: waiting, its log is full of events that are not delivered yet", source.name());
    told = true;
    co_await clock.sleep_for(kRetryDelay);
  }
  if (told) base::log_notice("source {}: reading again", source.name());
}

}  // namespace

base::Task<void> pump(std::shared_ptr<Source> source, storage::EventStore& store, const DeliveryProgress& progress,
                      base::Clock& clock) {
  for (;;) {
    auto opened = co_await open_at_stored_position(*source, store);
    std::string last_position;
    while (opened.ok()) {
      co_await wait_for_delivery(*source, store, progress, clock);
      base::Budget budget{kBatchItems, kBatchBytes, clock.steady() + kReadLimit};
      auto batch = co_await source->read(budget);
      if (!batch.ok()) {
        opened = std::move(batch).error();
        break;
      }
      if (batch->drafts.empty() && batch->position == last_position) continue;
      last_position = batch->position;
      const bool stored = co_await store_batch(*source, std::move(*batch), store, clock);
      if (!stored) co_return;
    }
    base::log_error("source {} is not read for now: {}", source->name(), opened.error().message());
    co_await clock.sleep_for(kReopenDelay);
  }
}

}  // namespace forwarder
