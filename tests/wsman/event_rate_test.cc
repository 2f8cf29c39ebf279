// The limit of events in a second.

#include "engine/wsman/event_rate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "engine/base/task_group.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run.h"
#include "tests/wsman/subscription_fixture.h"

namespace wsman_test {
namespace {

using wsman::EventRate;

struct Sender {
  Sender(EventRate& rate, std::size_t size) : share(&rate), batch(size) {}
  EventRate::Share share;
  const std::size_t batch;
  std::atomic<std::size_t> sent{0};
};

/// Has always more to send.
base::Task<void> send_all(Sender& sender) {
  for (;;) {
    const bool granted = co_await sender.share.take(sender.batch, base::SteadyTime::max());
    if (granted) sender.sent += sender.batch;
  }
}

base::Task<void> take_once(Sender& sender, base::SteadyTime until, std::atomic<int>& answer) {
  const bool granted = co_await sender.share.take(sender.batch, until);
  answer = granted ? 1 : 0;
}

class EventRateTest : public ::testing::Test {
 protected:
  ~EventRateTest() override {
    if (tasks_) test_support::run_on(loop_.executor(), tasks_->stop());
  }
  Sender& start(std::size_t batch) {
    senders_.push_back(std::make_unique<Sender>(rate_, batch));
    tasks_->spawn("sender", send_all(*senders_.back()));
    EXPECT_TRUE(eventually([&] { return clock_.sleepers() == senders_.size(); }));
    return *senders_.back();
  }
  std::size_t sent() const {
    std::size_t sum = 0;
    for (const auto& sender : senders_) sum += sender->sent;
    return sum;
  }
  void pass(milliseconds time) {
    for (milliseconds passed{0}; passed < time; passed += milliseconds(10)) {
      clock_.advance(milliseconds(10));
      // One thread runs them all: those who are woken have run when what is queued behind them has.
      for (int i = 0; i < 5; ++i) test_support::run_on(loop_.executor(), nothing());
    }
  }
  static base::Task<void> nothing() { co_return; }

