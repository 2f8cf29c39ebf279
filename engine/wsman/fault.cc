#include "engine/wsman/fault.h"

#include <array>

#include "engine/base/log.h"
#include "engine/base/win32.h"
#include "engine/wsman/names.h"

namespace wsman {
namespace {

// Windows sends every fault with this status (wsman-protocol, section 3); its clients look for a fault only there.
constexpr unsigned kStatus = 500;

constexpr std::uint32_t wsman_number(std::uint32_t low) {
  return 0x80338000u + low;
}

using enum FaultCode;

// Rows in the order of the enumeration. Numbers: wsman-error-codes; subcodes and details: wsman-protocol, section 8.2.
constexpr std::array kRows{
    FaultRow{VersionMismatch, "VersionMismatch", "", "", wsman_number(0x0D), kStatus,
             "The message is not a SOAP 1.2 envelope"},
    FaultRow{MustUnderstand, "MustUnderstand", "", "", wsman_number(0x10), kStatus,
             "The request has a header that must be understood, and is not understood here"},
    FaultRow{DataEncodingUnknown, "DataEncodingUnknown", "", "", wsman_number(0x0E), kStatus,
             "The data encoding of the message is unknown"},
    FaultRow{AccessDenied, "Sender", "w:AccessDenied", "", 5, kStatus, "Access is denied"},
    FaultRow{ActionNotSupported, "Sender", "a:ActionNotSupported", "", wsman_number(0x13), kStatus,
             "The resource does not support this action"},
    FaultRow{ActionMismatch, "Sender", "a:ActionNotSupported", "ActionMismatch", wsman_number(0x31), kStatus,
             "The action does not fit the body of the request"},
    FaultRow{AlreadyExists, "Sender", "w:AlreadyExists", "", wsman_number(0x33), kStatus,
             "There is an instance with this identity already"},
    FaultRow{CannotProcessFilter, "Sender", "n:CannotProcessFilter", "", wsman_number(0x1A), kStatus,
             "The filter of the enumeration cannot be used"},
    FaultRow{Concurrency, "Sender", "w:Concurrency", "", wsman_number(0x32), kStatus,
             "Another operation on the same instance stands in the way"},
    FaultRow{DeliveryModeRequestedUnavailable, "Sender", "e:DeliveryModeRequestedUnavailable", "", wsman_number(0x1E),
             kStatus, "This delivery mode is not available"},
    FaultRow{DeliveryRefused, "Receiver", "w:DeliveryRefused", "", wsman_number(0x34), kStatus,
             "The receiver wants no more deliveries of this subscription"},
    FaultRow{DestinationUnreachable, "Sender", "a:DestinationUnreachable", "", wsman_number(0x12), kStatus,
             "There is nothing at this address"},
    FaultRow{InvalidResourceUri, "Sender", "a:DestinationUnreachable", "InvalidResourceURI", wsman_number(0x3B), kStatus,
             "The resource URI is missing or names no resource of this service"},
    FaultRow{ResourceNotFound, "Sender", "a:DestinationUnreachable", "InvalidResourceURI", wsman_number(0x00), kStatus,
             "There is no instance with these selectors"},
    FaultRow{EncodingLimit, "Sender", "w:EncodingLimit", "", wsman_number(0x35), kStatus,
             "The request exceeds a limit of this service"},
    FaultRow{CharacterSet, "Sender", "w:EncodingLimit", "CharacterSet", wsman_number(0x4C), kStatus,
             "The character set of the request is not supported"},
    FaultRow{MaxEnvelopeSizeExceeded, "Sender", "w:EncodingLimit", "MaxEnvelopeSizeExceeded", wsman_number(0x48), kStatus,
             "The response would be larger than the request allows"},
    FaultRow{MinimumEnvelopeLimit, "Sender", "w:EncodingLimit", "MinimumEnvelopeLimit", wsman_number(0x7E), kStatus,
             "MaxEnvelopeSize must be at least 8192"},
    FaultRow{EndpointUnavailable, "Receiver", "a:EndpointUnavailable", "", wsman_number(0x14), kStatus,
             "The service cannot take the request at the moment"},
    FaultRow{EventSourceUnableToProcess, "Receiver", "e:EventSourceUnableToProcess", "", wsman_number(0x23), kStatus,
             "The source cannot serve this subscription"},
    FaultRow{EventDeliverToUnusable, "Receiver", "w:EventDeliverToUnusable", "CannotComplyWithPolicy", wsman_number(0x15E),
             kStatus, "The source cannot comply with the policy of the delivery address"},
    FaultRow{FilterDialectRequestedUnavailable, "Sender", "n:FilterDialectRequestedUnavailable", "", wsman_number(0x19),
             kStatus, "This filter dialect is not supported"},
    FaultRow{FilteringNotSupported, "Sender", "n:FilteringNotSupported", "", wsman_number(0x18), kStatus,
             "The resource cannot be enumerated with a filter"},
    FaultRow{FilteringRequestedUnavailable, "Sender", "e:FilteringRequestedUnavailable", "", wsman_number(0x22), kStatus,
             "The filter of the subscription is not supported"},
    FaultRow{FragmentTransferNotSupported, "Sender", "w:UnsupportedFeature", "FragmentLevelAccess", wsman_number(0x77),
             kStatus, "The resource cannot be read or written in fragments"},
    FaultRow{InternalError, "Receiver", "w:InternalError", "", 1359, kStatus, "The service met an internal error"},
    FaultRow{InvalidBookmark, "Sender", "w:InvalidBookmark", "", wsman_number(0x38), kStatus, "The bookmark is not valid"},
    FaultRow{InvalidEnumerationContext, "Receiver", "n:InvalidEnumerationContext", "", wsman_number(0x1B), kStatus,
             "The enumeration context is not valid, or no longer"},
    FaultRow{InvalidExpirationTime, "Sender", "e:InvalidExpirationTime", "", wsman_number(0x1F), kStatus,
             "The expiration time of the subscription is not valid"},
    FaultRow{InvalidMessage, "Sender", "e:InvalidMessage", "", wsman_number(0x25), kStatus,
             "The eventing message is not complete or not valid"},
    FaultRow{InvalidMessageInformationHeader, "Sender", "a:InvalidMessageInformationHeader", "", wsman_number(0x0F), kStatus,
             "A header of the request is not valid"},
    FaultRow{InvalidOptions, "Sender", "w:InvalidOptions", "", wsman_number(0x39), kStatus,
             "An option of the request is not valid"},
    FaultRow{InvalidParameter, "Sender", "w:InvalidParameter", "", wsman_number(0x3A), kStatus,
             "A parameter of the request is not valid"},
    FaultRow{InvalidRepresentation, "Sender", "x:InvalidRepresentation", "InvalidValues", wsman_number(0x56), kStatus,
             "The representation in the request is not valid"},
    FaultRow{InsufficientSelectors, "Sender", "w:InvalidSelectors", "InsufficientSelectors", wsman_number(0x5A), kStatus,
             "The request has too few selectors"},
    FaultRow{UnexpectedSelectors, "Sender", "w:InvalidSelectors", "UnexpectedSelectors", wsman_number(0x5B), kStatus,
             "The request has selectors that the resource does not know"},
    FaultRow{InvalidSelectorValue, "Sender", "w:InvalidSelectors", "InvalidValue", wsman_number(0x5D), kStatus,
             "A selector of the request has a value that is not valid"},
    FaultRow{DuplicateSelectors, "Sender", "w:InvalidSelectors", "DuplicateSelectors", wsman_number(0x5F), kStatus,
             "The request has a selector twice"},
    FaultRow{MessageInformationHeaderRequired, "Sender", "a:MessageInformationHeaderRequired", "", wsman_number(0x11),
             kStatus, "A header that is required is missing"},
    FaultRow{NoAck, "Sender", "w:NoAck", "", wsman_number(0x30), kStatus, "The delivery was not acknowledged"},
    FaultRow{PullInProgress, "Sender", "w:Concurrency", "", wsman_number(0x06), kStatus,
             "Another Pull of the same enumeration is in progress"},
    FaultRow{QuotaLimit, "Sender", "w:QuotaLimit", "", wsman_number(0x3F), kStatus,
             "The user has too many operations in progress"},
    FaultRow{SchemaValidationError, "Sender", "w:SchemaValidationError", "", wsman_number(0x41), kStatus,
             "The XML of the request is not valid"},
    FaultRow{TimedOut, "Receiver", "w:TimedOut", "", wsman_number(0x29), kStatus,
             "The operation did not finish within its time"},
    FaultRow{UnableToRenew, "Receiver", "e:UnableToRenew", "", wsman_number(0x24), kStatus,
             "The subscription cannot be renewed"},
    FaultRow{UnsupportedFeature, "Sender", "w:UnsupportedFeature", "", wsman_number(0x42), kStatus,
             "The request asks for a feature that is not supported"},
    FaultRow{UnsupportedAddressingMode, "Sender", "w:UnsupportedFeature", "AddressingMode", wsman_number(0x76), kStatus,
             "Replies and faults go to the anonymous address only"},
    FaultRow{UnsupportedEnumerationMode, "Sender", "w:UnsupportedFeature", "EnumerationMode", wsman_number(0x86), kStatus,
             "The resource does not support this enumeration mode"},
    FaultRow{UnsupportedLocale, "Sender", "w:UnsupportedFeature", "Locale", wsman_number(0x87), kStatus,
             "A locale cannot be insisted on"},
    FaultRow{UriLimitExceeded, "Sender", "w:EncodingLimit", "URILimitExceeded", wsman_number(0x2D), kStatus,
             "A URI of the request is too long"},
    FaultRow{SelectorLimit, "Sender", "w:EncodingLimit", "SelectorLimit", wsman_number(0x4A), kStatus,
             "The request has too many selectors"},
    FaultRow{OptionLimit, "Sender", "w:EncodingLimit", "OptionLimit", wsman_number(0x4B), kStatus,
             "The request has too many options"},
    FaultRow{EncodingType, "Sender", "w:EncodingLimit", "EncodingType", wsman_number(0x119), kStatus,
             "The compressed body of the request cannot be expanded"},
    FaultRow{UnreportableSuccess, "Sender", "w:EncodingLimit", "UnreportableSuccess", wsman_number(0x4D), kStatus,
             "The operation succeeded, but its response is larger than the request allows"},
    FaultRow{InvalidEnumerationExpiration, "Sender", "n:InvalidExpirationTime", "", wsman_number(0x16), kStatus,
             "The expiration time of the enumeration is not valid"},
    FaultRow{UnsupportedEnumerationExpiration, "Sender", "w:UnsupportedFeature", "ExpirationTime", wsman_number(0x17),
             kStatus, "An enumeration cannot expire at a point in time"},
    FaultRow{InvalidNamespace, "Sender", "x:InvalidRepresentation", "InvalidNamespace", wsman_number(0x58), kStatus,
             "The representation in the request is in a namespace that does not belong to the resource"},
    // The rest of the catalogue, in its order.
    FaultRow{WsmanCannotProcessFilter, "Sender", "w:CannotProcessFilter", "", wsman_number(0x122), kStatus,
             "The filter cannot be used"},
    FaultRow{InvalidFragmentPath, "Sender", "w:CannotProcessFilter", "", wsman_number(0x93), kStatus,
             "The path of the fragment is not valid"},
    FaultRow{RequestTooLarge, "Sender", "w:EncodingLimit", "MaxEnvelopeSize", wsman_number(0x47), kStatus,
             "The envelope is larger than MaxEnvelopeSize"},
    FaultRow{ServiceEnvelopeLimit, "Sender", "w:EncodingLimit", "ServiceEnvelopeLimit", wsman_number(0x49), kStatus,
             "The envelope is larger than the service allows"},
    FaultRow{Whitespace, "Sender", "w:EncodingLimit", "Whitespace", wsman_number(0x4E), kStatus,
             "White space stands where it must not"},
    FaultRow{ResourceOffline, "Receiver", "a:EndpointUnavailable", "ResourceOffline", wsman_number(0x14), kStatus,
             "The resource is off-line at the moment"},
    FaultRow{EndpointUnavailableValue, "Receiver", "a:EndpointUnavailable", "InvalidValues", wsman_number(0x11A), kStatus,
             "A value that the service depends on is not valid at the moment"},
    FaultRow{UnusableAddress, "Sender", "e:EventSourceUnableToProcess", "UnusableAddress", wsman_number(0x95), kStatus,
             "The source cannot reach the delivery address"},
    FaultRow{PolicyTooComplex, "Receiver", "w:EventDeliverToUnusable", "PolicyTooComplex", wsman_number(0x15D), kStatus,
             "The policy of the delivery address is too complex"},
    FaultRow{EventFilteringNotSupported, "Sender", "e:FilteringNotSupported", "", wsman_number(0x21), kStatus,
             "The resource cannot be subscribed to with a filter"},
    FaultRow{FilteringRequired, "Sender", "e:FilteringRequestedUnavailable", "FilteringRequired", wsman_number(0x4F),
             kStatus, "The resource can be subscribed to only with a filter"},
    FaultRow{FragmentDialectNotSupported, "Receiver", "w:FragmentDialectNotSupported", "", wsman_number(0x90), kStatus,
             "This fragment dialect is not supported"},
    FaultRow{BookmarkExpired, "Sender", "w:InvalidBookmark", "Expired", wsman_number(0x50), kStatus,
             "What the bookmark names is no longer there"},
    FaultRow{BookmarkFormat, "Sender", "w:InvalidBookmark", "InvalidFormat", wsman_number(0x38), kStatus,
             "The bookmark cannot be read"},
    FaultRow{MissingNotifyTo, "Sender", "e:InvalidMessage", "", wsman_number(0xA0), kStatus,
             "The subscription names no place for its events"},
    FaultRow{MissingNotifyToAddress, "Sender", "e:InvalidMessage", "", wsman_number(0xA1), kStatus,
             "The place for the events has no address"},
    FaultRow{InvalidNotifyToAddress, "Sender", "e:InvalidMessage", "", wsman_number(0xA2), kStatus,
             "The address for the events is not valid"},
    FaultRow{InvalidHeartbeat, "Sender", "e:InvalidMessage", "", wsman_number(0xA4), kStatus,
             "The heartbeat of the subscription is not valid"},
    FaultRow{InvalidDeliveryMode, "Sender", "e:InvalidMessage", "", wsman_number(0xA8), kStatus,
             "The delivery mode of the subscription is not valid"},
    FaultRow{InvalidTimeout, "Sender", "a:InvalidMessageInformationHeader", "InvalidTimeout", wsman_number(0x81), kStatus,
             "The timeout of the request is not valid"},
    FaultRow{OptionsNotSupported, "Sender", "w:InvalidOptions", "NotSupported", wsman_number(0x51), kStatus,
             "The request insists on an option that is not supported"},
    FaultRow{OptionsInvalidName, "Sender", "w:InvalidOptions", "InvalidName", wsman_number(0x52), kStatus,
             "An option of the request has a name that is not valid"},
    FaultRow{OptionsInvalidValue, "Sender", "w:InvalidOptions", "InvalidValue", wsman_number(0x53), kStatus,
             "An option of the request has a value that is not valid"},
    FaultRow{ParameterTypeMismatch, "Sender", "w:InvalidParameter", "TypeMismatch", wsman_number(0x54), kStatus,
             "A parameter of the request has the wrong type"},
    FaultRow{InvalidParameterName, "Sender", "w:InvalidParameter", "InvalidName", wsman_number(0x55), kStatus,
             "A parameter of the request has a name that is not valid"},
    FaultRow{InvalidParameterValue, "Sender", "w:InvalidParameter", "InvalidValue", 87, kStatus,
             "A parameter of the request has a value that is not valid"},
    FaultRow{UnfitRepresentation, "Sender", "x:InvalidRepresentation", "", wsman_number(0x15), kStatus,
             "The representation in the request cannot be used"},
    FaultRow{MissingValues, "Sender", "x:InvalidRepresentation", "MissingValues", wsman_number(0x57), kStatus,
             "The representation in the request lacks values"},
    FaultRow{InvalidFragment, "Sender", "x:InvalidRepresentation", "InvalidFragment", wsman_number(0x59), kStatus,
             "The fragment in the request is not valid"},
    FaultRow{InvalidSelectors, "Sender", "w:InvalidSelectors", "", wsman_number(0x3D), kStatus,
             "The selectors of the request are not valid"},
    FaultRow{SelectorTypeMismatch, "Sender", "w:InvalidSelectors", "TypeMismatch", wsman_number(0x5C), kStatus,
             "A selector of the request has a value of the wrong type"},
    FaultRow{AmbiguousSelectors, "Sender", "w:InvalidSelectors", "AmbiguousSelectors", wsman_number(0x5E), kStatus,
             "The selectors of the request fit more than one instance"},
    FaultRow{InvalidXml, "Sender", "w:SchemaValidationError", "", wsman_number(0x43), kStatus,
             "The request is not well-formed XML"},
    FaultRow{EnumerationTimedOut, "Receiver", "n:TimedOut", "", wsman_number(0x1C), kStatus,
             "The enumeration did not go on within its time"},
    FaultRow{UnableToRenewEnumeration, "Receiver", "n:UnableToRenew", "", wsman_number(0x1D), kStatus,
             "The enumeration cannot be renewed"},
    FaultRow{UnsupportedAuthorizationMode, "Sender", "w:UnsupportedFeature", "AuthorizationMode", wsman_number(0x64),
             kStatus, "This way to authorise is not supported"},
    FaultRow{UnsupportedAck, "Sender", "w:UnsupportedFeature", "Ack", wsman_number(0x65), kStatus,
             "Acknowledgements are not supported"},
    FaultRow{UnsupportedAsynchronousRequest, "Sender", "w:UnsupportedFeature", "AsynchronousRequest", wsman_number(0x42),
             kStatus, "Asynchronous requests are not supported"},
    FaultRow{UnsupportedOperationTimeout, "Sender", "w:UnsupportedFeature", "OperationTimeout", wsman_number(0x66), kStatus,
             "This operation timeout is not supported"},
    FaultRow{UnsupportedDataLocale, "Sender", "w:UnsupportedFeature", "DataLocale", wsman_number(0x87), kStatus,
             "A data locale cannot be insisted on"},
    FaultRow{LocaleNotSupported, "Sender", "w:UnsupportedFeature", "Locale", wsman_number(0x67), kStatus,
             "This locale is not supported"},
    FaultRow{ExpirationTimeNotSupported, "Sender", "w:UnsupportedFeature", "ExpirationTime", wsman_number(0x68), kStatus,
             "This expiration time is not supported"},
    FaultRow{UnsupportedDeliveryRetries, "Sender", "w:UnsupportedFeature", "DeliveryRetries", wsman_number(0x69), kStatus,
             "Repeated delivery is not supported"},
    FaultRow{UnsupportedHeartbeats, "Sender", "w:UnsupportedFeature", "Heartbeats", wsman_number(0x6A), kStatus,
             "Heartbeats are not supported"},
    FaultRow{UnsupportedBookmarks, "Sender", "w:UnsupportedFeature", "Bookmarks", wsman_number(0x6B), kStatus,
             "Bookmarks are not supported"},
    FaultRow{UnsupportedMaxElements, "Sender", "w:UnsupportedFeature", "MaxElements", wsman_number(0x11D), kStatus,
             "This MaxElements is not supported"},
    FaultRow{UnsupportedMaxTime, "Sender", "w:UnsupportedFeature", "MaxTime", wsman_number(0x6D), kStatus,
             "This MaxTime is not supported"},
    FaultRow{UnsupportedMaxEnvelopeSize, "Sender", "w:UnsupportedFeature", "MaxEnvelopeSize", wsman_number(0x6E), kStatus,
             "This MaxEnvelopeSize is not supported"},
    FaultRow{UnsupportedMaxEnvelopePolicy, "Sender", "w:UnsupportedFeature", "MaxEnvelopePolicy", wsman_number(0x6F),
             kStatus, "This policy for large events is not supported"},
    FaultRow{UnsupportedFilteringRequired, "Sender", "w:UnsupportedFeature", "FilteringRequired", wsman_number(0x70),
             kStatus, "That events must be filtered is not supported"},
    FaultRow{UnsupportedInsecureAddress, "Sender", "w:UnsupportedFeature", "InsecureAddress", wsman_number(0x71), kStatus,
             "Deliveries to an address without security are not supported"},
    FaultRow{UnsupportedFormat, "Sender", "w:UnsupportedFeature", "FormatMismatch", wsman_number(0x72), kStatus,
             "This format is not supported"},
    FaultRow{UnsupportedSecurityToken, "Sender", "w:UnsupportedFeature", "FormatSecurityToken", wsman_number(0x73), kStatus,
             "This format of a security token is not supported"},
    FaultRow{UnsupportedMissingValues, "Sender", "w:UnsupportedFeature", "MissingValues", wsman_number(0x42), kStatus,
             "Values that are missing are not supported"},
    FaultRow{UnsupportedInvalidValues, "Sender", "w:UnsupportedFeature", "InvalidValues", wsman_number(0x42), kStatus,
             "These values are not supported"},
    FaultRow{UnsupportedNamespace, "Sender", "w:UnsupportedFeature", "InvalidNamespace", wsman_number(0x42), kStatus,
             "This namespace is not supported"},
    FaultRow{UnsupportedOptionSet, "Sender", "w:UnsupportedFeature", "OptionSet", wsman_number(0x42), kStatus,
             "Options are not supported"},
    FaultRow{UnsupportedExpirationType, "Sender", "e:UnsupportedExpirationType", "", wsman_number(0x20), kStatus,
             "A subscription can expire only after a duration"},
    FaultRow{UnsupportedEnumerationExpirationType, "Sender", "n:UnsupportedExpirationType", "", wsman_number(0x11C), kStatus,
             "An enumeration can expire only after a duration"},
    FaultRow{PolymorphismModeNotSupported, "Receiver", "b:PolymorphismModeNotSupported", "", wsman_number(0x137), kStatus,
             "This polymorphism mode is not supported"},
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].code) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order());
static_assert(kRows.back().code == PolymorphismModeNotSupported);

