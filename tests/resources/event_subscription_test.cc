// Subscriptions to event logs, pulled.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "engine/base/win32.h"
#include "engine/wsman/names.h"
#include "tests/resources/log_service.h"
#include "tests/support/matchers.h"

namespace resources {
namespace {

using base::Win32;
using test_support::event_xml;
using test_support::IsError;
using test_support::IsOk;
using test_support::LogService;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kLog[] = "ForwardedEvents";

class EventSubscriptionTest : public testing::Test {
 protected:
  EventSubscriptionTest() {
    wsman::Caller caller;
    caller.who.scheme = auth::Principal::Scheme::LocalPeer;
    caller.who.name = "root";
    caller.who.administrator = true;
    caller.path = "/wsman";
    wsman::ClientOptions options;
    options.to = "http://host7.lab.example:5985/wsman";
    // For a Pull that finds nothing.
    options.operation_timeout = std::chrono::milliseconds(300);
    client_ = std::make_unique<wsman::Client>(wsman::loopback_transport(service_.dispatcher(), caller), options);
    how_.resource_uri = wsman::resource::kEventLog;
    how_.mode = wsman::kModePull;
    how_.filter = query("*");
  }

  static std::string query(const std::string& xpath, const std::string& log = kLog) {
    return "<QueryList><Query Id='0'><Select Path='" + log + "'>" + xpath + "</Select></Query></QueryList>";
  }
  void deliver(std::uint64_t first, std::uint64_t last, const std::string& log = kLog) {
    std::vector<std::string> events;
    for (std::uint64_t i = first; i <= last; ++i) {
      events.push_back(event_xml(i, "text " + std::to_string(i), static_cast<unsigned>(i)));
    }
    service_.deliver(log, std::move(events));
  }
  base::Result<wsman::Client::Subscribed> subscribe() { return test_support::run(client_->subscribe(how_)); }
  wsman::Client::Subscribed subscribed() {
    auto done = subscribe();
    EXPECT_THAT(done, IsOk());
    return done.ok() ? std::move(*done) : wsman::Client::Subscribed{};
  }
  wsman::Client::Pulled pull(wsman::Client::Subscribed& subscription, std::size_t items = 100) {
    auto pulled = test_support::run(client_->pull(subscription, items));
    EXPECT_THAT(pulled, IsOk());
    return pulled.ok() ? std::move(*pulled) : wsman::Client::Pulled{};
  }
  /// The numbers N of "text N" in the events.
  static std::vector<int> numbers(const std::vector<std::string>& events) {
    std::vector<int> found;
    for (const std::string& event : events) {
      const auto at = event.find("text ");
      found.push_back(at == std::string::npos ? -1 : std::stoi(event.substr(at + 5)));
    }
    return found;
  }

