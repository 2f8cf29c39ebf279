#include "engine/config/resources.h"

#include <algorithm>
#include <array>

#include "engine/base/encoding.h"
#include "engine/config/faults.h"
#include "engine/config/quick_config.h"
#include "engine/xml/writer.h"

namespace config {
namespace {

wsman::Result<void> check_no_selectors(const wsman::Call& call) {
  if (call.headers.selectors.empty()) return {};
  return wsman::make_fault(wsman::FaultCode::UnexpectedSelectors);
}

/// The values of the selectors `names`, in their order; none may be missing, and there may be no other.
template <std::size_t Count>
wsman::Result<std::array<std::string, Count>> read_selectors(const wsman::Call& call,
                                                             const std::array<std::string_view, Count>& names) {
  std::array<std::string, Count> values;
  for (std::size_t i = 0; i < Count; ++i) {
    auto value = call.headers.find_selector(names[i]);
    if (!value) {
      return wsman::make_fault(wsman::FaultCode::InsufficientSelectors,
                               "The selector " + std::string(names[i]) + " is missing");
    }
    values[i] = std::move(*value);
  }
  for (const wsman::Selector& selector : call.headers.selectors) {
    const bool known =
        std::ranges::any_of(names, [&](std::string_view name) { return base::equal_ignoring_case(name, selector.name); });
    if (!known) {
      return wsman::make_fault(wsman::FaultCode::UnexpectedSelectors,
                               "There is no selector " + selector.name.substr(0, 100));
    }
  }
  return values;
}

wsman::Result<ListenerKey> listener_key(const wsman::Call& call) {
  ASSIGN_OR_RETURN(const auto values, read_selectors(call, std::array<std::string_view, 2>{"Address", "Transport"}));
  return make_listener_key(values[0], values[1]);
}

wsman::Result<CertMappingKey> mapping_key(const wsman::Call& call) {
  ASSIGN_OR_RETURN(const auto values, read_selectors(call, std::array<std::string_view, 3>{"Issuer", "Subject", "URI"}));
  return make_cert_mapping_key(values[0], values[1], values[2]);
}

wsman::Fault no_filter() {
  return wsman::make_fault(wsman::FaultCode::FilteringNotSupported);
}

wsman::Item item_of(Listener listener, Effects& effects) {
  const Listening listening = effects.listening_on(listener.key);
  if (listening.port != 0) listener.port = listening.port;
  wsman::Item item;
  item.xml = write_listener(listener, listening.addresses);
  item.selectors = {{"Address", listener.key.address, {}}, {"Transport", std::string(listener.key.transport()), {}}};
  return item;
}

}  // namespace

wsman::Item NodeResource::item() {
  auto current = configuration_.current();
  wsman::Item item;
  std::lock_guard lock(mutex_);
  if (written_of_ != current) {
    written_ = write_document(node_, current->values);
    written_of_ = std::move(current);
  }
  item.xml = written_;
  return item;
}

wsman::AsyncResult<wsman::Item> NodeResource::get(const wsman::Call& call) {
  CO_RETURN_IF_ERROR(check_no_selectors(call));
  co_return item();
}

wsman::AsyncResult<wsman::Item> NodeResource::put(const wsman::Call& call) {
  CO_RETURN_IF_ERROR(check_no_selectors(call));
  ASSIGN_OR_CO_RETURN(Given given, read_document(node_, call.body));
  CO_RETURN_IF_ERROR(co_await configuration_.set(std::move(given)));
  co_return item();
}

wsman::AsyncResult<std::string> NodeResource::invoke(const wsman::Call& call, std::string method) {
  CO_RETURN_IF_ERROR(check_no_selectors(call));
  if (node_ == Node::Service) co_return co_await quick_config(configuration_, std::move(method), call.body);
  if (node_ != Node::Config || method != "Restore") {
    co_return wsman::make_fault(wsman::FaultCode::ActionNotSupported, "There is no method " + method.substr(0, 100));
  }
  CO_RETURN_IF_ERROR(co_await configuration_.restore());
  xml::Writer writer;
  writer.open("cfg:Restore_OUTPUT").attribute("xmlns:cfg", uri_);
  co_return writer.take();
}

wsman::Result<wsman::Item> ListenerResource::item(const ListenerKey& key) const {
  const auto current = configuration_.current();
  const auto found = std::ranges::find(current->listeners, key, &Listener::key);
  if (found == current->listeners.end()) return wsman::make_fault(wsman::FaultCode::ResourceNotFound);
  return item_of(*found, configuration_.effects());
}

wsman::AsyncResult<wsman::Item> ListenerResource::get(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const ListenerKey key, listener_key(call));
  co_return item(key);
}

