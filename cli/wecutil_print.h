// What wecutil prints.

#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "subscriptions/manager.h"
#include "subscriptions/subscription.h"

namespace cli {

/// `gr`, in pieces: the subscription's lines, then those of each source. Source: wecutil, section 9.
void print_status(std::ostream& out, const subscriptions::SubscriptionStatus& status);
void print_source_status(std::ostream& out, const subscriptions::SourceStatus& source);

/// The JSON forms: an array of ids; one object each. Names are those of the text forms, times are UTC.
void print_ids_json(std::ostream& out, const std::vector<std::string>& ids);
void print_subscription_json(std::ostream& out, const subscriptions::Subscription& subscription);
void print_status_json(std::ostream& out, const subscriptions::SubscriptionStatus& status);

}  // namespace cli