  LogService service_;
  std::unique_ptr<wsman::Client> client_;
  wsman::SubscribeRequest how_;
};

TEST_F(EventSubscriptionTest, GivesWhatComesFromNowOn) {
  deliver(1, 2);
  auto subscription = subscribed();
  EXPECT_THAT(pull(subscription).events, IsEmpty());
  deliver(3, 4);
  EXPECT_THAT(numbers(pull(subscription).events), ElementsAre(3, 4));
  EXPECT_THAT(pull(subscription).events, IsEmpty());
}

TEST_F(EventSubscriptionTest, GivesWhatExistsWhereAsked) {
  deliver(1, 3);
  how_.read_existing_events = true;
  auto subscription = subscribed();
  EXPECT_THAT(numbers(pull(subscription, 2).events), ElementsAre(1, 2));
  EXPECT_THAT(numbers(pull(subscription, 2).events), ElementsAre(3));
}

TEST_F(EventSubscriptionTest, BeginsWithTheOldestEventAtTheEarliestBookmark) {
  deliver(1, 2);
  how_.bookmark = std::string(events::kEarliestBookmark);
  auto subscription = subscribed();
  EXPECT_THAT(numbers(pull(subscription).events), ElementsAre(1, 2));
}

TEST_F(EventSubscriptionTest, GoesOnBehindABookmarkThatItGave) {
  deliver(1, 4);
  how_.read_existing_events = true;
  auto first = subscribed();
  const auto page = pull(first, 2);
  ASSERT_TRUE(page.bookmark);
  EXPECT_THAT(*page.bookmark, HasSubstr("RecordId='2' IsCurrent='true'"));
  how_.bookmark = page.bookmark;
  auto second = subscribed();
  EXPECT_THAT(numbers(pull(second).events), ElementsAre(3, 4));
}

TEST_F(EventSubscriptionTest, WaitsForTheNextEvent) {
  deliver(1, 1);
  auto subscription = subscribed();
  test_support::Loop loop;
  auto waiting = boost::asio::co_spawn(loop.executor(), client_->pull(subscription, 10), boost::asio::use_future);
  deliver(2, 2);
  const auto pulled = waiting.get();
  ASSERT_THAT(pulled, IsOk());
  EXPECT_THAT(numbers(pulled->events), ElementsAre(2));
}

TEST_F(EventSubscriptionTest, GivesOnlyWhatTheQuerySelects) {
  how_.filter = query("*[System[EventID=2 or EventID=5]]");
  how_.read_existing_events = true;
  deliver(1, 3);
  auto subscription = subscribed();
  EXPECT_THAT(numbers(pull(subscription).events), ElementsAre(2));
  deliver(4, 6);
  EXPECT_THAT(numbers(pull(subscription).events), ElementsAre(5));
}

TEST_F(EventSubscriptionTest, RendersEventsWhereAsked) {
  deliver(1, 1);
  how_.read_existing_events = true;
  auto raw = subscribed();
  EXPECT_THAT(pull(raw).events, ElementsAre(Not(HasSubstr("<RenderingInfo"))));
  how_.content_format = "RenderedText";
  auto rendered = subscribed();
  EXPECT_THAT(pull(rendered).events, ElementsAre(HasSubstr("<RenderingInfo")));
}

TEST_F(EventSubscriptionTest, GivesWhatIsNoXmlAsItIs) {
  service_.deliver(kLog, {"<Event><cut"});
  how_.read_existing_events = true;
  how_.cdata = false;
  auto subscription = subscribed();
  EXPECT_THAT(pull(subscription).events, ElementsAre("<Event><cut"));
}

TEST_F(EventSubscriptionTest, ReadsALogThatIsNotThereYetWhereAllowed) {
  how_.filter = query("*", "Later");
  EXPECT_THAT(subscribe(), IsError(Win32::EvtChannelNotFound));
  how_.ignore_channel_error = true;
  auto subscription = subscribed();
  EXPECT_THAT(pull(subscription).events, IsEmpty());
  deliver(1, 2, "Later");
  EXPECT_THAT(numbers(pull(subscription).events), ElementsAre(1, 2));
}

TEST_F(EventSubscriptionTest, ReadsALogThatWasClearedFromThereOn) {
  deliver(1, 2);
  auto subscription = subscribed();
  ASSERT_THAT(test_support::run(service_.store().clear_log(kLog)), IsOk());
  deliver(3, 3);
  EXPECT_THAT(numbers(pull(subscription).events), ElementsAre(3));
}

TEST_F(EventSubscriptionTest, RefusesWhatItCannotServe) {
  deliver(1, 1);
  const wsman::SubscribeRequest good = how_;
  how_.bookmark = "<BookmarkList><Bookmark Channel='x'";
  EXPECT_FALSE(subscribe().ok());
  how_.bookmark = "<Other/>";
  EXPECT_THAT(subscribe(), IsError(base::win32_code(2150858808)));
  how_ = good;
  how_.filter.clear();
  EXPECT_THAT(subscribe(), IsError(base::win32_code(2150858831)));
  how_.filter = query("*[");
  EXPECT_THAT(subscribe(), IsError(Win32::EvtInvalidQuery));
  how_ = good;
  how_.content_format = "Poetry";
  EXPECT_THAT(subscribe(), IsError(base::win32_code(2150858835)));
}

TEST_F(EventSubscriptionTest, HoldsThousandsOfEventsForOneThatPullsSlowly) {
  deliver(1, 1000);
  how_.read_existing_events = true;
  auto subscription = subscribed();
  std::vector<int> all;
  while (all.size() < 1000) {
    const auto page = pull(subscription, 300);
    ASSERT_FALSE(page.events.empty());
    for (const int number : numbers(page.events)) all.push_back(number);
  }
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], static_cast<int>(i + 1));
}

}  // namespace
}  // namespace resources
