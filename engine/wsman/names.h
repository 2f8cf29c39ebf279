// Every URI of the protocol, once.
//
// Source: wsman-protocol, sections 1 and 2; wef-wire, section 2.

#pragma once

#include <string_view>

namespace wsman {

/// XML namespaces.
namespace ns {
inline constexpr std::string_view kSoap = "http://www.w3.org/2003/05/soap-envelope";
inline constexpr std::string_view kSoap11 = "http://schemas.xmlsoap.org/soap/envelope/";
inline constexpr std::string_view kAddressing = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
inline constexpr std::string_view kWsman = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
inline constexpr std::string_view kMicrosoft = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd";
inline constexpr std::string_view kTransfer = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
inline constexpr std::string_view kEnumeration = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
inline constexpr std::string_view kEventing = "http://schemas.xmlsoap.org/ws/2004/08/eventing";
inline constexpr std::string_view kCimBinding = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd";
inline constexpr std::string_view kIdentity = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
inline constexpr std::string_view kFault = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault";
inline constexpr std::string_view kSubscription = "http://schemas.microsoft.com/wbem/wsman/1/subscription";
inline constexpr std::string_view kMachineId = "http://schemas.microsoft.com/wbem/wsman/1/machineid";
inline constexpr std::string_view kPolicy = "http://schemas.xmlsoap.org/ws/2002/12/policy";
inline constexpr std::string_view kPolicy2004 = "http://schemas.xmlsoap.org/ws/2004/09/policy";
inline constexpr std::string_view kAuthentication = "http://schemas.microsoft.com/wbem/wsman/1/authentication";
inline constexpr std::string_view kXsi = "http://www.w3.org/2001/XMLSchema-instance";
inline constexpr std::string_view kXsd = "http://www.w3.org/2001/XMLSchema";
inline constexpr std::string_view kXml = "http://www.w3.org/XML/1998/namespace";
}  // namespace ns

/// Values of a:Action.
namespace action {
inline constexpr std::string_view kGet = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get";
inline constexpr std::string_view kPut = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Put";
inline constexpr std::string_view kCreate = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create";
inline constexpr std::string_view kDelete = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete";
inline constexpr std::string_view kEnumerate = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate";
inline constexpr std::string_view kPull = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull";
inline constexpr std::string_view kRelease = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Release";
inline constexpr std::string_view kSubscribe = "http://schemas.xmlsoap.org/ws/2004/08/eventing/Subscribe";
inline constexpr std::string_view kRenew = "http://schemas.xmlsoap.org/ws/2004/08/eventing/Renew";
inline constexpr std::string_view kGetStatus = "http://schemas.xmlsoap.org/ws/2004/08/eventing/GetStatus";
inline constexpr std::string_view kUnsubscribe = "http://schemas.xmlsoap.org/ws/2004/08/eventing/Unsubscribe";
inline constexpr std::string_view kSubscriptionEnd = "http://schemas.xmlsoap.org/ws/2004/08/eventing/SubscriptionEnd";
inline constexpr std::string_view kEvents = "http://schemas.dmtf.org/wbem/wsman/1/wsman/Events";
inline constexpr std::string_view kEvent = "http://schemas.dmtf.org/wbem/wsman/1/wsman/Event";
inline constexpr std::string_view kHeartbeat = "http://schemas.dmtf.org/wbem/wsman/1/wsman/Heartbeat";
inline constexpr std::string_view kDroppedEvents = "http://schemas.dmtf.org/wbem/wsman/1/wsman/DroppedEvents";
inline constexpr std::string_view kAck = "http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack";
inline constexpr std::string_view kEnd = "http://schemas.microsoft.com/wbem/wsman/1/wsman/End";
inline constexpr std::string_view kWsmanFault = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault";
inline constexpr std::string_view kAddressingFault = "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault";
inline constexpr std::string_view kEnumerationFault = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/fault";
inline constexpr std::string_view kEventingFault = "http://schemas.xmlsoap.org/ws/2004/08/eventing/fault";
inline constexpr std::string_view kTransferFault = "http://schemas.xmlsoap.org/ws/2004/09/transfer/fault";
}  // namespace action

/// Resource URIs. Those that begin with "urn:muster:" are our own: what Windows keeps behind RPC interfaces.
namespace resource {
inline constexpr std::string_view kSubscriptionList =
    "http://schemas.microsoft.com/wbem/wsman/1/SubscriptionManager/Subscription";
inline constexpr std::string_view kEventLog = "http://schemas.microsoft.com/wbem/wsman/1/windows/EventLog";
inline constexpr std::string_view kFullDuplex = "http://schemas.microsoft.com/wbem/wsman/1/wsman/FullDuplex";
/// Logs and their properties: what `wevtutil el gl sl gli cl` ask for.
inline constexpr std::string_view kLog = "urn:muster:wsman:1:log";
/// Counts of events: what `wevtutil stats` asks for.
inline constexpr std::string_view kCount = "urn:muster:wsman:1:count";
/// Those who make events, and what is known of theirs: what `wevtutil ep gp` ask for.
inline constexpr std::string_view kPublisher = "urn:muster:wsman:1:publisher";
/// The store as a whole: what `muster store backup` asks for.
inline constexpr std::string_view kStore = "urn:muster:wsman:1:store";
/// Users of Basic authentication: what `muster user` asks for.
inline constexpr std::string_view kUser = "urn:muster:wsman:1:user";
/// Subscription definitions: what `wecutil es gs cs ss ds` ask for.
inline constexpr std::string_view kSubscriptionDefinition = "urn:muster:wsman:1:subscription";
/// Their run-time status: what `wecutil gr` asks for.
inline constexpr std::string_view kSubscriptionStatus = "urn:muster:wsman:1:subscription-status";
}  // namespace resource

inline constexpr std::string_view kAnonymous = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
inline constexpr std::string_view kEventQueryDialect = "http://schemas.microsoft.com/win/2004/08/events/eventquery";
inline constexpr std::string_view kSelectorDialect = "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter";
inline constexpr std::string_view kXPathDialect = "http://www.w3.org/TR/1999/REC-xpath-19991116";
inline constexpr std::string_view kWqlDialect = "http://schemas.microsoft.com/wbem/wsman/1/WQL";
inline constexpr std::string_view kAssociationDialect = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/associationFilter";
inline constexpr std::string_view kModePush = "http://schemas.xmlsoap.org/ws/2004/08/eventing/DeliveryModes/Push";
inline constexpr std::string_view kModePushWithAck = "http://schemas.dmtf.org/wbem/wsman/1/wsman/PushWithAck";
inline constexpr std::string_view kModeEvents = "http://schemas.dmtf.org/wbem/wsman/1/wsman/Events";
inline constexpr std::string_view kModePull = "http://schemas.dmtf.org/wbem/wsman/1/wsman/Pull";
inline constexpr std::string_view kProfilePrefix = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/";
inline constexpr std::string_view kFaultDetailPrefix = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/";

}  // namespace wsman
