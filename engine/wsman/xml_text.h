// Texts of elements as the protocol means them.

#pragma once

#include <string>

#include "engine/xml/element.h"

namespace wsman {

/// Without the white space around it.
std::string trimmed_text(xml::Element element);

/// The element's own text or else that of the first descendant which has one, at most a few levels deep: a fault's message
/// may be wrapped in faults of providers.
std::string innermost_text(xml::Element element);

}  // namespace wsman
