// A resource and a sink that do what a test tells them, and a dispatcher around them.

#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/wsman/dispatcher.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run.h"
#include "tests/wsman/messages.h"

namespace test_support {

inline constexpr std::string_view kFakeUri = "urn:test:things";

/// Holds things by name.
class FakeResource final : public wsman::Resource {
 public:
  std::string_view uri() const override { return kFakeUri; }
  bool takes_below() const override { return below; }
  bool answers_at_once(std::string_view) const override { return at_once; }
  bool is_shell() const override { return shell; }
  std::optional<bool> may_use(const auth::Principal& who, std::string_view action) const override;
  /// Takes event queries by itself; `offers` is what else it has.
  wsman::Features features() const override;
  bool knows_option(std::string_view name) const override { return name == "Known"; }
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> create(const wsman::Call& call) override;
  wsman::AsyncResult<void> remove(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> subscribe(const wsman::Call& call,
                                                                   const wsman::SubscribeRequest& request) override;
  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override;

  std::vector<wsman::Item> items;
  std::function<std::unique_ptr<wsman::Enumerator>()> make_enumerator;
  std::function<wsman::Result<std::unique_ptr<wsman::Enumerator>>(const wsman::SubscribeRequest&)> make_subscription;
  std::optional<wsman::Filter> last_filter;
  /// Where set, get() waits on it: forever, unless it is cancelled.
  base::Clock* stall = nullptr;
  bool throws = false;
  bool at_once = false;
  bool allowed = true;  ///< else it refuses everybody by itself
  bool below = false;
  bool shell = false;
};

inline constexpr std::string_view kPartsUri = "urn:test:parts";

/// Holds parts, which have properties: Name, Size, Tag (an array), Enabled and Inner. Offers all that the engine does over
/// items, and polymorphism. Administrators may use it.
class PartsResource final : public wsman::Resource {
 public:
  PartsResource();
  std::string_view uri() const override { return kPartsUri; }
  wsman::Features features() const override;
  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override;
  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override;
  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest request) override;

  std::vector<wsman::Item> items;
  wsman::EnumerateRequest last;

 private:
  wsman::Item* find(const wsman::Call& call);
};

/// An item "<t:Thing xmlns:t='urn:test'>…</t:Thing>" whose selector Name is `name`; `padding` bytes are added.
wsman::Item thing(const std::string& name, std::size_t padding = 0);

/// Keeps what was delivered.
class FakeSink final : public wsman::DeliverySink {
 public:
  wsman::AsyncResult<void> deliver(wsman::Delivery delivery) override;

  std::vector<wsman::Delivery> taken;
  std::optional<wsman::Fault> answer;
  base::Clock* stall = nullptr;
};

wsman::Caller administrator(std::string name = "admin");

/// A dispatcher with one of each, on a clock of its own.
struct Service {
  explicit Service(wsman::DispatcherOptions options = {});

  /// The reply as a client reads it. Fails the test where there is none.
  wsman::Envelope send(const std::string& request, wsman::Caller caller = administrator());
  wsman::Envelope send(const RequestText& request, wsman::Caller caller = administrator());
  /// The fault code of the reply; fails the test where it is no fault.
  wsman::FaultCode fault_of(const RequestText& request, wsman::Caller caller = administrator());

  FakeClock clock;
  FakeResource resource;
  PartsResource parts;
  FakeSink sink;
  wsman::Dispatcher dispatcher;
  Loop loop;
};

}  // namespace test_support
