// Who may have a subscription.

#include "subscriptions/admission.h"

#include <algorithm>

#include "engine/base/encoding.h"
#include "subscriptions/manager.h"

namespace subscriptions {
namespace {

std::vector<std::string> names_of(const auth::Principal& machine) {
  if (!machine.names.empty()) return machine.names;
  if (machine.name.empty()) return {};
  return {machine.name};
}

bool matches_any(const std::vector<std::string>& patterns, const std::vector<std::string>& names) {
  for (const std::string& pattern : patterns) {
    for (const std::string& name : names) {
      if (base::matches_wildcard(pattern, name)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> allowed_issuer_of(const Subscription& subscription, const auth::Principal& machine) {
  for (const std::string& issuer : machine.issuers) {
    for (const std::string& allowed : subscription.allowed_issuers) {
      if (base::equal_ignoring_case(issuer, allowed)) return allowed;
    }
  }
  return std::nullopt;
}

bool is_disabled_by_name(const Subscription& subscription, const auth::Principal& machine) {
  for (const EventSource& source : subscription.sources) {
    if (source.enabled) continue;
    for (const std::string& name : names_of(machine)) {
      if (is_address_of(source.address, name)) return true;
    }
  }
  return false;
}

bool is_listed(const Subscription& subscription, std::string_view name) {
  return std::any_of(subscription.sources.begin(), subscription.sources.end(),
                     [name](const EventSource& source) { return is_address_of(source.address, name); });
}

bool is_address_of(std::string_view address, std::string_view name) {
  if (base::equal_ignoring_case(address, name)) return true;
  // A NetBIOS name stands for any machine whose DNS name begins with it.
  return !address.empty() && address.find_first_of(".:") == std::string_view::npos &&
         base::equal_ignoring_case(address, name.substr(0, name.find('.')));
}

bool is_source(std::string_view address, const auth::Principal& machine) {
  if (machine.scheme == auth::Principal::Scheme::Basic) return base::equal_ignoring_case(address, machine.name);
  if (machine.scheme != auth::Principal::Scheme::Certificate) return false;
  const auto names = names_of(machine);
  return std::any_of(names.begin(), names.end(),
                     [address](const std::string& name) { return base::equal_ignoring_case(address, name); });
}

bool admits(const Subscription& subscription, const auth::Principal& machine) {
  if (subscription.type != Type::SourceInitiated) return false;
  if (machine.scheme != auth::Principal::Scheme::Certificate) return false;
  const auto names = names_of(machine);
  if (matches_any(subscription.denied_subjects, names)) return false;
  return allowed_issuer_of(subscription, machine).has_value() && matches_any(subscription.allowed_subjects, names);
}

}  // namespace subscriptions
