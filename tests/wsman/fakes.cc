#include "tests/wsman/fakes.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/wsman/names.h"

namespace test_support {

using wsman::FaultCode;
using wsman::make_fault;

std::optional<bool> FakeResource::may_use(const auth::Principal&, std::string_view) const {
  return allowed ? std::nullopt : std::optional<bool>(false);
}

wsman::Features FakeResource::features() const {
  wsman::Features features;
  features.native_dialects = {wsman::kEventQueryDialect};
  return features;
}

wsman::AsyncResult<wsman::Item> FakeResource::get(const wsman::Call& call) {
  if (throws) throw std::runtime_error("a bug");
  if (stall != nullptr) {
    co_await stall->sleep_until(base::SteadyTime::max());
    co_return make_fault(FaultCode::InternalError, "cancelled");
  }
  const auto name = call.headers.find_selector("Name");
  for (const wsman::Item& item : items) {
    if (name && item.selectors.front().value == *name) co_return item;
  }
  co_return make_fault(FaultCode::ResourceNotFound);
}

wsman::AsyncResult<wsman::Item> FakeResource::put(const wsman::Call& call) {
  wsman::Item item;
  item.xml = call.body.outer_xml();
  co_return item;
}

wsman::AsyncResult<wsman::Item> FakeResource::create(const wsman::Call& call) {
  wsman::Item item = thing(call.body.text());
  items.push_back(item);
  co_return item;
}

wsman::AsyncResult<void> FakeResource::remove(const wsman::Call&) {
  items.clear();
  co_return wsman::Result<void>();
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> FakeResource::enumerate(const wsman::Call&,
                                                                               wsman::EnumerateRequest request) {
  last_filter = std::move(request.filter);
  if (make_enumerator) co_return make_enumerator();
  co_return wsman::enumerate_items(items);
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> FakeResource::subscribe(const wsman::Call&,
                                                                               const wsman::SubscribeRequest& request) {
  if (!make_subscription) co_return make_fault(FaultCode::ActionNotSupported);
  co_return make_subscription(request);
}

wsman::AsyncResult<std::string> FakeResource::invoke(const wsman::Call& call, std::string method) {
  co_return "<t:" + method + "_OUTPUT xmlns:t='urn:test'>" + call.body.text() + "</t:" + method + "_OUTPUT>";
}

wsman::Item thing(const std::string& name, std::size_t padding) {
  wsman::Item item;
  item.xml = "<t:Thing xmlns:t='urn:test'>" + name + std::string(padding, '.') + "</t:Thing>";
  item.selectors.push_back(wsman::Selector{"Name", name, ""});
  item.bookmark = "<At>" + name + "</At>";
  return item;
}

PartsResource::PartsResource() {
  for (const char* name : {"bolt", "nut", "washer"}) {
    wsman::Item item;
    const std::string size = std::to_string(10 * (items.size() + 1));
    item.xml = "<t:Part xmlns:t=\"urn:test\"><t:Name>" + std::string(name) + "</t:Name><t:Size>" + size +
               "</t:Size><t:Tag>steel</t:Tag><t:Tag>" + name + "</t:Tag><t:Enabled>" + (items.empty() ? "true" : "false") +
               "</t:Enabled><t:Inner Unit=\"mm\"><t:Depth>3</t:Depth></t:Inner></t:Part>";
    item.selectors.push_back(wsman::Selector{"Name", name, ""});
    items.push_back(std::move(item));
  }
}

wsman::Features PartsResource::features() const {
  wsman::Features features = wsman::item_features();
  features.polymorphism = true;
  return features;
}

wsman::Item* PartsResource::find(const wsman::Call& call) {
  const auto name = call.headers.find_selector("Name");
  for (wsman::Item& item : items) {
    if (name && item.selectors.front().value == *name) return &item;
  }
  return nullptr;
}

wsman::AsyncResult<wsman::Item> PartsResource::get(const wsman::Call& call) {
  wsman::Item* found = find(call);
  if (found == nullptr) co_return make_fault(FaultCode::ResourceNotFound);
  co_return *found;
}

wsman::AsyncResult<wsman::Item> PartsResource::put(const wsman::Call& call) {
  wsman::Item* found = find(call);
  if (found == nullptr) co_return make_fault(FaultCode::ResourceNotFound);
  found->xml = call.body.outer_xml();
  co_return *found;
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> PartsResource::enumerate(const wsman::Call&,
                                                                                wsman::EnumerateRequest request) {
  last = std::move(request);
  co_return wsman::enumerate_items(items);
}

wsman::AsyncResult<void> FakeSink::deliver(wsman::Delivery delivery) {
  if (stall != nullptr) co_await stall->sleep_until(base::SteadyTime::max());
  if (answer) co_return *answer;
  taken.push_back(std::move(delivery));
  co_return wsman::Result<void>();
}

wsman::Caller administrator(std::string name) {
  wsman::Caller caller;
  caller.who.scheme = auth::Principal::Scheme::LocalPeer;
  caller.who.name = std::move(name);
  caller.who.administrator = true;
  caller.path = "/wsman";
  caller.address = "192.0.2.7:49210";
  return caller;
}

namespace {

wsman::DispatcherOptions with_clock(wsman::DispatcherOptions options, base::Clock& clock) {
  options.clock = &clock;
  options.machine = "wec.lab.example";
  return options;
}

}  // namespace

Service::Service(wsman::DispatcherOptions options) : dispatcher(with_clock(std::move(options), clock)) {
  dispatcher.add(resource);
  dispatcher.add(parts);
  dispatcher.set_delivery_sink(sink);
}

wsman::Envelope Service::send(const std::string& request, wsman::Caller caller) {
  auto envelope = wsman::read_envelope(request);
  if (!envelope.ok()) {
    ADD_FAILURE() << envelope.error().reason;
    return {};
  }
  auto reply = run_on(loop.executor(), dispatcher.dispatch(std::move(envelope).value(), std::move(caller)));
  if (!reply) {
    ADD_FAILURE() << "no reply";
    return {};
  }
  auto read = wsman::read_envelope(wsman::write_envelope(*reply));
  if (!read.ok()) {
    ADD_FAILURE() << read.error().reason;
    return {};
  }
  return std::move(read).value();
}

wsman::Envelope Service::send(const RequestText& request, wsman::Caller caller) {
  return send(request.text(), std::move(caller));
}

wsman::FaultCode Service::fault_of(const RequestText& request, wsman::Caller caller) {
  const auto fault = send(request, std::move(caller)).fault();
  if (!fault) {
    ADD_FAILURE() << "not a fault";
    return FaultCode::InternalError;
  }
  return fault->code;
}

}  // namespace test_support
