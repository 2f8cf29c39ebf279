// Who may deliver what to which subscription.

#include <algorithm>

#include "engine/wsman/names.h"
#include "subscriptions/admission.h"
#include "subscriptions/manager_state.h"
#include "subscriptions/run_time_status.h"

namespace subscriptions {
namespace {

using wsman::FaultCode;

/// What an address says that a message without the header came to: PREFIX/subscriptions/IDENTIFIER, perhaps with more
/// behind it.
std::string_view identifier_in(std::string_view path) {
  constexpr std::string_view kFolder = "/subscriptions/";
  const auto folder = path.rfind(kFolder);
  if (folder == std::string_view::npos) return path.substr(path.rfind('/') + 1);
  path.remove_prefix(folder + kFolder.size());
  return path.substr(0, path.find('/'));
}

wsman::Fault unknown() {
  return wsman::make_fault(FaultCode::DestinationUnreachable, "There is no subscription of that identifier.");
}

Admitted admitted_source(const Entry& entry, const EventSource& source) {
  const Subscription& definition = entry.definition;
  return Admitted{definition.id, definition.log_file, source.address, true, entry.basis.whole_channels};
}

wsman::Result<void> check_in_force(const Subscription& definition, bool enabled, base::WallTime now) {
  if (enabled && is_served(definition, now)) return {};
  return wsman::make_fault(FaultCode::DeliveryRefused, "The subscription is disabled or has expired.");
}

}  // namespace

bool Connector::expects(const std::string& /*id*/, const std::string& /*address*/, std::string_view /*path*/) {
  return true;
}
void Connector::heard(const std::string& /*id*/, const std::string& /*address*/, const SourceNews& /*news*/) {}
std::string_view Connector::ack_action(const std::string& /*id*/, const std::string& /*address*/) const {
  return {};
}

wsman::Result<Admitted> Manager::admit(const auth::Principal& machine, std::string_view identifier,
                                       std::string_view path) const {
  if (identifier.empty()) identifier = identifier_in(path);
  const auto definitions = state_->snapshot();
  const base::WallTime now = state_->clock.wall();
  if (const EntryPointer entry = definitions->find_identifier(identifier)) {
    const Subscription& definition = entry->definition;
    if (!admits(definition, machine)) {
      return wsman::make_fault(FaultCode::AccessDenied, "This machine is not admitted to the subscription.");
    }
    RETURN_IF_ERROR(check_in_force(definition, !is_disabled_by_name(definition, machine), now));
    return Admitted{definition.id, definition.log_file, machine.name, false, entry->basis.whole_channels};
  }
  const auto [entry, place] = definitions->find_source(identifier);
  if (!entry) return unknown();
  const EventSource& source = entry->definition.sources[place];
  if (!is_source(source.address, machine)) {
    return wsman::make_fault(FaultCode::AccessDenied, "This is not the machine that was subscribed at.");
  }
  RETURN_IF_ERROR(check_in_force(entry->definition, source.enabled, now));
  const std::lock_guard guard(state_->work_lock);
  Connector* const connector = state_->connector;
  if (connector != nullptr && !connector->expects(entry->definition.id, source.address, path)) {
    return wsman::make_fault(FaultCode::DeliveryRefused, "Another subscription has taken the place of this one.");
  }
  return admitted_source(*entry, source);
}

wsman::Result<Admitted> Manager::admit_source(std::string_view id, std::string_view address) const {
  const EntryPointer entry = state_->snapshot()->find(id);
  if (!entry) return unknown();
  const auto found = entry->source_identifiers.find(source_identifier_of(id, address));
  if (found == entry->source_identifiers.end()) return unknown();
  const EventSource& source = entry->definition.sources[found->second];
  RETURN_IF_ERROR(check_in_force(entry->definition, source.enabled, state_->clock.wall()));
  return admitted_source(*entry, source);
}

void Manager::tell_heard(const Admitted& admitted, const SourceNews& news) const {
  if (!admitted.initiated_here) return;
  const std::lock_guard guard(state_->work_lock);
  if (state_->connector != nullptr) state_->connector->heard(admitted.subscription, admitted.machine, news);
}

std::string_view Manager::ack_action(std::string_view identifier, std::string_view path) const {
  if (identifier.empty()) identifier = identifier_in(path);
  const auto [entry, place] = state_->snapshot()->find_source(identifier);
  if (!entry) return wsman::action::kAck;
  const std::lock_guard guard(state_->work_lock);
  std::string_view action;
  if (state_->connector != nullptr) {
    action = state_->connector->ack_action(entry->definition.id, entry->definition.sources[place].address);
  }
  return action.empty() ? wsman::action::kAck : action;
}

}  // namespace subscriptions
