// The resources whose instances are told apart by selectors: listeners, certificate mappings, plugins.

#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/configuration.h"
#include "engine/wsman/names.h"
#include "engine/wsman/resource.h"

namespace config {

/// Fault: UnexpectedSelectors.
wsman::Result<void> check_no_selectors(const wsman::Call& call);

/// The values of the selectors `names`, in their order; none may be missing, and there may be no other. Faults:
/// InsufficientSelectors, UnexpectedSelectors.
wsman::Result<std::vector<std::string>> read_selectors(const wsman::Call& call, const std::string_view* names,
                                                       std::size_t count);

/// Restore_OUTPUT in the namespace of `uri`.
std::string restore_output(std::string_view uri);
/// Whether Restore was called as it may be, with an empty body or without one. Fault: SchemaValidation.
wsman::Result<void> check_restore_input(xml::Element body);

/// Writes into the log who has changed what: "ada has deleted …/config/listener Address=* Transport=HTTP".
void tell_change(const wsman::Call& call, std::string_view verb);

/// Get, Put, Create, Delete and Enumerate over the records of a `Family`:
///
///   kUri, kSelectors     the resource URI, the names of its keys
///   kReferences          whether an enumeration gives references
///   Key, Change, Record  what is made of selectors, of a body, and what there is
///   make_key(texts), read(body, key), find(current, key), records(current), item(record, effects)
///   create(configuration, key, change), change(…), remove(configuration, key)
///   kRestores            whether there is the method Restore, which restore(configuration) does
template <typename Family>
class KeyedResource final : public wsman::Resource {
 public:
  explicit KeyedResource(Configuration& configuration) : configuration_(configuration) {}
  std::string_view uri() const override { return Family::kUri; }
  bool answers_at_once(std::string_view action) const override { return action == wsman::action::kGet; }

  wsman::AsyncResult<wsman::Item> get(const wsman::Call& call) override {
    ASSIGN_OR_CO_RETURN(const typename Family::Key key, key_of(call));
    co_return item(key);
  }

  wsman::AsyncResult<wsman::Item> put(const wsman::Call& call) override {
    ASSIGN_OR_CO_RETURN(const typename Family::Key key, key_of(call));
    ASSIGN_OR_CO_RETURN(typename Family::Change change, Family::read(call.body, key));
    CO_RETURN_IF_ERROR(co_await Family::change(configuration_, key, std::move(change)));
    tell_change(call, "changed");
    co_return item(key);
  }

  wsman::AsyncResult<wsman::Item> create(const wsman::Call& call) override {
    ASSIGN_OR_CO_RETURN(const typename Family::Key key, key_of(call));
    ASSIGN_OR_CO_RETURN(typename Family::Change change, Family::read(call.body, key));
    CO_RETURN_IF_ERROR(co_await Family::create(configuration_, key, std::move(change)));
    tell_change(call, "created");
    co_return item(key);
  }

  wsman::AsyncResult<void> remove(const wsman::Call& call) override {
    ASSIGN_OR_CO_RETURN(const typename Family::Key key, key_of(call));
    CO_RETURN_IF_ERROR(co_await Family::remove(configuration_, key));
    tell_change(call, "deleted");
    co_return wsman::Result<void>();
  }

  wsman::AsyncResult<std::unique_ptr<wsman::Enumerator>> enumerate(const wsman::Call& call,
                                                                   wsman::EnumerateRequest) override {
    CO_RETURN_IF_ERROR(check_no_selectors(call));
    const auto current = configuration_.current();
    std::vector<wsman::Item> items;
    for (const typename Family::Record& record : Family::records(*current)) {
      items.push_back(Family::item(record, configuration_.effects()));
      if (!Family::kReferences) items.back().selectors.clear();
    }
    co_return wsman::enumerate_items(std::move(items));
  }

  wsman::AsyncResult<std::string> invoke(const wsman::Call& call, std::string method) override {
    if constexpr (Family::kRestores) {
      CO_RETURN_IF_ERROR(check_no_selectors(call));
      if (method == "Restore") {
        CO_RETURN_IF_ERROR(check_restore_input(call.body));
        CO_RETURN_IF_ERROR(co_await Family::restore(configuration_));
        co_return restore_output(uri());
      }
    }
    co_return wsman::make_fault(wsman::FaultCode::ActionNotSupported, "There is no method " + method.substr(0, 100));
  }

 private:
  static wsman::Result<typename Family::Key> key_of(const wsman::Call& call) {
    ASSIGN_OR_RETURN(const auto texts, read_selectors(call, Family::kSelectors.data(), Family::kSelectors.size()));
    return Family::make_key(texts);
  }

  wsman::Result<wsman::Item> item(const typename Family::Key& key) const {
    const auto current = configuration_.current();
    const typename Family::Record* record = Family::find(*current, key);
    if (record == nullptr) return wsman::make_fault(wsman::FaultCode::ResourceNotFound);
    return Family::item(*record, configuration_.effects());
  }

  Configuration& configuration_;
};

}  // namespace config
