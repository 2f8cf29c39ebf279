// Subscribers and a source of events around a dispatcher, and the verbs that their tests are written in.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/wsman/names.h"
#include "engine/wsman/subscriptions.h"
#include "tests/fakes/fake_collector.h"
#include "tests/wsman/fakes.h"

namespace wsman_test {

using test_support::administrator;
using test_support::eventually;
using test_support::FakeCollector;
using test_support::ReceivedMessage;
using test_support::RequestText;
using wsman::FaultCode;
using Answer = FakeCollector::Answer;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// What happens at a source, in order. Thread-safe.
class Happenings {
 public:
  explicit Happenings(base::Clock& clock) : clock_(clock) {}

  /// An event `<Event>text</Event>` with bookmark `<At>number</At>`, the first one 1.
  void add(const std::string& text);
  void add(wsman::Item event);
  /// Reads fail in this way from now on, or do so no more.
  void fail(std::optional<FaultCode> how);
  void end();

  /// All of them, and what comes.
  std::unique_ptr<wsman::Enumerator> subscribe();

 private:
  class Reader;
  base::Clock& clock_;
  std::mutex mutex_;
  std::vector<wsman::Item> events_;
  std::optional<FaultCode> fails_;
  bool ended_ = false;
};

/// Leads to the subscriber, unless a test forbids it.
class Routes final : public wsman::DeliveryRoutes {
 public:
  explicit Routes(FakeCollector& subscriber) : subscriber_(subscriber) {}
  wsman::AsyncResult<wsman::Connect> find(wsman::Subscriber subscriber, const wsman::SubscribeRequest& how) override;

  wsman::EventRate* rate() override { return limit; }

  std::optional<FaultCode> refuses;
  wsman::EventRate* limit = nullptr;

 private:
  FakeCollector& subscriber_;
};

inline constexpr std::string_view kNotifyTo =
    "<e:NotifyTo><a:Address>http://col.example:5985/events</a:Address><a:ReferenceParameters><e:Identifier>5D0F</"
    "e:Identifier>"
    "</a:ReferenceParameters><a:ReferenceProperties><t:Own "
    "xmlns:t=\"urn:test\">7</t:Own></a:ReferenceProperties></e:NotifyTo>";

class SubscriptionTest : public ::testing::Test {
 protected:
  explicit SubscriptionTest(wsman::DispatcherOptions options = {});
  ~SubscriptionTest() override;

  /// `delivery`: what stands in e:Delivery; `behind`: what follows it; `before`: what precedes it.
  RequestText subscribe_request(std::string_view mode, std::string_view delivery = {}, std::string_view behind = {},
                                std::string_view before = {}) const;
  /// Subscribes and answers the id.
  std::string subscribe(const RequestText& request, wsman::Caller caller = administrator());
  std::string pull_mode(std::string_view delivery = {}, std::string_view behind = {});

  RequestText to_manager(std::string_view action, const std::string& id, std::string_view body) const;
  RequestText pull_request(const std::string& id, std::string_view inside = "<n:MaxElements>100</n:MaxElements>") const;
  /// Sends it, and does not wait for the answer.
  std::future<std::optional<wsman::Message>> start(const RequestText& request, wsman::Caller caller = administrator());
  /// Moves the clock on by `step` until `condition` holds.
  ::testing::AssertionResult passes_time_until(const std::function<bool()>& condition, milliseconds step = seconds(1));
  ::testing::AssertionResult gets(std::size_t count, std::string_view action);

  test_support::Service service_;
  Happenings happenings_{service_.clock};
  FakeCollector subscriber_{service_.clock};
  Routes routes_{subscriber_};
};

/// The body's XML.
std::string body_of(const wsman::Envelope& reply);

}  // namespace wsman_test
