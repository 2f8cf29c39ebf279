#include "forwarder/source_pump.h"

#include <atomic>
#include <deque>
#include <mutex>
#include <random>

#include "tests/forwarder/feed_fixture.h"

namespace forwarder_test {
namespace {

using forwarder::SourceBatch;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Gives what a test puts into it; its position is how many drafts it has given.
class ScriptedSource final : public forwarder::Source {
 public:
  explicit ScriptedSource(base::Clock& clock) : clock_(clock) {}

  const std::string& name() const override { return name_; }
  const std::string& channel() const override { return channel_; }

  base::AsyncResult<void> open(std::string position) override {
    std::lock_guard lock(mutex_);
    opened_.push_back(position);
    if (refuse_open_ > 0) {
      --refuse_open_;
      co_return base::make_error(std::errc::no_such_file_or_directory, "opening the source");
    }
    given_ = position.empty() ? 0 : std::stoul(position);
    co_return base::Result<void>();
  }

  base::Task<bool> may_wait() override { co_return safe_.load(); }

  base::AsyncResult<SourceBatch> read(base::Budget budget) override {
    SourceBatch batch;
    bool waits = false;
    {
      std::lock_guard lock(mutex_);
      ++reads_;
      if (fail_read_ > 0) {
        --fail_read_;
        co_return base::make_error(std::errc::io_error, "reading the source");
      }
      waits = given_ == texts_.size();
      if (!waits) batch.drafts.push_back(draft_of(texts_[given_++]));
      batch.position = std::to_string(given_);
    }
    if (waits) co_await clock_.sleep_until(budget.until);
    co_return batch;
  }

  /// What is not read stays where it is, or does not.
  void set_safe(bool safe) { safe_ = safe; }
  void add(const std::string& text) {
    std::lock_guard lock(mutex_);
    texts_.push_back(text);
  }
  void refuse_open(int times) {
    std::lock_guard lock(mutex_);
    refuse_open_ = times;
  }
  void fail_read(int times) {
    std::lock_guard lock(mutex_);
    fail_read_ = times;
  }
  std::vector<std::string> opened() const {
    std::lock_guard lock(mutex_);
    return opened_;
  }
  int reads() const {
    std::lock_guard lock(mutex_);
    return reads_;
  }

 private:
  events::Draft draft_of(const std::string& text) const {
    events::Draft draft;
    draft.system.provider = "Test";
    draft.system.time = clock_.wall();
    draft.data.emplace_back("MESSAGE", text);
    return draft;
  }

  base::Clock& clock_;
  std::string name_ = "test:source";
  std::string channel_ = "Application";
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
  std::size_t given_ = 0;
  std::vector<std::string> opened_;
  int refuse_open_ = 0;
  int fail_read_ = 0;
  int reads_ = 0;
  std::atomic<bool> safe_{true};
};

class SourcePumpTest : public ForwarderTest {
 protected:
  ~SourcePumpTest() override { stop(); }
  void start() {
    tasks_ = std::make_unique<base::TaskGroup>(loop_.executor());
    tasks_->spawn("pump", forwarder::pump(source_, *store_, progress_, clock_));
  }
  void stop() {
    if (!tasks_) return;
    wait(tasks_->stop());
    tasks_.reset();
  }
  std::vector<std::string> stored() {
    storage::ReadRequest request;
    request.query = *events::Query::parse(query_of({"Application"}), "");
    request.ignore_missing_logs = true;
    auto found = wait(store_->read(std::move(request)));
    std::vector<std::string> texts;
    for (const auto& event : found->events) {
      const auto begin = event.event.xml.find("'MESSAGE'>") + 10;
      texts.push_back(event.event.xml.substr(begin, event.event.xml.find('<', begin) - begin));
    }
    return texts;
  }
  bool eventually_stored(std::size_t count) {
    return eventually([&] { return stored().size() >= count; });
  }
  std::string position() { return wait(store_->find_position("test:source"))->value_or("none"); }

