#include "subscriptions/resources.h"

#include <algorithm>

#include "engine/base/encoding.h"
#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/wsman/eventing.h"
#include "engine/wsman/names.h"
#include "engine/xml/writer.h"
#include "subscriptions/admission.h"
#include "subscriptions/status_document.h"

namespace subscriptions {
namespace {

using base::Win32;
using wsman::FaultCode;

wsman::Fault fault_of(const base::Error& error, std::string_view attempted) {
  std::optional<FaultCode> code;
  if (error.code == Win32::FileNotFound) code = FaultCode::ResourceNotFound;
  if (error.code == Win32::AlreadyExists) code = FaultCode::AlreadyExists;
  if (error.code == Win32::InvalidParameter) code = FaultCode::InvalidParameterValue;
  if (error.code == Win32::EvtInvalidQuery) code = FaultCode::InvalidParameter;
  if (error.code == Win32::EvtMalformedXml) code = FaultCode::SchemaValidationError;
  if (error.code == Win32::EcLogDisabled) code = FaultCode::InvalidParameter;
  if (!code) return wsman::as_fault(error, attempted);
  wsman::Fault fault = wsman::make_fault(*code, error.what);
  fault.windows_code = base::win32_number(error.code);
  return fault;
}

wsman::Result<std::string> selected_id(const wsman::Call& call) {
  if (auto id = call.headers.find_selector(kIdSelector)) return std::move(*id);
  return wsman::make_fault(FaultCode::InsufficientSelectors, "The selector SubscriptionId is missing.");
}

std::vector<wsman::Selector> selectors_of(const std::string& id) {
  return {wsman::Selector{std::string(kIdSelector), id, {}}};
}

wsman::Item item_of(const Subscription& definition) {
  return wsman::Item{to_xml(definition), selectors_of(definition.id), {}};
}

std::string only_id(const std::string& id) {
  xml::Writer writer;
  writer.open("Subscription").attribute("xmlns", kSubscriptionNamespace).leaf("SubscriptionId", id);
  return writer.take();
}

wsman::Result<Subscription> definition_in(const wsman::Call& call) {
  if (!call.body) return wsman::make_fault(FaultCode::InvalidRepresentation, "The request holds no subscription.");
  auto definition = parse_subscription(call.body.outer_xml());
  if (!definition.ok()) return fault_of(definition.error(), "reading a subscription");
  return std::move(*definition);
}

}  // namespace

std::string_view SubscriptionDefinitionResource::uri() const {
  return wsman::resource::kSubscriptionDefinition;
}

bool SubscriptionDefinitionResource::knows_option(std::string_view name) const {
  return base::equal_ignoring_case(name, kIdsOnlyOption);
}

base::Task<void> SubscriptionDefinitionResource::tell_watcher(std::string id, bool removed) {
  if (!watcher_) co_return;
  auto told = watcher_(std::move(id), removed);
  co_await std::move(told);
}

wsman::AsyncResult<wsman::Item> SubscriptionDefinitionResource::get(const wsman::Call& call) {
  auto id = selected_id(call);
  if (!id.ok()) co_return std::move(id).error();
  const auto definition = manager_.find(*id);
  if (!definition) {
    co_return fault_of(base::make_error(Win32::FileNotFound, "There is no subscription \"" + *id + "\"."), "");
  }
  co_return item_of(*definition);
}

wsman::AsyncResult<wsman::Item> SubscriptionDefinitionResource::put(const wsman::Call& call) {
  auto id = selected_id(call);
  if (!id.ok()) co_return std::move(id).error();
  auto definition = definition_in(call);
  if (!definition.ok()) co_return std::move(definition).error();
  if (!base::equal_ignoring_case(definition->id, *id)) {
    co_return fault_of(
        base::make_error(Win32::InvalidParameter, "SubscriptionId: is not that of the subscription to change"), "");
  }
  auto set = co_await manager_.set(std::move(*definition));
  if (!set.ok()) co_return fault_of(set.error(), "changing a subscription");
  co_await tell_watcher(*id, false);
  base::log_notice("{} has changed subscription {}", call.who.name, *id);
  const auto now = manager_.find(*id);
  if (!now) co_return wsman::make_fault(FaultCode::Concurrency, "The subscription was deleted at the same time.");
  co_return item_of(*now);
}

wsman::AsyncResult<wsman::Item> SubscriptionDefinitionResource::create(const wsman::Call& call) {
  auto definition = definition_in(call);
  if (!definition.ok()) co_return std::move(definition).error();
  wsman::Item item{{}, selectors_of(definition->id), {}};
  auto created = co_await manager_.create(std::move(*definition));
  if (!created.ok()) co_return fault_of(created.error(), "creating a subscription");
  base::log_notice("{} has created subscription {}", call.who.name, item.selectors.front().value);
  co_return item;
}

wsman::AsyncResult<void> SubscriptionDefinitionResource::remove(const wsman::Call& call) {
  auto id = selected_id(call);
  if (!id.ok()) co_return std::move(id).error();
  auto removed = co_await manager_.remove(*id);
  if (!removed.ok()) co_return fault_of(removed.error(), "deleting a subscription");
  co_await tell_watcher(*id, true);
  base::log_notice("{} has deleted subscription {}", call.who.name, *id);
  co_return wsman::Result<void>();
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> SubscriptionDefinitionResource::enumerate(const wsman::Call& call,
                                                                                                 wsman::EnumerateRequest) {
  const bool ids_only = call.headers.find_option(kIdsOnlyOption).has_value();
  std::vector<wsman::Item> items;
  for (const std::string& id : manager_.ids()) {
    if (ids_only) {
      items.push_back(wsman::Item{only_id(id), selectors_of(id), {}});
    } else if (const auto definition = manager_.find(id)) {
      items.push_back(item_of(*definition));
    }
  }
  co_return wsman::enumerate_items(std::move(items));
}

std::string_view SubscriptionStatusResource::uri() const {
  return wsman::resource::kSubscriptionStatus;
}

/// The status without the sources that were not asked for.
wsman::AsyncResult<SubscriptionStatus> SubscriptionStatusResource::selected_status(const wsman::Call& call) const {
  auto id = selected_id(call);
  if (!id.ok()) co_return std::move(id).error();
  auto status = co_await manager_.status(std::move(*id));
  if (!status.ok()) co_return fault_of(status.error(), "reading the status of a subscription");
  std::vector<std::string> wanted;
  for (const wsman::Selector& selector : call.headers.selectors) {
    if (base::equal_ignoring_case(selector.name, kSourceSelector)) wanted.push_back(selector.value);
  }
  if (!wanted.empty()) {
    std::erase_if(status->sources, [&](const SourceStatus& source) {
      return std::none_of(wanted.begin(), wanted.end(),
                          [&](const std::string& name) { return is_address_of(name, source.address); });
    });
  }
  if (losses_ != nullptr) {
    for (SourceStatus& source : status->sources) {
      for (const LossTotal& total : losses_->of_source(status->id, source.address)) source.lost += total.events;
    }
  }
  co_return std::move(*status);
}

wsman::AsyncResult<wsman::Item> SubscriptionStatusResource::get(const wsman::Call& call) {
  auto status = co_await selected_status(call);
  if (!status.ok()) co_return std::move(status).error();
  co_return wsman::Item{write_status(*status), selectors_of(status->id), {}};
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> SubscriptionStatusResource::enumerate(const wsman::Call& call,
                                                                                             wsman::EnumerateRequest) {
  auto status = co_await selected_status(call);
  if (!status.ok()) co_return std::move(status).error();
  std::vector<SourceStatus> sources;
  sources.swap(status->sources);
  std::vector<wsman::Item> items;
  items.push_back(wsman::Item{write_status(*status), selectors_of(status->id), {}});
  for (const SourceStatus& source : sources) {
    wsman::Item item{write_source_status(source), selectors_of(status->id), {}};
    item.selectors.push_back(wsman::Selector{std::string(kSourceSelector), source.address, {}});
    items.push_back(std::move(item));
  }
  co_return wsman::enumerate_items(std::move(items));
}

std::string_view SubscriptionListResource::uri() const {
  return wsman::resource::kSubscriptionList;
}

std::optional<bool> SubscriptionListResource::may_use(const auth::Principal& who, std::string_view) const {
  return who.authenticated();
}

void SubscriptionListResource::tell_once(const auth::Principal& who, const std::string& address) {
  // A machine asks every few minutes; whoever set it up looks for this line once.
  constexpr std::size_t kMaxTold = 10'000;
  {
    std::lock_guard lock(mutex_);
    if (told_.size() >= kMaxTold || !told_.insert(who.name).second) return;
  }
  base::log_notice("{} ({}) asked for subscriptions and gets none: no enabled one admits it (issuer {})", who.name, address,
                   who.issuers.empty() ? "unknown" : who.issuers.front());
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> SubscriptionListResource::enumerate(const wsman::Call& call,
                                                                                           wsman::EnumerateRequest) {
  auto offers = co_await manager_.offered_to(call.who, call.headers.to);
  if (!offers.ok()) co_return fault_of(offers.error(), "listing the subscriptions of a machine");
  if (offers->empty()) tell_once(call.who, call.address);
  std::vector<wsman::Item> items;
  for (const wsman::OfferedSubscription& offer : *offers) items.push_back(wsman::Item{wsman::write_offer(offer), {}, {}});
  co_return wsman::enumerate_items(std::move(items));
}

}  // namespace subscriptions
