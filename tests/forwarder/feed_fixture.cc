#include "tests/forwarder/feed_fixture.h"

#include <regex>
#include <thread>

namespace forwarder_test {

namespace action = wsman::action;
using test_support::IsOk;

std::string query_of(const std::vector<std::string>& channels) {
  std::string query = "<QueryList><Query Id=\"0\">";
  for (const auto& channel : channels) query += "<Select Path=\"" + channel + "\">*</Select>";
  return query + "</Query></QueryList>";
}

wsman::OfferedSubscription offer_of(const std::string& identifier, const std::string& version) {
  wsman::OfferedSubscription offer;
  offer.version = version;
  wsman::SubscribeRequest& how = offer.subscribe;
  how.resource_uri = wsman::resource::kEventLog;
  how.mode = wsman::kModeEvents;
  how.notify_to.address = "https://wec.lab.example:5986/wsman/subscriptions/" + identifier;
  how.notify_to.identifier = identifier;
  how.notify_to.reference_properties.push_back("<e:Identifier xmlns:e=\"" + std::string(wsman::ns::kEventing) + "\">" +
                                               identifier + "</e:Identifier>");
  how.end_to = how.notify_to;
  how.heartbeats = seconds(900);
  how.retry_interval = seconds(60);
  how.retry_total = 5;
  how.max_time = milliseconds(0);
  how.subscription_name = "baseline";
  how.filter = query_of({"Application"});
  how.read_existing_events = true;
  return offer;
}

ForwarderTest::ForwarderTest() {
  storage::EventStoreOptions options;
  options.clock = &clock_;
  auto store = storage::EventStore::open(directory_ / "events", options);
  EXPECT_THAT(store, IsOk());
  store_ = std::move(*store);
  auto state = storage::StateStore::open(directory_ / "state");
  EXPECT_THAT(state, IsOk());
  state_ = std::move(*state);
  memory_ = std::make_unique<service::StoredSubscriptionMemory>(*state_, *store_, pool_, clock_, "host7.lab.example");
}

ForwarderTest::~ForwarderTest() {
  wait(store_->stop());
}

void ForwarderTest::log(const std::vector<std::string>& texts, const std::string& channel) {
  storage::LocalBatch batch;
  batch.log = channel;
  batch.source = "test:" + channel;
  batch.position = "p";
  for (const std::string& text : texts) {
    events::Draft draft;
    draft.system.provider = "Test";
    draft.system.event_id = 1;
    draft.system.time = clock_.wall();
    draft.system.channel = channel;
    draft.system.computer = "host7.lab.example";
    draft.data.emplace_back("MESSAGE", text);
    batch.drafts.push_back(std::move(draft));
  }
  ASSERT_THAT(wait(store_->append_local(std::move(batch))), IsOk());
}

void ForwarderTest::make_log(const std::string& channel, std::uint64_t max_size) {
  storage::LogProperties properties;
  properties.name = channel;
  properties.max_size = max_size;
  ASSERT_THAT(wait(store_->set_log(properties)), IsOk());
}

std::vector<int> ForwarderTest::delivered() const {
  std::vector<int> records;
  static const std::regex pattern("<EventRecordID>(\\d+)</EventRecordID>");
  for (const std::string& event : collector_.events()) {
    std::smatch match;
    if (std::regex_search(event, match, pattern)) records.push_back(std::stoi(match[1]));
  }
  return records;
}

::testing::AssertionResult ForwarderTest::gets(std::size_t count, std::string_view action) {
  if (eventually([&] { return collector_.received(action).size() >= count; })) {
    const std::size_t got = collector_.received(action).size();
    if (got == count) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "the collector got " << got << " instead of " << count;
  }
  return ::testing::AssertionFailure() << "the collector got only " << collector_.received(action).size();
}

void ForwarderTest::advance(std::chrono::nanoseconds by, std::size_t sleepers) {
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() >= sleepers; }));
  clock_.advance(by);
}

void ForwarderTest::advance_until(const std::function<bool()>& condition, milliseconds step) {
  eventually([&] {
    if (condition()) return true;
    if (clock_.sleepers() != 0) clock_.advance(step);
    return false;
  });
  EXPECT_TRUE(condition());
}

forwarder::Connect ForwarderTest::connector() {
  return [this](const wsman::NotifyAddress&, const wsman::SubscribeRequest&) { return collector_.connect(); };
}

FeedTest::FeedTest() {
  make_log("Application");
}

void FeedTest::start() {
  const std::size_t before = collector_.received().size();
  forwarder::FeedOptions options;
  options.offer = offer_;
  options.computer = "host7.lab.example";
  options.memory = memory_.get();
  options.bounds = [this] { return bounds_; };
  options.state_key = "manager|" + how_.notify_to.identifier;
  feed_ = std::make_unique<forwarder::Feed>(options, *store_, *state_, pool_, connector(), clock_);
  tasks_ = std::make_unique<base::TaskGroup>(loop_.executor());
  tasks_->spawn("feed", feed_->run());
  ASSERT_TRUE(eventually([&] { return collector_.received().size() > before; }));
}

void FeedTest::stop() {
  if (!tasks_) return;
  wait(tasks_->stop());
  tasks_.reset();
}

::testing::AssertionResult FeedTest::ends(forwarder::FeedEnd how) {
  if (!eventually([&] { return tasks_->size() == 0; })) return ::testing::AssertionFailure() << "it still runs";
  if (feed_->end() == how) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "it ended in another way: " << static_cast<int>(feed_->end());
}

void FeedTest::settle() {
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
}

}  // namespace forwarder_test
