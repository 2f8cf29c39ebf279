// The parts of the decision who may have a subscription; admits() itself is in manager.h.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/auth/principal.h"
#include "subscriptions/subscription.h"

namespace subscriptions {

/// The authority nearest to the machine's certificate that the subscription allows; nothing where there is none.
std::optional<std::string> allowed_issuer_of(const Subscription& subscription, const auth::Principal& machine);

/// True where the definition lists the machine under one of its names as an event source that is not enabled.
bool is_disabled_by_name(const Subscription& subscription, const auth::Principal& machine);

/// True where the definition lists the machine of that name as an event source, enabled or not.
bool is_listed(const Subscription& subscription, std::string_view name);

/// Whether this principal is the source of that Address in a collector-initiated subscription: one of the names of its
/// certificate, or the name of a user, is the Address. Here a first label means nothing: it does not tell machines apart.
bool is_source(std::string_view address, const auth::Principal& machine);

/// Whether an EventSource's Address means the machine of that name: the same name, or its first label.
bool is_address_of(std::string_view address, std::string_view name);

}  // namespace subscriptions
