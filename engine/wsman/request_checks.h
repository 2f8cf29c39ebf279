// The rules that hold for the headers of every request, whatever it asks for.
//
// Source: wsman-protocol, sections 4.3 and 7.

#pragma once

#include "engine/wsman/envelope.h"
#include "engine/wsman/fault.h"
#include "engine/wsman/resource.h"

namespace wsman {

/// Faults: MustUnderstand for a header that must be understood and is not known, UnsupportedLocale and
/// UnsupportedDataLocale.
Result<void> check_understood(const Envelope& request);

/// What is missing, what contradicts, and what goes elsewhere than to the anonymous address. Faults:
/// MessageInformationHeaderRequired, InvalidMessageInformationHeader, UnsupportedAddressingMode, MinimumEnvelopeLimit,
/// ActionNotSupported for an action that is no URI, ActionMismatch for a body that belongs to another action.
Result<void> check_addressing(const Envelope& request);

/// Faults: OptionsNotSupported for an option that is insisted on and that the resource does not heed.
Result<void> check_options(const Headers& headers, const Resource& resource);

}  // namespace wsman