/// Numbers that Windows puts into the faults of a row besides the row's own.
struct FurtherNumber {
  std::uint32_t number;
  FaultCode code;
};
constexpr std::array kFurtherNumbers{
    FurtherNumber{wsman_number(0x01), ActionNotSupported},         // an action URI that is none
    FurtherNumber{wsman_number(0x94), UnsupportedFormat},          // batches in a mode that has none
    FurtherNumber{wsman_number(0x96), UnsupportedAddressingMode},  // EndTo
    FurtherNumber{wsman_number(0xA6), OptionsNotSupported},        // of a subscription
    FurtherNumber{wsman_number(0x6C), UnsupportedMaxElements},
    FurtherNumber{wsman_number(0xFA), InsufficientSelectors},  // of a class that is no singleton
    FurtherNumber{wsman_number(0x1A5), QuotaLimit},            // shells of a user
    FurtherNumber{wsman_number(0x1A6), QuotaLimit},            // operations of a user
    FurtherNumber{wsman_number(0x1A7), QuotaLimit},            // load of a user
    FurtherNumber{wsman_number(0x1A8), QuotaLimit},            // load of the system
    FurtherNumber{wsman_number(0x1AB), QuotaLimit},            // users of shells
    FurtherNumber{wsman_number(0x1E4), QuotaLimit},            // of a plugin, and so the next four
    FurtherNumber{wsman_number(0x1E5), QuotaLimit},
    FurtherNumber{wsman_number(0x1E6), QuotaLimit},
    FurtherNumber{wsman_number(0x1E7), QuotaLimit},
    FurtherNumber{wsman_number(0x1E8), QuotaLimit},
};

