// Identify: the one message without addressing, and the one that strangers may send.
//
// Source: wsman-protocol, section 5.

#pragma once

#include <string>
#include <vector>

#include "engine/wsman/envelope.h"

namespace wsman {

bool is_identify(const Envelope& request);

/// The security profiles of a service, for instance "https/mutual", and who made it. For strangers `profiles` is empty and
/// `authenticated` false: then the version of the system is not told.
Message identify_response(const std::string& vendor, const std::vector<std::string>& profiles, bool authenticated);

}  // namespace wsman
