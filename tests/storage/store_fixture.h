// An event store in a temporary folder, and the verbs that its tests are written in.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <string>
#include <vector>

#include "storage/event_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace storage_test {

using storage::Errc;
using test_support::IsError;
using test_support::IsOk;
using test_support::IsOkAndHolds;

/// 2024-05-01T10:00:00Z and so many seconds.
base::WallTime at(double seconds);

/// What an event of the tests says about itself.
struct EventSpec {
  std::optional<std::uint64_t> record_id = 1;
  base::WallTime time = at(0);
  std::string computer = "host1.lab.example";
  std::string channel = "Security";
  std::string text = "hello";
  int event_id = 4624;
};
/// It as Windows would send it.
std::string xml_of(const EventSpec& spec);
events::Event make_event(const EventSpec& spec);
/// Events with these record ids, one second apart: record id n comes n seconds after the hour.
std::vector<events::Event> make_events(std::uint64_t first, std::uint64_t last,
                                       const std::string& computer = "host1.lab.example");

/// Into ForwardedEvents, from machine "host1", of subscription "baseline".
storage::DeliveredBatch make_batch(std::vector<events::Event> events);
/// One draft for each text.
storage::LocalBatch make_local(const std::string& log, const std::vector<std::string>& texts,
                               const std::string& position = "p");

/// Letters and digits that no compression makes much smaller.
std::string random_text(std::size_t bytes, std::uint64_t seed);
/// Events with these record ids and so much random text each.
std::vector<events::Event> make_random_events(std::uint64_t first, std::uint64_t last, std::size_t bytes);

events::Query everything_in(const std::string& log);

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { open(); }
  ~StoreTest() override { close(); }

  void open(storage::EventStoreOptions options = {});
  void close();
  void reopen(storage::EventStoreOptions options = {}) {
    close();
    open(options);
  }

  /// Runs a task on a loop of its own.
  template <typename T>
  T wait(base::Task<T> task) {
    return test_support::run_on(loop_.executor(), std::move(task));
  }
  base::Result<storage::AppendResult> deliver(storage::DeliveredBatch batch) {
    return wait(store().append(std::move(batch)));
  }
  base::Result<storage::AppendResult> deliver(std::vector<events::Event> events) {
    return deliver(make_batch(std::move(events)));
  }
  base::Result<void> append_local(const storage::LocalBatch& batch) { return wait(store().append_local(batch)); }
  base::Result<storage::ReadResult> read(storage::ReadRequest request) { return wait(store().read(std::move(request))); }
  /// All events of a log, oldest first.
  std::vector<storage::StoredEvent> all_of(const std::string& log = "ForwardedEvents");
  /// Their EventRecordIDs.
  std::vector<std::uint64_t> record_ids(const std::string& log = "ForwardedEvents");
  storage::Log log(const std::string& name = "ForwardedEvents");
  /// Makes the log, or changes it.
  void configure(const std::string& name, std::uint64_t max_size, bool retention = false, bool enabled = true);

  /// The number that this asks the catalogue for; the store may be open.
  std::int64_t ask(const std::string& sql);
  /// Names of the files in a folder of the store, sorted; without what SQLite keeps beside them.
  std::vector<std::string> files_in(const std::string& folder = "segments");
  /// Waits until the tail has no event any more.
  void wait_until_sealed();

  storage::EventStore& store() { return *store_; }
  const test_support::TemporaryDirectory& directory() const { return directory_; }
  test_support::FakeClock& clock() { return clock_; }
  base::Executor executor() { return loop_.executor(); }

 private:
  test_support::TemporaryDirectory directory_;
  test_support::FakeClock clock_;
  test_support::Loop loop_;
  std::unique_ptr<storage::EventStore> store_;
};

}  // namespace storage_test