const FaultRow* find_own_number(std::uint32_t number) {
  for (const FaultRow& row : kRows) {
    if (row.windows_code == number) return &row;
  }
  return nullptr;
}

const FaultRow* find_further_number(std::uint32_t number) {
  for (const FurtherNumber& further : kFurtherNumbers) {
    if (further.number == number) return &kRows[static_cast<std::size_t>(further.code)];
  }
  return nullptr;
}

}  // namespace

const FaultRow& row_of(FaultCode code) {
  return kRows[static_cast<std::size_t>(code)];
}

const FaultRow& row_of(std::uint32_t windows_code, std::string_view subcode, std::string_view detail) {
  // Some rows share a number, and some a subcode.
  for (const FaultRow& row : kRows) {
    if (row.windows_code == windows_code && row.subcode == subcode && row.detail == detail) return row;
  }
  // A Win32 code says less than the subcode that it comes with.
  const FaultRow* own = find_own_number(windows_code);
  if (own != nullptr && windows_code >= 0x80000000u) return *own;
  const FaultRow* near = nullptr;
  for (const FaultRow& row : kRows) {
    if (row.subcode.empty() || row.subcode != subcode) continue;
    if (row.detail == detail) return row;
    if (near == nullptr) near = &row;
  }
  if (near == nullptr) near = own != nullptr ? own : find_further_number(windows_code);
  return near != nullptr ? *near : row_of(InternalError);
}

