// The run-time status of a subscription as XML: our own form of what Windows' tool asks for over RPC.
//
//   <SubscriptionStatus xmlns="urn:muster:wsman:1:subscription-status">
//     <SubscriptionId/> <RunTimeStatus/> <LastError/> <ErrorMessage/> <ErrorTime/> <EventSource>…</EventSource>*
//   </SubscriptionStatus>
//
// The three about an error stand there only where it cannot be active as a whole. An EventSource holds Address,
// RunTimeStatus, LastError and, where there is something to tell, ErrorMessage, ErrorTime, NextRetryTime, LastHeartbeatTime,
// LastEventTime, NetworkAddress, Events, DroppedEvents and LostEvents. Times are UTC.

#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/xml/element.h"
#include "subscriptions/manager.h"

namespace subscriptions {

std::string write_status(const SubscriptionStatus& status);
/// An EventSource that stands alone.
std::string write_source_status(const SourceStatus& source);

/// Either element: of an EventSource alone a status without an id, with that one source. Errors: Win32::InvalidData for
/// anything else.
base::Result<SubscriptionStatus> read_status(xml::Element element);

}  // namespace subscriptions