wsman::AsyncResult<wsman::Item> ListenerResource::put(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const ListenerKey key, listener_key(call));
  ASSIGN_OR_CO_RETURN(ListenerChange change, read_listener(call.body, key));
  CO_RETURN_IF_ERROR(co_await configuration_.change_listener(key, std::move(change)));
  co_return item(key);
}

wsman::AsyncResult<wsman::Item> ListenerResource::create(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const ListenerKey key, listener_key(call));
  ASSIGN_OR_CO_RETURN(ListenerChange change, read_listener(call.body, key));
  CO_RETURN_IF_ERROR(co_await configuration_.create_listener(key, std::move(change)));
  co_return item(key);
}

wsman::AsyncResult<void> ListenerResource::remove(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const ListenerKey key, listener_key(call));
  co_return co_await configuration_.remove_listener(key);
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> ListenerResource::enumerate(const wsman::Call& call,
                                                                                   wsman::EnumerateRequest request) {
  CO_RETURN_IF_ERROR(check_no_selectors(call));
  if (request.filter) co_return no_filter();
  const auto current = configuration_.current();
  std::vector<wsman::Item> items;
  for (const Listener& listener : current->listeners) items.push_back(item_of(listener, configuration_.effects()));
  co_return wsman::enumerate_items(std::move(items));
}

wsman::Result<wsman::Item> CertMappingResource::item(const CertMappingKey& key) const {
  const auto current = configuration_.current();
  const auto found = std::ranges::find(current->mappings, key, &CertMapping::key);
  if (found == current->mappings.end()) return wsman::make_fault(wsman::FaultCode::ResourceNotFound);
  wsman::Item item;
  item.xml = write_cert_mapping(*found);
  item.selectors = {{"Issuer", key.issuer, {}}, {"Subject", key.subject, {}}, {"URI", key.uri, {}}};
  return item;
}

wsman::AsyncResult<wsman::Item> CertMappingResource::get(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const CertMappingKey key, mapping_key(call));
  co_return item(key);
}

wsman::AsyncResult<wsman::Item> CertMappingResource::put(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const CertMappingKey key, mapping_key(call));
  ASSIGN_OR_CO_RETURN(CertMappingChange change, read_cert_mapping(call.body, key));
  CO_RETURN_IF_ERROR(co_await configuration_.change_mapping(key, std::move(change)));
  co_return item(key);
}

wsman::AsyncResult<wsman::Item> CertMappingResource::create(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const CertMappingKey key, mapping_key(call));
  ASSIGN_OR_CO_RETURN(CertMappingChange change, read_cert_mapping(call.body, key));
  CO_RETURN_IF_ERROR(co_await configuration_.create_mapping(key, std::move(change)));
  co_return item(key);
}

wsman::AsyncResult<void> CertMappingResource::remove(const wsman::Call& call) {
  ASSIGN_OR_CO_RETURN(const CertMappingKey key, mapping_key(call));
  co_return co_await configuration_.remove_mapping(key);
}

wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> CertMappingResource::enumerate(const wsman::Call& call,
                                                                                      wsman::EnumerateRequest request) {
  CO_RETURN_IF_ERROR(check_no_selectors(call));
  if (request.filter) co_return no_filter();
  const auto current = configuration_.current();
  std::vector<wsman::Item> items;
  for (const CertMapping& mapping : current->mappings) {
    wsman::Item item;
    item.xml = write_cert_mapping(mapping);
    items.push_back(std::move(item));
  }
  co_return wsman::enumerate_items(std::move(items));
}

std::vector<std::unique_ptr<wsman::Resource>> make_resources(Configuration& configuration) {
  std::vector<std::unique_ptr<wsman::Resource>> resources;
  for (std::size_t i = 0; i < kNodes; ++i) {
    resources.push_back(std::make_unique<NodeResource>(configuration, static_cast<Node>(i)));
  }
  resources.push_back(std::make_unique<ListenerResource>(configuration));
  resources.push_back(std::make_unique<CertMappingResource>(configuration));
  return resources;
}

}  // namespace config
