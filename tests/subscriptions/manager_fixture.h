// A manager over real stores on disk, with a clock of its own.

#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "subscriptions/manager.h"
#include "tests/subscriptions/definitions.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/run.h"
#include "tests/support/temporary_directory.h"

namespace subscriptions {

class ManagerFixture : public ::testing::Test {
 protected:
  ManagerFixture() {
    storage::EventStoreOptions options;
    options.clock = &clock_;
    events_ = std::move(*storage::EventStore::open(directory_ / "events", options));
    reopen();
  }
  ~ManagerFixture() override { wait(events_->stop()); }

  template <typename T>
  T wait(base::Task<T> task) {
    return test_support::run_on(loop_.executor(), std::move(task));
  }

  void reopen() {
    manager_.reset();
    state_.reset();
    state_ = std::move(*storage::StateStore::open(directory_.path()));
    ManagerOptions options;
    options.secret_key.file = directory_ / "secrets.key";
    options.own_names = {"collector.example.org"};
    manager_ = std::move(*Manager::open(*state_, *events_, pool_, options, clock_));
  }

  base::Result<void> create(Subscription subscription) { return wait(manager_->create(std::move(subscription))); }
  base::Result<void> set(Subscription subscription) { return wait(manager_->set(std::move(subscription))); }
  base::Result<void> remove(std::string id) { return wait(manager_->remove(std::move(id))); }

  void hear_from(std::string name, std::optional<std::string> bookmark = {}) {
    storage::DeliveryUpdate update;
    update.subscription = "linux-baseline";
    update.machine = std::move(name);
    update.heartbeat = clock_.wall();
    update.bookmark = std::move(bookmark);
    ASSERT_THAT(wait(events_->update_delivery(std::move(update))), test_support::IsOk());
  }

  test_support::TemporaryDirectory directory_;
  test_support::Loop loop_;
  test_support::FakeClock clock_;
  base::BlockingPool pool_{2};
  std::unique_ptr<storage::EventStore> events_;
  std::unique_ptr<storage::StateStore> state_;
  std::unique_ptr<Manager> manager_;
};

}  // namespace subscriptions