std::span<const FaultRow> fault_rows() {
  return kRows;
}

std::vector<std::uint32_t> numbers_of(FaultCode code) {
  std::vector<std::uint32_t> numbers{row_of(code).windows_code};
  for (const FurtherNumber& further : kFurtherNumbers) {
    if (further.code == code) numbers.push_back(further.number);
  }
  return numbers;
}

std::uint32_t windows_code_of(const Fault& fault) {
  return fault.windows_code != 0 ? fault.windows_code : row_of(fault.code).windows_code;
}

std::string_view action_of(FaultCode code) {
  const std::string_view subcode = row_of(code).subcode;
  switch (subcode.empty() ? 'a' : subcode.front()) {
    case 'n':
      return action::kEnumerationFault;
    case 'e':
      return action::kEventingFault;
    case 'x':
      return action::kTransferFault;
    case 'w':
    case 'b':
      return action::kWsmanFault;
    default:
      return action::kAddressingFault;
  }
}

Fault make_fault(FaultCode code, std::string reason) {
  Fault fault;
  fault.code = code;
  fault.reason = std::move(reason);
  return fault;
}

Fault as_fault(const base::Error& error, std::string_view attempted) {
  if (error.code.category() == base::win32_category()) {
    const std::uint32_t number = base::win32_number(error.code);
    const FaultRow* row = find_own_number(number);
    if (row == nullptr) row = find_further_number(number);
    Fault fault = make_fault(row != nullptr ? row->code : InternalError, error.message());
    fault.windows_code = number;
    return fault;
  }
  base::log_error("{}: {}", attempted, error.message());
  if (error.code == std::errc::no_space_on_device) {
    Fault fault = make_fault(EndpointUnavailable, "There is not enough space on the disk of the service");
    fault.windows_code = static_cast<std::uint32_t>(base::Win32::DiskFull);
    return fault;
  }
  if (error.code == std::errc::timed_out) return make_fault(TimedOut);
  return make_fault(InternalError);
}

base::Error as_error(const Fault& fault) {
  const std::string_view text = fault.reason.empty() ? row_of(fault.code).text : std::string_view(fault.reason);
  return base::make_error(base::win32_code(windows_code_of(fault)), std::string(text));
}

}  // namespace wsman