  test_support::FakeClock clock_;
  EventRate rate_{clock_};
  test_support::Loop loop_;
  std::vector<std::unique_ptr<Sender>> senders_;
  std::unique_ptr<base::TaskGroup> tasks_ = std::make_unique<base::TaskGroup>(loop_.executor());
};

TEST_F(EventRateTest, LimitsAllWhoSendTogether) {
  rate_.set(100);
  for (int i = 0; i < 4; ++i) start(10);
  pass(seconds(10));
  EXPECT_GE(sent(), 950u);
  // What was saved up, and the batch that was begun, come on top of it.
  EXPECT_LE(sent(), 1030u);
}

TEST_F(EventRateTest, GivesEqualSharesWhateverTheBatches) {
  rate_.set(100);
  const Sender& small = start(1);
  const Sender& middle = start(10);
  const Sender& large = start(100);
  pass(seconds(30));
  EXPECT_NEAR(static_cast<double>(small.sent), 1000, 120);
  EXPECT_NEAR(static_cast<double>(middle.sent), 1000, 120);
  EXPECT_NEAR(static_cast<double>(large.sent), 1000, 120);
}

TEST_F(EventRateTest, GivesWhoIsAloneEverything) {
  rate_.set(100);
  const Sender& alone = start(10);
  pass(seconds(10));
  EXPECT_GE(alone.sent, 950u);
}

TEST_F(EventRateTest, SavesUpLittleInSilence) {
  rate_.set(100);
  clock_.advance(std::chrono::hours(1));
  start(10);
  pass(seconds(1));
  EXPECT_LE(sent(), 130u);
}

TEST_F(EventRateTest, LimitsNothingAtFirst) {
  Sender sender(rate_, 1'000'000);
  std::atomic<int> answer{-1};
  test_support::run_on(loop_.executor(), take_once(sender, clock_.steady(), answer));
  EXPECT_EQ(answer, 1);
  EXPECT_EQ(sender.share.most_at_once(), std::numeric_limits<std::size_t>::max());
}

TEST_F(EventRateTest, LetsGoOfThoseWhoWaitWhenItIsSwitchedOff) {
  rate_.set(1);
  Sender first(rate_, 1000);
  Sender second(rate_, 1000);
  std::atomic<int> answer{-1};
  test_support::run_on(loop_.executor(), take_once(first, clock_.steady(), answer));
  EXPECT_EQ(answer, 1);
  answer = -1;
  tasks_->spawn("waiting", take_once(second, base::SteadyTime::max(), answer));
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
  rate_.set(0);
  clock_.advance(seconds(1));
  EXPECT_TRUE(eventually([&] { return answer == 1; }));
}

TEST_F(EventRateTest, WaitsNoLongerThanItIsTold) {
  rate_.set(1);
  Sender first(rate_, 1000);
  Sender second(rate_, 10);
  std::atomic<int> answer{-1};
  test_support::run_on(loop_.executor(), take_once(first, clock_.steady(), answer));
  answer = -1;
  tasks_->spawn("waiting", take_once(second, clock_.steady() + milliseconds(300), answer));
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
  clock_.advance(milliseconds(300));
  EXPECT_TRUE(eventually([&] { return answer == 0; }));
}

TEST_F(EventRateTest, AsksForNoMoreAtOnceThanComesInASecond) {
  rate_.set(50);
  EXPECT_EQ(EventRate::Share(&rate_).most_at_once(), 50u);
}

std::vector<std::string> items_of(const wsman::Envelope& reply) {
  std::vector<std::string> items;
  for (const xml::Element item : reply.body().child(wsman::ns::kEnumeration, "Items").children()) {
    items.push_back(item.first_child().outer_xml());
  }
  return items;
}

class LimitedSubscriptions : public SubscriptionTest {
 protected:
  LimitedSubscriptions() { routes_.limit = &rate_; }
  test_support::FakeClock limits_clock_;
  EventRate rate_{limits_clock_};
};

TEST_F(LimitedSubscriptions, ArePushedSlowlyAndWhole) {
  rate_.set(10);
  for (int i = 0; i < 30; ++i) happenings_.add(std::to_string(i));
  subscribe(subscribe_request(wsman::kModeEvents, std::string(kNotifyTo) + "<w:MaxTime>PT0S</w:MaxTime>"));
  ASSERT_TRUE(gets(1, wsman::action::kEvents));
  EXPECT_EQ(subscriber_.events().size(), 10u);
  EXPECT_TRUE(eventually([&] {
    limits_clock_.advance(milliseconds(200));
    return subscriber_.events().size() == 30;
  }));
  EXPECT_EQ(subscriber_.events().front(), "<Event>0</Event>");
  EXPECT_EQ(subscriber_.events().back(), "<Event>29</Event>");
}

TEST_F(LimitedSubscriptions, ArePulledSlowlyAndWhole) {
  rate_.set(10);
  for (int i = 0; i < 20; ++i) happenings_.add(std::to_string(i));
  const std::string id = pull_mode();
  const auto first = service_.send(pull_request(id));
  EXPECT_EQ(items_of(first).size(), 10u);
  auto waiting = start(pull_request(id));
  ASSERT_TRUE(eventually([&] { return limits_clock_.sleepers() == 1; }));
  limits_clock_.advance(seconds(1));
  ASSERT_TRUE(eventually([&] {
    limits_clock_.advance(milliseconds(100));
    return waiting.wait_for(seconds(0)) == std::future_status::ready;
  }));
  auto second = wsman::read_envelope(wsman::write_envelope(*waiting.get()));
  const auto items = items_of(*second);
  ASSERT_EQ(items.size(), 10u);
  EXPECT_EQ(items[0], "<Event>10</Event>");
}

}  // namespace
}  // namespace wsman_test
