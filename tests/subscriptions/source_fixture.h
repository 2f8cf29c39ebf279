// A connector over a manager of its own, and sources in memory that answer by script.

#pragma once

#include <gmock/gmock.h>

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/win32.h"
#include "engine/wsman/identify.h"
#include "engine/wsman/names.h"
#include "subscriptions/source_connector.h"
#include "tests/subscriptions/manager_fixture.h"

namespace subscriptions {

/// One machine. Thread-safe.
class ScriptedSource {
 public:
  explicit ScriptedSource(base::Clock& clock) : clock_(clock) {}

  struct Answer {
    std::optional<wsman::FaultCode> fault;
    std::string body;
    std::string bookmark;
  };
  static Answer refusal(wsman::FaultCode code) { return Answer{code, {}, {}}; }
  static Answer events(std::vector<std::string> texts, std::string bookmark) {
    std::string body = "<n:PullResponse><n:EnumerationContext>C</n:EnumerationContext><n:Items>";
    for (const std::string& text : texts) body += "<w:Event><![CDATA[" + text + "]]></w:Event>";
    return Answer{std::nullopt, body + "</n:Items></n:PullResponse>", std::move(bookmark)};
  }
  static Answer end() { return Answer{std::nullopt, "<n:PullResponse><n:Items/><n:EndOfSequence/></n:PullResponse>", {}}; }

  /// Subscribes are answered by these first, then with success; Pulls by these, and then they wait a minute and time out.
  void on_subscribe(Answer answer) {
    locked([&] { subscribes_.push_back(std::move(answer)); });
  }
  void on_pull(Answer answer) {
    locked([&] { pulls_.push_back(std::move(answer)); });
  }
  void on_renew(Answer answer) {
    locked([&] { renewals_.push_back(std::move(answer)); });
  }
  void set_vendor(std::string vendor) {
    locked([&] { vendor_ = std::move(vendor); });
  }
  void set_reachable(bool reachable) {
    locked([&] { reachable_ = reachable; });
  }
  void set_expires(std::string expires) {
    locked([&] { expires_ = std::move(expires); });
  }

  /// The bodies of the requests whose action ends with `action`.
  std::vector<std::string> asked(std::string_view action) const {
    std::vector<std::string> bodies;
    const std::lock_guard guard(mutex_);
    for (const auto& [name, body] : asked_) {
      if (name.ends_with(action)) bodies.push_back(body);
    }
    return bodies;
  }
  std::size_t count(std::string_view action) const { return asked(action).size(); }

  base::AsyncResult<std::optional<wsman::Envelope>> answer(wsman::Message request) {
    using wsman::Message;
    const std::string action = request.headers.action;
    Answer answer;
    std::string vendor;
    bool reachable = false;
    bool waits = false;
    {
      const std::lock_guard guard(mutex_);
      asked_.emplace_back(action, request.body);
      vendor = vendor_;
      reachable = reachable_;
      const auto take = [&answer](std::deque<Answer>& script) {
        if (script.empty()) return false;
        answer = std::move(script.front());
        script.pop_front();
        return true;
      };
      if (action == wsman::action::kSubscribe) {
        if (!take(subscribes_)) answer.body = subscribed();
      } else if (action == wsman::action::kPull) {
        waits = !take(pulls_);
      } else if (action == wsman::action::kRenew) {
        if (!take(renewals_)) answer.body = "<e:RenewResponse><e:Expires>" + expires_ + "</e:Expires></e:RenewResponse>";
      }
    }
    if (!reachable) co_return base::make_error(std::errc::connection_refused, "nobody listens");
    if (action.empty()) {
      const Message identity = wsman::identify_response(vendor, {}, false);
      co_return read(identity);
    }
    if (waits) {
      co_await clock_.sleep_for(std::chrono::minutes(1));
      answer.fault = wsman::FaultCode::TimedOut;
    }
    if (answer.fault) {
      const wsman::Fault fault = wsman::make_fault(*answer.fault);
      const Message message = wsman::fault_message(fault, request.headers.message_id, "source");
      co_return read(message);
    }
    Message reply = wsman::reply_to(request.headers, action + "Response", answer.body);
    if (!answer.bookmark.empty()) reply.headers.bookmark = answer.bookmark;
    co_return read(reply);
  }

 private:
  static base::Result<std::optional<wsman::Envelope>> read(const wsman::Message& message) {
    auto envelope = wsman::read_envelope(wsman::write_envelope(message));
    if (!envelope.ok()) return wsman::as_error(envelope.error());
    return std::optional<wsman::Envelope>(std::move(*envelope));
  }
  std::string subscribed() const {
    return "<e:SubscribeResponse><e:SubscriptionManager><a:Address>http://source/wsman</a:Address><a:ReferenceParameters>"
           "<e:Identifier>THEIRS</e:Identifier></a:ReferenceParameters></e:SubscriptionManager><e:Expires>" +
           expires_ + "</e:Expires><n:EnumerationContext>C</n:EnumerationContext></e:SubscribeResponse>";
  }
  template <typename Function>
  void locked(Function function) {
    const std::lock_guard guard(mutex_);
    function();
  }

  base::Clock& clock_;
  mutable std::mutex mutex_;
  std::string vendor_ = "Microsoft Corporation";
  std::string expires_ = "PT0S";
  bool reachable_ = true;
  std::deque<Answer> subscribes_, pulls_, renewals_;
  std::vector<std::pair<std::string, std::string>> asked_;
};

class ScriptedTransport final : public wsman::Transport {
 public:
  explicit ScriptedTransport(ScriptedSource& source) : source_(source) {}
  base::AsyncResult<std::optional<wsman::Envelope>> round_trip(wsman::Message request, std::chrono::milliseconds) override {
    return source_.answer(std::move(request));
  }

