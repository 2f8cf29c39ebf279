#include "subscriptions/resources.h"

#include <algorithm>
#include <charconv>

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

constexpr unsigned kMostDays = 36'500;

std::optional<FaultCode> fault_code_of(const std::error_code& code) {
  if (code.category() != base::win32_category()) return std::nullopt;
  switch (static_cast<Win32>(base::win32_number(code))) {
    case Win32::FileNotFound:
    case Win32::NotFound:
      return FaultCode::ResourceNotFound;
    case Win32::AlreadyExists:
      return FaultCode::AlreadyExists;
    case Win32::EvtMalformedXml:
      return FaultCode::SchemaValidationError;
    case Win32::EcCredentialStoreFull:
      return FaultCode::QuotaLimit;
    case Win32::InvalidParameter:
      return FaultCode::InvalidParameterValue;
    case Win32::EvtInvalidQuery:
    case Win32::EcLogDisabled:
    case Win32::EcCircularForwarding:
    case Win32::EcCredentialNotFound:
    case Win32::EcSubscriptionCannotActivate:
      return FaultCode::InvalidParameter;
    default:
      return std::nullopt;
  }
}

wsman::Fault fault_of(const base::Error& error, std::string_view attempted) {
  const auto code = fault_code_of(error.code);
  if (!code) return wsman::as_fault(error, attempted);
  wsman::Fault fault = wsman::make_fault(*code, error.what);
  fault.windows_code = base::win32_number(error.code);
  return fault;
}

std::string_view name_of(Change change) {
  switch (change) {
    case Change::None:
      return "None";
    case Change::Create:
      return "Create";
    case Change::Change:
      return "Change";
  }
  return {};
}

wsman::Fault no_such_method(const std::string& method) {
  return wsman::make_fault(FaultCode::ActionNotSupported, "The resource has no method " + method + ".");
}

wsman::Result<std::string> selected_id(const wsman::Call& call) {
  if (auto id = call.headers.find_selector(kIdSelector)) return std::move(*id);
  return wsman::make_fault(FaultCode::InsufficientSelectors, "The selector SubscriptionId is missing.");
}

std::vector<wsman::Selector> selectors_of(const std::string& id) {
  return {wsman::Selector{std::string(kIdSelector), id, {}}};
}

wsman::Item item_of(const Subscription& definition) {
  return wsman::Item{to_xml(definition, Passwords::Marked), selectors_of(definition.id), {}};
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

std::vector<std::string> selected_sources(const wsman::Call& call) {
  std::vector<std::string> names;
  for (const wsman::Selector& selector : call.headers.selectors) {
    if (base::equal_ignoring_case(selector.name, kSourceSelector)) names.push_back(selector.value);
  }
  return names;
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

wsman::AsyncResult<std::string> SubscriptionDefinitionResource::invoke(const wsman::Call& call, std::string method) {
  if (method != "Check") co_return no_such_method(method);
  auto definition = definition_in(call);
  if (!definition.ok()) co_return std::move(definition).error();
  const auto change = co_await manager_.check(std::move(*definition));
  if (!change.ok()) co_return fault_of(change.error(), "checking a subscription");
  xml::Writer writer;
  writer.open("Check_OUTPUT").attribute("xmlns", wsman::resource::kSubscriptionDefinition);
  writer.leaf("Change", name_of(*change));
  co_return writer.take();
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
  const std::vector<std::string> wanted = selected_sources(call);
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

wsman::AsyncResult<std::string> SubscriptionStatusResource::invoke(const wsman::Call& call, std::string method) {
  if (method != "Retry" && method != "ForgetSilent") co_return no_such_method(method);
  auto id = selected_id(call);
  if (!id.ok()) co_return std::move(id).error();
  xml::Writer writer;
  writer.open(method + "_OUTPUT").attribute("xmlns", wsman::resource::kSubscriptionStatus);
  if (method == "Retry") {
    std::vector<std::string> sources = selected_sources(call);
    const auto retried = co_await manager_.retry(std::move(*id), std::move(sources));
    if (!retried.ok()) co_return fault_of(retried.error(), "retrying a subscription");
    co_return writer.take();
  }
  const std::string days(base::trimmed(call.body.child(wsman::resource::kSubscriptionStatus, "Days").text()));
  unsigned count = 0;
  const auto [end, code] = std::from_chars(days.data(), days.data() + days.size(), count);
  if (code != std::errc() || end != days.data() + days.size() || count == 0 || count > kMostDays) {
    co_return wsman::make_fault(FaultCode::InvalidParameter, "Days must be a whole number, 1 to 36500.");
  }
  const auto forgotten = co_await manager_.forget_silent(std::move(*id), std::chrono::hours(24) * count);
  if (!forgotten.ok()) co_return fault_of(forgotten.error(), "forgetting sources");
  writer.leaf("Forgotten", std::to_string(*forgotten));
  co_return writer.take();
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
