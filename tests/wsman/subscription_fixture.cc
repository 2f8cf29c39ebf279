#include "tests/wsman/subscription_fixture.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace wsman_test {

using test_support::run_on;

class Happenings::Reader final : public wsman::Enumerator {
 public:
  explicit Reader(Happenings& owner) : owner_(owner) {}

  wsman::AsyncResult<Page> next(base::Budget budget) override {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    for (;;) {
      Page page;
      {
        std::lock_guard lock(owner_.mutex_);
        if (owner_.fails_) co_return wsman::make_fault(*owner_.fails_, "the source fails");
        while (at_ < owner_.events_.size() && page.items.size() < budget.items) page.items.push_back(owner_.events_[at_++]);
        page.end = owner_.ended_ && at_ == owner_.events_.size();
      }
      if (!page.items.empty() || page.end || owner_.clock_.steady() >= budget.until) co_return page;
      // Both another thread's events and the test's own clock end the wait.
      timer.expires_after(milliseconds(1));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
  }

 private:
  Happenings& owner_;
  std::size_t at_ = 0;
};

void Happenings::add(const std::string& text) {
  wsman::Item event;
  event.xml = "<Event>" + text + "</Event>";
  add(std::move(event));
}

void Happenings::add(wsman::Item event) {
  std::lock_guard lock(mutex_);
  event.bookmark = "<At>" + std::to_string(events_.size() + 1) + "</At>";
  events_.push_back(std::move(event));
}

void Happenings::fail(std::optional<FaultCode> how) {
  std::lock_guard lock(mutex_);
  fails_ = how;
}

void Happenings::end() {
  std::lock_guard lock(mutex_);
  ended_ = true;
}

std::unique_ptr<wsman::Enumerator> Happenings::subscribe() {
  return std::make_unique<Reader>(*this);
}

wsman::AsyncResult<wsman::Connect> Routes::find(wsman::Subscriber, const wsman::SubscribeRequest&) {
  if (refuses) co_return wsman::make_fault(*refuses);
  wsman::Connect connect = [this](const wsman::NotifyAddress&, const wsman::SubscribeRequest&) {
    return subscriber_.connect();
  };
  co_return connect;
}

SubscriptionTest::SubscriptionTest(wsman::DispatcherOptions options) : service_(std::move(options)) {
  service_.resource.make_subscription = [this](const wsman::SubscribeRequest&) {
    return wsman::Result<std::unique_ptr<wsman::Enumerator>>(happenings_.subscribe());
  };
  service_.dispatcher.serve_subscriptions(service_.loop.executor(), routes_);
}

SubscriptionTest::~SubscriptionTest() {
  subscriber_.answer_always("", Answer::Ack);
  const auto end = [](wsman::Dispatcher& dispatcher) -> base::Task<bool> {
    co_await dispatcher.end_subscriptions();
    co_return true;
  };
  run_on(service_.loop.executor(), end(service_.dispatcher));
}

RequestText SubscriptionTest::subscribe_request(std::string_view mode, std::string_view delivery, std::string_view behind,
                                                std::string_view before) const {
  RequestText request(wsman::action::kSubscribe);
  request.resource(test_support::kFakeUri);
  return request.body("<e:Subscribe>" + std::string(before) + "<e:Delivery Mode=\"" + std::string(mode) + "\">" +
                      std::string(delivery) + "</e:Delivery>" + std::string(behind) + "</e:Subscribe>");
}

std::string SubscriptionTest::subscribe(const RequestText& request, wsman::Caller caller) {
  const wsman::Envelope reply = service_.send(request, std::move(caller));
  if (const auto fault = reply.fault()) ADD_FAILURE() << fault->reason;
  const xml::Element manager = reply.body().child(wsman::ns::kEventing, "SubscriptionManager");
  return std::string(
      manager.child(wsman::ns::kAddressing, "ReferenceProperties").child(wsman::ns::kEventing, "Identifier").text());
}

std::string SubscriptionTest::pull_mode(std::string_view delivery, std::string_view behind) {
  return subscribe(subscribe_request(wsman::kModePull, delivery, behind));
}

RequestText SubscriptionTest::to_manager(std::string_view action, const std::string& id, std::string_view body) const {
  RequestText request(action);
  request.resource(test_support::kFakeUri);
  if (!id.empty()) request.block("e:Identifier", "<e:Identifier>" + id + "</e:Identifier>");
  return request.body(body);
}

RequestText SubscriptionTest::pull_request(const std::string& id, std::string_view inside) const {
  return to_manager(wsman::action::kPull, "",
                    "<n:Pull><n:EnumerationContext>" + id + "</n:EnumerationContext>" + std::string(inside) + "</n:Pull>");
}

std::future<std::optional<wsman::Message>> SubscriptionTest::start(const RequestText& request, wsman::Caller caller) {
  auto envelope = wsman::read_envelope(request.text());
  return boost::asio::co_spawn(service_.loop.executor(),
                               service_.dispatcher.dispatch(std::move(envelope).value(), std::move(caller)),
                               boost::asio::use_future);
}

::testing::AssertionResult SubscriptionTest::passes_time_until(const std::function<bool()>& condition, milliseconds step) {
  const bool held = eventually([&] {
    if (condition()) return true;
    service_.clock.advance(step);
    return false;
  });
  return held ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << "it never came to hold";
}

::testing::AssertionResult SubscriptionTest::gets(std::size_t count, std::string_view action) {
  if (!eventually([&] { return subscriber_.received(action).size() >= count; })) {
    return ::testing::AssertionFailure() << "the subscriber got only " << subscriber_.received(action).size();
  }
  return ::testing::AssertionSuccess();
}

std::string body_of(const wsman::Envelope& reply) {
  return reply.body().outer_xml();
}

}  // namespace wsman_test