 private:
  ScriptedSource& source_;
};

/// To sources by their Address.
class ScriptedRoutes final : public SourceRoutes {
 public:
  explicit ScriptedRoutes(base::Clock& clock) : clock_(clock) {}
  ScriptedSource& at(const std::string& address) {
    const std::lock_guard guard(mutex_);
    auto& source = sources_[address];
    if (!source) source = std::make_unique<ScriptedSource>(clock_);
    return *source;
  }
  base::Result<SourceRoute> to_source(const Subscription&, const std::string& address,
                                      const Credentials& credentials) override {
    if (credentials.type == "Digest") return base::make_error(base::Win32::NotSupported, "no Digest");
    SourceRoute route;
    route.url = "https://" + address + "/wsman";
    route.host = address + ":5986";
    route.transport = std::make_unique<ScriptedTransport>(at(address));
    return route;
  }
  base::Result<wsman::NotifyAddress> to_here(const Subscription&, const std::string& path) override {
    wsman::NotifyAddress here;
    here.address = "https://collector/wsman/subscriptions/" + path;
    here.profile = std::string(wsman::kProfilePrefix) + "https/mutual";
    return here;
  }

 private:
  base::Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<ScriptedSource>> sources_;
};

/// Keeps the texts, and the bookmarks where a collector keeps them.
class FakeIntake final : public EventIntake {
 public:
  explicit FakeIntake(storage::EventStore& store) : store_(store) {}
  wsman::AsyncResult<void> take(wsman::Delivery delivery, Admitted admitted) override {
    storage::DeliveryUpdate update;
    {
      const std::lock_guard guard(mutex_);
      if (full_) co_return wsman::make_fault(wsman::FaultCode::EndpointUnavailable, "full");
      for (const std::string& text : delivery.events) taken_.push_back(admitted.machine + " " + text);
    }
    update.subscription = admitted.subscription;
    update.machine = admitted.machine;
    update.address = delivery.address;
    update.bookmark = delivery.bookmark;
    auto updated = co_await store_.update_delivery(std::move(update));
    if (!updated.ok()) co_return wsman::as_fault(updated.error(), "keeping a bookmark");
    co_return wsman::Result<void>();
  }
  std::vector<std::string> taken() const {
    const std::lock_guard guard(mutex_);
    return taken_;
  }
  void set_full(bool full) {
    const std::lock_guard guard(mutex_);
    full_ = full;
  }

 private:
  storage::EventStore& store_;
  mutable std::mutex mutex_;
  std::vector<std::string> taken_;
  bool full_ = false;
};

class SourcesFixture : public ManagerFixture {
 protected:
  SourcesFixture() : routes_(clock_), intake_(*events_) { start(); }
  ~SourcesFixture() override { stop(); }

  void start() {
    SourceConnectorOptions options;
    options.spread = std::chrono::milliseconds(0);
    connector_ = std::make_unique<SourceConnector>(loop_.executor(), *manager_, *events_, routes_, intake_, clock_, options);
    manager_->set_connector(connector_.get());
    connector_->start();
  }
  void stop() {
    manager_->set_connector(nullptr);
    wait(connector_->stop());
  }

  /// One enabled source, a.example.org; Custom, heartbeats of a minute.
  static Subscription definition(DeliveryMode mode = DeliveryMode::Pull) {
    Subscription subscription;
    subscription.id = "Here";
    subscription.query = sample().query;
    subscription.mode = ConfigurationMode::Custom;
    subscription.delivery_mode = mode;
    subscription.heartbeat = std::chrono::minutes(1);
    subscription.max_latency = std::chrono::seconds(30);
    subscription.max_items = 7;
    subscription.content_format = ContentFormat::Events;
    subscription.transport_name = "https";
    subscription.sources = {EventSource{"a.example.org", true, {}}, EventSource{"b.example.org", false, {}}};
    return subscription;
  }
  ScriptedSource& source() { return routes_.at("a.example.org"); }
  SourceStatus status() { return wait(manager_->status("here"))->sources.at(0); }
  bool becomes(RunTimeStatus wanted) {
    return test_support::eventually([&] { return status().status == wanted; });
  }
  bool asks(std::string_view action, std::size_t times) {
    return test_support::eventually([&] { return source().count(action) >= times; });
  }
  bool fails_with(std::uint32_t code) {
    return test_support::eventually([&] { return status().delivery.last_error == code; });
  }
  bool takes(std::vector<std::string> texts) {
    return test_support::eventually([&] { return intake_.taken() == texts; });
  }
  /// Waits until the session waits, then moves the clock.
  void pass(std::chrono::nanoseconds time) {
    ASSERT_TRUE(test_support::eventually([&] { return clock_.sleepers() >= 1; }));
    clock_.advance(time);
  }
  /// Where the last Subscribe wants events, from ".../subscriptions/" on.
  std::string path() {
    const std::string body = source().asked("/Subscribe").back();
    const auto begin = body.find("/subscriptions/");
    return body.substr(begin, body.find('<', begin) - begin);
  }

  ScriptedRoutes routes_;
  FakeIntake intake_;
  std::unique_ptr<SourceConnector> connector_;
};

}  // namespace subscriptions
