// References to instances: what a:EndpointReference and x:ResourceCreated hold.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/wsman/envelope.h"

namespace wsman {

/// The address and parameters of an instance, for an element around them: the anonymous address, the resource URI and the
/// selectors.
std::string reference_parts(std::string_view resource_uri, const std::vector<Selector>& selectors);

/// The same as an a:EndpointReference.
std::string endpoint_reference(std::string_view resource_uri, const std::vector<Selector>& selectors);

}  // namespace wsman