  forwarder::DeliveryProgress progress_;
  std::shared_ptr<ScriptedSource> source_ = std::make_shared<ScriptedSource>(clock_);
  std::unique_ptr<base::TaskGroup> tasks_;
};

TEST_F(SourcePumpTest, StoresEventsAndPositionTogether) {
  source_->add("one");
  source_->add("two");
  start();
  ASSERT_TRUE(eventually_stored(2));
  EXPECT_THAT(stored(), ElementsAre("one", "two"));
  EXPECT_EQ(position(), "2");
}

TEST_F(SourcePumpTest, OpensTheSourceAtItsStoredPosition) {
  source_->add("one");
  start();
  ASSERT_TRUE(eventually_stored(1));
  stop();
  source_->add("two");
  start();
  ASSERT_TRUE(eventually_stored(2));
  EXPECT_THAT(source_->opened(), ElementsAre("", "1"));
  EXPECT_THAT(stored(), ElementsAre("one", "two"));
}

TEST_F(SourcePumpTest, StoresAPositionThatMovedWithoutEvents) {
  start();
  advance(milliseconds(500));
  EXPECT_TRUE(eventually([&] { return position() == "0"; }));
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(SourcePumpTest, WaitsWithItsBatchWhereTheLogTakesNoEvents) {
  storage::LogProperties closed;
  closed.name = "Application";
  closed.enabled = false;
  ASSERT_TRUE(wait(store_->set_log(closed)).ok());
  source_->add("one");
  source_->add("two");
  start();
  for (int attempt = 0; attempt < 3; ++attempt) advance(seconds(1));
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
  EXPECT_EQ(source_->reads(), 1);
  EXPECT_EQ(position(), "none");
  make_log("Application");
  advance(seconds(1));
  ASSERT_TRUE(eventually_stored(2));
  EXPECT_THAT(stored(), ElementsAre("one", "two"));
}

TEST_F(SourcePumpTest, WaitsWithItsBatchWhereTheLogIsFull) {
  storage::LogProperties kept;
  kept.name = "Application";
  kept.retention = true;
  kept.max_size = 1 << 20;
  ASSERT_TRUE(wait(store_->set_log(kept)).ok());
  std::string large;  // and not to be made much smaller
  std::mt19937_64 random(1);
  while (large.size() < 900'000) large += std::to_string(random());
  for (int i = 0; i < 4; ++i) source_->add(std::to_string(i) + large);
  start();
  advance(seconds(1));
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
  EXPECT_LT(stored().size(), 4u);
  kept.max_size = 1 << 24;
  ASSERT_TRUE(wait(store_->set_log(kept)).ok());
  advance(seconds(1));
  ASSERT_TRUE(eventually_stored(4));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(stored().at(static_cast<std::size_t>(i))[0], '0' + i);
}

/// A small log, and more than it holds.
class FullPumpTest : public SourcePumpTest {
 protected:
  FullPumpTest() {
    make_log("Application", 1 << 20);
    std::mt19937_64 random(1);
    for (int i = 0; i < 60; ++i) {
      std::string text;
      while (text.size() < 50'000) text += std::to_string(random());
      source_->add(text);
    }
  }
  storage::LogStatus status() { return (*wait(store_->find_log("Application")))->status; }
  void delivered(std::uint64_t record) {
    events::Bookmark position;
    position.set("Application", record);
    progress_.reach("one", position);
  }
};

TEST_F(FullPumpTest, WaitsForWhatIsNotDelivered) {
  delivered(0);
  start();
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
  EXPECT_LT(status().newest_record, 60u);
  EXPECT_EQ(status().overwritten, 0u);
  const std::uint64_t held = status().newest_record;
  advance(seconds(1));
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
  EXPECT_EQ(status().newest_record, held);
  delivered(held);
  advance(seconds(1));
  EXPECT_TRUE(eventually([&] { return status().newest_record > held; }));
}

TEST_F(FullPumpTest, WaitsForTheSlowest) {
  delivered(60);
  events::Bookmark position;
  position.set("application", 0);
  progress_.reach("two", position);
  start();
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
  EXPECT_EQ(status().overwritten, 0u);
  progress_.forget("two");
  advance(seconds(1));
  EXPECT_TRUE(eventually([&] { return status().newest_record == 60; }));
}

TEST_F(FullPumpTest, DoesNotWaitWhereTheSourceWouldLoseIt) {
  delivered(0);
  source_->set_safe(false);
  start();
  EXPECT_TRUE(eventually([&] { return status().newest_record == 60; }));
  EXPECT_GT(status().overwritten, 0u);
}

TEST_F(FullPumpTest, DoesNotWaitWhereNobodyReadsTheLog) {
  events::Bookmark position;
  position.set("System", 0);
  progress_.reach("one", position);
  start();
  EXPECT_TRUE(eventually([&] { return status().newest_record == 60; }));
}

TEST_F(SourcePumpTest, OpensTheSourceAgainAfterAnError) {
  source_->add("one");
  start();
  ASSERT_TRUE(eventually_stored(1));
  source_->add("two");
  source_->fail_read(1);
  advance(milliseconds(500));
  ASSERT_TRUE(eventually([&] { return source_->reads() >= 3; }));
  advance(seconds(5));
  ASSERT_TRUE(eventually_stored(2));
  EXPECT_THAT(source_->opened(), ElementsAre("", "1"));
  EXPECT_THAT(stored(), ElementsAre("one", "two"));
}

TEST_F(SourcePumpTest, TriesAgainToOpenASourceThatIsNotThere) {
  source_->add("one");
  source_->refuse_open(2);
  start();
  advance(seconds(5));
  ASSERT_TRUE(eventually([&] { return source_->opened().size() == 2; }));
  advance(seconds(5));
  ASSERT_TRUE(eventually_stored(1));
}

TEST_F(SourcePumpTest, EndsWhenTheStoreHasStopped) {
  start();
  ASSERT_TRUE(eventually([&] { return clock_.sleepers() == 1; }));
  wait(store_->stop());
  advance(milliseconds(500));
  EXPECT_TRUE(eventually([&] { return tasks_->size() == 0; }));
}

}  // namespace
}  // namespace forwarder_test
