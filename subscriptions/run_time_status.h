// How subscriptions and their sources fare: derived from what was heard and tried. Source: wecutil, section 9.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "subscriptions/manager.h"

namespace subscriptions {

/// Whether the definition is in force: enabled, and not expired.
bool is_served(const Subscription& definition, base::WallTime now);

/// When a source was last heard of, in whatever way; the epoch where it never was.
base::WallTime last_heard(const storage::DeliveryState& delivery);

/// What the status of one subscription is made of.
struct StatusInputs {
  const Subscription& definition;
  std::vector<storage::DeliveryState> deliveries;
  std::map<std::string, SourceAttempt> attempts;  ///< by address in lower case
  bool has_connector = false;
  bool log_disabled = false;
  base::WallTime now;
};
/// Sources in the order of their names: those heard of in the last 30 days, and those that the definition lists.
SubscriptionStatus derive_status(StatusInputs inputs);

/// An attempt as a document of the state store, and back; nothing where it cannot be read.
std::string write_attempt(const SourceAttempt& attempt);
std::optional<SourceAttempt> read_attempt(const std::string& text);

}  // namespace subscriptions
